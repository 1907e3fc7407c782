/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box: the store's secret: seals what is encrypted at rest, and keys its hashes. Layer: store.
 */
#ifndef STORE_BOX_H
#define STORE_BOX_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOX_KEY_SIZE 32
/* What sealing adds: nonce and authenticator. */
#define BOX_EXTRA 40
/* A keyed hash as hex digits and NUL. */
#define BOX_HASH_TEXT 33

struct box {
	uint8_t seal_key[BOX_KEY_SIZE]; /* XChaCha20-Poly1305 */
	uint8_t hash_key[BOX_KEY_SIZE]; /* BLAKE2b, keyed */
};

/**
 * Read the secret from a file, or make it (mode 0600) when there is none.
 *
 * @param path  NULL: a fresh secret in memory, for tests.
 * @return 0; -EBADMSG when the file is not one of ours; else a negative errno.
 */
MUSTUSE int box_open(const char *path, struct box *ret, struct errmsg *reterr);
/** Wipe it. */
void box_done(struct box *b);

/**
 * Compress and seal.
 *
 * @param bound   Goes into the authenticator, not into the box: an id, so that boxes can't be
 *                exchanged for each other.
 * @param ret     Room for box_size(plain.len) octets.
 * @return Octets written, or -ENOMEM.
 */
MUSTUSE int box_seal(const struct box *b, struct str bound, struct str plain, void *ret);
size_t box_size(size_t plain_len);
/** @return Octets written to `ret`; -EBADMSG: not sealed by this key, bound to something else,
 *          damaged, or more than `size`. */
MUSTUSE int box_unseal(const struct box *b, struct str bound, struct str sealed, void *ret,
		       size_t size);

/** Keyed hash of a purpose and a text; different purposes never give the same hash. */
void box_hash(const struct box *b, const char *purpose, struct str text,
	      char ret[static BOX_HASH_TEXT]);
bool box_is_equal(struct str a, struct str b); /* in constant time */

/** A random token: "pt_" and 43 letters of base64url; ends in NUL. @param ret 48 octets. */
void box_token(char *ret);

#endif

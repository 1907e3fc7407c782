/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url_set: URLs, hosts and domains of one list, as one flat block of memory that is made in one
 * process and only looked at in another.
 *
 * Holds keyed 64-bit hashes, not names: 16 octets an entry, and two of a million entries fall on
 * each other once in 37 million lists. An entry is a URL (host and path), a host, or a domain,
 * which stands for all hosts in it. Layer: core (pure).
 */
#ifndef CORE_URL_SET_H
#define CORE_URL_SET_H

#include "base/attr.h"
#include "base/err.h"
#include "base/siphash.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum url_entry {
	URL_ENTRY_URL,
	URL_ENTRY_HOST,
	URL_ENTRY_DOMAIN,
	URL_ENTRY_COUNT,
};

/* Entries of one set, at most. */
#define URL_SET_MAX 4000000
/* Octets of a URL that are compared; a longer one is the same as another that begins like it. */
#define URL_TEXT_MAX 2048

/* A view into the block; all zero is the empty set. */
struct url_set {
	struct siphash_key key;
	const uint64_t *slots;
	uint64_t mask;
	uint64_t count;
	unsigned kinds; /* a bit for each enum url_entry that is there */
};

/**
 * The hash of an entry; 0 when the text is none.
 *
 * @param text  A URL for URL_ENTRY_URL (scheme, user, port and fragment do not count), else a name.
 */
uint64_t url_entry_hash(const struct siphash_key *key, enum url_entry kind, struct str text);

/**
 * A host or domain as it is compared: lower case, ASCII, without "www.".
 *
 * @param ret  IDNA_NAME_MAX + 1 octets; ends in NUL.
 * @return Its octets; 0 when it is no name, or one without a dot.
 */
size_t url_entry_name(struct str text, char *ret);

/** Octets of a block for so many entries. */
size_t url_set_size(size_t count);
/**
 * Make a block.
 *
 * @param hashes  Of url_entry_hash, doubles allowed, none 0.
 * @param block   url_set_size(count) octets, aligned to 8.
 */
void url_set_build(const struct siphash_key *key, const uint64_t *hashes, size_t count,
		   unsigned kinds, void *block);
/**
 * Look into a block, whoever made it.
 *
 * @param block  Aligned to 8; outlives `ret`.
 * @return 0, or -EBADMSG: it is none, or not whole.
 */
MUSTUSE int url_set_open(const void *block, size_t size, struct url_set *ret);

/**
 * Is this URL on the list: itself, its host, or a domain above that?
 *
 * @param url  As it stands in a mail: "https://Host/path", "www.host".
 * @return false also for what is no URL with a host.
 */
bool url_set_has(const struct url_set *s, struct str url);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256: the hash that names samples, weights files and training messages.
 *
 * libsodium's, behind one header (docs/adr/0002), so that the pure layers need not know it.
 * Layer: base.
 *
 * Source: FIPS 180-4.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

#define SHA256_OCTETS 32
/* The hash in hexadecimal and its NUL. */
#define SHA256_TEXT_SIZE 65

/* Embedded by callers; what is inside is the library's. */
struct sha256 {
	uint64_t opaque[13];
};

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *data, size_t len);
/** The hash of all that was added; `h` is spent afterwards. */
void sha256_end(struct sha256 *h, uint8_t ret[static SHA256_OCTETS]);

/** All three in one. */
void sha256_of(struct str data, uint8_t ret[static SHA256_OCTETS]);

/** 64 lower-case hexadecimal digits and NUL. @return ret_text */
char *sha256_format(const uint8_t hash[static SHA256_OCTETS],
		    char ret_text[static SHA256_TEXT_SIZE]);

#endif

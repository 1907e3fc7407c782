/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siphash: SipHash, the keyed hash for tables whose keys strangers choose. Layer: base.
 *
 * SipHash-2-4 is libsodium's, behind one header (docs/adr/0002). SipHash-1-3 is for tables that are
 * asked for every line of a log and whose hashes nobody outside ever sees (docs/adr/0040); what is
 * asked most often goes by base/linhash.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012).
 */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct siphash_key {
	uint64_t k0;
	uint64_t k1;
};

PURE uint64_t siphash(const struct siphash_key *key, const void *data, size_t len);

/** A key drawn from octets, the same from the same ones: for what must come out the same each time
 * the same is read, and that who cannot know those octets cannot foresee. */
PURE struct siphash_key siphash_key_of(const void *data, size_t len);

static inline void siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = (v[1] << 13 | v[1] >> 51) ^ v[0];
	v[0] = v[0] << 32 | v[0] >> 32;
	v[2] += v[3];
	v[3] = (v[3] << 16 | v[3] >> 48) ^ v[2];
	v[0] += v[3];
	v[3] = (v[3] << 21 | v[3] >> 43) ^ v[0];
	v[2] += v[1];
	v[1] = (v[1] << 17 | v[1] >> 47) ^ v[2];
	v[2] = v[2] << 32 | v[2] >> 32;
}

/** SipHash-1-3: one round an eight octets, three at the end; in the machine's own byte order. */
static inline uint64_t siphash13(const struct siphash_key *key, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t v[4] = {
		key->k0 ^ UINT64_C(0x736f6d6570736575), key->k1 ^ UINT64_C(0x646f72616e646f6d),
		key->k0 ^ UINT64_C(0x6c7967656e657261), key->k1 ^ UINT64_C(0x7465646279746573)};
	uint64_t last = (uint64_t)len << 56;
	uint64_t word;

	bool is_short = len < sizeof(word);

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		v[3] ^= word;
		siphash_round(v);
		v[0] ^= word;
	}
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	if (!is_short && len > 0) {
		/* The last octets as the end of a word that begins before them. */
		memcpy(&word, p + len - sizeof(word), sizeof(word));
		last |= word >> (8 * (sizeof(word) - len));
		len = 0;
	}
#endif
	for (size_t i = 0; i < len; i++) {
		last |= (uint64_t)p[i] << (8 * i);
	}
	v[3] ^= last;
	siphash_round(v);
	v[0] ^= last;
	v[2] ^= 0xFF;
	siphash_round(v);
	siphash_round(v);
	siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siphash: SipHash-2-4. Layer: base.
 */
#include "base/siphash.h"

#include <string.h>

#include "base/poison.h"

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline uint64_t load_le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline void round_once(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t v[4] = {
		key->k0 ^ UINT64_C(0x736f6d6570736575),
		key->k1 ^ UINT64_C(0x646f72616e646f6d),
		key->k0 ^ UINT64_C(0x6c7967656e657261),
		key->k1 ^ UINT64_C(0x7465646279746573),
	};
	uint64_t last = (uint64_t)len << 56;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t m = load_le64(p + i);
		v[3] ^= m;
		round_once(v);
		round_once(v);
		v[0] ^= m;
	}
	for (size_t i = 0; i < len % 8; i++) {
		last |= (uint64_t)p[len - len % 8 + i] << (8 * i);
	}
	v[3] ^= last;
	round_once(v);
	round_once(v);
	v[0] ^= last;
	v[2] ^= 0xFF;
	for (int i = 0; i < 4; i++) {
		round_once(v);
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

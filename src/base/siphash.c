/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siphash: SipHash-2-4, by libsodium. Layer: base.
 */
#include "base/siphash.h"

#include <sodium/crypto_shorthash.h>
#include <string.h>

#include "base/poison.h"

static_assert(crypto_shorthash_KEYBYTES == sizeof(struct siphash_key), "one key is the other");
static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "one hash is the other");

static uint64_t from_le64(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(v);
#else
	return v;
#endif
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t len)
{
	const uint64_t words[2] = {from_le64(key->k0), from_le64(key->k1)};
	unsigned char octets[crypto_shorthash_KEYBYTES];
	uint64_t hash;

	memcpy(octets, words, sizeof(octets));
	crypto_shorthash((unsigned char *)&hash, data, len, octets);
	return from_le64(hash);
}

struct siphash_key siphash_key_of(const void *data, size_t len)
{
	static const struct siphash_key first = {0x706F737465726E, 0x6B30};
	static const struct siphash_key second = {0x706F737465726E, 0x6B31};

	return (struct siphash_key){siphash(&first, data, len), siphash(&second, data, len)};
}

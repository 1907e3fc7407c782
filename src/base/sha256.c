/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256: SHA-256, by libsodium. Layer: base.
 */
#include "base/sha256.h"

#include "base/attr.h"

#include <sodium/crypto_hash_sha256.h>
#include <string.h>

#include "base/poison.h"

static_assert(sizeof(struct sha256) == sizeof(crypto_hash_sha256_state), "room for the state");
static_assert(SHA256_OCTETS == crypto_hash_sha256_BYTES, "one hash is the other");

static crypto_hash_sha256_state *state_of(struct sha256 *h)
{
	return (crypto_hash_sha256_state *)(void *)h;
}

void sha256_init(struct sha256 *h)
{
	crypto_hash_sha256_init(state_of(h));
}

void sha256_add(struct sha256 *h, const void *data, size_t len)
{
	crypto_hash_sha256_update(state_of(h), data, len);
}

void sha256_end(struct sha256 *h, uint8_t ret[static SHA256_OCTETS])
{
	crypto_hash_sha256_final(state_of(h), ret);
}

void sha256_of(struct str data, uint8_t ret[static SHA256_OCTETS])
{
	crypto_hash_sha256(ret, (const unsigned char *)data.ptr, data.len);
}

char *sha256_format(const uint8_t hash[static SHA256_OCTETS],
		    char ret_text[static SHA256_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_OCTETS; i++) {
		ret_text[2 * i] = digits[hash[i] >> 4];
		ret_text[2 * i + 1] = digits[hash[i] & 15];
	}
	ret_text[2 * SHA256_OCTETS] = '\0';
	return ret_text;
}

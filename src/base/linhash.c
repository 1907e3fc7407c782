/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linhash: the key. Layer: base.
 */
#include "base/linhash.h"

#include "base/poison.h"

static uint64_t number(const struct siphash_key *seed, uint64_t i)
{
	return siphash(seed, &i, sizeof(i));
}

static struct linhash_factor factor(const struct siphash_key *seed, uint64_t i)
{
	return (struct linhash_factor){.low = number(seed, 2 * i), .high = number(seed, 2 * i + 1)};
}

void linhash_key_init(struct linhash_key *k, const struct siphash_key *seed)
{
	k->longer = (struct siphash_key){number(seed, 0), number(seed, 1)};
	k->start = factor(seed, 1);
	k->len = factor(seed, 2);
	for (uint64_t i = 0; i < LINHASH_WORDS; i++) {
		k->words[i] = factor(seed, 3 + i);
	}
}

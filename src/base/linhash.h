/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linhash: a keyed hash of short texts that costs a few multiplications (docs/adr/0042).
 *
 * The text's words of eight octets and its length, each times a random number of 128 bits, summed
 * up (the last words overlap those before, so that they end with the text); the upper 64 bits
 * count. Two texts, whoever chose them, collide with a chance of 2^-64, as long as he sees neither
 * the key nor any hash nor the time that one takes: that is proven, where SipHash is only believed
 * to hold against those who do see hashes. So it is for tables within one process that answers
 * nobody. Longer texts take SipHash-1-3. Source: Lemire and Kaser, "Strongly universal string
 * hashing is fast" (2014), MULTILINEAR. Layer: base.
 */
#ifndef BASE_LINHASH_H
#define BASE_LINHASH_H

#include "base/siphash.h"

/* Octets of the longest text that is hashed so: nearly all addresses and ids. */
#define LINHASH_MAX ((size_t)64)
#define LINHASH_WORDS (LINHASH_MAX / 8)

struct linhash_factor {
	uint64_t low;
	uint64_t high;
};

struct linhash_key {
	struct siphash_key longer;
	struct linhash_factor start;
	struct linhash_factor len;
	struct linhash_factor words[LINHASH_WORDS];
};

/** The key's factors, made of a random seed. */
void linhash_key_init(struct linhash_key *k, const struct siphash_key *seed);

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 linhash_sum;

static inline linhash_sum linhash_times(struct linhash_factor f, uint64_t word)
{
	return (linhash_sum)f.low * word + ((linhash_sum)(f.high * word) << 64);
}

static inline uint64_t linhash_word(const unsigned char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return word;
}

/* Of less than one word: its octets, with zeros. */
static inline uint64_t linhash_rest(const unsigned char *text, size_t len)
{
	uint64_t word = 0;

	for (size_t i = 0; i < len; i++) {
		word = word << 8 | text[i];
	}
	return word;
}

/* The last words are those that end with the text: they overlap the ones before, which tells two
 * texts of one length apart as well, and nearly all texts take one of two ways without a loop. */
static inline uint64_t linhash(const struct linhash_key *k, const void *data, size_t len)
{
	const unsigned char *text = data;

	if (len > LINHASH_MAX) {
		return siphash13(&k->longer, data, len);
	}
	linhash_sum sum = (linhash_sum)k->start.high << 64 | k->start.low;
	sum += linhash_times(k->len, len);
	if (len < 8) {
		sum += linhash_times(k->words[0], linhash_rest(text, len));
	} else if (len <= 16) {
		sum += linhash_times(k->words[0], linhash_word(text));
		sum += linhash_times(k->words[1], linhash_word(text + len - 8));
	} else {
		sum += linhash_times(k->words[0], linhash_word(text));
		sum += linhash_times(k->words[1], linhash_word(text + 8));
		for (size_t i = 16; i + 16 < len; i += 8) {
			sum += linhash_times(k->words[i / 8], linhash_word(text + i));
		}
		sum += linhash_times(k->words[6], linhash_word(text + len - 16));
		sum += linhash_times(k->words[7], linhash_word(text + len - 8));
	}
	/* One to one: ids in a row shall not lie in a row. */
	uint64_t hash = (uint64_t)(sum >> 64);
	hash = (hash ^ hash >> 32) * UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}
#else
static inline uint64_t linhash(const struct linhash_key *k, const void *data, size_t len)
{
	return siphash13(&k->longer, data, len);
}
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign: the identities of a message's content. Layer: core (pure).
 */
#include "core/campaign.h"

#include "base/siphash.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Bits of the counters that count, for each bit of the simhash, the shingles that set it. */
#define PLANES 12
static_assert(CAMPAIGN_WORDS_MAX < (1 << PLANES), "a counter can't overflow");

/* Public on purpose: the same text must have the same identity on every machine. */
static const struct siphash_key public_key = {UINT64_C(0x706f737465726e31),
					      UINT64_C(0x63616d706169676e)};

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* What is part of a word: letters (lower case), digits (all alike), octets of other scripts. */
static unsigned char fold(char c)
{
	unsigned char u = (unsigned char)c;

	if (char_is_alpha(c)) {
		return u | 0x20;
	}
	if (u >= 0x80) {
		return u;
	}
	return char_is_digit(c) ? '0' : 0;
}

/* The start of the next line that is no quotation. */
static const char *skip_quotes(const char *line, const char *end)
{
	while (line < end) {
		const char *p = line;

		while (p < end && char_is_space(*p)) {
			p++;
		}
		if (p == end || (*p != '>' && *p != '|')) {
			return p;
		}
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		line = stop == NULL ? end : stop + 1;
	}
	return end;
}

/* Hash of the next word and 0 at the end of the text; no word has the hash 0. */
static uint64_t next_word(struct str *text, bool is_whole)
{
	if (text->len == 0) {
		return 0;
	}
	const char *p = text->ptr;
	const char *end = p + text->len;
	unsigned char c = 0;

	while (p < end && (c = fold(*p)) == 0) {
		p = *p == '\n' && !is_whole ? skip_quotes(p + 1, end) : p + 1;
	}
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a, mixed by the caller */
	const char *start = p;

	for (; p < end && (c = fold(*p)) != 0; p++) {
		if (p - start < CAMPAIGN_WORD_MAX) {
			hash = (hash ^ c) * UINT64_C(0x100000001b3);
		}
	}
	bool is_word = p > start;

	text->len = (size_t)(end - p);
	text->ptr = p;
	return !is_word ? 0 : hash != 0 ? hash : 1;
}

/* Adds 1 to each of the 64 counters whose bit is set; plane p holds bit p of all counters. */
static void count_bits(uint64_t planes[static PLANES], uint64_t bits)
{
	for (size_t p = 0; p < PLANES && bits != 0; p++) {
		uint64_t carry = planes[p] & bits;

		planes[p] ^= bits;
		bits = carry;
	}
}

static uint64_t majority(const uint64_t planes[static PLANES], uint32_t shingles)
{
	uint64_t result = 0;

	for (unsigned bit = 0; bit < 64; bit++) {
		uint32_t count = 0;

		for (unsigned p = 0; p < PLANES; p++) {
			count |= (uint32_t)(planes[p] >> bit & 1) << p;
		}
		if (2 * count > shingles) {
			result |= UINT64_C(1) << bit;
		}
	}
	return result;
}

/* A shingle counts once: a table of zeros or a row of dashes would outvote all that is written. Two
 * shingles with one mark are taken for one, which leaves out a few in a hundred of a long text. */
#define MARKS (1 << 15)

struct marks {
	uint64_t bits[MARKS / 64];
};

static bool is_new(struct marks *m, uint64_t shingle)
{
	uint64_t *word = &m->bits[shingle >> 32 & (MARKS / 64 - 1)];
	uint64_t bit = UINT64_C(1) << (shingle >> 58);
	bool was_set = (*word & bit) != 0;

	*word |= bit;
	return !was_set;
}

static uint64_t simhash_of(struct str text, bool is_whole, uint32_t *ret_shingles)
{
	struct marks marks = {0};
	uint64_t planes[PLANES] = {0};
	uint64_t before[2] = {0};
	uint32_t words = 0;
	uint32_t shingles = 0;
	uint64_t word;

	if (!is_whole && text.len > 0) {
		text = str_skip(text,
				(size_t)(skip_quotes(text.ptr, text.ptr + text.len) - text.ptr));
	}
	while (words < CAMPAIGN_WORDS_MAX && (word = next_word(&text, is_whole)) != 0) {
		words++;
		uint64_t shingle = mix(mix(mix(before[0]) + before[1]) + word);

		if (words >= 3 && is_new(&marks, shingle)) {
			count_bits(planes, shingle);
			shingles++;
		}
		before[0] = before[1];
		before[1] = word;
	}
	*ret_shingles = shingles;
	if (shingles < CAMPAIGN_SHINGLES_MIN) {
		return 0;
	}
	uint64_t hash = majority(planes, shingles);
	return hash != 0 ? hash : 1;
}

uint64_t campaign_simhash(struct str text, uint32_t *ret_shingles)
{
	uint32_t shingles;
	/* Answers to one long mail that all quote are not copies of each other. */
	uint64_t hash = simhash_of(text, false, &shingles);

	if (hash == 0) {
		hash = simhash_of(text, true, &shingles);
	}
	if (ret_shingles != NULL) {
		*ret_shingles = shingles;
	}
	return hash;
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t host_hash(struct str host)
{
	char lower[256];
	size_t n = host.len < sizeof(lower) ? host.len : sizeof(lower);

	for (size_t i = 0; i < n; i++) {
		lower[i] = char_lower(host.ptr[i]);
	}
	return siphash(&public_key, lower, n);
}

uint64_t campaign_urls_hash(const struct str *hosts, size_t n)
{
	uint64_t hashes[CAMPAIGN_HOSTS_MAX];
	size_t count = n < CAMPAIGN_HOSTS_MAX ? n : CAMPAIGN_HOSTS_MAX;
	uint64_t result = 0;

	if (count == 0) {
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		hashes[i] = host_hash(hosts[i]);
	}
	qsort(hashes, count, sizeof(hashes[0]), compare_hashes);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || hashes[i] != hashes[i - 1]) {
			result = mix(result + hashes[i]);
		}
	}
	return result != 0 ? result : 1;
}

uint64_t campaign_exact_hash(struct str content)
{
	uint64_t hash = siphash(&public_key, content.ptr, content.len);

	return hash != 0 ? hash : 1;
}

bool campaign_is_near(const struct campaign_key *a, const struct campaign_key *b)
{
	if (a->simhash != 0 && b->simhash != 0) {
		return __builtin_popcountll(a->simhash ^ b->simhash) <= CAMPAIGN_HAMMING_MAX;
	}
	if (a->simhash != 0 || b->simhash != 0) {
		return false;
	}
	if (a->urls_hash != 0 || b->urls_hash != 0) {
		return a->urls_hash == b->urls_hash;
	}
	return a->exact != 0 && a->exact == b->exact;
}

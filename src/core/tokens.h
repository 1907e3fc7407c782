/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens: the normalised words of a message, on which all members of the filter stand.
 *
 * Letters become lower case of the plainest form and a word all in capitals gets a `^`; digits
 * become their shape (`$1,499.00` is `$0000`), addresses `xxemail`, URLs `xxurl` and words for
 * their shape; quoted lines are dropped and counted; names of the recipient, `Re:` and `[list]`
 * marks of the subject are dropped. Layer: core (pure).
 */
#ifndef CORE_TOKENS_H
#define CORE_TOKENS_H

#include "base/attr.h"
#include "base/str.h"
#include "core/score.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words of subject and text that are kept; further ones are not read. */
#define TOKENS_MAX 640
/* Octets of the normalised words, blanks between them included. */
#define TOKENS_BYTES 8192
/* Octets of visible text that are read at most. */
#define TOKENS_READ_MAX (32 * 1024)
/* Octets of a word; longer ones become `xxlong`. */
#define TOKEN_BYTES_MAX 40

struct token {
	uint16_t at; /* in text */
	uint16_t len;
	bool is_common; /* a common English word (core/features_frame.h) */
	uint64_t hash;  /* never 0 */
};

/* What was counted on the way, of subject and text together where not said otherwise. */
struct token_counts {
	uint32_t words;
	uint32_t shouted; /* words all in capitals, of two letters or more */
	uint32_t letters;
	uint32_t capitals;
	uint32_t numbers;
	uint32_t money;
	uint32_t percents;
	uint32_t exclamations;
	uint32_t questions;
	uint32_t urls;
	uint32_t emails;
	uint32_t lines;
	uint32_t quoted_lines;
	uint32_t invisible; /* characters nobody sees, inside of words */
	uint32_t disguised; /* words with look-alike or styled letters */
	uint32_t symbols;
	uint32_t subject_letters;
	uint32_t subject_capitals;
	uint32_t subject_exclamations;
};

struct tokens {
	size_t count;
	size_t subject_count; /* the first so many are the subject's */
	size_t text_len;
	struct token_counts counts;
	struct token list[TOKENS_MAX];
	char text[TOKENS_BYTES]; /* the words, a blank after each */
};

/** Read the words of a message; `ret` is set whole. Cost: linear, at most TOKENS_READ_MAX octets.
 */
void tokens_read(const struct score_input *in, struct tokens *ret);

/** The hash of a normalised word (tools/gen-themes computes the same). */
PURE uint64_t tokens_hash(const char *word, size_t len);

/** A word's text, borrowed. */
struct str tokens_text(const struct tokens *t, size_t i);

/** 64 bits of a hash, well mixed; never 0. */
static inline uint64_t tokens_mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return z != 0 ? z : 1;
}

#endif

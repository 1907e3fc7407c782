/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features: what each member of the filter looks at, as numbers of bins.
 *
 * The closed list stands in docs/filter.md; a change here is a new FEATURES_VERSION, and weights
 * of another version are refused. Layer: core (pure).
 */
#ifndef CORE_FEATURES_H
#define CORE_FEATURES_H

#include "core/score.h"
#include "core/tokens.h"

#include <stddef.h>
#include <stdint.h>

#define FEATURES_VERSION 5

/* The members see a message from different sides and are trained apart. */
enum member {
	MEMBER_WORDS,   /* words */
	MEMBER_CHARS,   /* 4 to 6 characters of the normalised words */
	MEMBER_HEAD,    /* words and neighbours, of the first 40 words */
	MEMBER_FRAMES,  /* 3 to 5 words, those that tell the topic by their length */
	MEMBER_ENDINGS, /* 3 words, those that tell the topic by their last octets */
	MEMBER_STYLE,   /* shouting, money, marks, length, quoting */
	MEMBER_FROM,    /* shape of the From name and address, and pairs of its levels */
	MEMBER_THEMES,  /* what it is about, by lists of words */
	MEMBER_COUNT,
};

/* Words that MEMBER_HEAD looks at. */
#define FEATURES_HEAD_WORDS 40
/* Normalised octets that MEMBER_CHARS looks at. */
#define FEATURES_CHARS 3072
/* Features of one member, doubles included, at most. */
#define FEATURES_MAX (3 * FEATURES_CHARS)

/** Binary logarithm of a member's number of bins. */
unsigned features_bits(enum member m);

/**
 * The bins of one message that are set for a member, in the order of the text, doubles included.
 *
 * @param ret  Room for FEATURES_MAX.
 * @return How many.
 */
size_t features_read(enum member m, const struct score_input *in, const struct tokens *t,
		     uint32_t ret[static FEATURES_MAX]);

/** The bin of a pair of words `distance` apart (0: of the first alone). */
uint32_t features_pair_bin(uint64_t first, uint64_t second, unsigned distance);

/** What a bin of MEMBER_STYLE or MEMBER_FROM means, in words; NULL: nothing worth saying. */
const char *features_describe(enum member m, uint32_t bin);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features: bins of the members that read words. Layer: core (pure).
 */
#include "core/features.h"

#include "core/features_frame.h"
#include "core/features_shape.h"
#include "core/features_theme.h"

#include "base/poison.h"

#define HASHED_BITS 18
/* Pieces of words are many more: in a small table everything would stand for something. */
#define CHARS_BITS 20
#define FROM_BITS 16
/* Words that a pair may be apart: single words travel best from one kind of mail to another, and
 * neighbours tell something at the head only (docs/filter.md). */
#define WORDS_DISTANCE 0
#define HEAD_DISTANCE 1
/* Characters of a piece. */
#define CHARS_MIN 4
#define CHARS_MAX 6

unsigned features_bits(enum member m)
{
	switch (m) {
	case MEMBER_WORDS:
	case MEMBER_HEAD:
		return HASHED_BITS;
	case MEMBER_CHARS:
		return CHARS_BITS;
	case MEMBER_FRAMES:
	case MEMBER_ENDINGS:
		return FRAME_BITS;
	case MEMBER_STYLE:
		return SHAPE_BITS;
	case MEMBER_FROM:
		return FROM_BITS;
	case MEMBER_THEMES:
		return THEME_BITS;
	case MEMBER_COUNT:
		break;
	}
	return 0;
}

uint32_t features_pair_bin(uint64_t first, uint64_t second, unsigned distance)
{
	uint64_t pair = distance == 0 ? first : tokens_mix(first * (2 * distance + 1) + second);

	return (uint32_t)(pair >> (64 - HASHED_BITS));
}

static size_t read_words(const struct tokens *t, size_t count, unsigned distance, uint32_t *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t word = t->list[i].hash;

		ret[n++] = features_pair_bin(word, 0, 0);
		for (unsigned d = 1; d <= distance && i + d < count; d++) {
			ret[n++] = features_pair_bin(word, t->list[i + d].hash, d);
		}
	}
	return n;
}

static size_t read_chars(const struct tokens *t, uint32_t *ret)
{
	size_t len = t->text_len < FEATURES_CHARS ? t->text_len : FEATURES_CHARS;
	uint64_t last = 0; /* the last octets, the newest lowest */
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		last = last << 8 | (unsigned char)t->text[i];
		for (unsigned octets = CHARS_MIN; octets <= CHARS_MAX && i + 1 >= octets;
		     octets++) {
			uint64_t gram = last & ((UINT64_C(1) << (8 * octets)) - 1);

			ret[n++] = (uint32_t)(((gram + octets) * UINT64_C(0x9e3779b97f4a7c15)) >>
					      (64 - CHARS_BITS));
		}
	}
	return n;
}

/* The levels as they are, and behind them all pairs of two: a short name with capitals says another
 * thing than either. */
static size_t read_from(const struct score_input *in, uint32_t *ret)
{
	const uint32_t first = UINT32_C(1) << SHAPE_BITS;
	const uint64_t room = (UINT64_C(1) << FROM_BITS) - first;
	size_t n = shape_read_from(in, ret);
	size_t count = n;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = i + 1; k < n; k++) {
			uint64_t hash = tokens_mix((uint64_t)ret[i] << SHAPE_BITS | ret[k]);

			ret[count++] = first + (uint32_t)((hash >> 32) * room >> 32);
		}
	}
	return count;
}

size_t features_read(enum member m, const struct score_input *in, const struct tokens *t,
		     uint32_t ret[static FEATURES_MAX])
{
	static_assert((WORDS_DISTANCE + 1) * TOKENS_MAX <= FEATURES_MAX, "room for all pairs");
	static_assert((CHARS_MAX - CHARS_MIN + 1) * FEATURES_CHARS <= FEATURES_MAX, "and pieces");
	static_assert(FRAME_RUNS * TOKENS_MAX <= FEATURES_MAX, "room for all runs");
	static_assert(SHAPES_MAX * SHAPES_MAX <= FEATURES_MAX, "room for all pairs of shapes");
	static_assert(THEME_BINS_MAX <= FEATURES_MAX, "room for all themes");

	switch (m) {
	case MEMBER_WORDS:
		return read_words(t, t->count, WORDS_DISTANCE, ret);
	case MEMBER_CHARS:
		return read_chars(t, ret);
	case MEMBER_HEAD:
		return read_words(t,
				  t->count < FEATURES_HEAD_WORDS ? t->count : FEATURES_HEAD_WORDS,
				  HEAD_DISTANCE, ret);
	case MEMBER_FRAMES:
		return frame_read(t, ret);
	case MEMBER_ENDINGS:
		return frame_read_endings(t, ret);
	case MEMBER_STYLE:
		return shape_read_style(in, t, ret);
	case MEMBER_FROM:
		return read_from(in, ret);
	case MEMBER_THEMES:
		return theme_read(t, ret);
	case MEMBER_COUNT:
		break;
	}
	return 0;
}

const char *features_describe(enum member m, uint32_t bin)
{
	return m == MEMBER_STYLE || m == MEMBER_FROM ? shape_describe(bin) : NULL;
}

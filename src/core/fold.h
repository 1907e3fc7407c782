/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: which characters the filter takes for the same, so that a word disguised with letters
 * that only look alike is still that word. Layer: core (pure).
 */
#ifndef CORE_FOLD_H
#define CORE_FOLD_H

#include "base/attr.h"

#include <stdbool.h>
#include <stdint.h>

enum fold_class {
	FOLD_BREAK,  /* ends a word */
	FOLD_LETTER, /* of a script with words */
	FOLD_DIGIT,
	FOLD_SINGLE,    /* a word by itself: ideographs, kana, hangul */
	FOLD_INVISIBLE, /* nothing to see: joiners, soft hyphens, direction marks */
	FOLD_SYMBOL,    /* pictures and dingbats */
	FOLD_CLASS_COUNT,
};

struct folded {
	uint32_t cp; /* lower case, of the plainest form */
	enum fold_class class;
	bool was_upper;
	bool was_styled; /* full-width, mathematical, circled … form of a plain letter */
};

/** Class and plain lower-case form of a code point. */
struct folded fold_cp(uint32_t cp);

/** The same for one below 128: nearly all of them. */
static inline struct folded fold_ascii(unsigned char c)
{
	struct folded f = {.cp = c};

	if (c >= 'a' && c <= 'z') {
		f.class = FOLD_LETTER;
	} else if (c >= 'A' && c <= 'Z') {
		f.class = FOLD_LETTER;
		f.cp = c + (uint32_t)('a' - 'A');
		f.was_upper = true;
	} else if (c >= '0' && c <= '9') {
		f.class = FOLD_DIGIT;
	}
	return f;
}

/** The Latin letter that a Cyrillic or Greek one looks like; 0: none. Lower case in and out. */
PURE uint32_t fold_lookalike(uint32_t cp);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold: small tables of ranges instead of the Unicode database: what is missing in them is a
 * letter and stays as it is. Layer: core (pure).
 *
 * Source: Unicode 15 code charts; confusables.txt of UTS #39 for the look-alikes of a to z.
 */
#include "core/fold.h"

#include <stddef.h>

#include "base/poison.h"

struct range {
	uint32_t first;
	uint32_t last;
	enum fold_class class;
};

/* In order; a code point over 127 in none of them is a letter. */
static const struct range ranges[] = {
	{0x80, 0xa9, FOLD_BREAK},         {0xab, 0xac, FOLD_BREAK},
	{0xad, 0xad, FOLD_INVISIBLE},     {0xae, 0xb4, FOLD_BREAK},
	{0xb6, 0xb9, FOLD_BREAK},         {0xbb, 0xbf, FOLD_BREAK},
	{0xd7, 0xd7, FOLD_BREAK},         {0xf7, 0xf7, FOLD_BREAK},
	{0x300, 0x36f, FOLD_INVISIBLE},   {0x61c, 0x61c, FOLD_INVISIBLE},
	{0x115f, 0x1160, FOLD_INVISIBLE}, {0x180e, 0x180e, FOLD_INVISIBLE},
	{0x2000, 0x200a, FOLD_BREAK},     {0x200b, 0x200f, FOLD_INVISIBLE},
	{0x2010, 0x2029, FOLD_BREAK},     {0x202a, 0x202e, FOLD_INVISIBLE},
	{0x202f, 0x205f, FOLD_BREAK},     {0x2060, 0x206f, FOLD_INVISIBLE},
	{0x2070, 0x20cf, FOLD_BREAK},     {0x20d0, 0x20ff, FOLD_INVISIBLE},
	{0x2100, 0x2bff, FOLD_SYMBOL},    {0x3000, 0x3004, FOLD_BREAK},
	{0x3005, 0x3007, FOLD_SINGLE},    {0x3008, 0x3040, FOLD_BREAK},
	{0x3041, 0x30ff, FOLD_SINGLE},    {0x3164, 0x3164, FOLD_INVISIBLE},
	{0x3400, 0x4dbf, FOLD_SINGLE},    {0x4e00, 0x9fff, FOLD_SINGLE},
	{0xac00, 0xd7af, FOLD_SINGLE},    {0xe000, 0xf8ff, FOLD_BREAK},
	{0xf900, 0xfaff, FOLD_SINGLE},    {0xfe00, 0xfe0f, FOLD_INVISIBLE},
	{0xfe10, 0xfe6f, FOLD_BREAK},     {0xfeff, 0xfeff, FOLD_INVISIBLE},
	{0xff5f, 0xff65, FOLD_BREAK},     {0xff66, 0xffdc, FOLD_SINGLE},
	{0xffe0, 0xffff, FOLD_BREAK},     {0x1f000, 0x1faff, FOLD_SYMBOL},
	{0x20000, 0x3134f, FOLD_SINGLE},  {0xe0000, 0xe0fff, FOLD_INVISIBLE},
	{0xf0000, 0x10ffff, FOLD_BREAK},
};

static enum fold_class class_of(uint32_t cp)
{
	size_t low = 0;
	size_t high = COUNT_OF(ranges);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (cp > ranges[middle].last) {
			low = middle + 1;
		} else if (cp < ranges[middle].first) {
			high = middle;
		} else {
			return ranges[middle].class;
		}
	}
	return FOLD_LETTER;
}

/* The ASCII character of a styled form; 0: none. */
static uint32_t plain_of(uint32_t cp)
{
	if (cp >= 0xff01 && cp <= 0xff5e) { /* full width */
		return cp - 0xff01 + '!';
	}
	if (cp >= 0x1d400 && cp <= 0x1d6a3) { /* mathematical alphabets of A to Z, a to z */
		uint32_t at = (cp - 0x1d400) % 52;

		return at < 26 ? 'A' + at : 'a' + at - 26;
	}
	if (cp >= 0x1d7ce && cp <= 0x1d7ff) { /* mathematical digits */
		return '0' + (cp - 0x1d7ce) % 10;
	}
	if (cp >= 0x24b6 && cp <= 0x24e9) { /* circled letters */
		return 'a' + (cp - 0x24b6) % 26;
	}
	if (cp >= 0x1f110 && cp <= 0x1f189) { /* letters in brackets, circles, squares */
		uint32_t at = (cp - 0x1f110) % 32;

		return at < 26 ? 'a' + at : 0;
	}
	return 0;
}

static uint32_t lower_of(uint32_t cp)
{
	if ((cp >= 0xc0 && cp <= 0xde) || (cp >= 0x391 && cp <= 0x3a9) ||
	    (cp >= 0x410 && cp <= 0x42f)) {
		return cp + 32;
	}
	if (cp >= 0x400 && cp <= 0x40f) {
		return cp + 80;
	}
	if ((cp >= 0x100 && cp <= 0x137) || (cp >= 0x14a && cp <= 0x177) ||
	    (cp >= 0x460 && cp <= 0x481) || (cp >= 0x48a && cp <= 0x4bf)) {
		return cp | 1;
	}
	return cp;
}

struct folded fold_cp(uint32_t cp)
{
	struct folded f = {.cp = cp};

	if (cp < 0x80) {
		return fold_ascii((unsigned char)cp);
	}
	uint32_t plain = plain_of(cp);

	if (plain != 0) {
		f = fold_ascii((unsigned char)plain);
		f.was_styled = true;
		return f;
	}
	f.class = class_of(cp);
	if (f.class == FOLD_LETTER) {
		f.cp = lower_of(cp);
		f.was_upper = f.cp != cp;
	}
	return f;
}

uint32_t fold_lookalike(uint32_t cp)
{
	/* clang-format off */
	static const struct {
		uint16_t from;
		char to;
	} table[] = {
		{0x251, 'a'}, {0x261, 'g'}, {0x269, 'i'}, {0x3b1, 'a'}, {0x3b3, 'y'}, {0x3b5, 'e'},
		{0x3b9, 'i'}, {0x3ba, 'k'}, {0x3bd, 'v'}, {0x3bf, 'o'}, {0x3c1, 'p'}, {0x3c3, 'o'},
		{0x3c4, 't'}, {0x3c5, 'u'}, {0x3c7, 'x'}, {0x430, 'a'}, {0x432, 'b'}, {0x433, 'r'},
		{0x435, 'e'}, {0x43a, 'k'}, {0x43c, 'm'}, {0x43d, 'h'}, {0x43e, 'o'}, {0x440, 'p'},
		{0x441, 'c'}, {0x442, 't'}, {0x443, 'y'}, {0x445, 'x'}, {0x44c, 'b'}, {0x451, 'e'},
		{0x455, 's'}, {0x456, 'i'}, {0x457, 'i'}, {0x458, 'j'}, {0x475, 'v'}, {0x4af, 'y'},
		{0x4bb, 'h'}, {0x4cf, 'l'}, {0x501, 'd'}, {0x51b, 'q'}, {0x51d, 'w'}, {0x585, 'o'},
	};
	/* clang-format on */

	for (size_t i = 0; i < COUNT_OF(table); i++) {
		if (table[i].from == cp) {
			return (uint32_t)(unsigned char)table[i].to;
		}
	}
	return 0;
}

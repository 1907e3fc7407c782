/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num: numbers out of text. Layer: base.
 */
#include "base/num.h"

#include <errno.h>

#include "base/poison.h"

int num_hex_digit(char c)
{
	if (char_is_digit(c)) {
		return c - '0';
	}
	char low = char_lower(c);
	return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static int parse_base(struct str text, unsigned base, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (text.len == 0) {
		return -EINVAL;
	}
	for (size_t i = 0; i < text.len; i++) {
		int digit = num_hex_digit(text.ptr[i]);
		if (digit < 0 || (unsigned)digit >= base) {
			return -EINVAL;
		}
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit, &v) || v > max) {
			return -ERANGE;
		}
	}
	*ret = v;
	return 0;
}

/* Digits of so few that no sum is too large. */
#define PLAIN_DIGITS 19

int num_parse_u64(struct str text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	while (i < text.len && i < PLAIN_DIGITS && char_is_digit(text.ptr[i])) {
		v = v * 10 + (uint64_t)(text.ptr[i++] - '0');
	}
	if (i > 0 && i == text.len && v <= max) {
		*ret = v;
		return 0;
	}
	return parse_base(text, 10, max, ret);
}

int num_parse_hex(struct str text, uint64_t max, uint64_t *ret)
{
	return parse_base(text, 16, max, ret);
}

int num_parse_micro(struct str text, int64_t *ret_micro)
{
	const uint64_t whole_max = UINT64_C(9000000000000);
	bool negative = text.len > 0 && text.ptr[0] == '-';
	uint64_t whole = 0;
	uint64_t micro = 0;
	uint64_t unit = 100000;

	if (negative) {
		text = str_skip(text, 1);
	}
	struct str fraction = text;
	struct str integer = str_take_until(&fraction, '.');
	if (integer.len == 0 && fraction.len == 0) {
		return -EINVAL;
	}
	if (integer.len > 0) {
		int r = num_parse_u64(integer, whole_max, &whole);
		if (r < 0) {
			return r;
		}
	}
	for (size_t i = 0; i < fraction.len; i++) {
		if (!char_is_digit(fraction.ptr[i])) {
			return -EINVAL;
		}
		micro += (uint64_t)(fraction.ptr[i] - '0') * unit;
		unit /= 10;
	}
	int64_t v = (int64_t)(whole * 1000000 + micro);
	*ret_micro = negative ? -v : v;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8: RFC 3629. Layer: base.
 */
#include "base/utf8.h"

#include "base/poison.h"

#define CP_MAX 0x10FFFFU
#define CP_REPLACEMENT 0xFFFDU

static bool is_surrogate(uint32_t cp)
{
	return cp >= 0xD800 && cp <= 0xDFFF;
}

size_t utf8_decode(struct str in, uint32_t *ret_cp)
{
	static const uint32_t least[UTF8_MAX + 1] = {0, 0, 0x80, 0x800, 0x10000};

	if (in.len == 0) {
		return 0;
	}
	uint8_t first = (uint8_t)in.ptr[0];
	if (first < 0x80) {
		*ret_cp = first;
		return 1;
	}
	size_t n = first >= 0xF0 ? 4 : (first >= 0xE0 ? 3 : 2);
	if (first < 0xC2 || first > 0xF4 || in.len < n) {
		return 0;
	}
	uint32_t cp = first & (0xFFU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		uint8_t next = (uint8_t)in.ptr[i];
		if ((next & 0xC0) != 0x80) {
			return 0;
		}
		cp = cp << 6 | (next & 0x3FU);
	}
	if (cp < least[n] || cp > CP_MAX || is_surrogate(cp)) {
		return 0;
	}
	*ret_cp = cp;
	return n;
}

size_t utf8_write(uint32_t cp, char ret[static UTF8_MAX])
{
	if (cp > CP_MAX || is_surrogate(cp)) {
		cp = CP_REPLACEMENT;
	}
	if (cp < 0x80) {
		ret[0] = (char)cp;
		return 1;
	}
	size_t n = cp < 0x800 ? 2 : (cp < 0x10000 ? 3 : 4);
	for (size_t i = n - 1; i > 0; i--) {
		ret[i] = (char)(0x80 | (cp & 0x3F));
		cp >>= 6;
	}
	static const uint8_t lead[UTF8_MAX + 1] = {0, 0, 0xC0, 0xE0, 0xF0};
	ret[0] = (char)(lead[n] | cp);
	return n;
}

bool utf8_is_valid(struct str s)
{
	uint32_t cp;

	while (s.len > 0) {
		size_t n = utf8_decode(s, &cp);
		if (n == 0) {
			return false;
		}
		s = str_skip(s, n);
	}
	return true;
}

struct str utf8_head(struct str s, size_t n)
{
	if (n >= s.len) {
		return s;
	}
	while (n > 0 && ((unsigned char)s.ptr[n] & 0xc0) == 0x80) {
		n--;
	}
	return str_head(s, n);
}

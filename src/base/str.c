/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: views of octets. Layer: base.
 */
#include "base/str.h"

#include "base/assert.h"

#include <string.h>

#include "base/poison.h"

bool str_is_equal_nocase(struct str a, struct str b)
{
	if (a.len != b.len) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		if (char_lower(a.ptr[i]) != char_lower(b.ptr[i])) {
			return false;
		}
	}
	return true;
}

bool str_has_prefix_nocase(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_is_equal_nocase(str_head(s, prefix.len), prefix);
}

int str_compare(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);

	if (order != 0) {
		return order;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}

/* A longer needle is searched for by a method that stays linear whatever the text. */
#define SHORT_MAX 32

#ifdef __SSE2__
/* Sixteen places at once where the last octet is right, and the second, because needles often begin
 * with a space. The last sixteen overlap with those before. @return SIZE_MAX: the text is too short
 * for that. */
static size_t find_16(struct str s, struct str needle)
{
	const size_t second_at = needle.len > 2 ? 1 : 0;
	const __m128i second = _mm_set1_epi8(needle.ptr[second_at]);
	const __m128i last = _mm_set1_epi8(needle.ptr[needle.len - 1]);
	const size_t span = needle.len - 1 + 16;

	if (s.len < span) {
		return SIZE_MAX;
	}
	for (size_t i = 0;; i += 16) {
		i = i + span > s.len ? s.len - span : i;
		const char *p = s.ptr + i;
		__m128i a = _mm_loadu_si128((const __m128i *)(const void *)(p + second_at));
		__m128i b = _mm_loadu_si128((const __m128i *)(const void *)(p + needle.len - 1));
		unsigned hits = (unsigned)_mm_movemask_epi8(
			_mm_and_si128(_mm_cmpeq_epi8(a, second), _mm_cmpeq_epi8(b, last)));
		for (; hits != 0; hits &= hits - 1) {
			size_t at = i + (size_t)__builtin_ctz(hits);
			if (memcmp(s.ptr + at, needle.ptr, needle.len) == 0) {
				return at;
			}
		}
		if (i + span == s.len) {
			return s.len;
		}
	}
}
#endif

size_t str_find(struct str s, struct str needle)
{
	if (needle.len == 0) {
		return 0;
	}
	if (s.len < needle.len) {
		return s.len;
	}
	if (needle.len > SHORT_MAX) {
		const char *at = memmem(s.ptr, s.len, needle.ptr, needle.len);
		return at == NULL ? s.len : (size_t)(at - s.ptr);
	}
#ifdef __SSE2__
	size_t found = find_16(s, needle);
	if (found != SIZE_MAX) {
		return found;
	}
#endif
	for (size_t i = 0; i + needle.len <= s.len; i++) {
		if (s.ptr[i] == needle.ptr[0] && memcmp(s.ptr + i, needle.ptr, needle.len) == 0) {
			return i;
		}
	}
	return s.len;
}

size_t str_find_nocase(struct str s, struct str needle)
{
	for (size_t i = 0; i + needle.len <= s.len; i++) {
		if (str_has_prefix_nocase(str_skip(s, i), needle)) {
			return i;
		}
	}
	return s.len;
}

struct str str_trim(struct str s)
{
	while (s.len > 0 && char_is_space(s.ptr[0])) {
		s = str_skip(s, 1);
	}
	while (s.len > 0 && char_is_space(s.ptr[s.len - 1])) {
		s.len--;
	}
	return s;
}

bool str_copy(char *dst, size_t size, struct str s)
{
	ASSERT(size > 0);
	size_t n = s.len < size ? s.len : size - 1;

	if (n > 0) {
		memcpy(dst, s.ptr, n);
	}
	dst[n] = '\0';
	return n == s.len;
}

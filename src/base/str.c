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

size_t str_find(struct str s, struct str needle)
{
	if (needle.len == 0) {
		return 0;
	}
	const char *at = s.len < needle.len ? NULL : memmem(s.ptr, s.len, needle.ptr, needle.len);

	return at == NULL ? s.len : (size_t)(at - s.ptr);
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

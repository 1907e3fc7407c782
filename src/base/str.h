/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: a view of octets. It never owns them and they never end in NUL.
 *
 * Octets may have any value, zero too. An empty view may have a NULL pointer, and every
 * function here takes one. Case is ASCII only: there is no locale. What parsers call for every
 * field is inline: with a literal as argument little of it is left. Layer: base.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/assert.h"
#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct str {
	const char *ptr;
	size_t len;
};

/* printf("%.*s", STR_ARG(s)) */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_ARG(s) (int)(s).len, (s).ptr != NULL ? (s).ptr : ""
#define STR_EMPTY ((struct str){NULL, 0})

/** The rest after the first n octets (all of them when n is larger). */
static inline struct str str_skip(struct str s, size_t n)
{
	if (n >= s.len) {
		return (struct str){s.ptr == NULL ? NULL : s.ptr + s.len, 0};
	}
	return (struct str){s.ptr + n, s.len - n};
}

/** The first n octets at most. */
static inline struct str str_head(struct str s, size_t n)
{
	return (struct str){s.ptr, n < s.len ? n : s.len};
}

/** A view of a string that ends in NUL; NULL gives the empty view. */
static inline struct str str_of(const char *cstr)
{
	return cstr == NULL ? STR_EMPTY : (struct str){cstr, strlen(cstr)};
}

static inline bool str_is_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
/** The same, A to Z and a to z being one. */
bool str_is_equal_nocase(struct str a, struct str b);
static inline bool str_has_prefix(struct str s, struct str prefix)
{
	return s.len >= prefix.len && str_is_equal(str_head(s, prefix.len), prefix);
}
bool str_has_prefix_nocase(struct str s, struct str prefix);
static inline bool str_has_suffix(struct str s, struct str suffix)
{
	return s.len >= suffix.len && str_is_equal(str_skip(s, s.len - suffix.len), suffix);
}

/** Like memcmp, a shorter view first: <0, 0, >0. */
int str_compare(struct str a, struct str b);

/** @return Offset of the first `c`, or s.len when there is none. Quick when it is near. */
static inline size_t str_find_char(struct str s, char c)
{
	size_t seen = 0;
#ifdef __SSE2__
	if (s.len >= 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)s.ptr);
		int hits = _mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c)));
		if (hits != 0) {
			return (size_t)__builtin_ctz((unsigned)hits);
		}
		seen = 16;
	}
#endif
	const char *at = s.len == seen ? NULL : memchr(s.ptr + seen, c, s.len - seen);

	return at == NULL ? s.len : (size_t)(at - s.ptr);
}
/** @return Offset of the first octet that is one of the two, or s.len when there is none. */
static inline size_t str_find_either(struct str s, char a, char b)
{
	size_t i = 0;
#ifdef __SSE2__
	for (; i + 16 <= s.len; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.ptr + i));
		__m128i is_a = _mm_cmpeq_epi8(v, _mm_set1_epi8(a));
		__m128i is_b = _mm_cmpeq_epi8(v, _mm_set1_epi8(b));
		int hits = _mm_movemask_epi8(_mm_or_si128(is_a, is_b));
		if (hits != 0) {
			return i + (size_t)__builtin_ctz((unsigned)hits);
		}
	}
#endif
	while (i < s.len && s.ptr[i] != a && s.ptr[i] != b) {
		i++;
	}
	return i;
}
/** @return Offset of the first `needle`, or s.len when there is none (an empty one is at 0). */
size_t str_find(struct str s, struct str needle);
size_t str_find_nocase(struct str s, struct str needle);

/** Cut the first n octets off `s` (n <= s->len) and return them. */
static inline struct str str_take(struct str *s, size_t n)
{
	ASSERT(n <= s->len);
	struct str taken = str_head(*s, n);
	*s = str_skip(*s, n);
	return taken;
}
/**
 * Cut off and return what stands before the first `sep`; the separator is dropped. Without one
 * all of `s` is returned and `s` becomes empty.
 */
static inline struct str str_take_until(struct str *s, char sep)
{
	size_t at = str_find_char(*s, sep);
	struct str taken = str_head(*s, at);

	*s = str_skip(*s, at < s->len ? at + 1 : at);
	return taken;
}

/** Without space, tab, CR and LF at both ends. */
struct str str_trim(struct str s);

/** Lower-case of an ASCII octet; all others as they are. */
static inline char char_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool char_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool char_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool char_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/**
 * Copy into a C string, cut to fit. Octets of zero are copied too.
 *
 * @param dst  At least one octet; always ends in NUL afterwards.
 * @return true when all of `s` fitted.
 */
bool str_copy(char *dst, size_t size, struct str s);

#endif

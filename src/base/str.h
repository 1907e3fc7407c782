/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: a view of octets. It never owns them and they never end in NUL.
 *
 * Octets may have any value, zero too. An empty view may have a NULL pointer, and every
 * function here takes one. Case is ASCII only: there is no locale. Layer: base.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *ptr;
	size_t len;
};

/* printf("%.*s", STR_ARG(s)) */
#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
#define STR_ARG(s) (int)(s).len, (s).ptr != NULL ? (s).ptr : ""
#define STR_EMPTY ((struct str){NULL, 0})

/** A view of a string that ends in NUL; NULL gives the empty view. */
struct str str_of(const char *cstr);

bool str_is_equal(struct str a, struct str b);
/** The same, A to Z and a to z being one. */
bool str_is_equal_nocase(struct str a, struct str b);
bool str_has_prefix(struct str s, struct str prefix);
bool str_has_prefix_nocase(struct str s, struct str prefix);
bool str_has_suffix(struct str s, struct str suffix);

/** Like memcmp, a shorter view first: <0, 0, >0. */
int str_compare(struct str a, struct str b);

/** @return Offset of the first `c`, or s.len when there is none. */
size_t str_find_char(struct str s, char c);
/** @return Offset of the first `needle`, or s.len when there is none (an empty one is at 0). */
size_t str_find(struct str s, struct str needle);
size_t str_find_nocase(struct str s, struct str needle);

/** The rest after the first n octets (all of them when n is larger). */
struct str str_skip(struct str s, size_t n);
/** The first n octets at most. */
struct str str_head(struct str s, size_t n);

/** Cut the first n octets off `s` (n <= s->len) and return them. */
struct str str_take(struct str *s, size_t n);
/**
 * Cut off and return what stands before the first `sep`; the separator is dropped. Without one
 * all of `s` is returned and `s` becomes empty.
 */
struct str str_take_until(struct str *s, char sep);

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

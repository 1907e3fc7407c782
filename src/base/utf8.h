/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8: reading and writing one code point, and telling whether text is valid. Layer: base.
 *
 * Valid means RFC 3629: shortest form, no surrogates, at most U+10FFFF.
 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Longest encoding of one code point. */
#define UTF8_MAX 4

/**
 * Read the code point at the start of `in`.
 *
 * @return Octets read (1 to 4); 0 when the first octet does not begin a valid code point, or
 *         `in` is empty.
 */
size_t utf8_decode(struct str in, uint32_t *ret_cp);

/**
 * Write a code point. A surrogate or one over U+10FFFF is written as U+FFFD.
 *
 * @return Octets written, 1 to 4.
 */
size_t utf8_write(uint32_t cp, char ret[static UTF8_MAX]);

bool utf8_is_valid(struct str s);

/** The first n octets at most of valid UTF-8, cut between characters. */
struct str utf8_head(struct str s, size_t n);

#endif

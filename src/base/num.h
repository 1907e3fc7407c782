/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num: numbers out of text, whole and in full, without a locale. Layer: base.
 */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

/**
 * Read a decimal number that fills all of `text`: digits only, no sign, no space.
 *
 * @param max  The largest value that is taken.
 * @return 0; -EINVAL when it is not a number; -ERANGE when it is larger than max.
 */
MUSTUSE int num_parse_u64(struct str text, uint64_t max, uint64_t *ret);

/** The same for hexadecimal digits of either case, without a prefix. */
MUSTUSE int num_parse_hex(struct str text, uint64_t max, uint64_t *ret);

/** The value of one hexadecimal digit, or -1. */
int num_hex_digit(char c);

/**
 * Read a decimal fraction ("-12.5", "3", ".5") into millionths; further digits are dropped.
 *
 * @return 0; -EINVAL when it is not a number; -ERANGE outside of ±9e12.
 */
MUSTUSE int num_parse_micro(struct str text, int64_t *ret_micro);

#endif

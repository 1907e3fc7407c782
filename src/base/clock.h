/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: points in time, as types that cannot be mixed up.
 *
 * `struct mono` is for distances and timers, `struct wall` for what people read and what a
 * capture file says. Nothing here reads a clock: time comes in as an argument. Layer: base.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

struct mono {
	int64_t ns; /* since some start */
};

struct wall {
	int64_t ns; /* since 1970-01-01T00:00:00Z, no leap seconds */
};

/* "2026-11-21T16:47:01.123456Z" and its NUL */
#define WALL_TEXT_SIZE 28

/**
 * Write a time as RFC 3339 in UTC with microseconds. Years outside 0 to 9999 are held at the
 * nearest one inside.
 *
 * @return ret_text
 */
char *wall_format(struct wall t, char ret_text[static WALL_TEXT_SIZE]);

/**
 * Read an RFC 3339 time: any offset, fraction of up to nine digits.
 *
 * @return 0, or -EINVAL.
 */
MUSTUSE int wall_parse(struct str text, struct wall *ret);

/** Days since 1970-01-01 of a date of the Gregorian calendar. Month 1 to 12, day 1 to 31. */
int64_t days_from_civil(int64_t year, unsigned month, unsigned day);
/** The date of a day. */
void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);

#endif

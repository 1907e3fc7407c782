/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: calendar arithmetic and RFC 3339. Layer: base.
 *
 * The calendar counts in eras of 400 years that begin on 1 March, so that the leap day is
 * the last of a year: no tables, no loops.
 */
#include "base/clock.h"

#include "base/num.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

#define DAYS_PER_ERA INT64_C(146097)  /* 400 Gregorian years */
#define DAYS_TO_EPOCH INT64_C(719468) /* 0000-03-01 to 1970-01-01 */
#define S_PER_DAY INT64_C(86400)

static int64_t div_floor(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
	int64_t y = year - (month <= 2 ? 1 : 0);
	int64_t era = div_floor(y, 400);
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 +
			      (int64_t)day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

void civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
	int64_t z = days + DAYS_TO_EPOCH;
	int64_t era = div_floor(z, DAYS_PER_ERA);
	int64_t doe = z - era * DAYS_PER_ERA;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*ret_day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
	*ret_month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
	*ret_year = yoe + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

char *wall_format(struct wall t, char ret_text[static WALL_TEXT_SIZE])
{
	const int64_t first_s = days_from_civil(0, 1, 1) * S_PER_DAY;
	const int64_t last_s = days_from_civil(10000, 1, 1) * S_PER_DAY - 1;
	int64_t s = div_floor(t.ns, NS_PER_S);
	int64_t us = (t.ns % NS_PER_S + NS_PER_S) % NS_PER_S / NS_PER_US;
	int64_t year;
	unsigned month;
	unsigned day;

	s = s < first_s ? first_s : (s > last_s ? last_s : s);
	int64_t days = div_floor(s, S_PER_DAY);
	unsigned sod = (unsigned)(s - days * S_PER_DAY);
	civil_from_days(days, &year, &month, &day);
	snprintf(ret_text, WALL_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ",
		 (unsigned)year % 10000U, month % 100U, day % 100U, sod / 3600 % 100U,
		 sod / 60 % 60, sod % 60, (unsigned)us % 1000000U);
	return ret_text;
}

/* A number of exactly n digits, then `end` (0: nothing is expected). */
static int take_digits(struct str *in, size_t n, char end, int64_t max, int64_t *ret)
{
	uint64_t v;

	if (in->len < n + (end != '\0' ? 1 : 0)) {
		return -EINVAL;
	}
	if (num_parse_u64(str_take(in, n), (uint64_t)max, &v) < 0) {
		return -EINVAL;
	}
	if (end != '\0' && str_take(in, 1).ptr[0] != end) {
		return -EINVAL;
	}
	*ret = (int64_t)v;
	return 0;
}

static int take_fraction(struct str *in, int64_t *ret_ns)
{
	int64_t unit = NS_PER_S / 10;

	*ret_ns = 0;
	if (in->len == 0 || in->ptr[0] != '.') {
		return 0;
	}
	*in = str_skip(*in, 1);
	if (in->len == 0 || !char_is_digit(in->ptr[0])) {
		return -EINVAL;
	}
	while (in->len > 0 && char_is_digit(in->ptr[0])) {
		*ret_ns += (in->ptr[0] - '0') * unit;
		unit /= 10;
		*in = str_skip(*in, 1);
	}
	return 0;
}

static int take_offset(struct str *in, int64_t *ret_s)
{
	int64_t hours;
	int64_t minutes;

	if (in->len == 1 && (in->ptr[0] == 'Z' || in->ptr[0] == 'z')) {
		*ret_s = 0;
		return 0;
	}
	if (in->len != 6 || (in->ptr[0] != '+' && in->ptr[0] != '-')) {
		return -EINVAL;
	}
	int64_t sign = str_take(in, 1).ptr[0] == '-' ? -1 : 1;
	if (take_digits(in, 2, ':', 23, &hours) < 0 || take_digits(in, 2, '\0', 59, &minutes) < 0) {
		return -EINVAL;
	}
	*ret_s = sign * (hours * 3600 + minutes * 60);
	return 0;
}

int wall_parse(struct str text, struct wall *ret)
{
	int64_t year;
	int64_t month;
	int64_t day;
	int64_t hour;
	int64_t minute;
	int64_t second;
	int64_t fraction_ns;
	int64_t offset_s;

	if (take_digits(&text, 4, '-', 9999, &year) < 0 ||
	    take_digits(&text, 2, '-', 12, &month) < 0 ||
	    take_digits(&text, 2, '\0', 31, &day) < 0 || text.len == 0 || month == 0 || day == 0) {
		return -EINVAL;
	}
	char t = str_take(&text, 1).ptr[0];
	if ((t != 'T' && t != 't' && t != ' ') || take_digits(&text, 2, ':', 23, &hour) < 0 ||
	    take_digits(&text, 2, ':', 59, &minute) < 0 ||
	    take_digits(&text, 2, '\0', 60, &second) < 0) {
		return -EINVAL;
	}
	if (take_fraction(&text, &fraction_ns) < 0 || take_offset(&text, &offset_s) < 0) {
		return -EINVAL;
	}
	int64_t s = days_from_civil(year, (unsigned)month, (unsigned)day) * S_PER_DAY +
		    hour * 3600 + minute * 60 + second - offset_s;
	if (s > INT64_MAX / NS_PER_S - 1 || s < INT64_MIN / NS_PER_S + 1) {
		return -EINVAL;
	}
	ret->ns = s * NS_PER_S + fraction_ns;
	return 0;
}

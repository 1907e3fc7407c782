/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: dates across the calendar, RFC 3339 both ways, hostile text.
 */
#include "base/clock.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static void every_day_comes_back(void **state)
{
	(void)state;
	int64_t year;
	unsigned month;
	unsigned day;

	assert_int_equal(days_from_civil(1970, 1, 1), 0);
	assert_int_equal(days_from_civil(2000, 3, 1), 11017);
	for (int64_t d = -1000000; d < 1000000; d += 7) {
		civil_from_days(d, &year, &month, &day);
		assert_int_equal(days_from_civil(year, month, day), d);
	}
}

static void writes_rfc_3339(void **state)
{
	(void)state;
	char text[WALL_TEXT_SIZE];

	assert_string_equal(wall_format((struct wall){0}, text), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(wall_format((struct wall){INT64_C(1795279621123456789)}, text),
			    "2026-11-21T16:47:01.123456Z");
	assert_string_equal(wall_format((struct wall){-1}, text), "1969-12-31T23:59:59.999999Z");
	wall_format((struct wall){INT64_MIN}, text);
	wall_format((struct wall){INT64_MAX}, text);
}

static void reads_rfc_3339(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T01:00:00+01:00", 0},
		{"1969-12-31t19:00:00-05:00", 0},
		{"2026-11-21 16:47:01.123456789Z", INT64_C(1795279621123456789)},
		{"1970-01-01T00:00:00.5Z", 500000000},
	};
	static const char *const bad[] = {"",
					  "1970",
					  "1970-13-01T00:00:00Z",
					  "1970-01-01T00:00:00",
					  "1970-01-01T24:00:00Z",
					  "1970-01-01T00:00:00.Z",
					  "1970-01-01T00:00:00Zx",
					  "1970-00-01T00:00:00Z",
					  "x970-01-01T00:00:00Z"};
	struct wall t;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(wall_parse(str_of(good[i].text), &t), 0);
		assert_int_equal(t.ns, good[i].ns);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(wall_parse(str_of(bad[i]), &t), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_day_comes_back),
		cmocka_unit_test(writes_rfc_3339),
		cmocka_unit_test(reads_rfc_3339),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

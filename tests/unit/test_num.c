/* SPDX-License-Identifier: Apache-2.0 */
/*
 * num: whole numbers, in full, within their limit.
 */
#include "base/num.h"

#include <errno.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static void reads_whole_numbers_only(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "1x", "0x1", "1.0"};
	uint64_t v = 77;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(num_parse_u64(str_of(bad[i]), UINT64_MAX, &v), -EINVAL);
	}
	assert_int_equal(v, 77);
	assert_int_equal(num_parse_u64(STR("18446744073709551615"), UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(num_parse_u64(STR("18446744073709551616"), UINT64_MAX, &v), -ERANGE);
	assert_int_equal(num_parse_u64(STR("99999999999999999999999"), UINT64_MAX, &v), -ERANGE);
	assert_int_equal(num_parse_u64(STR("65536"), 65535, &v), -ERANGE);
	assert_int_equal(num_parse_u64(STR("0007"), 7, &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(num_parse_hex(STR("fF"), 255, &v), 0);
	assert_int_equal(v, 255);
	assert_int_equal(num_parse_hex(STR("g"), 255, &v), -EINVAL);
}

static void reads_fractions(void **state)
{
	(void)state;
	int64_t v;

	assert_int_equal(num_parse_micro(STR("12.5"), &v), 0);
	assert_int_equal(v, 12500000);
	assert_int_equal(num_parse_micro(STR("-.0000019"), &v), 0);
	assert_int_equal(v, -1);
	assert_int_equal(num_parse_micro(STR("3."), &v), 0);
	assert_int_equal(v, 3000000);
	assert_int_equal(num_parse_micro(STR("."), &v), -EINVAL);
	assert_int_equal(num_parse_micro(STR("1.2.3"), &v), -EINVAL);
	assert_int_equal(num_parse_micro(STR("99999999999999"), &v), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_whole_numbers_only),
		cmocka_unit_test(reads_fractions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

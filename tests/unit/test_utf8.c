/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8: every code point there and back, every invalid form refused.
 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static void every_code_point_comes_back(void **state)
{
	(void)state;
	char octets[UTF8_MAX];
	uint32_t back = 0;

	for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
		size_t n = utf8_write(cp, octets);
		assert_int_equal(utf8_decode((struct str){octets, n}, &back), n);
		assert_int_equal(back, cp >= 0xD800 && cp <= 0xDFFF ? 0xFFFD : cp);
		/* Cut short it is nothing. */
		assert_int_equal(utf8_decode((struct str){octets, n - 1}, &back), 0);
	}
}

static void refuses_what_is_invalid(void **state)
{
	(void)state;
	static const char *const bad[] = {"\x80",
					  "\xc0\x80",
					  "\xc1\xbf",
					  "\xe0\x80\x80",
					  "\xed\xa0\x80",
					  "\xf0\x80\x80\x80",
					  "\xf4\x90\x80\x80",
					  "\xf5\x80\x80\x80",
					  "\xff",
					  "\xc3(",
					  "\xe2\x82("};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(utf8_is_valid(str_of(bad[i])));
	}
	assert_true(utf8_is_valid(STR("Gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x93\xac")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_comes_back),
		cmocka_unit_test(refuses_what_is_invalid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

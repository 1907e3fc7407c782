/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of charset: text in each kind of charset, any cut, and what none of them has.
 */
#include "proto/charset.h"

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void check(const char *name, struct str in, const char *want)
{
	const struct charset *charset = charset_find(str_of(name));

	assert_non_null(charset);
	for (size_t step = 1; step <= in.len; step++) {
		char out[CHARSET_OUT_MAX(256)];
		struct charset_decoder d = charset_start(charset);
		size_t n = 0;
		for (size_t at = 0; at < in.len; at += step) {
			n += charset_step(&d, str_head(str_skip(in, at), step), out + n);
		}
		n += charset_end(&d, out + n);
		assert_true(utf8_is_valid((struct str){out, n}));
		out[n] = '\0';
		if (strcmp(out, want) != 0) {
			print_error("%s with cuts of %zu\n", name, step);
		}
		assert_string_equal(out, want);
		assert_int_equal(d.is_broken, strstr(want, "\\x") != NULL);
	}
}

static void each_kind(void **state)
{
	(void)state;
	check("UTF-8", STR("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"), "grüß € 😀");
	check("us-ascii", STR("gr\xc3\xbc"), "grü");
	check("ISO-8859-1", STR("gr\xfc\xdf \x80 \x99"), "grüß € ™");
	check("iso8859-2", STR("\xb3\xf3\xbf"), "łóż");
	check("iso-8859-15", STR("\xa4"), "€");
	check("Windows-1250", STR("\x9d\x9e"), "ťž");
	check("cp1251", STR("\xcf\xf0\xe8\xe2\xe5\xf2"), "Привет");
	check("windows-1254", STR("\xfe\xf0"), "şğ");
	check("KOI8-R", STR("\xf0\xd2\xc9\xd7\xc5\xd4"), "Привет");
	check("GB2312", STR("\xc4\xe3\xba\xc3!"), "你好!");
	check("gb18030", STR("\xc4\xe3"), "你");
	check("Big5", STR("\xa7\x41\xa6\x6e"), "你好");
	check("Shift_JIS", STR("\x93\xfa\x96\x7b\xb1"), "日本ｱ");
	check("EUC-JP", STR("\xc6\xfc\xcb\xdc\x8e\xb1"), "日本ｱ");
	check("ISO-2022-JP", STR("a\x1b$BF|K\\\x1b(Bb"), "a日本b");
	check("iso-2022-jp", STR("\x1b$BF|\nok"), "日\nok");
	check("euc-kr", STR("\xbe\xc8\xb3\xe7"), "안녕");
	check("UTF-16", STR("\xff\xfeh\0i\0=\xd8\0\xde"), "hi😀");
	check("UTF-16", STR("\0h\0i"), "hi");
	check("utf-16le", STR("h\0i\0"), "hi");
	check("utf-16be", STR("\0h\0i"), "hi");
	check("UTF-7", STR("Hi +AOQ- +- +2D3eAA-x"), "Hi ä + 😀x");
}

static void what_is_not_there(void **state)
{
	(void)state;
	check("utf-8", STR("a\xff\xc3"), "a\\xFF\\xC3");
	check("utf-8", STR("\xe2\x82x"), "\\xE2\\x82x");
	check("utf-8", STR("\xed\xa0\x80\xc0\xaf"), "\\xED\\xA0\\x80\\xC0\\xAF");
	check("utf-8", STR("\xf4\x90\x80\x80\xf0\x9f\x98"), "\\xF4\\x90\\x80\\x80\\xF0\\x9F\\x98");
	check("utf-8", STR("a\0b"), "a\\x00b");
	check("windows-1252", STR("\x81z"), "\\x81z");
	check("gbk", STR("\xc4"), "\\xC4");
	check("gbk", STR("\xc4\n"), "\\xC4\n");
	check("utf-16le", STR("\0\xdc"), "\\x00\\xDC");
	check("utf-16le", STR("a\0b"), "a\\x62");
	check("iso-2022-jp", STR("\x1b$B\x7f"), "\x7f");
	check("euc-jp", STR("\x8f\xb0\xa1"), "\\x8F\\xB0\\xA1");
	check("euc-kr", STR("\xff"), "\\xFF");
}

static void names(void **state)
{
	(void)state;
	assert_null(charset_find(STR("x-user-defined")));
	assert_null(charset_find(STR("")));
	assert_null(charset_find(STR("a very long name that no charset has, longer than all")));
	assert_non_null(charset_find(STR("\"UTF-8\"")));
	assert_ptr_equal(charset_find(STR("latin1")) == NULL, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: views, also empty ones without a pointer.
 */
#include "base/str.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static void empty_views_are_fine_everywhere(void **state)
{
	(void)state;
	struct str none = STR_EMPTY;
	char dst[4];

	assert_true(str_is_equal(none, STR("")));
	assert_true(str_has_prefix(none, none));
	assert_int_equal(str_find(none, STR("x")), 0);
	assert_int_equal(str_find_char(none, 'x'), 0);
	assert_int_equal(str_trim(none).len, 0);
	assert_int_equal(str_take_until(&none, 'x').len, 0);
	assert_int_equal(str_compare(none, STR("")), 0);
	assert_true(str_copy(dst, sizeof(dst), none));
	assert_string_equal(dst, "");
}

static void finds_and_cuts(void **state)
{
	(void)state;
	struct str s = STR("MAIL FROM:<a@b>\r\n");

	assert_int_equal(str_find(s, STR("FROM")), 5);
	assert_int_equal(str_find(s, STR("TO")), s.len);
	assert_int_equal(str_find_nocase(s, STR("from:")), 5);
	assert_true(str_has_prefix_nocase(s, STR("mail ")));
	assert_true(str_has_suffix(s, STR("\r\n")));
	assert_true(str_is_equal(str_take_until(&s, ' '), STR("MAIL")));
	assert_true(str_is_equal(str_trim(s), STR("FROM:<a@b>")));
	assert_true(str_is_equal(str_take(&s, 5), STR("FROM:")));
	assert_true(str_compare(STR("a"), STR("ab")) < 0);
	assert_true(str_compare(STR("b"), STR("ab")) > 0);
}

static void copies_cut_to_fit(void **state)
{
	(void)state;
	char dst[4];

	assert_false(str_copy(dst, sizeof(dst), STR("abcd")));
	assert_string_equal(dst, "abc");
	assert_true(str_copy(dst, sizeof(dst), STR("abc")));
}

/* Every place, every length, beside the plain way. */
static void finds_at_every_place(void **state)
{
	(void)state;
	static const char needle[] = "abcabcabdabcabcabdabcabcabdabcabcabdabcabcabe";
	char text[160];

	for (size_t n = 1; n < sizeof(needle); n++) {
		for (size_t at = 0; at + n <= sizeof(text); at++) {
			memset(text, 'a', sizeof(text));
			memcpy(text + at, needle, n);
			struct str s = {text, sizeof(text)};
			const char *want = memmem(text, sizeof(text), needle, n);
			assert_ptr_equal(text + str_find(s, (struct str){needle, n}), want);
			struct str cut = {text, at + n - 1};
			want = memmem(text, cut.len, needle, n);
			size_t offset = want == NULL ? cut.len : (size_t)(want - text);
			assert_int_equal(str_find(cut, (struct str){needle, n}), offset);
		}
	}
}

static void finds_either_at_every_place(void **state)
{
	(void)state;
	char text[50];

	for (size_t len = 0; len < sizeof(text); len++) {
		for (size_t at = 0; at <= len; at++) {
			memset(text, 'x', sizeof(text));
			text[at] = at % 2 == 0 ? '<' : '>';
			text[len] = '>'; /* behind the end: not found */
			size_t got = str_find_either((struct str){text, len}, '<', '>');
			assert_int_equal(got, at);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_at_every_place),
		cmocka_unit_test(finds_either_at_every_place),
		cmocka_unit_test(empty_views_are_fine_everywhere),
		cmocka_unit_test(finds_and_cuts),
		cmocka_unit_test(copies_cut_to_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

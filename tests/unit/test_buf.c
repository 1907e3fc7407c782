/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: growth up to the maximum, a failure that sticks, formatted text.
 */
#include "base/buf.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static void grows_and_keeps_what_was_added(void **state)
{
	(void)state;
	struct buf b;

	buf_init(&b, 1 << 20);
	for (int i = 0; i < 10000; i++) {
		buf_add(&b, STR("0123456789"));
	}
	assert_int_equal(buf_end(&b), 0);
	assert_int_equal(b.len, 100000);
	assert_memory_equal(b.ptr + 99990, "0123456789", 10);
	buf_drop(&b, 99995);
	assert_memory_equal(b.ptr, "56789", 5);
	buf_done(&b);
}

static void the_maximum_is_kept_and_the_failure_sticks(void **state)
{
	(void)state;
	struct buf b;

	buf_init(&b, 8);
	buf_add(&b, STR("12345678"));
	assert_int_equal(buf_end(&b), 0);
	buf_add_char(&b, '9');
	assert_int_equal(buf_end(&b), -EMSGSIZE);
	assert_null(buf_reserve(&b, 0));
	buf_clear(&b);
	buf_add(&b, STR("ab"));
	assert_int_equal(buf_end(&b), 0);
	assert_int_equal(b.len, 2);
	buf_done(&b);
}

static void formats_numbers_and_text(void **state)
{
	(void)state;
	struct buf b;

	buf_init(&b, 256);
	buf_add_u64(&b, 0);
	buf_add_char(&b, ' ');
	buf_add_u64(&b, UINT64_MAX);
	buf_printf(&b, " %s=%03d", "x", 7);
	assert_string_equal(buf_cstr(&b), "0 18446744073709551615 x=007");
	buf_done(&b);
}

static void a_terminal_gets_no_strangers_controls(void **state)
{
	(void)state;
	struct buf b;

	buf_init(&b, 256);
	buf_add_plain(&b, STR("a \x1b[2J\n~\x7f\xc3\xa4"));
	assert_string_equal(buf_cstr(&b), "a \\x1b[2J\\x0a~\\x7f\\xc3\\xa4");
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_keeps_what_was_added),
		cmocka_unit_test(the_maximum_is_kept_and_the_failure_sticks),
		cmocka_unit_test(formats_numbers_and_text),
		cmocka_unit_test(a_terminal_gets_no_strangers_controls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

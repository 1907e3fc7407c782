/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cur: what was written is read, and any cut of it fails without harm.
 */
#include "base/cur.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static int write_all(void *data, size_t size)
{
	struct enc e = enc_of(data, size);

	enc_uint(&e, 1, 255);
	enc_uint(&e, 3, 0x123456);
	enc_uint(&e, 8, UINT64_MAX);
	enc_int(&e, 2, -2);
	enc_int(&e, 8, INT64_MIN);
	enc_str(&e, STR("hello"));
	enc_bool(&e, true);
	return enc_end(&e);
}

static void what_was_written_is_read(void **state)
{
	(void)state;
	uint8_t data[64];
	int len = write_all(data, sizeof(data));

	assert_int_equal(len, 1 + 3 + 8 + 2 + 8 + 9 + 1);
	struct cur c = cur_of(data, (size_t)len);
	assert_int_equal(cur_uint(&c, 1, 255), 255);
	assert_int_equal(cur_uint(&c, 3, UINT64_MAX), 0x123456);
	assert_true(cur_uint(&c, 8, UINT64_MAX) == UINT64_MAX);
	assert_int_equal(cur_int(&c, 2), -2);
	assert_true(cur_int(&c, 8) == INT64_MIN);
	assert_true(str_is_equal(cur_str(&c, 5), STR("hello")));
	assert_true(cur_bool(&c));
	assert_int_equal(cur_end(&c), 0);
}

static int read_all(const void *data, size_t len)
{
	struct cur c = cur_of(data, len);

	cur_uint(&c, 1, 255);
	cur_uint(&c, 3, UINT64_MAX);
	cur_uint(&c, 8, UINT64_MAX);
	cur_int(&c, 2);
	cur_int(&c, 8);
	cur_str(&c, 5);
	cur_bool(&c);
	return cur_end(&c);
}

static void every_cut_fails(void **state)
{
	(void)state;
	uint8_t data[64];
	size_t len = (size_t)write_all(data, sizeof(data));

	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(read_all(data, cut), -EBADMSG);
		assert_int_equal(write_all(data, cut), -EMSGSIZE);
		(void)write_all(data, sizeof(data));
	}
	assert_int_equal(read_all(data, len + 1), -EBADMSG);
}

static void too_large_values_fail(void **state)
{
	(void)state;
	const uint8_t data[] = {9, 0, 0, 0, 6, 'a', 'b', 'c', 'd', 'e', 'f'};
	struct cur c = cur_of(data, sizeof(data));

	assert_int_equal(cur_uint(&c, 1, 8), 0);
	assert_int_equal(cur_end(&c), -EBADMSG);
	c = cur_of(data + 1, sizeof(data) - 1);
	assert_int_equal(cur_str(&c, 5).len, 0);
	assert_int_equal(cur_end(&c), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(every_cut_fails),
		cmocka_unit_test(too_large_values_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

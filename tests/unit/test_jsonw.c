/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonw: commas, escapes, fractions; odd octets are shown, never dropped.
 */
#include "base/jsonw.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static void writes_an_object(void **state)
{
	(void)state;
	struct buf out;

	buf_init(&out, 4096);
	struct jsonw w = jsonw_of(&out);
	jsonw_object(&w, NULL);
	jsonw_u64(&w, "n", 7);
	jsonw_i64(&w, "m", INT64_MIN);
	jsonw_array(&w, "list");
	jsonw_cstr(&w, NULL, "a");
	jsonw_null(&w, NULL);
	jsonw_object(&w, NULL);
	jsonw_object_end(&w);
	jsonw_array_end(&w);
	jsonw_bool(&w, "yes", true);
	jsonw_str_or_null(&w, "none", STR_EMPTY);
	jsonw_str_or_null(&w, "empty", STR(""));
	jsonw_time(&w, "t", (struct wall){0});
	jsonw_object_end(&w);
	jsonw_line_end(&w);
	assert_string_equal(
		buf_cstr(&out),
		"{\"n\":7,\"m\":-9223372036854775808,\"list\":[\"a\",null,{}],\"yes\":true,"
		"\"none\":null,\"empty\":\"\",\"t\":\"1970-01-01T00:00:00.000000Z\"}\n");
	buf_done(&out);
}

static void escapes_what_is_not_plain(void **state)
{
	(void)state;
	struct buf out;

	buf_init(&out, 4096);
	struct jsonw w = jsonw_of(&out);
	jsonw_str(&w, NULL, STR("a\"b\\\n\0\x7f\xff\xc3\xa4\xed\xa0\x80"));
	assert_string_equal(buf_cstr(&out), "\"a\\\"b\\\\\\n\\u0000\\u007f\\u00ff\xc3\xa4"
					    "\\u00ed\\u00a0\\u0080\"");
	buf_done(&out);
}

static void rounds_millionths(void **state)
{
	(void)state;
	static const struct {
		int64_t micro;
		unsigned decimals;
		const char *text;
	} rows[] = {{1234567, 3, "1.235"},
		    {-500, 3, "-0.001"},
		    {999999, 0, "1"},
		    {5, 6, "0.000005"},
		    {16000000, 1, "16.0"}};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out;
		buf_init(&out, 64);
		struct jsonw w = jsonw_of(&out);
		jsonw_micro(&w, NULL, rows[i].micro, rows[i].decimals);
		assert_string_equal(buf_cstr(&out), rows[i].text);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_an_object),
		cmocka_unit_test(escapes_what_is_not_plain),
		cmocka_unit_test(rounds_millionths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

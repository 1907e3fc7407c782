/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON: what is taken, what is refused, and that a wrong step is no crash.
 */
#include "sys/jsonr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void a_tree_is_walked(void **state)
{
	(void)state;
	struct errmsg err;
	struct jsonr *v = jsonr_parse(
		STR("{\"a\":[1,2.5,\"x\\u0000y\"],\"b\":true,\"c\":null,\"d\":{\"e\":-7}}"), &err);
	const char *key = NULL;
	void *pos = NULL;

	assert_non_null(v);
	assert_int_equal(jsonr_type(v), JSONR_OBJECT);
	assert_int_equal(jsonr_count(jsonr_get(v, "a")), 3);
	assert_int_equal(jsonr_i64(jsonr_at(jsonr_get(v, "a"), 0)), 1);
	assert_int_equal(jsonr_i64(jsonr_at(jsonr_get(v, "a"), 1)), 2);
	assert_true(jsonr_real(jsonr_at(jsonr_get(v, "a"), 1)) > 2.4);
	assert_int_equal(jsonr_str(jsonr_at(jsonr_get(v, "a"), 2)).len, 3);
	assert_true(jsonr_bool(jsonr_get(v, "b")));
	assert_int_equal(jsonr_type(jsonr_get(v, "c")), JSONR_NULL);
	assert_int_equal(jsonr_i64(jsonr_get(jsonr_get(v, "d"), "e")), -7);
	assert_non_null(jsonr_next(v, &pos, &key));
	assert_string_equal(key, "a");
	jsonr_free(v);
}

static void a_wrong_step_gives_the_empty_answer(void **state)
{
	(void)state;
	struct errmsg err;
	struct jsonr *v = jsonr_parse(STR("[1]"), &err);

	assert_null(jsonr_get(v, "x"));
	assert_null(jsonr_get(NULL, "x"));
	assert_null(jsonr_at(v, 1));
	assert_null(jsonr_str(v).ptr);
	assert_int_equal(jsonr_i64(NULL), 0);
	assert_false(jsonr_bool(v));
	assert_int_equal(jsonr_type(NULL), JSONR_NONE);
	jsonr_free(v);
	jsonr_free(NULL);
}

static void bad_text_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "{", "{\"a\":1,\"a\":2}", "[1] x", "\"\xff\"", "{'a':1}", "[1,]"};
	struct errmsg err;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_null(jsonr_parse(str_of(bad[i]), &err));
		assert_true(str_has_prefix(str_of(err.text), STR("not JSON: ")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_is_walked),
		cmocka_unit_test(a_wrong_step_gives_the_empty_answer),
		cmocka_unit_test(bad_text_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

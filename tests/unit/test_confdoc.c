/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sample file and the settings of the man page are what the schema says.
 *
 * Run from the root of the tree; with POSTERN_WRITE=1 it writes the files instead.
 */
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

#define SAMPLE "etc/postern.yaml"
#define MANUAL "man/postern.yaml.5.scd"
#define BEGIN "# SETTINGS\n\n"
#define END "# EXAMPLE\n"

static void read_all(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		return;
	}
	char *at = buf_reserve(out, 1 << 20);
	assert_non_null(at);
	out->len += fread(at, 1, 1 << 20, f);
	fclose(f);
}

static void same_or_written(const char *path, struct str is, struct str want)
{
	if (getenv("POSTERN_WRITE") != NULL) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fwrite(want.ptr, 1, want.len, f), want.len);
		fclose(f);
		return;
	}
	if (!str_is_equal(is, want)) {
		fail_msg("%s is not what the schema says: run this test with POSTERN_WRITE=1",
			 path);
	}
}

static void the_sample_file_is_up_to_date(void **state)
{
	(void)state;
	struct buf is;
	struct buf want;

	buf_init(&is, 2 << 20);
	buf_init(&want, 1 << 20);
	read_all(SAMPLE, &is);
	conf_sample(&want);
	same_or_written(SAMPLE, buf_str(&is), buf_str(&want));
	buf_done(&is);
	buf_done(&want);
}

static void the_man_page_is_up_to_date(void **state)
{
	(void)state;
	struct buf is;
	struct buf want;

	buf_init(&is, 2 << 20);
	buf_init(&want, 2 << 20);
	read_all(MANUAL, &is);
	struct str page = buf_str(&is);
	size_t begin = str_find(page, STR(BEGIN));
	size_t end = str_find(page, STR(END));
	assert_true(begin < page.len && begin < end && end < page.len);
	buf_add(&want, str_head(page, begin));
	buf_add_cstr(&want, BEGIN);
	conf_manual(&want);
	buf_add(&want, str_skip(page, end));
	same_or_written(MANUAL, page, buf_str(&want));
	buf_done(&is);
	buf_done(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_file_is_up_to_date),
		cmocka_unit_test(the_man_page_is_up_to_date),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

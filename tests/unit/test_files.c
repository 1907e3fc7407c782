/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files: whole files there and back, limits, and what a failure leaves behind.
 */
#include "sys/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static char folder[] = "/tmp/postern-files-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void a_file_comes_back_whole(void **state)
{
	(void)state;
	char path[128];
	struct buf got;
	struct stat st;
	static char content[200000];

	snprintf(path, sizeof(path), "%s/a", folder);
	memset(content, 'x', sizeof(content));
	assert_int_equal(file_write(path, (struct str){content, sizeof(content)}, 0640, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	buf_init(&got, sizeof(content));
	assert_int_equal(file_read(path, &got, NULL), 0);
	assert_int_equal(got.len, sizeof(content));
	assert_memory_equal(got.ptr, content, sizeof(content));
	buf_done(&got);
	unlink(path);
}

static void a_larger_file_is_refused(void **state)
{
	(void)state;
	char path[128];
	struct buf got;
	struct errmsg err;

	snprintf(path, sizeof(path), "%s/b", folder);
	assert_int_equal(file_write(path, STR("12345"), 0600, NULL), 0);
	buf_init(&got, 4);
	assert_int_equal(file_read(path, &got, &err), -EMSGSIZE);
	assert_non_null(strstr(err.text, "larger than 4"));
	buf_done(&got);
	unlink(path);
}

static void a_failed_write_names_the_file_and_leaves_nothing(void **state)
{
	(void)state;
	char path[128];
	struct errmsg err;

	snprintf(path, sizeof(path), "%s/no/such", folder);
	assert_int_equal(file_write(path, STR("x"), 0600, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
}

static void folders_are_made_above(void **state)
{
	(void)state;
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/c/d/e", folder);
	assert_int_equal(file_make_path(path, NULL), 0);
	assert_int_equal(file_make_path(path, NULL), 0);
	assert_int_equal(file_make_dir(path, getuid(), getgid(), 0700, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	for (int i = 0; i < 3; i++) {
		rmdir(path);
		*strrchr(path, '/') = '\0';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_comes_back_whole),
		cmocka_unit_test(a_larger_file_is_refused),
		cmocka_unit_test(a_failed_write_names_the_file_and_leaves_nothing),
		cmocka_unit_test(folders_are_made_above),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of files, mboxes and folders: where one ends and in which order they come. */
#include "base/buf.h"
#include "cli/mailbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/poison.h"

static void assert_cut(struct str file, const char *want)
{
	char got[1000];
	size_t len = 0;
	bool is_first = true;

	while (file.len > 0) {
		struct str m = mailbox_take(&file, is_first);

		is_first = false;
		len += (size_t)snprintf(got + len, sizeof(got) - len, "[%.*s]", STR_ARG(m));
	}
	got[len] = '\0';
	assert_string_equal(got, want);
}

static void where_a_message_ends(void **state)
{
	(void)state;
	assert_cut(STR("A: b\n\ntext\n\nFrom a@b Wed Jun  5 2002\n"),
		   "[A: b\n\ntext\n\nFrom a@b Wed Jun  5 2002\n]");
	assert_cut(STR("From x\nA: b\n\none\n\nFrom a@b Wed Jun  5 12:00:00 2002\nC: d\n\ntwo\n"),
		   "[A: b\n\none\n\n][C: d\n\ntwo\n]");
	/* Neither without an empty line before it nor without a date. */
	assert_cut(STR("From x\nA: b\n\none\nFrom a@b Wed Jun  5 2002\n\nFrom here on it rains\n"),
		   "[A: b\n\none\nFrom a@b Wed Jun  5 2002\n\nFrom here on it rains\n]");
	assert_cut(STR("From x\r\n\r\nFrom a  Thu Jan  1 1970\r\n"), "[\r\n][]");
}

static int note(void *ctx, const char *file, uint64_t index, struct str octets)
{
	struct buf *out = ctx;
	const char *name = strrchr(file, '/');

	buf_printf(out, "%s:%u=%.*s ", name, (unsigned)index, STR_ARG(octets));
	return 0;
}

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void remove_file(const char *folder, const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(remove(path), 0);
}

static void folders_in_order(void **state)
{
	char folder[] = "/tmp/test_mailbox.XXXXXX";
	char inner[300];
	struct buf out;
	struct errmsg err;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(inner, sizeof(inner), "%s/cur", folder);
	assert_int_equal(mkdir(inner, 0700), 0);
	write_file(folder, "b", "2");
	write_file(folder, "a", "");
	write_file(folder, "B", "1");
	write_file(folder, ".hidden", "no");
	write_file(inner, "x", "From a\n3\n\nFrom b Thu Jan  1 1970\n4");
	buf_init(&out, 1000);
	write_file(inner, "y", "A: b\r\r5\r");
	write_file(inner, "z", "A: b\r\n\r\r\n");
	assert_int_equal(mailbox_walk(folder, note, &out, &err), 0);
	/* Lines that end in CR alone become lines, but only where there are no others. */
	assert_string_equal(buf_cstr(&out), "/B:0=1 /a:0= /b:0=2 /x:0=3\n\n /x:1=4 "
					    "/y:0=A: b\n\n5\n /z:0=A: b\r\n\r\r\n ");
	buf_done(&out);
	remove_file(folder, "b");
	remove_file(folder, "a");
	remove_file(folder, "B");
	remove_file(folder, ".hidden");
	remove_file(inner, "x");
	remove_file(inner, "y");
	remove_file(inner, "z");
	remove_file(folder, "cur");
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(mailbox_walk(folder, note, &out, &err), -2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(where_a_message_ends),
		cmocka_unit_test(folders_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

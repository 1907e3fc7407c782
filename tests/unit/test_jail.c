/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail: whatever links a folder holds, nothing outside of it is opened, by the kernel's own way and
 * by hand.
 */
#include "doctor/jail.h"
#include "doctor/jail_glob.h"

#include <errno.h>
#include <fcntl.h>
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

#include "tree.h"

#include "base/poison.h"

static char top[64];

static const char *below(const char *path)
{
	static char full[2][512];
	static unsigned turn;
	char *at = full[turn++ % 2];

	(void)snprintf(at, sizeof(full[0]), "%s/%s", top, path);
	return at;
}

static void folder(const char *path)
{
	assert_int_equal(mkdir(below(path), 0700), 0);
}

static void file(const char *path, const char *text)
{
	int fd = open(below(path), O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void link_to(const char *path, const char *target)
{
	assert_int_equal(symlink(target, below(path)), 0);
}

/* "root" is the jail; "root/out" exists beside it, and so does "secret". */
static int set_up(void **state)
{
	char name[16];

	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/jail-XXXXXX");
	assert_non_null(mkdtemp(top));
	folder("root");
	folder("root/var");
	folder("root/var/log");
	folder("root/home");
	folder("root/home/a");
	folder("root/home/b");
	file("secret", "outside");
	file("root/secret", "inside");
	file("root/var/log/mail.log", "log");
	file("root/var/log/mail.log.1", "log 1");
	file("root/var/log/.mail.log", "hidden");
	file("root/home/a/mail.log", "a");
	link_to("root/home/b/mail.log", "../../../secret");
	link_to("root/up", "../secret");
	link_to("root/var/log/far-up", "../../../../../../secret");
	link_to("root/absolute", below("secret"));
	link_to("root/plain", "/secret");
	link_to("root/log", "/var/log");
	link_to("root/parent", "..");
	link_to("root/self", "self");
	link_to("root/home/c", "/../home/a");
	link_to("root/passwd", "/etc/passwd");
	link_to("root/l0", "secret");
	for (unsigned i = 1; i < 50; i++) {
		char to[8];
		(void)snprintf(name, sizeof(name), "root/l%u", i % 100);
		(void)snprintf(to, sizeof(to), "l%u", (i - 1) % 100);
		link_to(name, to);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return tree_remove(top);
}

/* What is read, or the negative errno as text. */
static const char *read_in(const struct jail *j, const char *path)
{
	static char got[64];
	struct buf text;

	buf_init(&text, 1 << 20);
	int r = jail_read(j, path, &text);
	if (r < 0) {
		(void)snprintf(got, sizeof(got), "%d", r);
	} else {
		assert_true(str_copy(got, sizeof(got), buf_str(&text)));
	}
	buf_done(&text);
	return got;
}

static void check_links(bool is_by_hand)
{
	static const struct {
		const char *path;
		const char *want; /* NULL: is not there */
	} rows[] = {
		{"/secret", "inside"},
		{"secret", "inside"},
		{"../secret", "inside"},
		{"/../../secret", "inside"},
		{"/var/../../../secret", "inside"},
		{"up", "inside"},
		{"var/log/far-up", "inside"},
		{"plain", "inside"},
		{"absolute", NULL},
		{"passwd", NULL},
		{"log/mail.log", "log"},
		{"/log/../../secret", "inside"},
		{"parent/secret", "inside"},
		{"parent/parent/root/secret", NULL},
		{"home/b/mail.log", "inside"},
		{"home/c/mail.log", "a"},
		{"l19", "inside"},
		{"nothing", NULL},
	};
	struct jail j;

	assert_int_equal(jail_open(&j, below("root")), 0);
	j.is_by_hand = is_by_hand;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char absent[16];
		(void)snprintf(absent, sizeof(absent), "%d", -ENOENT);
		print_message("%s\n", rows[i].path);
		assert_string_equal(read_in(&j, rows[i].path),
				    rows[i].want == NULL ? absent : rows[i].want);
	}
	assert_int_equal(jail_open_file(&j, "self"), -ELOOP);
	assert_int_equal(jail_open_file(&j, "l49"), -ELOOP);
	assert_int_equal(jail_open_file(&j, "var"), -EINVAL);
	assert_int_equal(jail_open_dir(&j, "secret"), -ENOTDIR);
	assert_true(jail_has(&j, "parent/var"));
	assert_false(jail_has(&j, "parent/root"));
	int fd = jail_open_dir(&j, "");
	assert_true(fd >= 0);
	close(fd);
	jail_close(&j);
}

static void no_link_leads_out(void **state)
{
	(void)state;
	check_links(false);
}

static void nor_by_hand(void **state)
{
	(void)state;
	check_links(true);
}

struct seen {
	char text[512];
	size_t count;
	int answer;
};

static int see(void *ctx, const char *path)
{
	struct seen *s = ctx;
	size_t len = strlen(s->text);

	(void)snprintf(s->text + len, sizeof(s->text) - len, "%s;", path);
	s->count++;
	return s->answer;
}

static void assert_glob(const struct jail *j, const char *pattern, size_t count,
			const char *one_of_it)
{
	struct seen s = {.count = 0};

	assert_int_equal(jail_glob(j, pattern, see, &s), 0);
	assert_int_equal(s.count, count);
	assert_non_null(strstr(s.text, one_of_it));
}

static void patterns_mean_what_is_inside(void **state)
{
	(void)state;
	struct seen s = {.answer = 7};
	struct jail j;

	assert_int_equal(jail_open(&j, below("root")), 0);
	assert_glob(&j, "/var/log/mail.log", 1, "/var/log/mail.log;");
	assert_glob(&j, "/log/mail.log*", 2, "/log/mail.log.1;");
	assert_glob(&j, "/var/log/*.log", 1, "/var/log/mail.log;");
	assert_glob(&j, "/var/log/mail.log.*1", 1, "/var/log/mail.log.1;");
	assert_glob(&j, "/var/log/mail.log*1*", 0, "");
	assert_glob(&j, "/home/*/mail.log", 3, "/home/c/mail.log;");
	assert_glob(&j, "/home/*/m*", 3, "/home/b/mail.log;");
	assert_glob(&j, "/*/*/*/*/*", 0, "");
	assert_glob(&j, "/parent/r*", 0, "");
	assert_glob(&j, "/none/*", 0, "");
	assert_int_equal(jail_glob(&j, "/home/*/m*", see, &s), 7);
	assert_int_equal(s.count, 1);
	jail_close(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_link_leads_out),
		cmocka_unit_test(nor_by_hand),
		cmocka_unit_test(patterns_mean_what_is_inside),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}

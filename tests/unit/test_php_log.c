/* SPDX-License-Identifier: Apache-2.0 */
/*
 * php_log: settings of every place are found, rotated logs beside them, and nothing outside of the
 * root is named by a link.
 */
#include "doctor/php_log.h"

#include "base/str.h"

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

static char top[] = "/tmp/postern-php-log-XXXXXX";
static char root[64];
static char found[8192];

static void write_at(const char *base, const char *path, const char *text)
{
	char name[512];

	(void)snprintf(name, sizeof(name), "%s%s", base, path);
	for (char *p = name + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(name, 0700);
		*p = '/';
	}
	FILE *f = fopen(name, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void link_at(const char *to, const char *path)
{
	char name[512];

	(void)snprintf(name, sizeof(name), "%s%s", root, path);
	assert_int_equal(symlink(to, name), 0);
}

static int note(void *ctx, const char *path, struct errmsg *reterr)
{
	(void)ctx;
	(void)reterr;
	assert_true(str_has_prefix(str_of(path), str_of(root)));
	size_t at = strlen(found);
	(void)snprintf(found + at, sizeof(found) - at, "%s|", path + strlen(root));
	return 0;
}

static size_t find(void)
{
	struct errmsg err;
	size_t n = 0;

	found[0] = '\0';
	assert_int_equal(php_log_find(root, note, NULL, &err), 0);
	for (const char *p = found; (p = strchr(p, '|')) != NULL; p++) {
		n++;
	}
	return n;
}

static void assert_found(const char *path)
{
	char wanted[128];

	(void)snprintf(wanted, sizeof(wanted), "%s|", path);
	if (strstr(found, wanted) == NULL) {
		fail_msg("%s is not in %s", path, found);
	}
}

static void settings_of_every_place(void **state)
{
	(void)state;
	static const struct {
		const char *file;
		const char *text;
		const char *log;
	} rows[] = {
		{"/etc/php/8.2/fpm/php.ini", "[PHP]\nmail.log = /srv/a.log\n", "/srv/a.log"},
		{"/etc/php/8.2/cli/conf.d/20-mail.ini", "mail.log=\"/srv/b.log\" ; why\n",
		 "/srv/b.log"},
		{"/etc/php/8.3/fpm/pool.d/c.conf", "[c]\nphp_admin_value[mail.log] = /srv/c.log\n",
		 "/srv/c.log"},
		{"/etc/php.ini", "mail.log = /srv/d.log ; why\n", "/srv/d.log"},
		{"/etc/php.d/50-mail.ini", "mail.log = /srv/e.log\n", "/srv/e.log"},
		{"/etc/php-fpm.d/www.conf", "php_value[mail.log] = '/srv/f.log'\n", "/srv/f.log"},
		{"/opt/plesk/php/8.1/etc/php.ini", "mail.log = /srv/g.log\n", "/srv/g.log"},
		{"/opt/plesk/php/8.1/etc/php.d/z.ini", "mail.log = /srv/h.log\n", "/srv/h.log"},
		{"/opt/cpanel/ea-php81/root/etc/php.ini", "mail.log = /srv/i.log\n", "/srv/i.log"},
		{"/opt/cpanel/ea-php81/root/etc/php-fpm.d/u.conf",
		 "php_admin_value[mail.log] = /srv/j.log\n", "/srv/j.log"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		write_at(root, rows[i].file, rows[i].text);
		write_at(root, rows[i].log, "x\n");
	}
	assert_int_equal(find(), COUNT_OF(rows));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_found(rows[i].log);
	}
}

static void rotated_logs_and_no_others(void **state)
{
	(void)state;
	write_at(root, "/srv/a.log.1", "x\n");
	write_at(root, "/srv/a.log.2.gz", "x\n");
	write_at(root, "/srv/a.log-20260101", "x\n");
	write_at(root, "/srv/a.logbook", "x\n");
	size_t n = find();
	assert_found("/srv/a.log.1");
	assert_found("/srv/a.log.2.gz");
	assert_found("/srv/a.log-20260101");
	assert_int_equal(n, 13);
}

/* A link in a copy means what it would mean after chroot. */
static void links_stay_inside(void **state)
{
	(void)state;
	char outside[128];

	write_at(top, "/secret.log", "x\n");
	write_at(root, "/inside.log", "x\n");
	(void)snprintf(outside, sizeof(outside), "%s/secret.log", top);
	link_at(outside, "/srv/away.log");
	link_at("../../secret.log", "/srv/up.log");
	link_at("/inside.log", "/srv/in.log");
	(void)snprintf(outside, sizeof(outside), "%s", top);
	link_at(outside, "/srv/folder");
	write_at(root, "/etc/php/8.4/fpm/pool.d/1.conf",
		 "php_admin_value[mail.log] = /srv/away.log\n");
	write_at(root, "/etc/php/8.4/fpm/pool.d/2.conf",
		 "php_admin_value[mail.log] = /srv/up.log\n");
	write_at(root, "/etc/php/8.4/fpm/pool.d/3.conf",
		 "php_admin_value[mail.log] = /srv/in.log\n");
	write_at(root, "/etc/php/8.4/fpm/pool.d/4.conf",
		 "php_admin_value[mail.log] = /srv/folder/secret.log\n");
	write_at(root, "/etc/php/8.4/fpm/pool.d/5.conf",
		 "php_admin_value[mail.log] = /../secret.log\n");
	size_t n = find(); /* `note` holds each to the root */
	assert_found("/inside.log");
	assert_int_equal(n, 14);
}

static void what_is_no_log_is_left(void **state)
{
	(void)state;
	char name[128];

	(void)snprintf(name, sizeof(name), "%s/srv/pipe", root);
	assert_int_equal(mkfifo(name, 0600), 0);
	write_at(root, "/etc/php/8.5/cli/conf.d/1.ini", "mail.log = syslog\n");
	write_at(root, "/etc/php/8.5/cli/conf.d/2.ini", "mail.log =\n");
	write_at(root, "/etc/php/8.5/cli/conf.d/3.ini", "mail.log = /srv/\n");
	write_at(root, "/etc/php/8.5/cli/conf.d/4.ini", ";mail.log = /srv/a.logbook\n");
	write_at(root, "/etc/php/8.5/cli/conf.d/5.ini", "mail.log = /srv/pipe\n");
	write_at(root, "/etc/php/8.5/cli/conf.d/6.ini", "mail.log = /srv/none.log\n");
	assert_int_equal(find(), 14);
}

static int make_root(void **state)
{
	(void)state;
	if (mkdtemp(top) == NULL) {
		return -1;
	}
	(void)snprintf(root, sizeof(root), "%s/root", top);
	return mkdir(root, 0700);
}

static int remove_root(void **state)
{
	(void)state;
	return tree_remove(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_of_every_place),
		cmocka_unit_test(rotated_logs_and_no_others),
		cmocka_unit_test(links_stay_inside),
		cmocka_unit_test(what_is_no_log_is_left),
	};
	return cmocka_run_group_tests(tests, make_root, remove_root);
}

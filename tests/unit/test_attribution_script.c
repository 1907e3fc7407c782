/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_script: which file handed a user's mail in, by the recipients that PHP's log names.
 */
#include "core/attribution_script.h"

#include "core/attribution.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "log_reader.h"

#include "base/poison.h"

static void php_line(struct log_reader *r, unsigned second, const char *path, const char *rcpt)
{
	feedf(r, "[12-Jun-2026 04:05:%02u UTC] mail() on [%s:12]: To: %s -- Headers: X: y", second,
	      path, rcpt);
}

/* One message of a local user, delivered to another machine. */
static void user_message(struct log_reader *r, unsigned second, unsigned uid, const char *rcpt)
{
	feedf(r, "Jun 12 04:05:%02u s postfix/pickup[2]: %08X1: uid=%u from=<www>", second, uid,
	      uid);
	feedf(r, "Jun 12 04:05:%02u s postfix/cleanup[1]: %08X1: message-id=<%u@x>", second, uid,
	      uid);
	feedf(r, "Jun 12 04:05:%02u s postfix/qmgr[8]: %08X1: from=<www@x>, size=8120, nrcpt=1 (q)",
	      second, uid);
	feedf(r,
	      "Jun 12 04:05:%02u s postfix/smtp[3]: %08X1: to=<%s>, relay=mx[192.0.2.26]:25, "
	      "delay=3, delays=0/0/0/2, dsn=2.0.0, status=sent (ok)",
	      second, uid, rcpt);
	feedf(r, "Jun 12 04:05:%02u s postfix/qmgr[8]: %08X1: removed", second, uid);
}

static const char *script_of_user(const struct log_reader *r, const char *uid)
{
	const struct attribution_sender *s = find(r, uid);

	assert_non_null(s);
	return s->script;
}

/* Two scripts write to three people, and the users that run them each hand in one of the mails. */
static void read_three(struct log_reader *r, const struct attribution_opts *opts)
{
	reader_init(r, opts);
	php_line(r, 1, "/a.php", "\"A B\" <one@c.example>");
	php_line(r, 2, "/a.php", "x@c.example, two@c.example");
	php_line(r, 3, "/b.php", "three@c.example");
	user_message(r, 4, 1001, "one@c.example");
	user_message(r, 5, 1002, "two@c.example");
	user_message(r, 6, 1003, "three@c.example");
	attribution_end(r->a);
}

static void a_recipient_tells_the_script(void **state)
{
	(void)state;
	struct log_reader r;

	read_three(&r, &(struct attribution_opts){.key = {1, 2}});
	assert_string_equal(script_of_user(&r, "uid 1001"), "/a.php");
	assert_string_equal(script_of_user(&r, "uid 1002"), "/a.php");
	assert_string_equal(script_of_user(&r, "uid 1003"), "/b.php");
	attribution_free(r.a);
}

static void another_minute_tells_nothing(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &(struct attribution_opts){.key = {1, 2}});
	feed(&r, "[12-Jun-2026 04:03:50 UTC] mail() on [/a.php:12]: To: one@c.example -- H: X");
	user_message(&r, 4, 1001, "one@c.example");
	attribution_end(r.a);
	assert_string_equal(script_of_user(&r, "uid 1001"), "");
	attribution_free(r.a);
}

/* The latest recipient takes the place of one before, and a script too many has no name. */
static void what_is_remembered_is_bounded(void **state)
{
	(void)state;
	struct log_reader r;

	read_three(&r, &(struct attribution_opts){.scripts_max = 1, .key = {1, 2}});
	assert_string_equal(script_of_user(&r, "uid 1001"), "");
	assert_string_equal(script_of_user(&r, "uid 1002"), "/a.php");
	assert_string_equal(script_of_user(&r, "uid 1003"), "");
	attribution_free(r.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_recipient_tells_the_script),
		cmocka_unit_test(another_minute_tells_nothing),
		cmocka_unit_test(what_is_remembered_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cause: what the numbers of one source mean: rows of sources as servers have them, and for each
 * whether it is accused and of what.
 */
#include "core/cause.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

struct row {
	const char *what;
	struct attribution_sender s;
	struct cause_context c;
	bool is_accused;
	enum cause cause;
};

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct attribution_sender s = rows[i].s;
		s.name = s.name == NULL ? "n" : s.name;
		s.script = s.script == NULL ? "" : s.script;
		struct cause_verdict v = cause_of(&s, &rows[i].c);
		if (v.is_accused != rows[i].is_accused || v.cause != rows[i].cause) {
			print_error("%s: %s, %s\n", rows[i].what,
				    v.is_accused ? "accused" : "not accused", cause_name(v.cause));
		}
		assert_int_equal(v.is_accused, rows[i].is_accused);
		assert_int_equal(v.cause, rows[i].cause);
		/* Nobody can be sure of what he does not know. */
		assert_int_equal(v.confidence_ppm == 0, v.cause == CAUSE_UNKNOWN);
	}
}

#define NUMBERS(m, r, d) .messages = (m), .recipients = (r), .distinct = (d), .senders = 1

static void what_was_put_off_does_not_dilute_what_was_refused(void **state)
{
	(void)state;
	/* 40 messages got an answer, 12 of them no; then the source was shut, and 160 wait. */
	static const struct row rows[] = {
		{"answered",
		 {.kind = SOURCE_USER, NUMBERS(40, 40, 40), .unknown = 12, .bounced = 12},
		 {0},
		 true,
		 CAUSE_SITE},
		{"and then shut",
		 {.kind = SOURCE_USER,
		  NUMBERS(200, 200, 200),
		  .unknown = 12,
		  .bounced = 12,
		  .deferred = 160},
		 {0},
		 true,
		 CAUSE_SITE},
		{"a list that is greylisted",
		 {.kind = SOURCE_USER,
		  NUMBERS(200, 200, 200),
		  .unknown = 4,
		  .bounced = 4,
		  .deferred = 60},
		 {0},
		 false,
		 CAUSE_BULK},
	};
	check(rows, COUNT_OF(rows));
}

static void a_complaint_is_asked_why(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"a form without refusals",
		 {.kind = SOURCE_USER,
		  NUMBERS(60, 120, 61),
		  .constant_rcpt = 60,
		  .scripted = 60,
		  .script = "/home/a/public_html/contact.php"},
		 {.is_named = true},
		 true,
		 CAUSE_FORM},
		{"a shop that nobody complains about",
		 {.kind = SOURCE_USER,
		  NUMBERS(60, 120, 61),
		  .constant_rcpt = 60,
		  .scripted = 60,
		  .script = "/home/a/public_html/checkout.php"},
		 {0},
		 false,
		 CAUSE_UNKNOWN},
		{"a shop with three that mistyped themselves",
		 {.kind = SOURCE_USER,
		  NUMBERS(13, 26, 14),
		  .constant_rcpt = 13,
		  .unknown = 3,
		  .bounced = 3},
		 {0},
		 false,
		 CAUSE_FORM},
		{"a login from ten networks",
		 {.kind = SOURCE_ACCOUNT, NUMBERS(100, 216, 210), .networks = 10},
		 {.is_named = true},
		 true,
		 CAUSE_PASSWORD},
		{"somebody's list",
		 {.kind = SOURCE_ACCOUNT, NUMBERS(100, 100, 100), .networks = 1},
		 {.is_named = true},
		 true,
		 CAUSE_BULK},
		{"two mails",
		 {.kind = SOURCE_ACCOUNT, NUMBERS(2, 9, 9), .networks = 1},
		 {.is_named = true},
		 true,
		 CAUSE_UNKNOWN},
	};
	check(rows, COUNT_OF(rows));
}

#define NATS 1000000

static void many_networks_need_refusals_beyond_chance(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"who travels, with three dead friends and many that are put off",
		 {.kind = SOURCE_ACCOUNT,
		  NUMBERS(25, 43, 29),
		  .networks = 9,
		  .unknown = 3,
		  .bounced = 3,
		  .deferred = 11,
		  .stretch = 2 * NATS},
		 {0},
		 false,
		 CAUSE_PASSWORD},
		{"the same shape, and seven are unknown",
		 {.kind = SOURCE_ACCOUNT,
		  NUMBERS(25, 43, 29),
		  .networks = 9,
		  .unknown = 7,
		  .bounced = 7,
		  .deferred = 11,
		  .stretch = 5 * NATS},
		 {0},
		 true,
		 CAUSE_PASSWORD},
		{"the same, and six refused it as spam",
		 {.kind = SOURCE_ACCOUNT,
		  NUMBERS(25, 43, 29),
		  .networks = 9,
		  .refused = 6,
		  .bounced = 6,
		  .deferred = 11},
		 {0},
		 true,
		 CAUSE_PASSWORD},
	};
	check(rows, COUNT_OF(rows));
}

static void a_run_of_spam_is_seen_among_the_owners_mail(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"thirteen mails of spam by webmail",
		 {.kind = SOURCE_ACCOUNT,
		  NUMBERS(35, 89, 64),
		  .networks = 2,
		  .unknown = 19,
		  .bounced = 19,
		  .deferred = 18,
		  .stretch = 25 * NATS},
		 {0},
		 true,
		 CAUSE_PASSWORD},
		{"among thousands of the owner's",
		 {.kind = SOURCE_ACCOUNT,
		  NUMBERS(3000, 3000, 900),
		  .networks = 2,
		  .unknown = 19,
		  .bounced = 19,
		  .stretch = 16 * NATS},
		 {0},
		 true,
		 CAUSE_PASSWORD},
		{"as many, but never many of them together",
		 {.kind = SOURCE_ACCOUNT,
		  NUMBERS(3000, 3000, 900),
		  .networks = 2,
		  .unknown = 19,
		  .bounced = 19,
		  .stretch = 15 * NATS},
		 {0},
		 false,
		 CAUSE_BULK},
		{"a help desk that met seven mistyped addresses, some of them together",
		 {.kind = SOURCE_ACCOUNT,
		  NUMBERS(41, 41, 41),
		  .networks = 1,
		  .unknown = 7,
		  .bounced = 7,
		  .local_client = 41,
		  .stretch = 8 * NATS},
		 {0},
		 false,
		 CAUSE_PASSWORD},
		{"an old list of friends, once",
		 {.kind = SOURCE_ACCOUNT,
		  NUMBERS(20, 40, 30),
		  .networks = 1,
		  .unknown = 6,
		  .bounced = 6,
		  .stretch = 5 * NATS},
		 {0},
		 false,
		 CAUSE_PASSWORD},
	};
	check(rows, COUNT_OF(rows));
}

static void each_way_into_the_server_has_its_cause(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"a forward that a sixth is refused of",
		 {.kind = SOURCE_ACCOUNT, NUMBERS(30, 30, 1), .forwarded = 30, .bounced = 6},
		 {0},
		 true,
		 CAUSE_FORWARDING},
		{"a forward of wanted mail",
		 {.kind = SOURCE_ACCOUNT, NUMBERS(30, 30, 1), .forwarded = 30, .bounced = 2},
		 {0},
		 false,
		 CAUSE_FORWARDING},
		{"qmail without logins",
		 {.kind = SOURCE_SERVER,
		  .name = ATTRIBUTION_NO_LOGIN,
		  NUMBERS(80, 80, 80),
		  .unknown = 30},
		 {0},
		 true,
		 CAUSE_OPEN_RELAY},
		{"root",
		 {.kind = SOURCE_USER, .name = "uid 0", NUMBERS(80, 80, 80), .unknown = 30},
		 {0},
		 true,
		 CAUSE_SERVER},
		{"cron's reports",
		 {.kind = SOURCE_USER, .name = "root", NUMBERS(80, 80, 1)},
		 {0},
		 false,
		 CAUSE_SERVER},
	};
	check(rows, COUNT_OF(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_off_does_not_dilute_what_was_refused),
		cmocka_unit_test(a_complaint_is_asked_why),
		cmocka_unit_test(many_networks_need_refusals_beyond_chance),
		cmocka_unit_test(a_run_of_spam_is_seen_among_the_owners_mail),
		cmocka_unit_test(each_way_into_the_server_has_its_cause),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_5424: the newer syslog form, of every mail program, with every way to write its parts; what
 * only looks like it is read as before.
 */
#include "proto/log_5424.h"

#include "base/clock.h"
#include "proto/log_event.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define TIME "2026-06-12T04:05:06.003Z"

/* "time|host|path|program|text" of a line; "" when it has no time. */
static const char *told(const char *text)
{
	static char said[2048];
	char when[WALL_TEXT_SIZE];
	struct log_time lt = {.year = 2020};
	struct log_line_memory memory = {.host_len = 0};
	struct log_line l;
	struct log_line again;

	if (!log_line_parse(&lt, str_of(text), &l)) {
		return "";
	}
	/* A memory of lines before changes nothing, be it the first line or the second. */
	for (int i = 0; i < 2; i++) {
		assert_true(log_line_parse_next(&lt, &memory, str_of(text), &again));
		assert_true(str_is_equal(again.host, l.host) && str_is_equal(again.path, l.path) &&
			    str_is_equal(again.program, l.program) &&
			    str_is_equal(again.text, l.text) && again.writer == l.writer &&
			    again.time.ns == l.time.ns);
	}
	int n = snprintf(said, sizeof(said), "%s|%.*s|%.*s|%.*s|%.*s", wall_format(l.time, when),
			 (int)l.host.len, l.host.ptr, (int)l.path.len, l.path.ptr,
			 (int)l.program.len, l.program.ptr, (int)l.text.len, l.text.ptr);
	assert_true(n > 0 && (size_t)n < sizeof(said));
	return strchr(said, '|') + 1;
}

static void parts_of_a_line(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *told;
	} rows[] = {
		{"<22>1 " TIME " mx postfix/smtpd 2011 - - connect", "mx|postfix|smtpd|connect"},
		{"1 " TIME " mx postfix-out/submission/smtpd 2011 - - connect",
		 "mx|postfix-out/submission|smtpd|connect"},
		{"66 <22>1 " TIME " mx exim 7 - - text", "mx||exim|text"},
		/* What rsyslog writes: its message begins with the blank behind the tag. */
		{"<22>1 " TIME " mx dovecot - - -  imap-login: Login",
		 "mx||dovecot|imap-login: Login"},
		{"<22>1 " TIME " mx a - id7 - \xEF\xBB\xBFmess\xC3\xA4ge", "mx||a|mess\xC3\xA4ge"},
		{"<22>1 " TIME " mx a 1 m [x@1 b=\"c\"] text", "mx||a|text"},
		{"<22>1 " TIME " mx a 1 m [x@1 b=\"\\\"] c\\\\\" d=\"]\"][y][z e=\"[\"] text",
		 "mx||a|text"},
		/* Nil values; the tag may be in the message then. */
		{"<22>1 " TIME " - - - - - postfix/qmgr[5]: 4bG: removed",
		 "|postfix|qmgr|4bG: removed"},
		{"<22>1 " TIME " mx a - - -", "mx||a|"},
		/* Only like it. */
		{"<22>1 " TIME " mx postfix/smtpd[2011]: connect from x[192.0.2.1]",
		 "mx|postfix|smtpd|connect from x[192.0.2.1]"},
		{"<22>1 " TIME " mx a 1 m [x@1 b=\"c] text: never ends",
		 "mx|||a 1 m [x@1 b=\"c] text: never ends"},
		{"<22>" TIME " mx postfix/smtpd[2011]: 1 2 - - - x",
		 "mx|postfix|smtpd|1 2 - - - x"},
		{"<22>1 - mx a 1 m - no time", ""},
		{"<22>2 " TIME " mx a 1 m - another version", ""},
		{"12345678 <22>1 " TIME " mx a 1 m - no such count", ""},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_string_equal(told(rows[i].line), rows[i].told);
	}
}

static void the_time_is_the_lines_own(void **state)
{
	(void)state;
	struct log_time lt = {.year = 2020, .zone_s = 3600};
	struct log_line l;
	char text[WALL_TEXT_SIZE];

	assert_true(log_line_parse(&lt, STR("<22>1 2026-06-12T04:05:06.003+02:00 mx a - - - text"),
				   &l));
	assert_string_equal(wall_format(l.time, text), "2026-06-12T02:05:06.003000Z");
}

/* Each mail program says the same in the newer form as in the older one. */
static void every_program_is_heard(void **state)
{
	(void)state;
	static const struct {
		const char *app;
		const char *text;
	} rows[] = {
		{"postfix/smtpd", "9F4C2DE00A1: client=u[203.0.113.7], sasl_username=a@b.example"},
		{"postfix/qmgr",
		 "9F4C2DE00A1: from=<a@b.example>, size=8120, nrcpt=2 (queue active)"},
		{"exim", "2026-11-21 17:49:29 1xUpDM-00082o-1Y Completed"},
		{"sm-mta",
		 "s1OHA28u032053: from=<a@b>, size=1, class=0, nrcpts=1, relay=u@localhost"},
		{"qmail", "1182437400.123456 new msg 93869"},
		{"dovecot",
		 "imap-login: Login: user=<a@b>, method=PLAIN, rip=203.0.113.7, lip=192.0.2.1"},
		{"php", "mail() on [/home/u/a.php:12]: To: c@d -- Headers: X: y -- Subject: z"},
	};
	char older[512];
	char newer[512];
	struct log_time lt = {.year = 2026};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct log_line l[2];
		struct log_event e[2];
		(void)snprintf(older, sizeof(older), TIME " mx %s[7]: %s", rows[i].app,
			       rows[i].text);
		(void)snprintf(newer, sizeof(newer), "<22>1 " TIME " mx %s 7 - - %s", rows[i].app,
			       rows[i].text);
		assert_true(log_line_parse(&lt, str_of(older), &l[0]));
		assert_true(log_line_parse(&lt, str_of(newer), &l[1]));
		assert_int_equal(l[0].time.ns, l[1].time.ns);
		assert_int_equal(l[0].writer, l[1].writer);
		assert_true(str_is_equal(l[0].text, l[1].text));
		log_event_parse(&l[0], &e[0]);
		log_event_parse(&l[1], &e[1]);
		assert_int_equal(e[0].type, e[1].type);
		assert_int_equal(e[0].mta, e[1].mta);
		assert_true(str_is_equal(e[0].id, e[1].id));
		assert_true(str_is_equal(e[0].sender, e[1].sender));
	}
}

/* Cut anywhere, each view lies within what is left. */
static void a_cut_line_stays_within_itself(void **state)
{
	(void)state;
	const struct str whole = STR("66 <22>1 " TIME
				     " mx postfix/smtpd 1 m [x@1 b=\"\\\"] c\\\\\" "
				     "d=\"]\"][y] \xEF\xBB\xBF text");

	for (size_t len = 0; len <= whole.len; len++) {
		struct log_time lt = {.year = 2026};
		struct str line = str_head(whole, len);
		struct log_line l;
		if (!log_line_parse(&lt, line, &l)) {
			continue;
		}
		const struct str parts[] = {l.host, l.program, l.path, l.text};
		for (size_t i = 0; i < COUNT_OF(parts); i++) {
			assert_true(parts[i].len == 0 ||
				    (parts[i].ptr >= line.ptr &&
				     parts[i].ptr + parts[i].len <= line.ptr + line.len));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_a_line),
		cmocka_unit_test(the_time_is_the_lines_own),
		cmocka_unit_test(every_program_is_heard),
		cmocka_unit_test(a_cut_line_stays_within_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

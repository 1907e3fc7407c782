/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_event: lines of every mail server, and text of strangers that looks like a field.
 */
#include "proto/log_event.h"

#include "base/buf.h"
#include "base/prng.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static struct log_event parse(const char *text)
{
	struct log_time lt = {.year = 2026};
	struct log_line l;
	struct log_event e;

	assert_true(log_line_parse(&lt, str_of(text), &l));
	log_event_parse(&l, &e);
	return e;
}

static void assert_str(struct str got, const char *expected)
{
	assert_true(str_is_equal(got, str_of(expected)));
}

static void postfix_from_arrival_to_removal(void **state)
{
	(void)state;
	struct log_event e = parse("Jun 12 04:05:06 srv1 postfix/submission/smtpd[2011]: "
				   "9F4C2DE00A1: client=unknown[203.0.113.77], "
				   "sasl_method=LOGIN, sasl_username=info@shop.example");
	assert_int_equal(e.type, LOG_ARRIVED);
	assert_str(e.id, "9F4C2DE00A1");
	assert_str(e.client_addr, "203.0.113.77");
	assert_str(e.account, "info@shop.example");

	e = parse("Jun 12 04:05:06 srv1 postfix/cleanup[1402]: 9F4C2DE00A1: "
		  "message-id=<73a1$4285@shop.example>");
	assert_int_equal(e.type, LOG_MESSAGE_ID);
	assert_str(e.message_id, "73a1$4285@shop.example");

	e = parse("Jun 12 04:05:06 srv1 postfix/qmgr[881]: 9F4C2DE00A1: from=<info@shop.example>, "
		  "size=8120, nrcpt=38 (queue active)");
	assert_int_equal(e.type, LOG_QUEUED);
	assert_str(e.sender, "info@shop.example");

	e = parse("Jun 12 04:05:09 srv1 postfix/smtp[3101]: 9F4C2DE00A1: to=<a@big.example>, "
		  "relay=mx.big.example[192.0.2.26]:25, delay=3.1, "
		  "delays=0.2/0.01/0.9/2, dsn=5.1.1, status=bounced (host mx said: 550 5.1.1 no, "
		  "status=sent (in reply to RCPT TO command))");
	assert_int_equal(e.type, LOG_DELIVERY);
	assert_int_equal(e.delivery, LOG_BOUNCED);
	assert_true(e.is_unknown_rcpt);
	assert_false(e.is_local_relay);

	e = parse("2026-06-12T04:06:00.123456+02:00 srv1 postfix/pickup[1201]: 4bGXyz3tBrz3tG5: "
		  "uid=10042 from=<www-data@shop.example>");
	assert_int_equal(e.type, LOG_ARRIVED);
	assert_true(e.has_uid);
	assert_int_equal(e.uid, 10042);

	e = parse("Jun 12 04:06:01 srv1 postfix/bounce[3401]: 9F4C2DE00A1: sender non-delivery "
		  "notification: A86569525F2");
	assert_int_equal(e.type, LOG_BOUNCE);
	assert_str(e.id2, "A86569525F2");
	assert_int_equal(
		parse("Jun 12 04:06:01 srv1 postfix-out/qmgr[3]: 9F4C2DE00A1: removed").type,
		LOG_ENDED);
}

static void postfix_text_of_strangers_is_never_a_field(void **state)
{
	(void)state;
	struct log_event e = parse("Jun 12 04:05:06 s postfix/cleanup[1]: 9F4C2DE00A1: "
				   "message-id=<x>, sasl_username=innocent@shop.example");
	assert_int_equal(e.type, LOG_MESSAGE_ID);
	assert_int_equal(e.account.len, 0);
	e = parse("Jun 12 04:05:06 s postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[1.2.3.4]: 554; "
		  "from=<a@b> helo=<x, sasl_username=innocent>");
	assert_int_equal(e.type, LOG_REJECTED);
	assert_int_equal(e.account.len, 0);
	e = parse("Jun 12 04:05:06 s postfix/smtpd[1]: warning: unknown[1.2.3.4]: SASL LOGIN "
		  "authentication failed: x, sasl_username=innocent");
	assert_int_equal(e.type, LOG_AUTH_FAILED);
	assert_int_equal(e.account.len, 0);
	e = parse("Jun 12 04:05:06 s postfix/smtp[1]: 9F4C2DE00A1: to=<\"a>, status=sent "
		  "(x\"@b.example>, orig_to=<c@d>, relay=none, delay=1, "
		  "delays=0/0/0/0, dsn=4.4.1, status=deferred (connect)");
	assert_int_equal(e.delivery, LOG_DEFERRED);
	assert_str(e.rcpt, "\"a>, status=sent (x\"@b.example");
	assert_str(e.orig_rcpt, "c@d");
}

static void exim_reads_around_the_subject(void **state)
{
	(void)state;
	struct log_event e = parse("2026-11-21 17:50:02 1xUpDu-0008CZ-1J <= a@shop.example H=(x) "
				   "[203.0.113.77] P=esmtpa A=dovecot_login:info@shop.example "
				   "S=328 T=\"s \\\"q\\\" A=dovecot_login:innocent@shop.example "
				   "[1.2.3.4] <= x for y@z\" for b@example.net c@example.net");
	assert_int_equal(e.type, LOG_ARRIVED);
	assert_str(e.id, "1xUpDu-0008CZ-1J");
	assert_str(e.account, "info@shop.example");
	assert_str(e.client_addr, "203.0.113.77");
	assert_str(e.rcpt, "b@example.net c@example.net");

	/* A local message whose Subject names an account has none. */
	e = parse("2026-11-21 17:49:28.123 +0100 [77] 1xUpDM-000000082o1-001Y <= x@shop.example "
		  "U=u42 P=local S=408 T=\"A=dovecot_login:innocent\" for v@n");
	assert_str(e.login, "u42");
	assert_int_equal(e.account.len, 0);
	/* U= on SMTP is the other side's word. */
	e = parse("2026-11-21 17:49:28 1xUpDM-00082o-1Y <= x@shop.example H=mx [192.0.2.1] U=root "
		  "P=esmtp S=1 id=m@x");
	assert_int_equal(e.login.len, 0);
	assert_str(e.message_id, "m@x");
}

static void exim_deliveries_and_ends(void **state)
{
	(void)state;
	struct log_event e = parse(
		"2026-11-21 17:49:28 1xUpDM-00082o-1Y ** v@example.net R=dnslookup T=remote_smtp "
		"H=mx [192.0.2.9]: SMTP error: 550 5.1.1 User unknown");
	assert_int_equal(e.delivery, LOG_BOUNCED);
	assert_true(e.is_unknown_rcpt);
	assert_str(e.rcpt, "v@example.net");
	e = parse("2026-11-21 17:49:28 1xUpDM-00082o-1Y => local <orig@here.example> R=r "
		  "T=local_delivery");
	assert_true(e.is_local_relay);
	assert_str(e.orig_rcpt, "orig@here.example");
	/* What a mailbox server answers is no host and no transport. */
	e = parse("2026-11-21 17:49:28 1xUpDM-00082o-1Y => \"x y\"@here.example R=r T=lmtp S=9 "
		  "C=\"250 2.0.0 \\\"T=remote_smtp H=mx [192.0.2.9]\\\\\" QT=1s");
	assert_str(e.rcpt, "\"x y\"@here.example");
	assert_true(e.is_local_relay);
	assert_int_equal(e.relay.len, 0);
	e = parse("2026-11-21 17:49:28 1xUpDM-00082o-1Y => v@n F=<a@b> R=r T=remote_smtp_dkim S=9 "
		  "H=mx [192.0.2.9]:25 K C=\"250 OK\"");
	assert_false(e.is_local_relay);
	assert_str(e.relay, "H=mx [192.0.2.9]:25 K C=\"250 OK\"");
	assert_int_equal(parse("2026-11-21 17:49:28 1xUpDM-00082o-1Y == v@n R=r T=remote_smtp "
			       "defer (-53): retry time not reached")
				 .delivery,
			 LOG_DEFERRED);
	assert_int_equal(parse("2026-11-21 17:49:28 1xUpDM-00082o-1Y Completed").type, LOG_ENDED);
	e = parse("2026-11-21 17:49:28 cwd=/home/u42/public_html/wp-content/uploads 4 args: "
		  "/usr/sbin/sendmail -t -i");
	assert_int_equal(e.type, LOG_CWD);
	assert_str(e.cwd, "/home/u42/public_html/wp-content/uploads");
	e = parse("Jun 29 16:07:05 server exim[1234]: dovecot_login authenticator failed for "
		  "ppp.test ([127.0.0.1]) [1.2.3.4]:51451: 535 Incorrect (set_id=u)");
	assert_int_equal(e.type, LOG_AUTH_FAILED);
}

static void qmail_sendmail_logins_and_php(void **state)
{
	(void)state;
	struct log_event e = parse("@4000000037c219bf2ef02e94 info msg 387509: bytes 1842 from "
				   "<a@x.example> qp 22027 uid 10042");
	assert_int_equal(e.type, LOG_ARRIVED);
	assert_str(e.id, "387509");
	assert_str(e.id2, "22027");
	assert_int_equal(e.uid, 10042);
	e = parse("Jun 12 04:05:06 s qmail: 1157520813.485077 delivery 7: failure: "
		  "192.0.2.1_does_not_like_recipient./User_unknown/");
	assert_int_equal(e.delivery, LOG_BOUNCED);
	assert_int_equal(e.count, 7);

	e = parse("Jun 12 04:05:06 s sendmail[9]: u0CB32qX026592: from=<a@x>, size=12, class=0, "
		  "nrcpts=3, msgid=<m@x>, proto=ESMTP, daemon=MTA, relay=h [192.0.2.3]");
	assert_int_equal(e.type, LOG_ARRIVED);
	assert_str(e.client_addr, "192.0.2.3");
	assert_str(e.message_id, "m@x");
	e = parse("Jun 12 04:05:06 s sm-mta[9]: u0CB32qX026592: to=<a@y>,<b@y>, ctladdr=<w@x> "
		  "(33/33), delay=00:00:01, relay=mx [192.0.2.4], dsn=2.0.0, stat=Sent (ok, "
		  "relay=evil)");
	assert_int_equal(e.delivery, LOG_SENT);
	assert_str(e.relay, "mx [192.0.2.4]");
	assert_str(e.rcpt, "<a@y>,<b@y>");

	e = parse("Jun 12 04:05:06 s dovecot: imap-login: Login: user=<info@shop.example>, "
		  "method=PLAIN, rip=203.0.113.7, lip=192.0.2.1, mpid=1, TLS");
	assert_int_equal(e.type, LOG_AUTH);
	assert_str(e.account, "info@shop.example");
	assert_str(e.client_addr, "203.0.113.7");
	e = parse("Apr 23 21:59:01 dns2 imapd: LOGIN, user=a@x.example, ip=[::ffff:1.2.3.4], "
		  "port=[1], protocol=IMAP");
	assert_str(e.client_addr, "1.2.3.4");

	e = parse("[21-Nov-2026 17:49:28 UTC] mail() on [/var/www/x/uploads/a.php(3) : eval()'d "
		  "code:12]: To: v@n -- Headers: From: x]: To: y");
	assert_int_equal(e.type, LOG_SCRIPT);
	assert_str(e.script, "/var/www/x/uploads/a.php(3) : eval()'d code");
	assert_int_equal(e.script_line, 12);
	assert_str(e.rcpt, "v@n");
}

static void times_mean_what_they_say(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		const char *utc;
	} rows[] = {
		{"Jun  2 04:05:06 s x: y and more text", "2026-06-02T04:05:06.000000Z"},
		{"2026-06-12T04:06:00.123456+02:00 s x: y", "2026-06-12T02:06:00.123456Z"},
		{"2026-11-21 17:49:28 x and some more", "2026-11-21T17:49:28.000000Z"},
		{"2026-11-21 17:49:28.5 +0100 x and more", "2026-11-21T16:49:28.500000Z"},
		{"[21-Nov-2026 17:49:28 UTC] x", "2026-11-21T17:49:28.000000Z"},
		{"@400000006aafffff00000000 status: local 0/10", NULL},
	};
	char text[WALL_TEXT_SIZE];

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct log_time lt = {.year = 2026};
		struct str line = str_of(rows[i].line);
		struct wall t;
		assert_int_not_equal(log_time_take(&lt, &line, &t), LOG_TIME_NONE);
		if (rows[i].utc != NULL) {
			assert_string_equal(wall_format(t, text), rows[i].utc);
		}
	}
}

static void the_year_steps_when_december_is_over(void **state)
{
	(void)state;
	struct log_time lt = {.year = 2025};
	struct wall t;
	char text[WALL_TEXT_SIZE];
	static const char *const lines[] = {"Dec 31 23:59:59 s x: aaaaaaaaaa",
					    "Jan  1 00:00:00 s x: aaaaaaaaaa",
					    "Dec 31 23:59:59 s x: late aaaaa"};
	static const char *const expected[] = {"2025-12-31T23:59:59.000000Z",
					       "2026-01-01T00:00:00.000000Z"};

	for (size_t i = 0; i < 2; i++) {
		struct str line = str_of(lines[i]);
		assert_int_equal(log_time_take(&lt, &line, &t), LOG_TIME_RFC3164);
		assert_string_equal(wall_format(t, text), expected[i]);
	}
}

static void every_cut_of_a_line_is_survived(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"2026-11-21 17:50:02 1xUpDu-0008CZ-1J <= a@b H=(x) [203.0.113.77] P=esmtpa A=l:i@s "
		"S=328 T=\"s \\\"q\\\"\" for b@c",
		"Jun 12 04:05:09 srv1 postfix/smtp[3101]: 9F4C2DE00A1: to=<a@b>, "
		"relay=m[1.2.3.4]:25, delay=3, dsn=5.1.1, status=bounced (x)",
		"Jun 12 04:05:06 s sm-mta[9]: u0CB32qX026592: to=<a@y>, ctladdr=<w@x> (33/33), "
		"relay=mx [192.0.2.4], dsn=2.0.0, stat=Sent (ok)",
		"@4000000037c219bf2ef02e94 info msg 387509: bytes 1842 from <a@x.example> qp 22027 "
		"uid 10042",
		"[21-Nov-2026 17:49:28 UTC] mail() on [/a.php:12]: To: v@n -- Headers: From: x",
	};

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		for (size_t cut = 0; cut <= strlen(lines[i]); cut++) {
			struct log_time lt = {.year = 2026};
			struct log_line l;
			struct log_event e;
			char copy[256];
			memcpy(copy, lines[i], cut);
			if (log_line_parse(&lt, (struct str){copy, cut}, &l)) {
				log_event_parse(&l, &e);
			}
		}
	}
}

/* Envelopes as they are met: unpadded days, BSD's and raw priorities, no zone, own syslog_name. */
static void unusual_envelopes(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"Jun  8 04:05:06 s postfix/qmgr[3]: 9F4C2DE00A1: removed",
		"Jun 8 04:05:06 s postfix/qmgr[3]: 9F4C2DE00A1: removed",
		"<22>Jun  8 04:05:06 s postfix/qmgr[3]: 9F4C2DE00A1: removed",
		"Jun  8 04:05:06 <mail.info> s postfix/qmgr[3]: 9F4C2DE00A1: removed",
		"2026-06-08T04:05:06 s postfix/qmgr[3]: 9F4C2DE00A1: removed",
		"2026-06-08T04:05:06.000001+00:00 s mx-out/qmgr[3]: 9F4C2DE00A1: removed",
		"2026-06-08T04:05:06Z s postfix-in/10025/qmgr[3]: 9F4C2DE00A1: removed"};

	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		struct log_time lt = {.year = 2026};
		struct log_line l;
		assert_true(log_line_parse(&lt, str_of(lines[i]), &l));
		assert_int_equal(l.time.ns / NS_PER_S, 1780891506);
		assert_str(l.host, "s");
		struct log_event e = parse(lines[i]);
		assert_int_equal(e.type, LOG_ENDED);
		assert_str(e.id, "9F4C2DE00A1");
	}
	assert_int_equal(parse("Jun  8 04:05:06 s /usr/sbin/local[3]: 9F4C2DE00A1: removed").type,
			 LOG_NOT_MAIL);
	assert_int_equal(
		parse("Apr 17 19:17:11 s courierpop3login: LOGIN FAILED, user=u, ip=[::1]").type,
		LOG_AUTH_FAILED);
}

/* An Exim id is one only while each of its octets is a letter or a digit, and its dashes are. */
static void exim_ids_are_told_from_words(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"2026-06-12 04:05:06 1wTq4W-000099-69 Completed",
		"2026-06-12 04:05:06 1wTq4W-00000000099-6912 Completed"};

	for (size_t n = 0; n < COUNT_OF(lines); n++) {
		size_t len = strlen(lines[n]) - 30;
		for (size_t at = 0; at <= len; at++) {
			char line[64];
			(void)str_copy(line, sizeof(line), str_of(lines[n]));
			bool is_dash = line[20 + at] == '-';
			for (int c = 1; c < 256; c++) {
				line[20 + at] = (char)c;
				bool ok = at == len ? c == ' '
					  : is_dash ? c == '-'
						    : char_is_alpha((char)c) ||
							      char_is_digit((char)c);
				assert_int_equal(parse(line).id.len, ok ? len : 0);
			}
		}
	}
}

static void assert_same_place(struct str a, struct str b)
{
	assert_int_equal(a.len, b.len);
	assert_true(a.len == 0 || a.ptr == b.ptr);
}

#define ANY(rng, list) str_of((list)[prng_below(rng, COUNT_OF(list))])

/* Parts of envelopes, many of them odd, and now and then one octet is another. */
static void make_line(struct prng *rng, struct buf *line)
{
	static const char *const times[] = {"Jun  8 04:05:06 ",       "Jun  8 04:05:07 ",
					    "2026-06-08 04:05:06 ",   "2026-06-08 04:05:06 +0100 ",
					    "2026-06-08 04:05:06.5 ", "2026-06-08T04:05:06 ",
					    "<22>Jun  8 04:05:06 ",   "Jun  8 04:05:06 <22> "};
	static const char *const hosts[] = {
		"<3>", "s", "srv1", "a.long.host.name.example", "<mail.info> s", "srv1234567890123",
		""};
	static const char *const paths[] = {"postfix/",
					    "postfix/submission/",
					    "mx-out/",
					    "",
					    "/",
					    "/usr/lib64/plesk-9.0/",
					    "a/very/long/path/of/a/tag/"};
	static const char *const programs[] = {
		"smtpd",   "qmgr", "cleanup", "exim",      "dovecot", "sm-mta", "imap-login",
		"php-fpm", "x",    "",        "postsuper", "nrpe",    "qmail"};
	static const char *const pids[] = {"[1]: ", "[2011]: ", "[4294967295]: ",  "[123456789]: ",
					   "[1]:",  "[]: ",     "[x]: ",           ": ",
					   ":",     " ",        "[99999999999]: ", "[1] : "};
	static const char *const texts[] = {"9F4C2DE00A1: removed", "", "a: b[1]: c",
					    "connect from unknown[203.0.113.7]"};

	line->len = 0;
	buf_add(line, prng_below(rng, 4) == 0 ? ANY(rng, times) : str_of(times[0]));
	buf_add(line, ANY(rng, hosts));
	buf_add_char(line, ' ');
	buf_add(line, ANY(rng, paths));
	buf_add(line, ANY(rng, programs));
	buf_add(line, ANY(rng, pids));
	buf_add(line, ANY(rng, texts));
	if (prng_below(rng, 4) == 0) {
		line->ptr[prng_below(rng, (uint32_t)line->len)] = "[]: /<0a"[prng_below(rng, 8)];
	}
}

/* What is remembered of lines before makes no line another one. */
static void lines_before_change_nothing(void **state)
{
	(void)state;
	struct prng rng = {3};
	struct log_time times[2] = {{.year = 2026}, {.year = 2026}};
	struct log_line_memory memory = {0};
	unsigned of[LOG_WRITER_COUNT] = {0};
	struct log_line a;
	struct log_line b;
	struct buf line;

	buf_init(&line, 1024);
	for (int i = 0; i < 200000; i++) {
		make_line(&rng, &line);
		/* Its last octet is the last that may be read. */
		char *copy = test_malloc(line.len);
		memcpy(copy, line.ptr, line.len);
		struct str raw = {copy, line.len};
		bool is_line = log_line_parse(&times[0], raw, &a);
		assert_int_equal(log_line_parse_next(&times[1], &memory, raw, &b), is_line);
		if (is_line) {
			assert_int_equal(a.time.ns, b.time.ns);
			assert_int_equal(a.form, b.form);
			assert_int_equal(a.writer, b.writer);
			assert_same_place(a.host, b.host);
			assert_same_place(a.path, b.path);
			assert_same_place(a.program, b.program);
			assert_same_place(a.text, b.text);
			of[a.writer]++;
		}
		test_free(copy);
	}
	buf_done(&line);
	assert_true(of[LOG_WRITER_POSTFIX_SMTPD] > 1000 && of[LOG_WRITER_EXIM] > 100);
	assert_true(of[LOG_WRITER_LOGGER] > 100 && of[LOG_WRITER_OTHER] > 100);
}

/* "u": there is no such user; "s": refused as spam; "-": neither. */
static void what_providers_answer_is_understood_alike(void **state)
{
	(void)state;
	static const struct {
		const char *means;
		const char *dsn;
		const char *reply;
	} rows[] = {
		{"u", "5.5.0", "550 5.5.0 Requested action not taken: mailbox unavailable (S20)"},
		{"u", "5.4.1",
		 "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)"},
		{"u", "5.1.10",
		 "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by"},
		{"u", "5.0.0", "552 1 Requested mail action aborted, mailbox not found"},
		{"u", "5.0.0", "554 delivery error: dd This user doesn't have a yahoo.com account"},
		{"u", "5.0.0", "550 <a@b.test> User doesn't exist: a@b.test"},
		{"u", "5.0.0", "550 No such person at this address"},
		{"u", "5.2.1", "550 5.2.1 The email account that you tried to reach is disabled."},
		{"u", "5.0.0", "550 <a@b.test>: Account inactive or not found"},
		{"u", "5.0.0", "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)"},
		{"s", "5.7.9", "554 5.7.9 Message not accepted for policy reasons"},
		{"s", "5.0.0", "550 5.7.1 part of their network is on our block list (S3150)"},
		{"s", "5.0.0", "554 Transaction failed Reject due to policy restrictions."},
		{"s", "5.3.4", "552 5.3.4 Error: content rejected"},
		{"s", "5.0.0", "550 High probability of spam"},
		{"-", "5.3.4", "552 5.3.4 Message size exceeds fixed limit"},
		{"-", "5.0.0", "550 your host doesn't have a reverse name"},
		{"-", "5.4.4", "Host or domain name not found. Name service error"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char line[400];
		snprintf(line, sizeof(line),
			 "Jun 12 04:05:09 s postfix/smtp[3]: 9F4C2DE00A1: to=<a@b.test>, "
			 "relay=mx.b.test[192.0.2.26]:25, delay=3, delays=0/0/1/2, dsn=%s, "
			 "status=bounced (host mx said: %s)",
			 rows[i].dsn, rows[i].reply);
		struct log_event e = parse(line);
		assert_int_equal(e.is_unknown_rcpt, rows[i].means[0] == 'u');
		assert_int_equal(e.is_refused, rows[i].means[0] == 's');

		snprintf(line, sizeof(line),
			 "@4000000065a0b1c2075bcd15 delivery 7: failure: 192.0.2.26_does_not_like_"
			 "recipient./Remote_host_said:_%s/",
			 rows[i].reply);
		for (char *c = strstr(line, "said:_"); *c != '\0'; c++) {
			*c = *c == ' ' ? '_' : *c;
		}
		e = parse(line);
		assert_int_equal(e.is_unknown_rcpt, rows[i].means[0] == 'u');
		assert_int_equal(e.is_refused, rows[i].means[0] == 's');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unusual_envelopes),
		cmocka_unit_test(postfix_from_arrival_to_removal),
		cmocka_unit_test(postfix_text_of_strangers_is_never_a_field),
		cmocka_unit_test(exim_reads_around_the_subject),
		cmocka_unit_test(exim_deliveries_and_ends),
		cmocka_unit_test(qmail_sendmail_logins_and_php),
		cmocka_unit_test(what_providers_answer_is_understood_alike),
		cmocka_unit_test(times_mean_what_they_say),
		cmocka_unit_test(the_year_steps_when_december_is_over),
		cmocka_unit_test(every_cut_of_a_line_is_survived),
		cmocka_unit_test(lines_before_change_nothing),
		cmocka_unit_test(exim_ids_are_told_from_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

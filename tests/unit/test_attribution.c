/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution, cause: who sent what, over the traps of real logs: filters that put mail back, queue
 * ids that are used again, retries, strangers' text; and nobody is accused of healthy mail.
 */
#include "core/attribution.h"
#include "core/attribution_entry.h"
#include "core/cause.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "log_reader.h"

#include "base/poison.h"

static const struct attribution_opts opts = {.key = {1, 2}};
static const struct cause_context healthy = {0};

/* One message of an account, from `net` to `rcpts` recipients, every third of them unknown. */
static void account_message(struct log_reader *r, const char *account, unsigned n, unsigned net,
			    unsigned rcpts)
{
	feedf(r,
	      "Jun 12 04:%02u:06 s postfix/submission/smtpd[2]: %08X1: "
	      "client=unknown[203.0.%u.77], sasl_method=LOGIN, sasl_username=%s",
	      n % 60, n, net, account);
	feedf(r, "Jun 12 04:%02u:06 s postfix/cleanup[1]: %08X1: message-id=<%u@x>", n % 60, n, n);
	feedf(r,
	      "Jun 12 04:%02u:06 s postfix/qmgr[8]: %08X1: from=<%s>, size=8120, nrcpt=%u (queue "
	      "active)",
	      n % 60, n, account, rcpts);
	for (unsigned i = 0; i < rcpts; i++) {
		feedf(r,
		      "Jun 12 04:%02u:09 s postfix/smtp[3]: %08X1: to=<u%u-%u@big.example>, "
		      "relay=mx[192.0.2.26]:25, delay=3, delays=0/0/0/2, "
		      "dsn=%s, status=%s",
		      n % 60, n, n, i, i % 3 == 1 ? "5.1.1" : "2.0.0",
		      i % 3 == 1 ? "bounced (no)" : "sent (ok)");
	}
	feedf(r, "Jun 12 04:%02u:10 s postfix/qmgr[8]: %08X1: removed", n % 60, n);
}

static void a_stolen_account_is_found_and_another_is_not(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	assert_int_equal(attribution_want(r.a, "<7@x>"), 0);
	for (unsigned n = 1; n <= 30; n++) {
		account_message(&r, "info@shop.example", n, n, 20);
		account_message(&r, "anna@shop.example", 1000 + n, 1, 1);
	}
	attribution_end(r.a);
	const struct attribution_sender *s = find(&r, "info@shop.example");
	assert_non_null(s);
	assert_int_equal(s->kind, SOURCE_ACCOUNT);
	assert_int_equal(s->messages, 30);
	assert_int_equal(s->recipients, 600);
	assert_int_equal(s->bounced, 210);
	assert_in_range(s->unknown, 160, 210); /* told apart by bits: about */
	assert_in_range(s->distinct, 480, 600);
	assert_int_equal(s->networks, 30);
	struct cause_verdict v = cause_of(s, &healthy);
	assert_true(v.is_accused);
	assert_int_equal(v.cause, CAUSE_PASSWORD);

	s = find(&r, "anna@shop.example");
	assert_int_equal(s->messages, 30);
	v = cause_of(s, &healthy);
	assert_false(v.is_accused);

	const struct attribution_id *id = attribution_id_get(r.a, 0);
	assert_true(id->found);
	assert_string_equal(id->source, "info@shop.example");
	assert_string_equal(id->queue_id, "000000071");
	attribution_free(r.a);
}

static void a_filter_puts_mail_back_and_the_first_arrival_counts(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	feed(&r, "Jun 12 04:05:06 s postfix/smtpd[2]: AAAAAAAA01: client=x[203.0.113.7], "
		 "sasl_method=LOGIN, sasl_username=info@shop.example");
	feed(&r, "Jun 12 04:05:06 s postfix/cleanup[1]: AAAAAAAA01: message-id=<m@x>");
	feed(&r, "Jun 12 04:05:06 s postfix/qmgr[8]: AAAAAAAA01: from=<info@shop.example>, size=1, "
		 "nrcpt=1 (queue active)");
	feed(&r, "Jun 12 04:05:08 s postfix/smtpd[2]: BBBBBBBB02: client=localhost[127.0.0.1]");
	feed(&r, "Jun 12 04:05:08 s postfix/cleanup[1]: BBBBBBBB02: message-id=<m@x>");
	feed(&r, "Jun 12 04:05:08 s postfix/smtp[3]: AAAAAAAA01: to=<a@y>, "
		 "relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, "
		 "status=sent (ok)");
	feed(&r, "Jun 12 04:05:08 s postfix/qmgr[8]: AAAAAAAA01: removed");
	feed(&r, "Jun 12 04:05:09 s postfix/smtp[3]: BBBBBBBB02: to=<a@y>, relay=mx[192.0.2.1]:25, "
		 "delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok)");
	feed(&r, "Jun 12 04:05:09 s postfix/qmgr[8]: BBBBBBBB02: removed");
	attribution_end(r.a);
	assert_int_equal(attribution_totals(r.a)->messages, 1);
	assert_int_equal(attribution_totals(r.a)->rejoined, 1);
	assert_int_equal(find(&r, "info@shop.example")->messages, 1);
	attribution_free(r.a);
}

static void ids_are_used_again_and_retries_count_once(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	for (int round = 0; round < 3; round++) {
		feedf(&r, "Jun 12 04:0%d:06 s postfix/pickup[2]: AAAAAAAA01: uid=%d from=<w>",
		      round, 1000 + round);
		for (int retry = 0; retry < 5; retry++) {
			feedf(&r,
			      "Jun 12 04:0%d:07 s postfix/qmgr[8]: AAAAAAAA01: from=<w@x>, size=1, "
			      "nrcpt=1 (queue active)",
			      round);
			feedf(&r,
			      "Jun 12 04:0%d:08 s postfix/smtp[3]: AAAAAAAA01: to=<a@y>, "
			      "relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=%s, status=%s "
			      "(x)",
			      round, retry < 4 ? "4.4.1" : "2.0.0",
			      retry < 4 ? "deferred" : "sent");
		}
		feedf(&r, "Jun 12 04:0%d:09 s postfix/qmgr[8]: AAAAAAAA01: removed", round);
	}
	attribution_end(r.a);
	assert_int_equal(attribution_totals(r.a)->messages, 3);
	for (int round = 0; round < 3; round++) {
		char name[32];
		snprintf(name, sizeof(name), "uid %d", 1000 + round);
		const struct attribution_sender *s = find(&r, name);
		assert_int_equal(s->recipients, 1);
		assert_int_equal(s->sent, 1);
		assert_int_equal(s->deferred, 0);
	}
	attribution_free(r.a);
}

static void exim_scripts_are_named_by_their_folder(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	for (int i = 0; i < 60; i++) {
		feed(&r, "2026-11-21 17:49:28 cwd=/home/u42/public_html/wp-content/uploads 4 args: "
			 "/usr/sbin/sendmail -t -i");
		feedf(&r,
		      "2026-11-21 17:49:28 1xUp%02d-00082o-1Y <= x%d@shop.example U=u42 P=local "
		      "S=408 T=\"A=dovecot_login:innocent\" for v%d@n w%d@n",
		      i, i, i, i);
		feedf(&r,
		      "2026-11-21 17:49:29 1xUp%02d-00082o-1Y ** v%d@n R=dnslookup T=remote_smtp "
		      "H=mx [192.0.2.9]: 550 5.1.1 User unknown",
		      i, i);
		feedf(&r,
		      "2026-11-21 17:49:29 1xUp%02d-00082o-1Y => w%d@n R=dnslookup T=remote_smtp "
		      "H=mx [192.0.2.9]",
		      i, i);
		feedf(&r, "2026-11-21 17:49:30 1xUp%02d-00082o-1Y Completed", i);
	}
	attribution_end(r.a);
	const struct attribution_sender *s = find(&r, "u42");
	assert_int_equal(s->messages, 60);
	assert_int_equal(s->script_odd, 60);
	assert_string_equal(s->script, "/home/u42/public_html/wp-content/uploads");
	assert_null(find(&r, "innocent"));
	struct cause_verdict v = cause_of(s, &healthy);
	assert_true(v.is_accused);
	assert_int_equal(v.cause, CAUSE_SITE);
	attribution_free(r.a);
}

static void a_forward_is_held_by_its_address(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	for (int i = 0; i < 30; i++) {
		feedf(&r, "Jun 12 04:05:06 s postfix/smtpd[2]: AAAAAA%02d01: client=x[203.0.%d.7]",
		      i, i);
		feedf(&r,
		      "Jun 12 04:05:07 s postfix/smtp[3]: AAAAAA%02d01: to=<a@y>, "
		      "orig_to=<o@shop.example>, relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, "
		      "dsn=5.7.1, status=bounced (spam)",
		      i);
		/* The notice about it is no backscatter of its own. */
		feedf(&r, "Jun 12 04:05:07 s postfix/cleanup[3]: BBBBBB%02d01: message-id=<b%d@s>",
		      i, i);
		feedf(&r,
		      "Jun 12 04:05:07 s postfix/bounce[3]: AAAAAA%02d01: sender non-delivery "
		      "notification: BBBBBB%02d01",
		      i, i);
		feedf(&r,
		      "Jun 12 04:05:08 s postfix/smtp[3]: BBBBBB%02d01: to=<v%d@y>, "
		      "relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent "
		      "(ok)",
		      i, i);
	}
	attribution_end(r.a);
	const struct attribution_sender *s = find(&r, "o@shop.example");
	assert_non_null(s);
	assert_int_equal(s->messages, 30);
	struct cause_verdict v = cause_of(s, &healthy);
	assert_true(v.is_accused);
	assert_int_equal(v.cause, CAUSE_FORWARDING);
	s = find(&r, "bounces");
	assert_true(s == NULL || s->messages == 0);
	attribution_free(r.a);
}

/* A notice has no arrival in the log: the line that says it is one stands for it. */
static void a_notice_shows_what_it_is(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	for (unsigned n = 1; n <= 3; n++) {
		feedf(&r, "Jun 12 04:05:06 s postfix/smtpd[2]: %u0000A: client=u[203.0.113.7]", n);
		feedf(&r, "Jun 12 04:05:07 s postfix/cleanup[1]: %u0000B: message-id=<%u@x>", n, n);
		feedf(&r,
		      "Jun 12 04:05:07 s postfix/bounce[3]: %u0000A: sender non-delivery "
		      "notification: %u0000B",
		      n, n);
		feedf(&r, "Jun 12 04:05:07 s postfix/qmgr[8]: %u0000A: removed", n);
		feedf(&r,
		      "Jun 12 04:05:08 s postfix/smtp[3]: %u0000B: to=<v%u@c.example>, "
		      "relay=mx[192.0.2.26]:25, delay=3, delays=0/0/0/2, dsn=2.0.0, "
		      "status=sent (ok)",
		      n, n);
		feedf(&r, "Jun 12 04:05:09 s postfix/qmgr[8]: %u0000B: removed", n);
	}
	attribution_end(r.a);
	const struct attribution_sender *s = find(&r, "bounces");
	assert_non_null(s);
	assert_int_equal(s->messages, 3);
	assert_true(s->evidence_count >= 2);
	assert_string_equal(s->evidence[0].text,
			    "10000A: sender non-delivery notification: 10000B");
	assert_int_equal(s->evidence[0].place.line, 3);
	attribution_free(r.a);
}

static void plesk_logins_stand_before_qmail_messages(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	for (int i = 0; i < 3; i++) {
		feed(&r, "Jun 12 04:05:06 s smtp_auth[9]: SMTP user info@shop.example : "
			 "/var/qmail/mailnames/shop.example/info logged in from (null)@(null) "
			 "[203.0.113.9]");
		feedf(&r,
		      "Jun 12 04:05:07 s qmail: 1157520813.485077 info msg 9%d: bytes 9 from <%s> "
		      "qp "
		      "77 uid 2020",
		      i, i == 0 ? "info@shop.example" : "forged@y");
		/* Another message at once is not the login's. */
		feedf(&r,
		      "Jun 12 04:05:07 s qmail: 1157520813.485078 info msg 8%d: bytes 9 from <w@z> "
		      "qp 78 uid 2020",
		      i);
		feedf(&r,
		      "Jun 12 04:05:07 s qmail: 1157520813.485079 starting delivery %d: msg 9%d to "
		      "remote v%d@y",
		      i + 1, i, i);
		feedf(&r,
		      "Jun 12 04:05:08 s qmail: 1157520813.485080 delivery %d: failure: "
		      "h_does_not_like_recipient./Remote_host_said:_550_5.1.1_no_such_user/",
		      i + 1);
	}
	attribution_end(r.a);
	const struct attribution_sender *s = find(&r, "info@shop.example");
	assert_non_null(s);
	assert_int_equal(s->kind, SOURCE_ACCOUNT);
	assert_int_equal(s->messages, 3);
	assert_int_equal(s->unknown, 3);
	assert_int_equal(s->networks, 1);
	attribution_free(r.a);
}

/* Several sessions at once: a message is one login's, or nobody's; and after one login several. */
static void an_address_of_the_logins_own_domain_is_not_foreign(void **state)
{
	(void)state;
	static const char *const senders[] = {"desk@shop.example", "reply+17@SHOP.example",
					      "x@else.example", "y@else.example"};
	struct log_reader r;

	reader_init(&r, &opts);
	for (unsigned i = 0; i < COUNT_OF(senders); i++) {
		feedf(&r,
		      "Jun 12 04:05:06 s postfix/submission/smtpd[2011]: 9F4C2DE00A%u: "
		      "client=x[203.0.113.77], sasl_method=LOGIN, sasl_username=desk@shop.example",
		      i);
		feedf(&r,
		      "Jun 12 04:05:06 s postfix/qmgr[881]: 9F4C2DE00A%u: from=<%s>, size=8120, "
		      "nrcpt=1 (queue active)",
		      i, senders[i]);
		feedf(&r,
		      "Jun 12 04:05:09 s postfix/smtp[3101]: 9F4C2DE00A%u: to=<a%u@big.example>, "
		      "relay=mx[192.0.2.26]:25, delay=3.1, delays=0.2/0.01/0.9/2, dsn=2.0.0, "
		      "status=sent (250 ok)",
		      i, i);
	}
	attribution_end(r.a);
	assert_int_equal(find(&r, "desk@shop.example")->senders, 4);
	assert_int_equal(find(&r, "desk@shop.example")->foreign, 2);
	attribution_free(r.a);
}

static void plesk_logins_that_mix_name_nobody_wrongly(void **state)
{
	(void)state;
	struct log_reader r;
	unsigned n = 0;

	reader_init(&r, &opts);
	/* One login, five messages under other names: its session's. */
	feed(&r,
	     "Jun 12 04:05:06 s smtp_auth[9]: SMTP user bad@shop.example : /m/bad logged in from "
	     "(null)@(null) [203.0.113.77]");
	for (unsigned i = 0; i < 5; i++, n++) {
		feedf(&r, "Jun 12 04:05:%02u s qmail: 1157520813.%06u new msg %u", 7 + i, n,
		      100 + n);
		feedf(&r,
		      "Jun 12 04:05:%02u s qmail: 1157520813.%06u info msg %u: bytes 900 from "
		      "<x%u@else.example> qp 1 uid 2020",
		      7 + i, n, 100 + n, n);
	}
	/* Two that wait: a name of neither could be either's; a name of one is his. */
	feed(&r,
	     "Jun 12 05:05:06 s smtp_auth[9]: SMTP user bad@shop.example : /m/bad logged in from "
	     "(null)@(null) [203.0.113.77]");
	feed(&r, "Jun 12 05:05:06 s smtp_auth[9]: SMTP user good@shop.example : /m/good logged in "
		 "from (null)@(null) [198.51.100.7]");
	feed(&r, "Jun 12 05:05:07 s qmail: 1157520813.485080 info msg 200: bytes 900 from "
		 "<y@else.example> qp 1 "
		 "uid 2020");
	feed(&r, "Jun 12 05:05:07 s qmail: 1157520813.485080 info msg 201: bytes 900 from "
		 "<good@shop.example> qp 1 "
		 "uid 2020");
	/* Nobody had logged in; and a site's own mail, which comes another way. */
	feed(&r, "Jun 12 06:05:07 s qmail: 1157520813.485080 info msg 202: bytes 900 from "
		 "<z@else.example> qp 1 "
		 "uid 2020");
	feed(&r, "Jun 12 06:05:07 s qmail: 1157520813.485080 info msg 203: bytes 900 from "
		 "<z@else.example> qp 1 "
		 "uid 10042");
	for (unsigned i = 0; i < 9; i++) {
		unsigned id = i < 5 ? 100 + i : 200 + i - 5;
		feedf(&r,
		      "Jun 12 06:06:00 s qmail: 1157520813.485080 starting delivery %u: msg %u to "
		      "remote "
		      "p%u@far.example",
		      50 + i, id, i);
		feedf(&r, "Jun 12 06:06:01 s qmail: 1157520813.485080 delivery %u: success: ok/",
		      50 + i);
	}
	attribution_end(r.a);
	assert_int_equal(find(&r, "bad@shop.example")->messages, 5);
	assert_int_equal(find(&r, "good@shop.example")->messages, 1);
	assert_int_equal(find(&r, ATTRIBUTION_NO_LOGIN)->messages, 1);
	assert_int_equal(find(&r, "uid 10042")->messages, 1);
	assert_null(find(&r, "uid 2020"));
	assert_int_equal(attribution_totals(r.a)->headless, 1);
	attribution_free(r.a);
}

static void memory_is_bounded_and_what_is_dropped_is_counted(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &(struct attribution_opts){.key = {1, 2}, .messages_max = 10});
	for (int i = 0; i < 100; i++) {
		feedf(&r, "Jun 12 04:05:06 s postfix/pickup[2]: AAAAAA%04d: uid=33 from=<w>", i);
	}
	attribution_end(r.a);
	assert_int_equal(attribution_totals(r.a)->evicted, 90);
	assert_int_equal(attribution_totals(r.a)->open, 10);
	attribution_free(r.a);
}

/* A stream of strangers whose mail stays here never pushes out who sends much. */
static void small_sources_make_room(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &(struct attribution_opts){.key = {1, 2}, .senders_max = 16});
	for (int i = 0; i < 1000; i++) {
		feedf(&r,
		      "Jun 12 %02d:%02d:00 s postfix/smtpd[2]: AAAAAA%04d: client=x[192.0.%d.%d]",
		      i / 60 % 24, i % 60, i, i / 256, i % 256);
		feedf(&r,
		      "Jun 12 %02d:%02d:00 s postfix/lmtp[2]: AAAAAA%04d: to=<a@b>, relay=dovecot, "
		      "delay=1, dsn=2.0.0, status=sent (ok)",
		      i / 60 % 24, i % 60, i);
		feedf(&r, "Jun 12 %02d:%02d:00 s postfix/qmgr[2]: AAAAAA%04d: removed", i / 60 % 24,
		      i % 60, i);
		feedf(&r, "Jun 12 %02d:%02d:01 s postfix/pickup[2]: BBBBBB%04d: uid=33 from=<w>",
		      i / 60 % 24, i % 60, i);
		feedf(&r,
		      "Jun 12 %02d:%02d:01 s postfix/smtp[2]: BBBBBB%04d: to=<u%d@c>, "
		      "relay=mx.c[192.0.2.9]:25, delay=1, dsn=2.0.0, status=sent (ok)",
		      i / 60 % 24, i % 60, i, i);
		feedf(&r, "Jun 12 %02d:%02d:01 s postfix/qmgr[2]: BBBBBB%04d: removed", i / 60 % 24,
		      i % 60, i);
	}
	attribution_end(r.a);
	assert_int_equal(find(&r, "uid 33")->messages, 1000);
	assert_int_equal(attribution_totals(r.a)->headless, 0);
	assert_int_equal(attribution_totals(r.a)->forgotten, 0);
	attribution_free(r.a);
}

/* Messages with thousands of recipients, none of which ever ends: the oldest make room. */
static void recipients_are_bounded_too(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	for (int i = 0; i < 700; i++) {
		feedf(&r, "Jun 12 04:05:06 s postfix/pickup[2]: AAAAAA%04d: uid=33 from=<w>", i);
		for (int n = 0; n < 1100; n++) {
			feedf(&r,
			      "Jun 12 04:05:06 s postfix/smtp[2]: AAAAAA%04d: to=<u%d@c>, "
			      "relay=mx.c[192.0.2.9]:25, delay=1, dsn=4.0.0, status=deferred (x)",
			      i, n);
		}
	}
	uint64_t evicted = attribution_totals(r.a)->evicted;
	assert_in_range(evicted, 150, 250);
	attribution_end(r.a);
	assert_int_equal(find(&r, "uid 33")->messages, 700);
	assert_int_equal(find(&r, "uid 33")->recipients, 700 * 1100);
	attribution_free(r.a);
}

/* A message from a client without a login, to somebody elsewhere or to a mailbox here. */
static void stranger_message(struct log_reader *r, unsigned n, const char *addr, bool is_remote)
{
	feedf(r, "Jun 12 04:05:06 s postfix/smtpd[2]: %08X1: client=unknown[%s]", n, addr);
	feedf(r, "Jun 12 04:05:06 s postfix/cleanup[1]: %08X1: message-id=<%u@x>", n, n);
	feedf(r,
	      "Jun 12 04:05:07 s postfix/%s[3]: %08X1: to=<u%u@c>, relay=%s, delay=1, dsn=2.0.0, "
	      "status=sent (ok)",
	      is_remote ? "smtp" : "lmtp", n, n, is_remote ? "mx.c[192.0.2.9]:25" : "dovecot");
	feedf(r, "Jun 12 04:05:08 s postfix/qmgr[2]: %08X1: removed", n);
}

/* Addresses that are kept as their text until mail of theirs leaves, and others that can't be. */
static void strangers_are_sources_once_their_mail_leaves(void **state)
{
	(void)state;
	static const char *const addrs[] = {
		"203.0.113.7", "255.255.255.255", "2001:db8::7", "203.0.113.007", "unknown",
		"1.2.3.4",     "12.3.4.5",        "1.2.3.4.5",   "1.2.3/4.5",     "10.20.30.400",
		"1234567",     "1.23.45",         "0.0.0.0",     "9.9.9.99",      "100.100.100.10"};
	struct log_reader r;

	reader_init(&r, &opts);
	for (unsigned i = 0; i < COUNT_OF(addrs); i++) {
		stranger_message(&r, 10 * i + 1, addrs[i], false);
		stranger_message(&r, 10 * i + 2, addrs[i], true);
		stranger_message(&r, 10 * i + 3, addrs[i], true);
		stranger_message(&r, 10 * i + 4, addrs[i], false);
	}
	attribution_end(r.a);
	assert_int_equal(attribution_totals(r.a)->incoming, 2 * COUNT_OF(addrs));
	assert_int_equal(attribution_totals(r.a)->messages, 2 * COUNT_OF(addrs));
	assert_int_equal(attribution_totals(r.a)->headless, 0);
	for (unsigned i = 0; i < COUNT_OF(addrs); i++) {
		const struct attribution_sender *s = find(&r, addrs[i]);
		assert_non_null(s);
		assert_int_equal(s->kind, SOURCE_ADDRESS);
		assert_int_equal(s->messages, 2);
		assert_int_equal(s->sent, 2);
		assert_int_equal(s->domains, 1);
		/* Its first delivery, and the arrival of what came after it. */
		assert_int_equal(s->evidence_count, 2);
		assert_int_equal(s->evidence[0].place.line, 16 * i + 7);
		assert_int_equal(s->evidence[1].place.line, 16 * i + 9);
	}
	attribution_free(r.a);
}

/* A stranger through a filter, and one who was asked for: named, though his mail stays. */
static void a_stranger_is_named_where_it_matters(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	assert_int_equal(attribution_want(r.a, "3@x"), 0);
	feed(&r, "Jun 12 04:05:06 s postfix/smtpd[2]: AAAAAAAA01: client=x[203.0.113.7]");
	feed(&r, "Jun 12 04:05:06 s postfix/cleanup[1]: AAAAAAAA01: message-id=<m@x>");
	feed(&r, "Jun 12 04:05:08 s postfix/smtpd[2]: BBBBBBBB02: client=localhost[127.0.0.1]");
	feed(&r, "Jun 12 04:05:08 s postfix/cleanup[1]: BBBBBBBB02: message-id=<m@x>");
	feed(&r, "Jun 12 04:05:09 s postfix/smtp[3]: BBBBBBBB02: to=<a@y>, relay=mx[192.0.2.1]:25, "
		 "delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (ok)");
	stranger_message(&r, 3, "203.0.113.9", false);
	attribution_end(r.a);
	assert_int_equal(attribution_totals(r.a)->rejoined, 1);
	assert_int_equal(find(&r, "203.0.113.7")->messages, 1);
	const struct attribution_id *id = attribution_id_get(r.a, 0);
	assert_true(id->found);
	assert_int_equal(id->kind, SOURCE_ADDRESS);
	assert_string_equal(id->source, "203.0.113.9");
	attribution_free(r.a);
}

/* Domains of all lengths, long ones too: small letters are large ones, what stands before the last
 * "@" does not count, and without one all of it does. */
static void a_domain_is_the_same_however_it_is_written(void **state)
{
	(void)state;
	struct log_reader r;
	char text[3][64];

	reader_init(&r, &opts);
	feed(&r, "Jun 12 04:00:00 s postfix/qmgr[8]: 0123456781: removed");
	for (int n = 1; n < 40; n++) {
		snprintf(text[0], sizeof(text[0]), "a@%.*szq@", n,
			 "Zq-[{9@`Zq.ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef");
		snprintf(text[1], sizeof(text[1]), "someone.else@%.*s", n,
			 "shop-of-many-letters-that-goes-on.example");
		snprintf(text[2], sizeof(text[2]), "a@%.*s", n,
			 "SHOP-of-Many-Letters-That-Goes-On.EXAMPLE");
		uint16_t domain = attribution_domain(r.a, str_of(text[1]));
		assert_int_equal(domain, attribution_domain(r.a, str_of(text[2])));
		assert_int_equal(domain, attribution_domain(r.a, str_skip(str_of(text[1]), 13)));
		assert_int_equal(attribution_domain(r.a, str_of(text[0])),
				 attribution_domain(r.a, STR("")));
	}
	assert_int_not_equal(attribution_domain(r.a, STR("someone@shop[.example")),
			     attribution_domain(r.a, STR("someone@shop{.example")));
	attribution_free(r.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stolen_account_is_found_and_another_is_not),
		cmocka_unit_test(a_filter_puts_mail_back_and_the_first_arrival_counts),
		cmocka_unit_test(ids_are_used_again_and_retries_count_once),
		cmocka_unit_test(exim_scripts_are_named_by_their_folder),
		cmocka_unit_test(a_forward_is_held_by_its_address),
		cmocka_unit_test(a_notice_shows_what_it_is),
		cmocka_unit_test(plesk_logins_stand_before_qmail_messages),
		cmocka_unit_test(plesk_logins_that_mix_name_nobody_wrongly),
		cmocka_unit_test(an_address_of_the_logins_own_domain_is_not_foreign),
		cmocka_unit_test(memory_is_bounded_and_what_is_dropped_is_counted),
		cmocka_unit_test(small_sources_make_room),
		cmocka_unit_test(recipients_are_bounded_too),
		cmocka_unit_test(strangers_are_sources_once_their_mail_leaves),
		cmocka_unit_test(a_stranger_is_named_where_it_matters),
		cmocka_unit_test(a_domain_is_the_same_however_it_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_sender: what unknown recipients of one source weigh, by where they stand in its mail.
 */
#include "core/attribution_sender.h"

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

/* One message of an account, to people who are there and people who are not. */
static void weigh_message(struct log_reader *r, const char *account, unsigned n, unsigned known,
			  unsigned unknown)
{
	feedf(r,
	      "Jun 12 05:%02u:06 s postfix/submission/smtpd[2]: %08X2: "
	      "client=unknown[203.0.113.7], sasl_method=LOGIN, sasl_username=%s",
	      n % 60, n, account);
	for (unsigned i = 0; i < known + unknown; i++) {
		/* One after the other of seven servers, but for those from 6000 on. */
		feedf(r,
		      "Jun 12 05:%02u:09 s postfix/smtp[3]: %08X2: to=<w%u-%u@big%u.example>, "
		      "relay=mx[192.0.2.26]:25, delay=3, delays=0/0/0/2, dsn=%s, status=%s",
		      n % 60, n, n, i, n < 6000 ? (n + i) % 7 : 8, i < known ? "2.0.0" : "5.1.1",
		      i < known ? "sent (ok)" : "bounced (no)");
	}
	feedf(r, "Jun 12 05:%02u:10 s postfix/qmgr[8]: %08X2: removed", n % 60, n);
}

static void unknown_recipients_weigh_most_where_they_come_together(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	for (unsigned n = 0; n < 200; n++) {
		bool is_run = n >= 100 && n < 110;
		/* The same ten in a run after a hundred good ones, and far from each other. */
		weigh_message(&r, "run@shop.example", n, is_run ? 0 : 1, is_run ? 1 : 0);
		weigh_message(&r, "apart@shop.example", 1000 + n, n % 20 == 0 ? 0 : 1,
			      n % 20 == 0 ? 1 : 0);
	}
	weigh_message(&r, "friends@shop.example", 5000, 2, 30);
	weigh_message(&r, "friends@shop.example", 5001, 1, 0);
	for (unsigned n = 6000; n < 6012; n++) {
		weigh_message(&r, "gone@shop.example", n, 0, 1);
	}
	attribution_end(r.a);
	/* Recipients are told apart by bits: now and then one is taken for another. */
	const struct attribution_sender *run = find(&r, "run@shop.example");
	assert_true(run->unknown >= 9);
	assert_int_equal(run->stretch, run->unknown * 1791759);
	assert_true(find(&r, "apart@shop.example")->unknown >= 9);
	assert_int_equal(find(&r, "apart@shop.example")->stretch, 1791759);
	/* A server that is gone is one trouble. */
	assert_true(find(&r, "gone@shop.example")->unknown >= 11);
	assert_int_equal(find(&r, "gone@shop.example")->stretch, 3 * 1791759);
	/* One message is no run. */
	assert_int_equal(find(&r, "friends@shop.example")->stretch, 5000000);
	attribution_free(r.a);
}

/* What is told apart by bits of hashes is told apart in the same way each time. */
static void the_same_log_gives_the_same_numbers(void **state)
{
	(void)state;
	uint64_t distinct = 0;

	for (uint64_t k = 1; k <= 16; k++) {
		struct log_reader r;
		reader_init(&r, &(struct attribution_opts){.key = {k, ~k}});
		for (unsigned n = 0; n < 300; n++) {
			weigh_message(&r, "run@shop.example", n, 1, 0);
		}
		attribution_end(r.a);
		uint64_t here = find(&r, "run@shop.example")->distinct;
		assert_in_range(here, 250, 300);
		assert_true(k == 1 || here == distinct);
		distinct = here;
		attribution_free(r.a);
	}
}

/* What strangers write to an address that forwards keeps their senders: the account, which sends
 * too, did not choose them. */
static void senders_of_forwarded_mail_are_strangers(void **state)
{
	(void)state;
	struct log_reader r;

	reader_init(&r, &opts);
	for (unsigned n = 0; n < 8; n++) {
		bool is_own = n % 2 == 0;
		feedf(&r, "Jun 12 04:05:06 s postfix/smtpd[2]: %08X1: client=x[203.0.113.%u]%s", n,
		      n, is_own ? ", sasl_method=PLAIN, sasl_username=info@shop.example" : "");
		feedf(&r,
		      "Jun 12 04:05:06 s postfix/qmgr[2]: %08X1: from=<%s>, size=1, nrcpt=1 (queue "
		      "active)",
		      n, is_own ? "info@shop.example" : (n % 4 == 1 ? "a@b" : "c@d"));
		feedf(&r,
		      "Jun 12 04:05:07 s postfix/smtp[3]: %08X1: to=<u%u@c>%s, "
		      "relay=mx.c[192.0.2.9]:25, delay=1, dsn=2.0.0, status=sent (ok)",
		      n, n, is_own ? "" : ", orig_to=<info@shop.example>");
		feedf(&r, "Jun 12 04:05:08 s postfix/qmgr[2]: %08X1: removed", n);
	}
	attribution_end(r.a);
	const struct attribution_sender *s = find(&r, "info@shop.example");
	assert_int_equal(s->messages, 8);
	assert_int_equal(s->forwarded, 4);
	assert_int_equal(s->senders, 1);
	assert_int_equal(s->foreign, 0);
	attribution_free(r.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_log_gives_the_same_numbers),
		cmocka_unit_test(senders_of_forwarded_mail_are_strangers),
		cmocka_unit_test(unknown_recipients_weigh_most_where_they_come_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

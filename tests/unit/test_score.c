/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scorer over real mail octets and the shipped weights: what is chosen of a message, that
 * recipients and trace headers change nothing, and that hostile shapes cost little.
 */
#include "core/model.h"
#include "core/score.h"
#include "core/score_mail.h"
#include "sys/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

struct fixture {
	struct scorer *scorer;
	struct mail *mail;
	struct score_room room;
};

static struct score score_text(struct fixture *f, const char *message)
{
	struct score s;

	mail_reset(f->mail);
	mail_step(f->mail, str_of(message));
	scorer_score_mail(f->scorer, mail_end(f->mail), true, &s);
	return s;
}

static struct score_input input_of(struct fixture *f, const char *message)
{
	mail_reset(f->mail);
	mail_step(f->mail, str_of(message));
	return score_input_of(mail_end(f->mail), &f->room);
}

#define SPAM_BODY                                                                                  \
	"\n\nDear friend, I am the son of the late general and need your help to transfer the "    \
	"sum "                                                                                     \
	"of $28,500,000 out of the country. You will get 30% of the money. This is strictly "      \
	"confidential, reply with your bank account and telephone number at once.\n"

static void spam_and_ham_come_out_apart(void **state)
{
	struct fixture *f = *state;
	struct score spam = score_text(
		f, "From: GENERAL <a@b.example>\nSubject: URGENT BUSINESS" SPAM_BODY);
	struct score ham = score_text(
		f, "From: Ann <ann@b.example>\nSubject: Re: the parser\n\nI think the test fails "
		   "because the buffer is read before the lock is held. I'll send a patch.\n"
		   "Thanks for the report,\nAnn\n");

	assert_true(spam.flagged);
	assert_true(spam.score_micro >= 500000);
	assert_int_equal(spam.bin, SCORE_BINS - 1);
	assert_true(spam.reason_count > 0);
	assert_false(ham.flagged);
	assert_true(ham.score_micro < 100000);
	assert_true(ham.bin < 4);
	assert_int_not_equal(spam.campaign.simhash, 0);
	assert_int_not_equal(spam.campaign.simhash, ham.campaign.simhash);
}

/* Not one of these is a feature (docs/filter.md). */
static void what_is_no_feature_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct score plain = score_text(f, "From: G <a@b.example>\nSubject: hello" SPAM_BODY);
	struct score dressed = score_text(
		f, "Received: from x (y [192.0.2.1]) by z; Tue, 1 Jan 2002 00:00:00 +0000\n"
		   "Return-Path: <x@y.example>\nX-Spam-Status: No\nDate: Tue, 1 Jan 2002 00:00:00\n"
		   "DKIM-Signature: v=1; d=b.example\nX-Mailer: The Bat! 1.53\n"
		   "Message-ID: <1@x.example>\nList-Id: <l.example>\nTo: someone@else.example\n"
		   "Content-Type: text/plain; charset=iso-8859-1\nFrom: G <a@b.example>\n"
		   "Subject: hello" SPAM_BODY);

	assert_int_equal(plain.score_micro, dressed.score_micro);
	assert_memory_equal(&plain.campaign, &dressed.campaign, sizeof(plain.campaign));
}

static void the_last_alternative_is_read(void **state)
{
	struct fixture *f = *state;
	struct score_input in = input_of(
		f, "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: "
		   "text/plain\n\n"
		   "the plain text for old readers\n--b\nContent-Type: text/html\n\n"
		   "<p>what nearly everybody gets to see</p>\n--b--\n");

	assert_true(str_find(in.text, STR("nearly everybody")) < in.text.len);
	assert_int_equal(str_find(in.text, STR("old readers")), in.text.len);
	in = input_of(f, "Content-Type: multipart/alternative; boundary=b\n\n--b\n"
			 "Content-Type: text/plain\n\nthe plain text for old readers\n--b\n"
			 "Content-Type: text/html\n\n<p> </p>\n--b--\n");
	assert_true(str_find(in.text, STR("old readers")) < in.text.len);
}

/* A report about spam is not spam: what it quotes as a message is not its own text. */
static void attached_messages_are_not_read(void **state)
{
	struct fixture *f = *state;
	struct score_input in = input_of(
		f, "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n"
		   "this came from your network\n--b\nContent-Type: message/rfc822\n\n"
		   "Subject: x\n\nbuy cheap pills\n--b--\n");

	assert_true(str_find(in.text, STR("your network")) < in.text.len);
	assert_int_equal(str_find(in.text, STR("pills")), in.text.len);
}

static void nothing_is_enough(void **state)
{
	struct fixture *f = *state;
	struct score a = score_text(f, "");
	struct score b = score_text(f, "\n");

	assert_false(a.flagged);
	assert_int_equal(a.score_micro, b.score_micro);
	assert_int_equal(a.campaign.simhash, 0);
	assert_int_not_equal(a.campaign.exact, 0);
}

static void rates_say_what_the_weights_say(void **state)
{
	struct fixture *f = *state;
	struct score_rates r = scorer_rates(f->scorer);
	uint64_t sums[2] = {0, 0};

	assert_int_equal(r.threshold_micro, 500000);
	assert_true(r.fpr_ppm <= 20000);
	for (size_t b = 0; b < SCORE_BINS; b++) {
		sums[0] += r.f0_ppm[b];
		sums[1] += r.f1_ppm[b];
	}
	assert_true(sums[0] > 999990 && sums[0] < 1000010);
	assert_true(sums[1] > 999990 && sums[1] < 1000010);
}

static int setup(void **state)
{
	static struct fixture f;
	struct buf file;
	struct errmsg err;

	buf_init(&file, MODEL_BYTES_MAX);
	f.mail = mail_new(NULL, NULL);
	if (f.mail == NULL || file_read("share/weights/postern.weights", &file, &err) < 0 ||
	    scorer_new(buf_str(&file), &f.scorer, &err) < 0) {
		return -1;
	}
	buf_done(&file);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	scorer_free(f->scorer);
	mail_free(f->mail);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spam_and_ham_come_out_apart),
		cmocka_unit_test(what_is_no_feature_changes_nothing),
		cmocka_unit_test(the_last_alternative_is_read),
		cmocka_unit_test(attached_messages_are_not_read),
		cmocka_unit_test(nothing_is_enough),
		cmocka_unit_test(rates_say_what_the_weights_say),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

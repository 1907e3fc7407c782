/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge as its users see it: observations in, rungs and proofs out. One test for each line
 * of the two-witness table, and for what must accuse nobody.
 */
#include "judge_world.h"

#include "core/ladder.h"

#include "base/poison.h"

static void an_unseen_source_has_no_proof(void **state)
{
	(void)state;
	struct world *w = world_new();
	const struct source_key k = key(10);
	struct proof p;

	assert_false(judge_proof_of(w->judge, &k, &p));
	world_free(w);
}

static void one_main_kind_makes_a_suspect(void **state)
{
	(void)state;
	struct world *w = world_new();

	send_mails(w, 10, true, 20);
	check(w, 10, VERDICT_SUSPECT, RUNG_THROTTLE);
	assert_string_equal(proof_of(w, 10).rule, "content alarmed alone");
	assert_int_equal(w->moves, 2); /* watch, throttle */
	assert_int_equal(w->last.from, RUNG_WATCH);
	assert_int_equal(w->last.mode, MODE_ENFORCE);
	world_free(w);
}

static void a_second_witness_makes_it_abused(void **state)
{
	(void)state;
	struct world *w = world_new();

	send_mails(w, 10, true, 20);
	send_refused(w, 10, 3, 3);
	check(w, 10, VERDICT_SUSPECT, RUNG_THROTTLE);
	send_refused(w, 10, 3, 3);
	check(w, 10, VERDICT_ABUSED, RUNG_BLOCK);
	struct proof p = proof_of(w, 10);
	assert_string_equal(p.rule, "content alarmed, supported by recipients");
	assert_int_equal(p.messages, 22);
	assert_int_equal(p.flagged, 20);
	assert_int_equal(p.recipients_unknown, 6);
	assert_int_equal(p.campaigns, 20);
	assert_int_equal(p.sample_count, PROOF_SAMPLES_MAX);
	assert_int_equal(w->last.rung, RUNG_BLOCK);
	assert_int_equal(w->last.proof.rung, RUNG_BLOCK);
	assert_int_equal(w->last.giver, GIVER_JUDGE);
	world_free(w);
}

static void recipients_alone_make_a_suspect(void **state)
{
	(void)state;
	struct world *w = world_new();

	send_refused(w, 10, 50, 25);
	check(w, 10, VERDICT_SUSPECT, RUNG_THROTTLE);
	assert_string_equal(proof_of(w, 10).rule, "recipients alarmed alone");
	world_free(w);
}

static void few_unknown_recipients_accuse_nobody(void **state)
{
	(void)state;
	struct world *w = world_new();

	for (int i = 0; i < 100; i++) {
		send_refused(w, 10, 20, 1);
	}
	check(w, 10, VERDICT_UNKNOWN, RUNG_PASS);
	world_free(w);
}

static void shape_alone_is_watched(void **state)
{
	(void)state;
	struct world *w = world_new();

	connect_to(w, 10, 30, true);
	check(w, 10, VERDICT_UNKNOWN, RUNG_WATCH);
	assert_string_equal(proof_of(w, 10).rule, "fanout alarmed alone, a shape only");
	assert_int_equal(w->spikes, 1);
	world_free(w);
}

static void shape_and_another_make_a_suspect(void **state)
{
	(void)state;
	struct world *w = world_new();

	connect_to(w, 10, 30, true);
	send_refused(w, 10, 4, 4); /* 7.2 nats: a support */
	check(w, 10, VERDICT_SUSPECT, RUNG_THROTTLE);
	assert_string_equal(proof_of(w, 10).rule, "fanout alarmed, supported by recipients");
	world_free(w);
}

static void a_spike_passes_with_time(void **state)
{
	(void)state;
	struct world *w = world_new();

	connect_to(w, 10, 30, true);
	check(w, 10, VERDICT_UNKNOWN, RUNG_WATCH);
	w->now.ns += 3 * 3600 * NS_PER_S;
	judge_tick(w->judge, w->now);
	w->now.ns += (RUNG_HOLD_S + 1) * NS_PER_S;
	judge_tick(w->judge, w->now);
	fetch(w);
	check(w, 10, VERDICT_UNKNOWN, RUNG_PASS);
	assert_int_equal(w->last.rung, RUNG_PASS);
	world_free(w);
}

static void support_alone_is_watched(void **state)
{
	(void)state;
	struct world *w = world_new();

	send_refused(w, 10, 4, 4);
	check(w, 10, VERDICT_UNKNOWN, RUNG_WATCH);
	assert_string_equal(proof_of(w, 10).rule, "recipients is near alarm");
	world_free(w);
}

static void content_needs_three_campaigns(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct message_obs a = mail(w, 10, true);
	struct message_obs b = mail(w, 10, true);

	/* Two templates, sent a thousand times: 10 nats at most, and no alarm. */
	for (int i = 0; i < 1000; i++) {
		a.time = b.time = w->now;
		a.simhash ^= UINT64_C(1) << i % 2; /* near copies */
		send(w, &a);
		send(w, &b);
	}
	check(w, 10, VERDICT_UNKNOWN, RUNG_WATCH);
	struct proof p = proof_of(w, 10);
	assert_int_equal(p.campaigns, 2);
	assert_int_equal(p.legs[0].trials, 6);
	assert_true(p.legs[0].s_micro <= 10000000);
	world_free(w);
}

static void one_newsletter_accuses_nobody(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct message_obs o = mail(w, 10, true);

	for (int i = 0; i < 500; i++) {
		o.time = w->now;
		send(w, &o);
	}
	check(w, 10, VERDICT_UNKNOWN, RUNG_PASS);
	world_free(w);
}

/* Customer C: 500 recipients in 500 sessions, wrongly flagged, 2 % of them unknown. */
static void a_flagged_newsletter_never_rises_above_watch(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct message_obs o = mail(w, 10, true);

	for (int i = 0; i < 500; i++) {
		connect_to(w, 10, 1, true);
		o.time = w->now;
		o.rcpts_unknown = o.rcpts_refused = i % 50 == 0;
		o.rcpts_accepted = 1 - o.rcpts_refused;
		send(w, &o);
		assert_true(proof_of(w, 10).rung <= RUNG_WATCH);
	}
	assert_string_equal(proof_of(w, 10).rule, "fanout alarmed alone, a shape only");
	world_free(w);
}

static void good_mail_makes_a_healthy_source(void **state)
{
	(void)state;
	struct world *w = world_new();

	send_mails(w, 10, false, 20);
	check(w, 10, VERDICT_UNKNOWN, RUNG_PASS);
	send_mails(w, 10, false, 200);
	check(w, 10, VERDICT_HEALTHY, RUNG_PASS);
	send_mails(w, 10, true, 10);
	assert_int_not_equal(proof_of(w, 10).verdict, VERDICT_HEALTHY);
	world_free(w);
}

static void encrypted_mail_says_nothing(void **state)
{
	(void)state;
	struct world *w = world_new();

	for (int i = 0; i < 500; i++) {
		struct message_obs o = mail(w, 10, true);
		o.scored = false;
		send(w, &o);
	}
	check(w, 10, VERDICT_UNKNOWN, RUNG_PASS);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unseen_source_has_no_proof),
		cmocka_unit_test(one_main_kind_makes_a_suspect),
		cmocka_unit_test(a_second_witness_makes_it_abused),
		cmocka_unit_test(recipients_alone_make_a_suspect),
		cmocka_unit_test(few_unknown_recipients_accuse_nobody),
		cmocka_unit_test(shape_alone_is_watched),
		cmocka_unit_test(shape_and_another_make_a_suspect),
		cmocka_unit_test(a_spike_passes_with_time),
		cmocka_unit_test(support_alone_is_watched),
		cmocka_unit_test(content_needs_three_campaigns),
		cmocka_unit_test(one_newsletter_accuses_nobody),
		cmocka_unit_test(a_flagged_newsletter_never_rises_above_watch),
		cmocka_unit_test(good_mail_makes_a_healthy_source),
		cmocka_unit_test(encrypted_mail_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

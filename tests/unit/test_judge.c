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

/* Listed URLs support and never accuse, whatever there is of them; and only so much a day. */
static void listed_urls_only_support(void **state)
{
	(void)state;
	struct world *w = world_new();

	w->policy->decision.lists[0] = (struct list_rule){3000000, 6000000};
	w->policy->decision.lists[3] = (struct list_rule){2000000, 5000000};
	assert_int_equal(judge_reload(w->judge, &w->opts, NULL), 0);
	for (unsigned i = 0; i < 40; i++) {
		struct message_obs o = mail(w, 50, false);
		o.listed = 1U << 0 | 1U << 3 | 1U << 7; /* the last is no list here */
		send(w, &o);
	}
	check(w, 50, VERDICT_UNKNOWN, RUNG_WATCH);
	struct proof p = proof_of(w, 50);
	bool is_shown = false;
	for (size_t i = 0; i < p.leg_count; i++) {
		if (p.legs[i].stream == PROOF_STREAM_URLS) {
			is_shown = true;
			assert_int_equal(p.legs[i].kind, KIND_LISTING);
			assert_int_equal(p.legs[i].s_micro, 11000000);
			assert_int_equal(p.legs[i].bad, 40);
		}
	}
	assert_true(is_shown);
	/* One campaign is one hit, however many copies: below h2. */
	struct message_obs copy = mail(w, 60, false);
	copy.listed = 1;
	for (unsigned i = 0; i < 20; i++) {
		copy.time = w->now;
		send(w, &copy);
	}
	check(w, 60, VERDICT_UNKNOWN, RUNG_PASS);
	/* With a main kind at its threshold they are the second witness. */
	send_mails(w, 50, true, 12);
	check(w, 50, VERDICT_ABUSED, RUNG_BLOCK);
	assert_string_equal(proof_of(w, 50).rule, "content alarmed, supported by listing");
	/* A day later they are over. */
	w->now.ns += INT64_C(25) * 3600 * NS_PER_S;
	struct message_obs o = mail(w, 50, false);
	send(w, &o);
	p = proof_of(w, 50);
	for (size_t i = 0; i < p.leg_count; i++) {
		assert_true(p.legs[i].stream != PROOF_STREAM_URLS);
	}
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
		cmocka_unit_test(listed_urls_only_support),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

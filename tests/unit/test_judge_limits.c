/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What limits the judge: forged packets, shared servers, lists, staff, facts, the brake, the guard,
 * room, and nonsense.
 */
#include "judge_world.h"

#include "core/ladder.h"

#include "base/poison.h"

static void forged_mail_goes_no_higher_than_throttle(void **state)
{
	(void)state;
	struct world *w = world_new();

	for (int i = 0; i < 300; i++) {
		struct message_obs o = mail(w, 10, true);
		o.far = FAR_NONE;
		o.state = MESSAGE_UNANSWERED;
		o.rcpts_accepted = 0;
		o.rcpts_unknown = 1; /* nobody can have seen this */
		o.rcpts_refused = 1;
		send(w, &o);
	}
	connect_to(w, 10, 100, false);
	check(w, 10, VERDICT_SUSPECT, RUNG_THROTTLE);
	struct proof p = proof_of(w, 10);
	assert_string_equal(p.rule, "content alarmed, seen from one side only");
	assert_int_equal(p.messages, 0);
	assert_int_equal(p.recipients, 0);
	world_free(w);
}

static void forged_mail_does_not_wash_away_evidence(void **state)
{
	(void)state;
	struct world *w = world_new();

	for (int i = 0; i < 20; i++) {
		send_mails(w, 10, true, 1);
		for (int k = 0; k < 20; k++) {
			struct message_obs o = mail(w, 10, false);
			o.far = FAR_NONE;
			send(w, &o);
		}
	}
	check(w, 10, VERDICT_SUSPECT, RUNG_THROTTLE);
	assert_string_equal(proof_of(w, 10).rule, "content alarmed alone");
	world_free(w);
}

static void verified_sources_may_be_judged_from_one_side(void **state)
{
	(void)state;
	struct world *w = world_new();

	w->network.sources_verified = true;
	for (int i = 0; i < 20; i++) {
		struct message_obs o = mail(w, 10, true);
		o.far = FAR_NONE;
		send(w, &o);
	}
	assert_string_equal(proof_of(w, 10).rule, "content alarmed alone");
	world_free(w);
}

static void a_shared_server_stops_at_throttle(void **state)
{
	(void)state;
	struct world *w = world_new();

	w->servers[0].is_shared = true;
	abuse(w, 10);
	check(w, 10, VERDICT_ABUSED, RUNG_THROTTLE);
	world_free(w);
}

static void the_never_block_list_stops_at_watch(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct prefix never = key(10).prefix;

	w->policy->never_block = &never;
	w->policy->never_block_count = 1;
	abuse(w, 10);
	check(w, 10, VERDICT_ABUSED, RUNG_WATCH);
	world_free(w);
}

static void suspects_are_diverted_where_there_is_a_relay(void **state)
{
	(void)state;
	struct world *w = world_new();

	w->opts.has_relay = true;
	assert_int_equal(judge_reload(w->judge, &w->opts, NULL), 0);
	send_mails(w, 10, true, 20);
	check(w, 10, VERDICT_SUSPECT, RUNG_DIVERT);
	world_free(w);
}

static void a_trusted_network_waits_for_staff(void **state)
{
	(void)state;
	struct world *w = world_new();

	w->network.posture = POSTURE_TRUSTED;
	abuse(w, 10);
	check(w, 10, VERDICT_ABUSED, RUNG_THROTTLE);
	w->now.ns += (TRUSTED_WAIT_S + 1) * NS_PER_S;
	judge_tick(w->judge, w->now);
	fetch(w);
	check(w, 10, VERDICT_ABUSED, RUNG_BLOCK);
	world_free(w);
}

static void siblings_share_the_rung_and_one_order(void **state)
{
	(void)state;
	struct world *w = world_new();

	abuse(w, 10);
	unsigned moves = w->moves;
	send_mails(w, 11, true, 1);
	check(w, 11, VERDICT_UNKNOWN, RUNG_BLOCK);
	abuse(w, 11);
	check(w, 11, VERDICT_ABUSED, RUNG_BLOCK);
	assert_int_equal(w->moves, moves + 1); /* watch only: the server is shut already */
	send_mails(w, 20, false, 1);
	check(w, 20, VERDICT_UNKNOWN, RUNG_PASS);
	world_free(w);
}

static void a_pardon_starts_anew_and_is_tighter(void **state)
{
	(void)state;
	struct world *w = world_new();
	const struct source_key k = key(10);

	abuse(w, 10);
	struct wall until = {w->now.ns + 72 * 3600 * NS_PER_S};
	judge_pardon(w->judge, &k, until);
	fetch(w);
	check(w, 10, VERDICT_UNKNOWN, RUNG_PASS);
	assert_int_equal(w->last.rung, RUNG_PASS);
	assert_int_equal(w->last.from, RUNG_BLOCK);
	assert_int_equal(proof_of(w, 10).messages, 0);
	send_mails(w, 10, true, 1);
	assert_int_equal(proof_of(w, 10).legs[0].h_micro, 10000000);
	abuse(w, 10);
	check(w, 10, VERDICT_ABUSED, RUNG_BLOCK);
	world_free(w);
}

static void what_is_tried_while_blocked_is_counted(void **state)
{
	(void)state;
	struct world *w = world_new();

	abuse(w, 10);
	connect_to(w, 10, 5, true);
	assert_int_equal(proof_of(w, 10).defiance, 5);
	world_free(w);
}

static unsigned passed_events(struct world *w, unsigned n, bool verified)
{
	struct judge_event e;
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		struct session_obs o = {
			.time = w->now,
			.source = key(10),
			.client = address(10),
			.destination = addr_v4((const uint8_t[4]){198, 51, 100, 25}),
			.dport = 25,
			.event = SESSION_OPENED,
			.far = FAR_NONE,
			.verified = verified};
		judge_session(w->judge, &o);
		while (judge_event_next(w->judge, &e)) {
			found += e.type == JUDGE_PASSED && source_is_equal(&e.source, &o.source);
		}
	}
	return found;
}

static void what_comes_through_a_block_is_said(void **state)
{
	(void)state;
	struct world *w = world_new();

	assert_int_equal(passed_events(w, 3, true), 0);
	abuse(w, 10);
	assert_int_equal(passed_events(w, 3, true), 3);
	assert_int_equal(passed_events(w, 3, false), 0); /* whose packets were they? */
	w->now.ns += NS_PER_S;
	assert_int_equal(passed_events(w, 100, true), 16); /* enough for a second */
	w->now.ns += NS_PER_S;
	w->network.mode = MODE_OBSERVE; /* nothing is shut there */
	assert_int_equal(passed_events(w, 3, true), 0);
	world_free(w);
}

static void staff_go_before_the_judge(void **state)
{
	(void)state;
	struct world *w = world_new();
	const struct source_key k = key(10);

	judge_standing(w->judge, &k, RUNG_PASS, GIVER_STAFF,
		       (struct wall){w->now.ns + 3600 * NS_PER_S});
	abuse(w, 10);
	check(w, 10, VERDICT_ABUSED, RUNG_PASS);
	assert_int_equal(w->moves, 0);
	w->now.ns += 3600 * NS_PER_S;
	judge_tick(w->judge, w->now);
	fetch(w);
	check(w, 10, VERDICT_ABUSED, RUNG_BLOCK);
	world_free(w);
}

static void a_fact_goes_before_a_grant(void **state)
{
	(void)state;
	struct world *w = world_new();
	const struct source_key k = key(10);

	judge_standing(w->judge, &k, RUNG_PASS, GIVER_GRANT, (struct wall){0});
	abuse(w, 10);
	check(w, 10, VERDICT_ABUSED, RUNG_PASS);
	judge_fact(w->judge,
		   &(struct judge_fact){.type = FACT_PHISHING, .time = w->now, .source = k});
	fetch(w);
	check(w, 10, VERDICT_ABUSED, RUNG_BLOCK);
	assert_int_equal(w->last.giver, GIVER_FACT);
	assert_string_equal(proof_of(w, 10).rule, "phishing confirmed by staff");
	world_free(w);
}

static void traps_decide_from_three_hits_in_two_campaigns(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct judge_fact hit = {
		.type = FACT_TRAP, .time = w->now, .source = key(10), .campaign = 1};

	for (int i = 0; i < 3; i++) {
		judge_fact(w->judge, &hit);
	}
	check(w, 10, VERDICT_UNKNOWN, RUNG_WATCH); /* one campaign: subscribed by a stranger */
	hit.campaign = 2;
	judge_fact(w->judge, &hit);
	check(w, 10, VERDICT_ABUSED, RUNG_BLOCK);
	world_free(w);
}

static void votes_need_29_of_29(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct judge_fact votes = {
		.type = FACT_VOTES, .time = w->now, .source = key(10), .bad = 28, .total = 28};

	judge_fact(w->judge, &votes);
	check(w, 10, VERDICT_UNKNOWN, RUNG_PASS);
	votes.bad = votes.total = 29;
	judge_fact(w->judge, &votes);
	check(w, 10, VERDICT_ABUSED, RUNG_BLOCK);
	world_free(w);
}

static void complaints_act_on_what_is_proved(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct judge_fact f = {.type = FACT_COMPLAINTS,
			       .time = w->now,
			       .source = key(10),
			       .bad = 3,
			       .total = 1000};

	judge_fact(w->judge, &f);
	check(w, 10, VERDICT_UNKNOWN, RUNG_PASS);
	f.bad = 10;
	judge_fact(w->judge, &f);
	check(w, 10, VERDICT_SUSPECT, RUNG_THROTTLE);
	assert_string_equal(proof_of(w, 10).rule, "complaint alarmed alone");
	world_free(w);
}

static void the_brake_holds_further_blocks(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct judge_stats st;

	for (uint8_t i = 0; i < 5; i++) {
		abuse(w, (uint8_t)(100 + i));
		check(w, (uint8_t)(100 + i), VERDICT_ABUSED, RUNG_BLOCK);
	}
	abuse(w, 200);
	check(w, 200, VERDICT_ABUSED, RUNG_THROTTLE);
	abuse(w, 201);
	check(w, 201, VERDICT_ABUSED, RUNG_THROTTLE);
	assert_int_equal(w->brakes, 1);
	/* Time alone does not lift it. */
	w->now.ns += 3600 * NS_PER_S;
	send_mails(w, 200, true, 1);
	check(w, 200, VERDICT_ABUSED, RUNG_THROTTLE);
	judge_brake_lift(w->judge, w->now);
	send_mails(w, 200, true, 1);
	check(w, 200, VERDICT_ABUSED, RUNG_BLOCK);
	judge_stats(w->judge, &st);
	assert_false(st.is_braked);
	assert_int_equal(st.by_rung[RUNG_BLOCK], 6);
	world_free(w);
}

static void a_filter_that_flags_everybody_accuses_nobody(void **state)
{
	(void)state;
	struct world *w = world_new();

	for (uint8_t s = 100; s < 130; s++) {
		send_mails(w, s, false, 18);
		send_mails(w, s, true, 2);
	}
	assert_int_equal(w->guards, 1);
	send_mails(w, 10, true, 30);
	check(w, 10, VERDICT_UNKNOWN, RUNG_WATCH);
	assert_string_equal(proof_of(w, 10).rule, "content alarmed, but the filter flags too much");
	world_free(w);
}

static void the_same_mail_from_three_tenants_is_shared(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct message_obs o = mail(w, 10, false);

	o.rcpts = o.rcpts_accepted = 5;
	for (int i = 0; i < 4; i++) {
		for (uint8_t s = 10; s <= 30; s = (uint8_t)(s + 10)) {
			o.time = w->now;
			o.source = key(s);
			o.client = address(s);
			send(w, &o);
		}
	}
	assert_string_equal(proof_of(w, 30).rule, "shared alarmed alone");
	check(w, 30, VERDICT_SUSPECT, RUNG_THROTTLE);
	world_free(w);
}

static void a_notice_of_every_installation_is_not_shared(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct message_obs o = mail(w, 10, false);

	for (uint8_t s = 10; s <= 40; s = (uint8_t)(s + 10)) {
		o.time = w->now;
		o.source = key(s);
		send(w, &o);
		send(w, &o);
	}
	check(w, 40, VERDICT_UNKNOWN, RUNG_PASS);
	world_free(w);
}

static void a_known_tenants_new_source_starts_with_a_prior(void **state)
{
	(void)state;
	struct world *w = world_new();

	judge_free(w->judge);
	w->opts.has_prior = true;
	w->judge = judge_new(&w->opts, NULL);
	assert_non_null(w->judge);
	connect_to(w, 10, 1, true);
	connect_to(w, 99, 1, true);
	assert_int_equal(proof_of(w, 10).legs[0].s_micro, 2000000);
	assert_int_equal(proof_of(w, 99).legs[0].kind, KIND_FANOUT); /* no tenant: from 0 */
	world_free(w);
}

static void what_changed_is_said_once(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct source_key k;

	send_mails(w, 10, false, 3);
	send_mails(w, 20, false, 1);
	assert_true(judge_changed_next(w->judge, &k));
	assert_true(judge_changed_next(w->judge, &k));
	assert_false(judge_changed_next(w->judge, &k));
	send_mails(w, 20, false, 1);
	assert_true(judge_changed_next(w->judge, &k));
	const struct source_key expected = key(20);
	assert_true(source_is_equal(&k, &expected));
	world_free(w);
}

static void the_coldest_is_forgotten_for_a_new_one(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct judge_stats st;

	judge_free(w->judge);
	w->opts.sources_max = 50;
	w->judge = judge_new(&w->opts, NULL);
	assert_non_null(w->judge);
	abuse(w, 250);
	for (uint8_t s = 0; s < 200; s++) {
		send_mails(w, s, false, 1);
	}
	judge_stats(w->judge, &st);
	assert_int_equal(st.sources, 50);
	assert_int_equal(st.forgotten, 151);
	check(w, 250, VERDICT_ABUSED, RUNG_BLOCK); /* the oldest, but on a rung */
	world_free(w);
}

static void nonsense_from_the_filter_is_refused(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct judge_opts o = w->opts;
	struct errmsg err = {0};

	o.filter.fpr_ppm = 900000;
	assert_null(judge_new(&o, &err));
	assert_true(err.text[0] != '\0');
	assert_true(judge_reload(w->judge, &o, NULL) < 0);
	o = w->opts;
	o.filter.bin_count = 2;
	o.filter.f0_ppm[0] = 10;
	assert_null(judge_new(&o, NULL));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_mail_goes_no_higher_than_throttle),
		cmocka_unit_test(forged_mail_does_not_wash_away_evidence),
		cmocka_unit_test(verified_sources_may_be_judged_from_one_side),
		cmocka_unit_test(a_shared_server_stops_at_throttle),
		cmocka_unit_test(the_never_block_list_stops_at_watch),
		cmocka_unit_test(suspects_are_diverted_where_there_is_a_relay),
		cmocka_unit_test(a_trusted_network_waits_for_staff),
		cmocka_unit_test(siblings_share_the_rung_and_one_order),
		cmocka_unit_test(a_pardon_starts_anew_and_is_tighter),
		cmocka_unit_test(what_is_tried_while_blocked_is_counted),
		cmocka_unit_test(what_comes_through_a_block_is_said),
		cmocka_unit_test(staff_go_before_the_judge),
		cmocka_unit_test(a_fact_goes_before_a_grant),
		cmocka_unit_test(traps_decide_from_three_hits_in_two_campaigns),
		cmocka_unit_test(votes_need_29_of_29),
		cmocka_unit_test(complaints_act_on_what_is_proved),
		cmocka_unit_test(the_brake_holds_further_blocks),
		cmocka_unit_test(a_filter_that_flags_everybody_accuses_nobody),
		cmocka_unit_test(the_same_mail_from_three_tenants_is_shared),
		cmocka_unit_test(a_notice_of_every_installation_is_not_shared),
		cmocka_unit_test(a_known_tenants_new_source_starts_with_a_prior),
		cmocka_unit_test(what_changed_is_said_once),
		cmocka_unit_test(the_coldest_is_forgotten_for_a_new_one),
		cmocka_unit_test(nonsense_from_the_filter_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

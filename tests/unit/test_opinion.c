/* SPDX-License-Identifier: Apache-2.0 */
/* What another filter's score adds to ours, and to the evidence when it comes late. */
#include "core/opinion.h"
#include "core/replay.h"
#include "core/ztable.h"
#include "judge_world.h"

#include "base/poison.h"

static struct opinion_sum with(uint32_t own, enum opinion_kind kind, double points)
{
	struct opinions o = {.has = {false}};

	o.has[kind] = true;
	o.score_micro[kind] = (int64_t)(points * 1e6);
	return opinion_add(own, &o);
}

static void without_an_answer_nothing_changes(void **state)
{
	const struct opinions none = {.has = {false}};

	(void)state;
	for (uint32_t own = 0; own <= 1000000; own += 9973) {
		struct opinion_sum s = opinion_add(own, &none);
		assert_int_equal(s.score_micro, own);
		assert_int_equal(s.nats_micro, 0);
		assert_int_equal(s.flagged, own >= 500000);
	}
}

static void it_moves_the_right_way(void **state)
{
	(void)state;
	for (unsigned k = 0; k < OPINION_KIND_COUNT; k++) {
		for (uint32_t own = 0; own <= 1000000; own += 99991) {
			struct opinion_sum before = with(own, (enum opinion_kind)k, -20);
			for (double points = -10; points < 40; points += 0.5) {
				struct opinion_sum s = with(own, (enum opinion_kind)k, points);
				assert_true(s.score_micro >= before.score_micro);
				assert_true(s.nats_micro >= before.nats_micro);
				assert_true(s.nats_micro <= OPINION_NATS_MAX_MICRO &&
					    s.nats_micro >= -OPINION_NATS_MAX_MICRO);
				assert_true(s.score_micro <= 1000000);
				before = s;
			}
		}
	}
	/* A little over a point is where it changes nothing. */
	struct opinion_sum s = with(500000, OPINION_SPAMD, 1.7);
	assert_true(s.score_micro > 499900 && s.score_micro < 500100 && s.nats_micro == 0);
	assert_true(with(300000, OPINION_SPAMD, 12).flagged);
	/* What it does not find acquits nobody: mail that goes out has little for it to find. */
	s = with(700000, OPINION_SPAMD, -5);
	assert_true(s.flagged && s.nats_micro < 0 && s.nats_micro >= -440000);
	/* Two points are about as much as a message of a doubtful bin. */
	s = with(500000, OPINION_SPAMD, 3.7);
	assert_true(s.nats_micro > 1100000 && s.nats_micro < 1400000);
	/* rspamd without its network weighs little. */
	assert_false(with(300000, OPINION_RSPAMD, 15).flagged);
}

static void ratios_are_exponentials(void **state)
{
	(void)state;
	assert_int_equal(opinion_ratio_milli(0), 1000);
	assert_int_equal(opinion_ratio_milli(1000000), 2719);
	assert_int_equal(opinion_ratio_milli(-1000000), 368);
	assert_int_equal(opinion_ratio_milli(OPINION_NATS_MAX_MICRO), 54599);
	assert_int_equal(opinion_ratio_milli(INT32_MAX), 54599);
	assert_int_equal(opinion_ratio_milli(INT32_MIN), 19);
}

static struct opinion_obs answer(struct world *w, const struct message_obs *o, bool flagged,
				 int32_t nats_micro)
{
	return (struct opinion_obs){.time = w->now,
				    .source = o->source,
				    .session = o->session,
				    .index = o->index,
				    .flagged = flagged,
				    .nats_micro = nats_micro};
}

static void tell(struct world *w, const struct opinion_obs *a)
{
	judge_opinion(w->judge, a);
	fetch(w);
}

static int32_t sum_of(struct world *w, uint8_t last, uint32_t pi1_ppm)
{
	struct proof p = proof_of(w, last);

	for (size_t i = 0; i < p.leg_count; i++) {
		if (p.legs[i].kind == KIND_CONTENT && p.legs[i].pi1_ppm == pi1_ppm) {
			return p.legs[i].s_micro;
		}
	}
	return 0;
}

/* What comes late gives the sum that would have been there with the answer at once. */
static void late_is_as_good_as_at_once(void **state)
{
	struct world *w = world_new();
	struct ztable z;
	const struct content_z *c = &z.content[0];

	(void)state;
	assert_int_equal(ztable_make(&w->policy->decision, &w->opts.filter, &z, NULL), 0);
	send_mails(w, 50, true, 1);
	int32_t begin = sum_of(w, 50, 900000);
	struct message_obs o = mail(w, 50, false);
	o.is_asked = true;
	o.session = 77;
	send(w, &o);
	struct opinion_obs a = answer(w, &o, true, 3000000);
	tell(w, &a);
	int32_t at_once = begin + ztable_opinion(&z, c, 2, 0, opinion_ratio_milli(3000000));
	assert_int_equal(sum_of(w, 50, 900000), at_once);
	assert_int_equal(proof_of(w, 50).flagged, 2); /* both together flag it */
	/* A second answer about the same is none. */
	tell(w, &a);
	assert_int_equal(sum_of(w, 50, 900000), at_once);
	/* Nor is one about what nobody was asked about. */
	o = mail(w, 50, false);
	o.session = 78;
	send(w, &o);
	int32_t before = sum_of(w, 50, 900000);
	a = answer(w, &o, true, 3000000);
	tell(w, &a);
	assert_int_equal(sum_of(w, 50, 900000), before);
	struct judge_stats st;
	judge_stats(w->judge, &st);
	assert_int_equal(st.opinions, 1);
	assert_int_equal(st.opinions_late, 2);
	world_free(w);
}

/* A healthy source at rest stays there: what was cut off at zero is not given back. */
static void at_rest_it_gives_no_more_than_the_answer(void **state)
{
	struct world *w = world_new();
	struct ztable z;

	(void)state;
	assert_int_equal(ztable_make(&w->policy->decision, &w->opts.filter, &z, NULL), 0);
	send_mails(w, 50, false, 10);
	struct message_obs o = mail(w, 50, false);
	o.is_asked = true;
	send(w, &o);
	struct opinion_obs a = answer(w, &o, false, 2500000);
	tell(w, &a);
	int32_t most = ztable_opinion(&z, &z.content[0], 2, 0, opinion_ratio_milli(2500000));
	assert_true(sum_of(w, 50, 900000) <= (most > 0 ? most : 0));
	world_free(w);
}

static void an_answer_of_ham_takes_back(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct message_obs o = mail(w, 50, true);
		o.is_asked = true;
		o.session = i;
		int32_t before = i == 0 ? 0 : sum_of(w, 50, 900000);
		send(w, &o);
		int32_t after = sum_of(w, 50, 900000);
		struct opinion_obs a = answer(w, &o, false, -4000000);
		tell(w, &a);
		assert_true(after > before && sum_of(w, 50, 900000) < after);
	}
	world_free(w);
}

static void too_late_or_pardoned(void **state)
{
	struct world *w = world_new();
	const struct source_key k = key(50);

	(void)state;
	struct message_obs o = mail(w, 50, false);
	o.is_asked = true;
	send(w, &o);
	w->now.ns += 400 * NS_PER_S;
	struct opinion_obs a = answer(w, &o, true, 4000000);
	tell(w, &a);
	assert_int_equal(sum_of(w, 50, 900000), 0);
	o = mail(w, 50, false);
	o.is_asked = true;
	o.session = 5;
	send(w, &o);
	judge_pardon(w->judge, &k, (struct wall){w->now.ns + NS_PER_S});
	a = answer(w, &o, true, 4000000);
	tell(w, &a);
	assert_int_equal(sum_of(w, 50, 900000), 0);
	world_free(w);
}

static unsigned replayed;

static void replay(struct world *w, const struct judge_event *e)
{
	struct replay_result r;
	struct errmsg err = {.text = ""};
	struct buf file;

	buf_init(&file, REPLAY_FILE_MAX);
	if (e->rung >= RUNG_THROTTLE && judge_log_of(w->judge, &e->proof, &file)) {
		assert_int_equal(replay_file_run(buf_str(&file), &r, &err), 0);
		assert_true(r.is_equal);
		replayed++;
	}
	buf_done(&file);
}

/* Spam that our filter does not see and the other does; every verdict is computed again. */
static void it_finds_what_we_miss(void **state)
{
	(void)state;
	replayed = 0;
	for (uint8_t last = 50; last < 60; last++) {
		struct world *w = world_new();
		w->moved = replay;
		w->prng.state = last;
		unsigned n = 0;
		for (; w->last.rung < RUNG_THROTTLE && n < 60; n++) {
			struct message_obs o = mail(w, last, false);
			o.is_asked = prng_below(&w->prng, 4) != 0;
			o.session = n;
			send(w, &o);
			if (o.is_asked) {
				struct opinion_obs a = answer(w, &o, true, 4000000);
				tell(w, &a);
			}
		}
		assert_true(n < 60);
		check(w, last, VERDICT_SUSPECT, RUNG_THROTTLE); /* and never more alone */
		world_free(w);
	}
	assert_int_equal(replayed, 10);
}

/* Healthy sources whose mail the other filter often likes and seldom does not. */
static void the_promise_holds(void **state)
{
	struct world *w = world_new();
	const int32_t up = 2000000;
	const int32_t down = -140000; /* E[e^nats] = 1 at one in 50 */

	(void)state;
	for (unsigned i = 0; i < 40000; i++) {
		struct message_obs o = mail(w, (uint8_t)(50 + i % 40),
					    prng_below(&w->prng, 100) == 0);
		o.is_asked = true;
		o.session = i;
		send(w, &o);
		bool likes = prng_below(&w->prng, 50) != 0;
		struct opinion_obs a = answer(w, &o, o.flagged || !likes, likes ? down : up);
		tell(w, &a);
	}
	assert_int_equal(w->moves, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_an_answer_nothing_changes),
		cmocka_unit_test(it_moves_the_right_way),
		cmocka_unit_test(ratios_are_exponentials),
		cmocka_unit_test(late_is_as_good_as_at_once),
		cmocka_unit_test(at_rest_it_gives_no_more_than_the_answer),
		cmocka_unit_test(an_answer_of_ham_takes_back),
		cmocka_unit_test(too_late_or_pardoned),
		cmocka_unit_test(it_finds_what_we_miss),
		cmocka_unit_test(the_promise_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

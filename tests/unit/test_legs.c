/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums rise, fall, are held, and forget.
 */
#include "core/legs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

#define H 16000000

static void an_alarm_stands_until_the_sum_is_zero_again(void **state)
{
	(void)state;
	struct leg leg = {0};

	leg_step(&leg, 15999999, H, 100);
	assert_false(leg_has_alarm(&leg));
	leg_step(&leg, 1, H, 101);
	assert_int_equal(leg.reached_s, 101);
	leg_step(&leg, -15000000, H, 102);
	assert_int_equal(leg.reached_s, 101); /* the first time counts */
	leg_step(&leg, -2000000, H, 103);
	assert_false(leg_has_alarm(&leg));
	assert_int_equal(leg.s, 0);
}

static void the_sum_is_held_at_twice_the_threshold(void **state)
{
	(void)state;
	struct leg leg = {0};

	for (int i = 0; i < 1000; i++) {
		leg_step(&leg, INT32_MAX, H, 1);
	}
	assert_int_equal(leg.s, 2 * H);
	leg_step(&leg, INT64_MIN / 2, H, 1);
	assert_int_equal(leg.s, 0);
}

static void trials_of_a_message_are_one_step(void **state)
{
	(void)state;
	struct trial_leg t = {0};
	const struct trials n = {.good = 2, .bad = 1, .z_good = -300000, .z_bad = 1700000};

	trial_leg_step(&t, &n, H, 1);
	assert_int_equal(t.leg.s, 1100000);
	assert_int_equal(t.trials, 3);
	assert_int_equal(t.bad, 1);
	const struct trials many = {.bad = UINT32_MAX, .z_bad = 1700000};
	trial_leg_step(&t, &many, H, 1);
	assert_int_equal(t.trials, UINT32_MAX); /* held, not wrapped */
	assert_int_equal(t.leg.s, 2 * H);
}

static void silence_takes_back_what_connections_gave(void **state)
{
	(void)state;
	struct flow_leg f = {0};

	flow_leg_event(&f, 1386294, H, 1);
	assert_int_equal(f.leg.s, 1386294);
	/* λ0 = 20 an hour: 3·20 nats an hour, .06 in 3.6 s */
	flow_leg_wait(&f, 1, 20);
	assert_int_equal(f.leg.s, 1386294 - 60000);
	flow_leg_wait(&f, 1000, 20);
	assert_int_equal(f.leg.s, 0);
	assert_int_equal(f.count, 1);
}

static void what_is_usual_is_learned_in_days(void **state)
{
	(void)state;
	struct flow_leg f = {0};

	for (int hour = 0; hour < 168; hour++) {
		f.count = 100;
		flow_leg_learn(&f, 1, false);
	}
	/* half way after its half-life of 7 days */
	assert_in_range(f.usual_per_kh, 49500, 50500);
	f.count = 1000000;
	flow_leg_learn(&f, 1, true); /* a bad hour teaches nothing */
	assert_in_range(f.usual_per_kh, 49500, 50500);
	assert_int_equal(f.count, 0);
	flow_leg_learn(&f, 168, false);
	assert_in_range(f.usual_per_kh, 24500, 25500);
	flow_leg_learn(&f, UINT32_MAX, false);
	assert_int_equal(f.usual_per_kh, 0);
}

static void times_are_held_within_range(void **state)
{
	(void)state;
	assert_int_equal(seconds_of((struct wall){INT64_MIN}), 1);
	assert_int_equal(seconds_of((struct wall){INT64_MAX}), UINT32_MAX);
	assert_int_equal(flow_unit_of((struct wall){INT64_MIN}), 1);
	assert_int_equal(flow_unit_of((struct wall){7200 * NS_PER_S}), 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alarm_stands_until_the_sum_is_zero_again),
		cmocka_unit_test(the_sum_is_held_at_twice_the_threshold),
		cmocka_unit_test(trials_of_a_message_are_one_step),
		cmocka_unit_test(silence_takes_back_what_connections_gave),
		cmocka_unit_test(what_is_usual_is_learned_in_days),
		cmocka_unit_test(times_are_held_within_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

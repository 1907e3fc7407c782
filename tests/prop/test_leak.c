/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spam let out before the block: the judge stays within 1.25 times the joint simulation at the
 * same rates (DECISION §5), as a mean over seeded runs in virtual time.
 */
#include "turned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/poison.h"

#define RUNS 200
#define JOINT_RUNS 4000
#define MOST 1.25

static void check(const struct joint_case *c)
{
	struct judge_filter f = turned_filter(c);
	double judge = turned_mean(c, &f, RUNS, 1);
	double joint = joint_mean(c, JOINT_RUNS, 77);

	printf("spam %.2f, filter %.3f/%.3f, %u recipients, %.2f unknown: judge %.1f, joint %.1f\n",
	       c->spam, c->tpr, c->fpr, c->rcpts, c->unknown, judge, joint);
	assert_true(judge > 0 && judge <= MOST * joint);
	/* Nor faster than what the rules allow: that would be a witness too few. */
	assert_true(judge >= joint / MOST);
}

static void customer_b_is_stopped_in_time(void **state)
{
	(void)state;
	static const double rates[][2] = {{.998, .004}, {.78, .01}, {.72, .003}, {.38, .01}};

	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		for (unsigned rcpts = 1; rcpts <= 3; rcpts++) {
			check(&(struct joint_case){.spam = .95,
						   .tpr = rates[i][0],
						   .fpr = rates[i][1],
						   .rcpts = rcpts,
						   .unknown = .4});
		}
	}
}

static void a_weaker_second_witness_takes_longer_and_no_more(void **state)
{
	(void)state;
	check(&(struct joint_case){
		.spam = .95, .tpr = .72, .fpr = .003, .rcpts = 1, .unknown = .3});
	check(&(struct joint_case){.spam = .7, .tpr = .72, .fpr = .003, .rcpts = 3, .unknown = .4});
	check(&(struct joint_case){.spam = .5, .tpr = .78, .fpr = .01, .rcpts = 3, .unknown = .5});
}

static void valid_recipients_are_never_blocked_on_content_alone(void **state)
{
	(void)state;
	const struct joint_case c = {.spam = .95, .tpr = .998, .fpr = .004, .rcpts = 3};
	struct judge_filter f = turned_filter(&c);
	struct prng p = {.state = 3};
	struct turned t;

	assert_true(turned_init(&t, &f));
	assert_int_equal(turned_run(&t, &c, &p), TURNED_NEVER);
	turned_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(customer_b_is_stopped_in_time),
		cmocka_unit_test(a_weaker_second_witness_takes_longer_and_no_more),
		cmocka_unit_test(valid_recipients_are_never_blocked_on_content_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Every move of a case, the cool-down ladder, and what each check says when. */
#include "core/case.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

#define S(n) ((struct wall){(n)*NS_PER_S})

/* One letter a state, "." for a move that can't be: the table written another way. */
static void every_move_is_as_drawn(void **state)
{
	(void)state;
	static const char *const drawn[] = {
		/* ack fix request refuse grant release reblock calm close */
		[CASE_OPEN] = "AFU..PO.C",      [CASE_ACKNOWLEDGED] = "AFU..PO.C",
		[CASE_FIXING] = "FFU..PO.C",    [CASE_UNBLOCK_REQUESTED] = "UUUOPPO.C",
		[CASE_PROBATION] = "PP...POCC", [CASE_CLOSED] = ".........",
	};
	static const char letters[] = "OAFUPC";

	for (unsigned s = 0; s < CASE_STATE_COUNT; s++) {
		char got[CASE_EVENT_COUNT + 1] = "";
		for (unsigned e = 0; e < CASE_EVENT_COUNT; e++) {
			int to = case_move((enum case_state)s, (enum case_event)e);
			got[e] = to < 0 ? '.' : letters[to];
		}
		assert_string_equal(got, drawn[s]);
	}
}

static void the_ladder_ends_with_staff(void **state)
{
	(void)state;
	struct policy *p = policy_new();

	assert_non_null(p);
	assert_int_equal(case_cool_down(p, 0).s, 3600);
	assert_int_equal(case_cool_down(p, 1).s, 24 * 3600);
	assert_int_equal(case_cool_down(p, 2).s, 7 * 24 * 3600);
	assert_false(case_cool_down(p, 2).is_staff);
	assert_true(case_cool_down(p, 3).is_staff);
	assert_true(case_cool_down(p, UINT32_MAX).is_staff);
	policy_free(p);
}

static void trends(void **state)
{
	(void)state;
	const struct wall since = S(0);
	const struct attempt none[1] = {{S(0), 0}};
	const struct attempt before[] = {{S(10), 5}, {S(100), 9}};
	const struct attempt falling[] = {{S(1010), 8}, {S(1200), 12}, {S(1400), 13}};
	const struct attempt steady[] = {{S(1010), 4}, {S(1200), 8}, {S(1400), 12}, {S(1590), 16}};
	const struct attempt rising[] = {{S(1010), 1}, {S(1200), 2}, {S(1500), 9}, {S(1590), 29}};

	assert_int_equal(case_attempts_trend(none, 0, since, S(600), 600), ATTEMPTS_NONE);
	assert_int_equal(case_attempts_trend(none, 0, since, S(599), 600), ATTEMPTS_SHORT);
	assert_int_equal(case_attempts_trend(before, 2, since, S(300), 600), ATTEMPTS_SHORT);
	/* The last one was 600 s ago: it has just left the window. */
	assert_int_equal(case_attempts_trend(before, 2, since, S(700), 600), ATTEMPTS_NONE);
	assert_int_equal(case_attempts_trend(falling, 3, since, S(1600), 600), ATTEMPTS_FALLING);
	assert_int_equal(case_attempts_trend(steady, 4, since, S(1600), 600), ATTEMPTS_STEADY);
	assert_int_equal(case_attempts_trend(rising, 4, since, S(1600), 600), ATTEMPTS_RISING);
}

static struct case_facts good_facts(void)
{
	return (struct case_facts){
		.policy = UNBLOCK_CHECKED,
		.now = S(10000),
		.blocked_at = S(1000),
		.allowed_at = S(4600),
		.quiet_s = 600,
		.cause = STR("a stolen password"),
		.fix = STR("changed it"),
	};
}

static void all_proved_opens(void **state)
{
	(void)state;
	struct case_facts f = good_facts();
	struct case_answer a;

	case_answer_request(&f, &a);
	assert_int_equal(a.decision, DECISION_GRANTED);
	assert_int_equal(a.check_count, 3);
	assert_string_equal(a.checks[0].name, "no_refused_envelope");
	assert_int_equal(a.checks[0].result, CHECK_PROVED);
	assert_string_equal(a.checks[1].name, "cool_down");
	assert_int_equal(a.checks[1].result, CHECK_PROVED);
	assert_string_equal(a.checks[2].name, "cause_and_fix");
	assert_int_equal(a.checks[2].result, CHECK_REPORTED);
}

static void a_premature_click_is_told_what_is_tried(void **state)
{
	(void)state;
	const struct attempt tried[] = {{S(1002), 3}, {S(1028), 14}};
	struct case_facts f = good_facts();
	struct case_answer a;

	f.now = S(1040);
	f.attempts = tried;
	f.attempt_count = COUNT_OF(tried);
	case_answer_request(&f, &a);
	assert_int_equal(a.decision, DECISION_REFUSED);
	assert_int_equal(a.checks[0].result, CHECK_NOT_PROVED);
	assert_string_equal(a.checks[0].detail,
			    "mail was still being tried 12 s ago: 14 attempts since the block, "
			    "not yet watched for 10 min");
	assert_int_equal(a.checks[1].result, CHECK_FAILED);
	assert_non_null(strstr(a.checks[1].detail, "ends in 59 min, at 1970-01-01 01:16 UTC"));
}

static void each_missing_thing_refuses_alone(void **state)
{
	(void)state;
	const struct attempt rising[] = {{S(9990), 50}};
	struct case_facts f = good_facts();
	struct case_answer a;

	f.attempts = rising;
	f.attempt_count = 1;
	case_answer_request(&f, &a);
	assert_int_equal(a.checks[0].result, CHECK_FAILED);
	assert_int_equal(a.decision, DECISION_REFUSED);

	f = good_facts();
	f.allowed_at = f.now;
	case_answer_request(&f, &a);
	assert_int_equal(a.decision, DECISION_GRANTED);
	f.allowed_at.ns++;
	case_answer_request(&f, &a);
	assert_int_equal(a.decision, DECISION_REFUSED);

	f = good_facts();
	f.allowed_at = S(0);
	f.blocked_before = 3;
	case_answer_request(&f, &a);
	assert_int_equal(a.checks[1].result, CHECK_FAILED);
	assert_non_null(strstr(a.checks[1].detail, "only staff"));

	f = good_facts();
	f.fix = STR("  \n");
	case_answer_request(&f, &a);
	assert_int_equal(a.checks[2].result, CHECK_NOT_PROVED);
	assert_int_equal(a.decision, DECISION_REFUSED);
}

static void the_policy_decides_what_follows(void **state)
{
	(void)state;
	struct case_facts f = good_facts();
	struct case_answer a;

	f.cause = STR_EMPTY;
	f.policy = UNBLOCK_OWNER;
	case_answer_request(&f, &a);
	assert_int_equal(a.decision, DECISION_WARNED);
	f.insists = true;
	case_answer_request(&f, &a);
	assert_int_equal(a.decision, DECISION_GRANTED);
	assert_int_equal(a.checks[2].result, CHECK_NOT_PROVED);

	f = good_facts();
	f.insists = true;
	f.cause = STR_EMPTY;
	case_answer_request(&f, &a);
	assert_int_equal(a.decision, DECISION_REFUSED);

	f = good_facts();
	f.policy = UNBLOCK_STAFF;
	case_answer_request(&f, &a);
	assert_int_equal(a.decision, DECISION_STAFF);
}

static void spans_and_minutes_read_well(void **state)
{
	(void)state;
	char text[SPAN_TEXT_SIZE];
	char minute[MINUTE_TEXT_SIZE];

	assert_string_equal(span_format(-5, text), "0 s");
	assert_string_equal(span_format(119, text), "119 s");
	assert_string_equal(span_format(120, text), "2 min");
	assert_string_equal(span_format(7200, text), "2 h");
	assert_string_equal(span_format(7 * 24 * 3600, text), "7 days");
	assert_string_equal(minute_format(S(0), minute), "1970-01-01 00:00 UTC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_move_is_as_drawn),
		cmocka_unit_test(the_ladder_ends_with_staff),
		cmocka_unit_test(trends),
		cmocka_unit_test(all_proved_opens),
		cmocka_unit_test(a_premature_click_is_told_what_is_tried),
		cmocka_unit_test(each_missing_thing_refuses_alone),
		cmocka_unit_test(the_policy_decides_what_follows),
		cmocka_unit_test(spans_and_minutes_read_well),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

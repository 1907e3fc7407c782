/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds of shares and votes, and the words of the rules; the table itself is in test_judge.c.
 */
#include "core/witness.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void bounds_are_those_of_wilson(void **state)
{
	(void)state;
	assert_false(share_is_above(3, 1000, 3)); /* 3 of 1,000 proves nothing */
	assert_true(share_is_above(10, 1000, 3)); /* 10 of 1,000 does */
	assert_false(share_is_above(0, 0, 3));
	assert_false(share_is_below(0, 1000, 1));
	assert_true(share_is_below(0, 4000, 1));
	assert_true(share_is_above(UINT32_MAX, UINT32_MAX, 3));
}

static void votes_are_exact(void **state)
{
	(void)state;
	assert_false(votes_are_decisive(0, 0));
	assert_false(votes_are_decisive(28, 28)); /* .9^28 = .052 */
	assert_true(votes_are_decisive(29, 29));  /* .9^29 = .047 */
	/* binomial tails by a computer algebra system: 45 of 46: .048, 44 of 45: .052 */
	assert_false(votes_are_decisive(44, 45));
	assert_true(votes_are_decisive(45, 46));
	assert_false(votes_are_decisive(5, 4));
	assert_true(votes_are_decisive(1000000, 1000000));
	assert_false(votes_are_decisive(900000, 1000000));
}

static void every_rule_has_words(void **state)
{
	(void)state;
	char text[PROOF_RULE_MAX];

	assert_string_equal(witness_rule_format(RULE_NONE, KIND_COUNT, KIND_COUNT, text), "");
	assert_string_equal(witness_rule_format(RULE_MAIN_AND, KIND_RECIPIENTS, KIND_CONTENT, text),
			    "recipients alarmed, supported by content");
	assert_string_equal(witness_rule_format(RULE_TRAPS, KIND_COUNT, KIND_COUNT, text),
			    "spam traps hit by several campaigns");
	for (unsigned r = RULE_SIGN; r < RULE_COUNT; r++) {
		witness_rule_format((enum rule)r, KIND_RECIPIENTS, KIND_RECIPIENTS, text);
		assert_true(strlen(text) > 10 && strlen(text) < PROOF_RULE_MAX - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_are_those_of_wilson),
		cmocka_unit_test(votes_are_exact),
		cmocka_unit_test(every_rule_has_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

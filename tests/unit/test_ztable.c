/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ratios are those of the formulas.
 */
#include "core/ztable.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void logarithms_are_right_to_a_millionth(void **state)
{
	(void)state;
	/* Reference values by a computer algebra system, in millionths. */
	assert_int_equal(ln_micro(1, 1), 0);
	assert_in_range(ln_micro(2, 1), 693146, 693148);
	assert_in_range(ln_micro(4, 1), 1386293, 1386295);
	assert_in_range(ln_micro(300000, 50000), 1791758, 1791760);
	assert_in_range(ln_micro(500000, 1000), 6214607, 6214609);
	assert_in_range(-ln_micro(700000, 950000), 305381, 305383);
	assert_in_range(ln_micro(1000001, 1000000), 0, 2);
	assert_in_range(ln_micro(UINT64_MAX, UINT64_C(1) << 40), 16635531, 16635533);
	assert_int_equal(ln_micro(UINT64_MAX, 1), 40000000); /* held */
	assert_int_equal(ln_micro(1, UINT64_MAX), -40000000);
	assert_int_equal(ln_micro(7, 3), -ln_micro(3, 7));
}

static struct ztable make(uint32_t pi0_ppm)
{
	struct policy *p = policy_new();
	const struct judge_filter f = {.tpr_ppm = 998000, .fpr_ppm = 4000};
	struct ztable z;

	assert_non_null(p);
	p->decision.pi0_ppm = pi0_ppm;
	assert_int_equal(ztable_make(&p->decision, &f, &z, NULL), 0);
	policy_free(p);
	return z;
}

static void the_flag_gives_the_ratios_of_the_formula(void **state)
{
	(void)state;
	struct ztable z = make(50000);
	const struct content_z *c = &z.content[0];

	/* θ0 = .05·.998 + .95·.004 = .0537, θ1 = .9·.998 + .1·.004 = .8986 */
	assert_int_equal(c->theta0_ppm, 53700);
	assert_in_range(ztable_content(c, 2, true, 0), 2817423, 2817427);
	assert_in_range(-ztable_content(c, 2, false, 0), 2233485, 2233489);
	assert_in_range(z.recipients.bad, 1791758, 1791760);
	assert_int_equal(z.fanout, ln_micro(4, 1));
}

static void legs_rise_with_a_grant_and_merge(void **state)
{
	(void)state;
	struct ztable z = make(50000);
	const struct content_z *grant = &z.content[ztable_level(&z, 200000)];

	assert_true(z.content[0].is_on[0] && z.content[0].is_on[1] && z.content[0].is_on[2]);
	assert_false(z.content[0].may_block[0]);
	assert_true(z.content[0].may_block[1]);
	/* 3·.20 = .6: the first two are one. */
	assert_int_equal(grant->pi0_ppm, 200000);
	assert_false(grant->is_on[0]);
	assert_true(grant->is_on[1] && grant->is_on[2]);
	assert_int_equal(grant->pi1_ppm[1], 600000);
	assert_int_equal(ztable_level(&z, 120000), 1);
	assert_int_equal(ztable_level(&z, 10), 0);
	assert_int_equal(ztable_level(&z, 900000), 3); /* at most .20 */
}

static void bins_have_ratios_of_their_own(void **state)
{
	(void)state;
	struct policy *p = policy_new();
	struct judge_filter f = {.tpr_ppm = 700000,
				 .fpr_ppm = 3000,
				 .bin_count = 3,
				 .f0_ppm = {900000, 100000, 0},
				 .f1_ppm = {0, 300000, 700000}};
	struct ztable z;

	assert_non_null(p);
	assert_int_equal(ztable_make(&p->decision, &f, &z, NULL), 0);
	const struct content_z *c = &z.content[0];
	/* .1·.9 / .95·.9, and .9·.7 / .05·.7: what π allows at most */
	assert_in_range(-ztable_content(c, 2, true, 0), 2251290, 2251294);
	assert_in_range(ztable_content(c, 2, false, 2), 2890370, 2890374);
	assert_int_equal(ztable_content(c, 2, false, 200), ztable_content(c, 2, false, 2));
	policy_free(p);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	struct policy *p = policy_new();
	const struct judge_filter good = {.tpr_ppm = 700000, .fpr_ppm = 3000};
	struct judge_filter f = good;
	struct ztable z;

	assert_non_null(p);
	f.tpr_ppm = 2000;
	assert_int_equal(ztable_make(&p->decision, &f, &z, NULL), -EINVAL);
	f = good;
	f.bin_count = JUDGE_BINS_MAX + 1;
	assert_int_equal(ztable_make(&p->decision, &f, &z, NULL), -EINVAL);
	p->decision.pi1_ppm[0] = 950000;
	assert_int_equal(ztable_make(&p->decision, &good, &z, NULL), -EINVAL);
	p->decision.pi1_ppm[0] = 150000;
	p->decision.h_micro = 0;
	assert_int_equal(ztable_make(&p->decision, &good, &z, NULL), -EINVAL);
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logarithms_are_right_to_a_millionth),
		cmocka_unit_test(the_flag_gives_the_ratios_of_the_formula),
		cmocka_unit_test(legs_rise_with_a_grant_and_merge),
		cmocka_unit_test(bins_have_ratios_of_their_own),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

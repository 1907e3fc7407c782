/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mass-block brake.
 */
#include "core/brake.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void more_than_the_limit_within_the_window_is_refused(void **state)
{
	(void)state;
	const struct decision_policy d = {
		.brake_blocks = 5, .brake_share_ppm = 10000, .brake_window_s = 600};
	struct brake b;

	assert_int_equal(brake_init(&b), 0);
	for (uint32_t i = 0; i < 20; i++) {
		assert_true(brake_ask(&b, &d, 100, 1000 + i * 121)); /* five in ten minutes */
	}
	assert_int_equal(brake_blocks(&b, &d, 1000 + 19 * 121), 5);
	assert_false(brake_ask(&b, &d, 100, 1000 + 19 * 121));
	assert_true(b.is_on);
	assert_false(brake_ask(&b, &d, 100, 100000)); /* only staff lift it */
	brake_lift(&b);
	assert_true(brake_ask(&b, &d, 100, 100000));
	brake_done(&b);
}

static void a_large_network_may_have_more(void **state)
{
	(void)state;
	const struct decision_policy d = {
		.brake_blocks = 5, .brake_share_ppm = 10000, .brake_window_s = 600};

	assert_int_equal(brake_limit(&d, 0), 5);
	assert_int_equal(brake_limit(&d, 1000), 10);
	assert_int_equal(brake_limit(&d, UINT32_MAX), BRAKE_BLOCKS_MAX);
}

static void it_comes_back(void **state)
{
	(void)state;
	const struct decision_policy d = {
		.brake_blocks = 5, .brake_share_ppm = 10000, .brake_window_s = 600};
	struct brake b;
	struct brake back;
	static uint8_t data[BRAKE_ENCODED_MAX];

	assert_int_equal(brake_init(&b), 0);
	assert_int_equal(brake_init(&back), 0);
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(brake_ask(&b, &d, 0, 1000 + i));
	}
	struct enc e = enc_of(data, sizeof(data));
	brake_put(&e, &b);
	struct cur c = cur_of(data, (size_t)enc_end(&e));
	brake_get(&c, &back);
	assert_int_equal(cur_end(&c), 0);
	assert_true(brake_ask(&back, &d, 0, 1004));
	assert_false(brake_ask(&back, &d, 0, 1005));
	brake_done(&b);
	brake_done(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_than_the_limit_within_the_window_is_refused),
		cmocka_unit_test(a_large_network_may_have_more),
		cmocka_unit_test(it_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can't be done is done milder.
 */
#include "core/ladder.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void a_rung_falls_to_the_milder_one(void **state)
{
	(void)state;
	const struct ladder_limits none = {0};
	const struct ladder_limits relay = {.has_relay = true};
	const struct ladder_limits braked = {.has_relay = true, .is_braked = true};
	const struct ladder_limits shared = {.has_relay = true, .is_shared = true};
	const struct ladder_limits never = {.is_never_block = true};

	assert_int_equal(ladder_limit(RUNG_DIVERT, &none), RUNG_THROTTLE);
	assert_int_equal(ladder_limit(RUNG_DIVERT, &relay), RUNG_DIVERT);
	assert_int_equal(ladder_limit(RUNG_BLOCK, &none), RUNG_BLOCK);
	assert_int_equal(ladder_limit(RUNG_BLOCK, &braked), RUNG_THROTTLE);
	assert_int_equal(ladder_limit(RUNG_BLOCK, &shared), RUNG_THROTTLE);
	assert_int_equal(ladder_limit(RUNG_DIVERT, &shared), RUNG_THROTTLE);
	assert_int_equal(ladder_limit(RUNG_BLOCK, &never), RUNG_WATCH);
	for (unsigned bits = 0; bits < 32; bits++) {
		const struct ladder_limits l = {(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0,
						(bits & 8) != 0, (bits & 16) != 0};
		for (unsigned r = 0; r < RUNG_COUNT; r++) {
			assert_true(ladder_limit((enum rung)r, &l) <= (enum rung)r);
		}
	}
}

static void up_at_once_and_down_in_time(void **state)
{
	(void)state;
	assert_int_equal(ladder_next(RUNG_PASS, RUNG_BLOCK, 0), RUNG_BLOCK);
	assert_int_equal(ladder_next(RUNG_THROTTLE, RUNG_PASS, RUNG_HOLD_S - 1), RUNG_THROTTLE);
	assert_int_equal(ladder_next(RUNG_THROTTLE, RUNG_PASS, RUNG_HOLD_S), RUNG_PASS);
	assert_int_equal(ladder_next(RUNG_BLOCK, RUNG_PASS, UINT32_MAX), RUNG_BLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rung_falls_to_the_milder_one),
		cmocka_unit_test(up_at_once_and_down_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

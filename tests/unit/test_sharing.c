/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Campaigns that leave through several tenants.
 */
#include "base/prng.h"
#include "core/sharing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static struct message_obs mail(uint64_t simhash, uint32_t rcpts)
{
	return (struct message_obs){.simhash = simhash, .rcpts = rcpts, .scored = true};
}

static void three_tenants_in_bulk_are_needed(void **state)
{
	(void)state;
	struct sharing *s = sharing_new();
	assert_non_null(s);
	struct message_obs o = mail(0xABCDEF, 5);

	assert_false(sharing_note(s, &o, 1, 1000));
	assert_false(sharing_note(s, &o, 2, 1001));
	assert_false(sharing_note(s, &o, 2, 1002));
	o.simhash ^= 0xF0; /* near enough to be counted as a copy, too far to accuse */
	assert_false(sharing_note(s, &o, 3, 1003));
	o.simhash ^= 0xF5; /* a near copy */
	assert_true(sharing_note(s, &o, 3, 1003));
	struct message_obs one = mail(0xABCDEF, 1);
	assert_false(sharing_note(s, &one, 4, 1004)); /* this one sent a single mail */
	o.has_list_id = true;
	assert_false(sharing_note(s, &o, 3, 1005));
	sharing_free(s);
}

static void an_hour_later_it_counts_anew(void **state)
{
	(void)state;
	struct sharing *s = sharing_new();
	assert_non_null(s);
	struct message_obs o = mail(77, 9);

	assert_false(sharing_note(s, &o, 1, 1000));
	assert_false(sharing_note(s, &o, 2, 1000));
	assert_false(sharing_note(s, &o, 3, 1000 + SHARING_WINDOW_S));
	sharing_free(s);
}

static void many_campaigns_push_out_old_ones(void **state)
{
	(void)state;
	struct sharing *s = sharing_new();
	assert_non_null(s);
	struct prng p = {.state = 4};
	struct message_obs o = mail(123456, 9);

	assert_false(sharing_note(s, &o, 1, 1000));
	for (size_t i = 0; i < 3 * SHARING_CAMPAIGNS; i++) {
		struct message_obs other = mail(prng_next(&p), 1);
		assert_false(sharing_note(s, &other, 1, 1000));
	}
	assert_false(sharing_note(s, &o, 2, 1000));
	assert_false(sharing_note(s, &o, 3, 1000)); /* the first is forgotten */
	assert_true(sharing_note(s, &o, 4, 1000));
	sharing_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_tenants_in_bulk_are_needed),
		cmocka_unit_test(an_hour_later_it_counts_anew),
		cmocka_unit_test(many_campaigns_push_out_old_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

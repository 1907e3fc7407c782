/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of one mail count as a few.
 */
#include "core/copies.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static struct message_obs text(uint64_t simhash)
{
	return (struct message_obs){.simhash = simhash, .campaign = 1};
}

static void near_texts_are_one_campaign_for_a_day(void **state)
{
	(void)state;
	struct budget b = {.max = 1 << 20};
	struct copies c = {0};
	struct message_obs o = text(0xF0F0);
	bool is_new;

	struct copy *first = copies_touch(&c, &o, 1000, &b, &is_new);
	assert_true(is_new && first != NULL);
	first->counted = 3;
	o.simhash ^= 0x1F; /* 5 bits */
	assert_ptr_equal(copies_touch(&c, &o, 2000, &b, &is_new), first);
	assert_false(is_new);
	o.simhash ^= 0x100; /* 6 bits from the first */
	assert_ptr_not_equal(copies_touch(&c, &o, 2000, &b, &is_new), first);
	assert_true(is_new);
	/* A day after its first copy it counts anew. */
	o = text(0xF0F0);
	struct copy *again = copies_touch(&c, &o, 1000 + COPIES_WINDOW_S, &b, &is_new);
	assert_true(is_new);
	assert_int_equal(again->counted, 0);
	copies_clear(&c, &b);
	assert_int_equal(b.used, 0);
}

static void the_first_identity_counts(void **state)
{
	(void)state;
	const struct message_obs both = {.simhash = 5, .urls_hash = 9, .campaign = 1};
	const struct message_obs hosts = {.urls_hash = 9, .campaign = 2};
	const struct message_obs other = {.urls_hash = 9, .campaign = 3};
	const struct message_obs exact = {.campaign = 9};

	assert_true(copy_id_is_near(copy_id_of(&hosts), copy_id_of(&other)));
	assert_false(copy_id_is_near(copy_id_of(&both), copy_id_of(&hosts)));
	assert_false(copy_id_is_near(copy_id_of(&hosts), copy_id_of(&exact)));
}

static void the_campaign_seen_longest_ago_is_forgotten(void **state)
{
	(void)state;
	struct budget b = {.max = 1 << 20};
	struct copies c = {0};
	bool is_new;

	for (uint64_t i = 0; i <= COPIES_MAX; i++) {
		struct message_obs o = {.campaign = i + 1};
		(void)copies_touch(&c, &o, (uint32_t)(1000 + i), &b, &is_new);
		o.campaign = 1; /* the first one keeps coming */
		(void)copies_touch(&c, &o, (uint32_t)(1000 + i), &b, &is_new);
	}
	struct message_obs first = {.campaign = 1};
	struct message_obs second = {.campaign = 2};
	(void)copies_touch(&c, &first, 2000, &b, &is_new);
	assert_false(is_new);
	(void)copies_touch(&c, &second, 2000, &b, &is_new);
	assert_true(is_new);
	assert_int_equal(c.count, COPIES_MAX);
	copies_clear(&c, &b);
}

static void a_campaign_gives_so_much_and_no_more(void **state)
{
	(void)state;
	struct copy k = {0};

	assert_int_equal(copy_ration(&k, 0, 2900000, 5000000), 2900000);
	k.given_micro[0] = 2900000;
	assert_int_equal(copy_ration(&k, 0, 2900000, 5000000), 2100000);
	k.given_micro[0] = 5000000;
	assert_int_equal(copy_ration(&k, 0, 2900000, 5000000), 0);
	assert_int_equal(copy_ration(&k, 0, -2900000, 5000000), -2900000);
	k.given_micro[0] = -4000000;
	assert_int_equal(copy_ration(&k, 0, -2900000, 5000000), -1000000);
	k.given_micro[0] = 9000000; /* after a policy with less */
	assert_int_equal(copy_ration(&k, 0, 2900000, 5000000), 0);
}

static void flagged_campaigns_of_the_day_are_counted(void **state)
{
	(void)state;
	struct budget b = {.max = 1 << 20};
	struct copies c = {0};
	bool is_new;

	for (uint64_t i = 1; i <= 4; i++) {
		struct message_obs o = {.campaign = i};
		struct copy *k = copies_touch(&c, &o, (uint32_t)(1000 * i), &b, &is_new);
		k->is_flagged = i != 2;
		k->is_flagged_one_sided = i == 2;
	}
	assert_int_equal(copies_flagged(&c, false, 5000), 3);
	assert_int_equal(copies_flagged(&c, true, 5000), 1);
	assert_int_equal(copies_flagged(&c, false, 3000 + COPIES_WINDOW_S), 1);
	copies_clear(&c, &b);
}

static void without_memory_nobody_remembers(void **state)
{
	(void)state;
	struct budget b = {.max = 0};
	struct copies c = {0};
	struct message_obs o = text(1);
	bool is_new;

	assert_null(copies_touch(&c, &o, 1, &b, &is_new));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_texts_are_one_campaign_for_a_day),
		cmocka_unit_test(the_first_identity_counts),
		cmocka_unit_test(the_campaign_seen_longest_ago_is_forgotten),
		cmocka_unit_test(a_campaign_gives_so_much_and_no_more),
		cmocka_unit_test(flagged_campaigns_of_the_day_are_counted),
		cmocka_unit_test(without_memory_nobody_remembers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

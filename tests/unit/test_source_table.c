/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of sources: found, bounded, never forgetting one that is on a rung.
 */
#include "core/source_table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static const struct siphash_key secret = {1, 2};

static struct source_key key(uint32_t n)
{
	const struct addr a = addr_v4(
		(const uint8_t[4]){10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n});

	return source_of(0, &a, 64);
}

static void count_forgotten(struct source_state *s, void *ctx)
{
	unsigned *n = ctx;

	assert_int_equal(s->held_at, 0);
	++*n;
}

static void sources_are_found_and_do_not_move(void **state)
{
	(void)state;
	struct source_table *t = source_table_new(5000, &secret);
	unsigned forgotten = 0;
	struct source_key first = key(0);

	assert_non_null(t);
	struct source_state *s0 = source_table_touch(t, &first, count_forgotten, &forgotten);
	assert_non_null(s0);
	for (uint32_t i = 0; i < 5000; i++) {
		struct source_key k = key(i);
		struct source_state *s = source_table_touch(t, &k, count_forgotten, &forgotten);
		assert_non_null(s);
		s->messages = i;
		s->last_s = i + 1;
		source_table_ahead(t, &k, AHEAD_COPIES);
	}
	assert_int_equal(source_table_count(t), 5000);
	assert_ptr_equal(source_table_find(t, &first), s0);
	for (uint32_t i = 0; i < 5000; i++) {
		struct source_key k = key(i);
		assert_int_equal(source_table_find(t, &k)->messages, i);
	}
	assert_int_equal(forgotten, 0);
	source_table_free(t);
}

static void a_full_table_gives_up_cold_ones_only(void **state)
{
	(void)state;
	struct source_table *t = source_table_new(100, &secret);
	unsigned forgotten = 0;

	assert_non_null(t);
	for (uint32_t i = 0; i < 10000; i++) {
		struct source_key k = key(i);
		struct source_state *s = source_table_touch(t, &k, count_forgotten, &forgotten);
		assert_non_null(s);
		s->last_s = i + 1;
		s->held_at = i < 50 ? i + 1 : 0;
	}
	assert_int_equal(source_table_count(t), 100);
	assert_int_equal(forgotten, 9900);
	uint32_t newest = 0;
	for (uint32_t i = 0; i < source_table_end(t); i++) {
		newest += source_table_at(t, i)->last_s > 9800;
	}
	for (uint32_t i = 0; i < 50; i++) {
		struct source_key k = key(i);
		assert_non_null(source_table_find(t, &k));
	}
	assert_true(newest >= 40); /* of 50 that may go, nearly all are recent */
	source_table_free(t);
}

static void when_all_are_held_there_is_no_room(void **state)
{
	(void)state;
	struct source_table *t = source_table_new(10, &secret);
	unsigned forgotten = 0;

	assert_non_null(t);
	for (uint32_t i = 0; i < 10; i++) {
		struct source_key k = key(i);
		source_table_touch(t, &k, count_forgotten, &forgotten)->held_at = i + 1;
	}
	struct source_key one_more = key(99);
	assert_null(source_table_touch(t, &one_more, count_forgotten, &forgotten));
	assert_null(source_table_find(t, &one_more));
	source_table_clear(t);
	assert_int_equal(source_table_count(t), 0);
	assert_non_null(source_table_touch(t, &one_more, count_forgotten, &forgotten));
	source_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_found_and_do_not_move),
		cmocka_unit_test(a_full_table_gives_up_cold_ones_only),
		cmocka_unit_test(when_all_are_held_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small sets are exact, large ones count too few, and memory is bounded.
 */
#include "core/fewset.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static struct budget plenty(void)
{
	return (struct budget){.max = 1 << 20};
}

static void few_are_exact_and_many_are_nearly(void **state)
{
	(void)state;
	struct budget b = plenty();
	struct fewset s = {0};
	unsigned added = 0;

	for (uint64_t i = 1; i <= FEWSET_EXACT_MAX; i++) {
		assert_true(fewset_add(&s, i * 77, &b));
		assert_false(fewset_add(&s, i * 77, &b));
		assert_int_equal(s.count, i);
	}
	assert_false(s.is_bitmap);
	for (uint64_t i = 1; i <= 200; i++) {
		added += fewset_add(&s, i * 1000003, &b);
	}
	assert_true(s.is_bitmap);
	assert_in_range(added, 160, 200); /* some collide: counted too few, never too many */
	for (uint64_t i = 1; i <= FEWSET_EXACT_MAX; i++) {
		assert_true(fewset_has(&s, i * 77));
	}
	fewset_clear(&s, &b);
	assert_int_equal(b.used, 0);
}

static void without_memory_all_is_known(void **state)
{
	(void)state;
	struct budget b = {.max = 0};
	struct fewset s = {0};

	assert_true(fewset_add(&s, 1, &b));
	assert_true(fewset_add(&s, 2, &b)); /* these two need none */
	assert_false(fewset_add(&s, 3, &b));
	assert_int_equal(s.count, 2);
	assert_int_equal(b.refused, 1);
}

static void sets_come_back(void **state)
{
	(void)state;
	struct budget b = plenty();
	uint8_t data[FEWSET_ENCODED_MAX];
	uint8_t again[FEWSET_ENCODED_MAX];

	for (unsigned n = 0; n < 60; n += 3) {
		struct fewset s = {0};
		struct fewset back;
		for (uint64_t i = 0; i < n; i++) {
			(void)!fewset_add(&s, i * 31 + 5, &b);
		}
		struct enc e = enc_of(data, sizeof(data));
		fewset_put(&e, &s);
		int len = enc_end(&e);
		assert_true(len > 0);
		struct cur c = cur_of(data, (size_t)len);
		fewset_get(&c, &back, &b);
		assert_int_equal(cur_end(&c), 0);
		struct enc e2 = enc_of(again, sizeof(again));
		fewset_put(&e2, &back);
		assert_int_equal(enc_end(&e2), len);
		assert_memory_equal(data, again, (size_t)len);
		for (size_t cut = 0; cut < (size_t)len; cut++) {
			struct fewset none;
			c = cur_of(data, cut);
			fewset_get(&c, &none, &b);
			assert_true(c.err < 0);
			assert_int_equal(none.count, 0);
		}
		fewset_clear(&s, &b);
		fewset_clear(&back, &b);
	}
	assert_int_equal(b.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_are_exact_and_many_are_nearly),
		cmocka_unit_test(without_memory_all_is_known),
		cmocka_unit_test(sets_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: against a plain array, with many additions and removals.
 */
#include "base/map.h"
#include "base/prng.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define ITEMS 500

static const struct siphash_key key = {1, 2};

static struct str key_of(const void *item)
{
	return (struct str){item, sizeof(uint32_t)};
}

static void behaves_like_a_set(void **state)
{
	(void)state;
	struct map *m = map_new(ITEMS, &key, key_of);
	uint32_t items[ITEMS];
	bool in[ITEMS] = {false};
	size_t count = 0;
	struct prng rng = {42};

	for (uint32_t i = 0; i < ITEMS; i++) {
		items[i] = i * 7919;
	}
	for (int round = 0; round < 20000; round++) {
		size_t i = prng_below(&rng, ITEMS);
		if (in[i]) {
			assert_ptr_equal(map_remove(m, key_of(&items[i])), &items[i]);
			count--;
		} else {
			assert_null(map_remove(m, key_of(&items[i])));
			assert_int_equal(map_add(m, &items[i]), 0);
			count++;
		}
		in[i] = !in[i];
		assert_int_equal(map_count(m), count);
		size_t j = prng_below(&rng, ITEMS);
		assert_ptr_equal(map_find(m, key_of(&items[j])), in[j] ? &items[j] : NULL);
	}
	size_t walked = 0;
	size_t pos = 0;
	while (map_next(m, &pos) != NULL) {
		walked++;
	}
	assert_int_equal(walked, count);
	map_free(m);
}

static void refuses_beyond_its_maximum(void **state)
{
	(void)state;
	struct map *m = map_new(2, &key, key_of);
	uint32_t items[] = {1, 2, 3};

	assert_int_equal(map_add(m, &items[0]), 0);
	assert_int_equal(map_add(m, &items[1]), 0);
	assert_int_equal(map_add(m, &items[2]), -ENOSPC);
	map_remove(m, key_of(&items[0]));
	assert_int_equal(map_add(m, &items[2]), 0);
	map_free(m);
	map_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_like_a_set),
		cmocka_unit_test(refuses_beyond_its_maximum),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

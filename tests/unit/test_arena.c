/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: the cap holds, memory is zero and aligned, clearing gives it back.
 */
#include "base/arena.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static void pieces_are_zero_aligned_and_apart(void **state)
{
	(void)state;
	struct arena *a = arena_new(65536);
	char *last = NULL;

	for (size_t size = 1; size < 200; size++) {
		char *p = arena_alloc(a, size);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++) {
			assert_int_equal(p[i], 0);
		}
		memset(p, 0xAA, size);
		assert_ptr_not_equal(p, last);
		last = p;
	}
	arena_free(a);
}

static void the_cap_is_never_exceeded(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	size_t given = 0;

	while (arena_alloc(a, 100) != NULL) {
		given += 100;
		assert_true(arena_size(a) <= 4096);
	}
	assert_true(given > 2000);
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX - 8));
	arena_free(a);
}

static void clear_gives_all_back(void **state)
{
	(void)state;
	struct arena *a = arena_new(8192);

	for (int round = 0; round < 100; round++) {
		assert_non_null(arena_alloc(a, 3000));
		struct str copy = arena_copy(a, STR("mail"));
		assert_memory_equal(copy.ptr, "mail", 4);
		arena_clear(a);
	}
	arena_free(a);
	arena_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zero_aligned_and_apart),
		cmocka_unit_test(the_cap_is_never_exceeded),
		cmocka_unit_test(clear_gives_all_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

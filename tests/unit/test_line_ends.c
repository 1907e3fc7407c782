/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_ends: every way finds the same newlines, wherever the block begins and however full the
 * answer is.
 */
#include "base/prng.h"
#include "proto/line_ends.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define TEXT_SIZE 2000

/* All newlines by one way, in steps of `max`. */
static size_t all_ends(line_ends_fn *fn, struct str text, size_t max, uint32_t *out)
{
	uint32_t ends[512];
	size_t begin = 0;
	size_t total = 0;
	size_t count;

	while ((count = fn(str_skip(text, begin), ends, max)) > 0) {
		assert_true(count <= max);
		for (size_t i = 0; i < count; i++) {
			out[total++] = (uint32_t)begin + ends[i];
		}
		begin += (size_t)ends[count - 1] + 1;
	}
	return total;
}

static void all_ways_are_one(void **state)
{
	(void)state;
	static char text[TEXT_SIZE];
	static uint32_t want[TEXT_SIZE];
	static uint32_t got[TEXT_SIZE];
	struct prng rnd = {.state = 7};

	assert_non_null(line_ends_of(LINE_ENDS_PLAIN));
	assert_non_null(line_ends_best());
	for (unsigned round = 0; round < 300; round++) {
		uint32_t every = (uint32_t)prng_below(&rnd, 90) + 1;
		for (size_t i = 0; i < sizeof(text); i++) {
			text[i] = prng_below(&rnd, every) == 0 ? '\n' : (char)prng_next(&rnd);
		}
		size_t begin = prng_below(&rnd, 70);
		struct str part = {text + begin, prng_below(&rnd, TEXT_SIZE - 70)};
		size_t n = 0;
		for (size_t i = 0; i < part.len; i++) {
			if (part.ptr[i] == '\n') {
				want[n++] = (uint32_t)i;
			}
		}
		for (unsigned way = 0; way < LINE_ENDS_COUNT; way++) {
			line_ends_fn *fn = line_ends_of((enum line_ends_way)way);
			if (fn == NULL) {
				continue; /* not on this machine */
			}
			size_t max = LINE_ENDS_ROOM + prng_below(&rnd, 300);
			assert_int_equal(all_ends(fn, part, max, got), n);
			assert_memory_equal(got, want, n * sizeof(want[0]));
		}
	}
}

static void nothing_has_no_lines(void **state)
{
	(void)state;
	uint32_t ends[LINE_ENDS_ROOM];

	for (unsigned way = 0; way < LINE_ENDS_COUNT; way++) {
		line_ends_fn *fn = line_ends_of((enum line_ends_way)way);
		if (fn != NULL) {
			assert_int_equal(fn(STR_EMPTY, ends, LINE_ENDS_ROOM), 0);
			assert_int_equal(fn(STR("no newline"), ends, LINE_ENDS_ROOM), 0);
			assert_int_equal(fn(STR("\n"), ends, LINE_ENDS_ROOM), 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_ways_are_one),
					   cmocka_unit_test(nothing_has_no_lines)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

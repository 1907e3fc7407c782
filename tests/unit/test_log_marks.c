/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_marks: every way finds the same marks, wherever the block begins and however full the answer
 * is; and each name that matters has one.
 */
#include "base/prng.h"
#include "proto/log_marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define TEXT_SIZE 2000

static bool is_marked(struct str text, size_t at, enum log_marks_set set)
{
	static const char *const names[] = {"id=", "nt=", "<=", "*=", "om="};
	struct str head = str_head(text, at + 1);

	for (size_t i = 0; i < (set == LOG_MARKS_WITH_FROM ? 5 : 4); i++) {
		if (str_has_suffix(head, str_of(names[i]))) {
			return true;
		}
	}
	return false;
}

static size_t all_marks(log_marks_fn *fn, struct str text, enum log_marks_set set, size_t max,
			uint32_t *out)
{
	uint32_t marks[512];
	size_t from = 0;
	size_t total = 0;
	size_t count;

	while ((count = fn(text, from, set, marks, max)) > 0) {
		assert_true(count <= max);
		for (size_t i = 0; i < count; i++) {
			out[total++] = marks[i];
		}
		from = (size_t)marks[count - 1] + 1;
	}
	return total;
}

static void all_ways_are_one(void **state)
{
	(void)state;
	static const char letters[] = "=idntom<*= x";
	static char text[TEXT_SIZE];
	static uint32_t want[TEXT_SIZE];
	static uint32_t got[TEXT_SIZE];
	struct prng rnd = {.state = 8};

	assert_non_null(log_marks_of(LOG_MARKS_PLAIN));
	assert_non_null(log_marks_best());
	for (unsigned round = 0; round < 400; round++) {
		for (size_t i = 0; i < sizeof(text); i++) {
			text[i] = letters[prng_below(&rnd, sizeof(letters) - 1)];
		}
		/* Some are nearly all marks, some have long stretches without one. */
		memset(text + prng_below(&rnd, TEXT_SIZE / 2), '=',
		       prng_below(&rnd, TEXT_SIZE / 2));
		size_t begin = prng_below(&rnd, 70);
		struct str part = {text + begin, prng_below(&rnd, TEXT_SIZE - 70)};
		enum log_marks_set set = round % 2 == 0 ? LOG_MARKS_FEW : LOG_MARKS_WITH_FROM;
		size_t n = 0;
		for (size_t i = 0; i < part.len; i++) {
			if (is_marked(part, i, set)) {
				want[n++] = (uint32_t)i;
			}
		}
		for (unsigned way = 0; way < LOG_MARKS_COUNT; way++) {
			log_marks_fn *fn = log_marks_of((enum log_marks_way)way);
			if (fn == NULL) {
				continue; /* not on this machine */
			}
			size_t max = LOG_MARKS_ROOM + prng_below(&rnd, 300);
			assert_int_equal(all_marks(fn, part, set, max, got), n);
			assert_memory_equal(got, want, n * sizeof(want[0]));
		}
	}
}

static void short_texts(void **state)
{
	(void)state;
	uint32_t marks[LOG_MARKS_ROOM];

	for (unsigned way = 0; way < LOG_MARKS_COUNT; way++) {
		log_marks_fn *fn = log_marks_of((enum log_marks_way)way);
		if (fn != NULL) {
			assert_int_equal(fn(STR_EMPTY, 0, LOG_MARKS_FEW, marks, LOG_MARKS_ROOM), 0);
			assert_int_equal(fn(STR("="), 0, LOG_MARKS_FEW, marks, LOG_MARKS_ROOM), 0);
			assert_int_equal(fn(STR("d="), 0, LOG_MARKS_FEW, marks, LOG_MARKS_ROOM), 0);
			assert_int_equal(fn(STR("<="), 0, LOG_MARKS_FEW, marks, LOG_MARKS_ROOM), 1);
			assert_int_equal(fn(STR("id="), 0, LOG_MARKS_FEW, marks, LOG_MARKS_ROOM),
					 1);
			assert_int_equal(fn(STR("id="), 3, LOG_MARKS_FEW, marks, LOG_MARKS_ROOM),
					 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_ways_are_one),
					   cmocka_unit_test(short_texts)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

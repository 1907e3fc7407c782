/* SPDX-License-Identifier: Apache-2.0 */
/* How something is said, whatever it is about. */
#include "core/features_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

typedef size_t read_fn(const struct tokens *t, uint32_t *ret);

static struct tokens tokens;
static uint32_t one[FRAME_RUNS * TOKENS_MAX];
static uint32_t other[FRAME_RUNS * TOKENS_MAX];

static size_t read_text(read_fn *read, const char *text, uint32_t *ret)
{
	struct score_input in = {.text = str_of(text)};

	tokens_read(&in, &tokens);
	return read(&tokens, ret);
}

/* How many runs of the first text are runs of the second. */
static size_t shared(read_fn *read, const char *a, const char *b)
{
	size_t n = read_text(read, a, one);
	size_t m = read_text(read, b, other);
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < m; k++) {
			if (one[i] == other[k]) {
				found++;
				break;
			}
		}
	}
	return found;
}

static void common_words(void **state)
{
	(void)state;
	assert_true(frame_is_common("a", 1));
	assert_true(frame_is_common("your", 4));
	assert_true(frame_is_common("yourself", 8));
	assert_true(frame_is_common("dont", 4));
	assert_true(frame_is_common("two", 3)); /* the last but some of the longest row */
	assert_true(frame_is_common("try", 3));
	assert_false(frame_is_common("you", 2));
	assert_false(frame_is_common("yourselfs", 9));
	assert_false(frame_is_common("pharmacy", 8));
	assert_false(frame_is_common("^the", 4));
	assert_false(frame_is_common("", 0));
}

static void the_topic_changes_no_frame(void **state)
{
	(void)state;
	/* Of 8 words all runs behind the third, which is common in one of them only. */
	assert_int_equal(shared(frame_read, "you can buy the cheap pills from us",
				"you can see the great watch from us"),
			 3 + 2 + 1);
	/* Of 9 words all. */
	assert_int_equal(shared(frame_read, "can we use the cheap pills from our house",
				"can we use the fabulous watches from our place"),
			 18);
	assert_int_equal(shared(frame_read, "for the pills", "for the pharmacies"), 0);
	assert_int_equal(shared(frame_read, "for the pills", "for the pill"), 0);
	assert_int_equal(shared(frame_read, "can we use the CHEAP", "can we use the great"), 3);
}

static void endings_tell_more(void **state)
{
	(void)state;
	assert_int_equal(
		shared(frame_read_endings, "we are selling to you", "we are calming to you"), 3);
	assert_int_equal(
		shared(frame_read_endings, "we are selling to you", "we are sellers to you"), 0);
	assert_int_equal(shared(frame_read_endings, "for 100 dollars", "for 250 collars"), 1);
}

static void few_words_and_many(void **state)
{
	(void)state;
	static char text[TOKENS_READ_MAX];

	assert_int_equal(read_text(frame_read, "the end", one), 0);
	assert_int_equal(read_text(frame_read_endings, "", one), 0);
	memset(text, 'a', sizeof(text) - 1);
	for (size_t i = 3; i < sizeof(text) - 1; i += 4) {
		text[i] = ' ';
	}
	assert_int_equal(read_text(frame_read, text, one), 3 * TOKENS_MAX - (2 + 3 + 4));
	assert_int_equal(read_text(frame_read_endings, text, one), TOKENS_MAX - 2);
	for (size_t i = 0; i < TOKENS_MAX - 2; i++) {
		assert_true(one[i] >> FRAME_BITS == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(common_words),
		cmocka_unit_test(the_topic_changes_no_frame),
		cmocka_unit_test(endings_tell_more),
		cmocka_unit_test(few_words_and_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

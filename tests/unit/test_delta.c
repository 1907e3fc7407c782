/* SPDX-License-Identifier: Apache-2.0 */
/* What the operator teaches: it works, is bounded, comes back whole, and can be taken back. */
#include "core/delta.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static struct model_seen seen;

/* Messages share bins 0 to 9; spam of this kind has 10 to 19, legitimate mail 20 to 29. */
static const uint32_t spam_bins[] = {0, 1, 2, 3, 10, 11, 12, 13};
static const uint32_t ham_bins[] = {0, 1, 2, 3, 20, 21, 22, 23};
static const uint32_t other_bins[] = {500, 501, 502};

static struct delta *taught(size_t n)
{
	struct delta *d = delta_new();
	struct delta_message *m = calloc(n + 1, sizeof(*m));

	assert_non_null(d);
	assert_non_null(m);
	for (size_t i = 0; i < n; i++) {
		bool is_spam = i % 2 == 0;

		/* Judged wrongly so far: spam well under the threshold, ham well over it. */
		m[i] = (struct delta_message){.is_spam = is_spam,
					      .logit = is_spam ? -4000000 : 4000000,
					      .bins = is_spam ? spam_bins : ham_bins,
					      .count = 8};
		m[i].hash[0] = (uint8_t)i;
		m[i].hash[1] = (uint8_t)(i >> 8);
	}
	assert_int_equal(delta_learn(d, m, n), 0);
	free(m);
	return d;
}

static void it_learns_and_is_bounded(void **state)
{
	struct delta *d = taught(20);
	struct delta *fed = taught(2000);

	(void)state;
	assert_true(delta_logit(d, spam_bins, 8, &seen) > 2000000);
	assert_true(delta_logit(d, ham_bins, 8, &seen) < -2000000);
	assert_int_equal(delta_logit(d, other_bins, 3, &seen), 0);
	assert_int_equal(delta_logit(fed, spam_bins, 8, &seen), DELTA_LOGIT_MAX);
	assert_int_equal(delta_logit(fed, ham_bins, 8, &seen), -DELTA_LOGIT_MAX);
	delta_free(d);
	delta_free(fed);
}

static void it_can_be_taken_back(void **state)
{
	struct delta *d = taught(20);
	int64_t before = delta_logit(d, spam_bins, 8, &seen);
	uint8_t hash[DELTA_HASH] = {0xaa};
	struct delta_message m = {
		.hash = {0xaa}, .is_spam = false, .logit = 9000000, .bins = spam_bins, .count = 8};

	(void)state;
	assert_false(delta_has(d, hash));
	assert_int_equal(delta_learn(d, &m, 1), 0);
	assert_true(delta_has(d, hash));
	assert_int_equal(delta_batches(d), 2);
	assert_int_equal(delta_batch(d, 1).ham, 1);
	assert_true(delta_logit(d, spam_bins, 8, &seen) < before);
	assert_true(delta_undo(d));
	assert_false(delta_has(d, hash));
	assert_int_equal(delta_logit(d, spam_bins, 8, &seen), before);
	assert_true(delta_undo(d));
	assert_false(delta_undo(d));
	assert_int_equal(delta_logit(d, spam_bins, 8, &seen), 0);
	delta_free(d);
}

static void it_comes_back_whole(void **state)
{
	struct delta *d = taught(20);
	struct delta *again;
	struct buf file;

	(void)state;
	buf_init(&file, DELTA_BYTES_MAX);
	assert_int_equal(delta_encode(d, &file), 0);
	assert_int_equal(delta_decode(buf_str(&file), &again, NULL), 0);
	assert_int_equal(delta_logit(d, spam_bins, 8, &seen),
			 delta_logit(again, spam_bins, 8, &seen));
	assert_int_equal(delta_batch(again, 0).spam, 10);
	delta_free(again);
	for (size_t at = 0; at < file.len; at++) {
		file.ptr[at] ^= 1;
		assert_int_equal(delta_decode(buf_str(&file), &again, NULL), -EBADMSG);
		file.ptr[at] ^= 1;
		assert_int_equal(delta_decode(str_head(buf_str(&file), at), &again, NULL),
				 -EBADMSG);
	}
	buf_done(&file);
	delta_free(d);
}

static void limits(void **state)
{
	struct delta *d = delta_new();
	struct delta_message m = {.is_spam = true, .bins = spam_bins, .count = 8};

	(void)state;
	assert_non_null(d);
	assert_int_equal(delta_learn(d, &m, 0), 0);
	for (size_t i = 0; i < DELTA_BATCHES_MAX; i++) {
		assert_int_equal(delta_learn(d, &m, 1), 0);
	}
	assert_int_equal(delta_learn(d, &m, 1), -ENOSPC);
	delta_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_learns_and_is_bounded),
		cmocka_unit_test(it_can_be_taken_back),
		cmocka_unit_test(it_comes_back_whole),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

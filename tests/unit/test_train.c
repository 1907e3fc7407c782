/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights are made, written, read and used: toy groups are told apart although each was left
 * out, the same input gives the same file, and a file that does not fit is refused.
 */
#include "base/prng.h"
#include "core/calibrate.h"
#include "core/train.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static const char *const ham_words[] = {"meeting", "patch",    "report", "review",
					"thanks",  "attached", "monday", "notes"};
static const char *const spam_words[] = {"winner",    "pills",   "casino", "lottery",
					 "refinance", "replica", "claim",  "miracle"};

static void write_text(struct prng *prng, bool is_spam, char *text, size_t size)
{
	size_t len = 0;

	for (size_t w = 0; w < 30; w++) {
		const char *const *words = is_spam ? spam_words : ham_words;
		const char *word = w % 3 == 0 ? words[prng_below(prng, 8)] : "common words in all";

		len += (size_t)snprintf(text + len, size - len, "%s ", word);
	}
}

static struct train *toy(uint64_t seed)
{
	struct train_settings quick = train_defaults;
	struct prng prng = {seed};

	for (enum member m = 0; m < MEMBER_COUNT; m++) {
		quick.fit[m].runs = 1;
		quick.fit[m].passes = 2;
	}
	struct train *t = train_new(&quick);

	assert_non_null(t);
	for (int g = 0; g < 6; g++) {
		struct train_group group = {.is_spam = g % 2 == 1, .weight_ppm = 1000000};

		snprintf(group.name, sizeof(group.name), "group-%d", g);
		assert_int_equal(train_add_group(t, &group), g);
		for (size_t i = 0; i < 20; i++) {
			char text[2000];

			write_text(&prng, group.is_spam, text, sizeof(text));
			struct score_input in = {.subject = STR("hello"), .text = str_of(text)};

			assert_int_equal(train_add(t, g, &in), 0);
		}
	}
	return t;
}

static void made_file(uint64_t seed, struct buf *ret)
{
	struct train *t = toy(seed);
	struct model *m = model_new();
	struct quality q;

	assert_non_null(m);
	assert_int_equal(train_run(t, NULL, NULL, m), 0);
	assert_int_equal(calibrate_quality(t, -1, -1, &q), 0);
	assert_true(q.auc > 0.999);
	assert_int_equal(m->ham_count, 60);
	assert_int_equal(m->spam_count, 60);
	assert_int_equal(model_encode(m, ret), 0);
	model_free(m);
	train_free(t);
}

static void same_input_same_file(void **state)
{
	struct buf again;

	(void)state;
	buf_init(&again, MODEL_BYTES_MAX);
	made_file(5, &again);
	struct buf *first = *state;

	assert_int_equal(first->len, again.len);
	assert_memory_equal(first->ptr, again.ptr, again.len);
	buf_done(&again);
}

static void what_was_learned_is_used(void **state)
{
	struct buf *file = *state;
	struct model *m;
	struct prng prng = {99};
	static struct tokens tokens;
	static uint32_t bins[FEATURES_MAX];
	static struct model_seen seen;

	assert_int_equal(model_decode(buf_str(file), &m, NULL), 0);
	for (int i = 0; i < 20; i++) {
		char text[2000];
		int64_t logits[MEMBER_COUNT];

		write_text(&prng, i % 2 == 1, text, sizeof(text));
		struct score_input in = {.subject = STR("hello"), .text = str_of(text)};

		tokens_read(&in, &tokens);
		for (enum member k = 0; k < MEMBER_COUNT; k++) {
			size_t n = features_read(k, &in, &tokens, bins);

			logits[k] = model_member_logit(&m->members[k], bins, n, &seen);
			assert_int_equal(seen.bits[0], 0);
		}
		int64_t logit = model_sum(m, logits, tokens.count);

		assert_int_equal(logit >= m->threshold_micro, i % 2 == 1);
		assert_int_equal(model_score_micro(m, logit) >= 500000, i % 2 == 1);
		assert_true(model_bin(m, logit) < SCORE_BINS);
	}
	model_free(m);
}

static void wrong_files_are_refused(void **state)
{
	struct buf *file = *state;
	struct model *m = NULL;
	struct errmsg err;

	for (size_t at = 0; at < file->len; at += at < 700 ? 7 : 49973) {
		file->ptr[at] ^= 0x41;
		assert_int_equal(model_decode(buf_str(file), &m, &err), -EBADMSG);
		file->ptr[at] ^= 0x41;
		if (at % 50 == 0) {
			assert_int_equal(model_decode(str_head(buf_str(file), at), &m, NULL),
					 -EBADMSG);
		}
	}
	assert_int_equal(model_decode(STR("PTNWGHTS"), &m, &err), -EBADMSG);
	assert_string_equal(err.text, "weights refused: it is no weights file");
	assert_null(m);
}

/* Our own logarithm and logistic function, against the library's. */
static void own_functions(void **state)
{
	(void)state;
	for (double x = -30; x < 30; x += 0.37) {
		assert_true(fabs(fit_logistic(x) - 1 / (1 + exp(-x))) < 1e-12);
	}
	for (double x = 1e-3; x < 1e6; x *= 1.7) {
		assert_true(fabs(fit_log(x) - log(x)) < 1e-12);
	}
}

static bool is_put_around(enum member i)
{
	return i == MEMBER_FRAMES || i == MEMBER_ENDINGS || i == MEMBER_THEMES;
}

/* One member that is very sure is not enough, and what all mail of a sender shares less still. What
 * anybody can put around spam acquits little. */
static void no_member_decides_alone(void **state)
{
	struct model *m = model_new();

	(void)state;
	assert_non_null(m);
	for (enum member i = 0; i < MEMBER_COUNT; i++) {
		int64_t logits[MEMBER_COUNT] = {0};
		int64_t most = i == MEMBER_FROM ? MODEL_FROM_MAX : MODEL_MEMBER_MAX;

		m->members[i].share_micro = 1000000;
		logits[i] = 9 * MODEL_MEMBER_MAX;
		assert_int_equal(model_sum(m, logits, MODEL_WORDS_FULL), most);
		assert_int_equal(model_sum(m, logits, MODEL_WORDS_FULL / 2), most / 2);
		logits[i] = -logits[i];
		assert_int_equal(model_sum(m, logits, 1),
				 -(is_put_around(i) ? MODEL_ACQUIT_MAX : most));
	}
	/* A short text weakens what the members say together, not one of them beside others. */
	const int64_t both[MEMBER_COUNT] = {[MEMBER_WORDS] = 3000000, [MEMBER_STYLE] = -1000000};

	assert_int_equal(model_sum(m, both, MODEL_WORDS_FULL / 2), 1000000);
	model_free(m);
}

static void too_few_groups(void **state)
{
	struct train *t = train_new(&train_defaults);
	struct model *m = model_new();

	(void)state;
	assert_non_null(t);
	assert_non_null(m);
	assert_int_equal(train_run(t, NULL, NULL, m), -EINVAL);
	model_free(m);
	train_free(t);
}

static int setup(void **state)
{
	static struct buf file;

	buf_init(&file, MODEL_BYTES_MAX);
	made_file(5, &file);
	*state = &file;
	return 0;
}

static int teardown(void **state)
{
	buf_done(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_functions),
		cmocka_unit_test(no_member_decides_alone),
		cmocka_unit_test(too_few_groups),
		cmocka_unit_test(same_input_same_file),
		cmocka_unit_test(what_was_learned_is_used),
		cmocka_unit_test(wrong_files_are_refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

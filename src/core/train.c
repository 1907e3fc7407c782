/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train: folds and the final fit. Layer: core (pure).
 */
#include "core/train.h"

#include "base/assert.h"
#include "core/calibrate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

struct message {
	int group;
	size_t words;
	uint32_t *bins[MEMBER_COUNT]; /* sorted, without doubles */
	uint32_t count[MEMBER_COUNT];
};

struct train {
	struct train_settings settings;
	struct train_group groups[TRAIN_GROUPS_MAX];
	size_t sizes[TRAIN_GROUPS_MAX];
	size_t group_count;
	struct message *messages;
	size_t count;
	size_t room;
	struct fit_doc *docs; /* of the fit that runs */
	size_t unseen_flagged[TRAIN_GROUPS_MAX];
	struct train_result *results;
	size_t result_count;
	size_t result_room;
	struct tokens tokens;
	uint32_t bins[FEATURES_MAX];
	struct model_seen seen;
};

/* Spam groups that the next round is ahead of the one before. */
#define ROUND_SHIFT 3

/* The floor is that of some twelve words: a message of two is not judged by one of them. */
#define FIT(run_count, decay_part, floor_units)                                                    \
	{                                                                                          \
		.rate = 0.3, .passes = 3, .runs = (run_count), .groups_min = 2,                    \
		.decay = (decay_part), .floor = (floor_units)                                      \
	}

const struct train_settings train_defaults = {
	.fit = {FIT(2, 0.003, 1500), FIT(1, 0.0002, 12000), FIT(2, 0, 1500), FIT(2, 0.0005, 1500),
		FIT(2, 0.003, 1500), FIT(2, 0, 0), FIT(2, 0, 500), FIT(2, 0, 300)},
	.share_micro = {1000000, 800000, 750000, 500000, 700000, 350000, 1000000, 500000},
	.fpr_ppm = 4500,
	.rounds = 2,
};

struct train *train_new(const struct train_settings *s)
{
	struct train *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->settings = *s;
	}
	return t;
}

void train_free(struct train *t)
{
	if (t == NULL) {
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		for (enum member m = 0; m < MEMBER_COUNT; m++) {
			free(t->messages[i].bins[m]);
		}
	}
	free(t->messages);
	free(t->docs);
	free(t->results);
	free(t);
}

int train_add_group(struct train *t, const struct train_group *g)
{
	if (t->group_count == TRAIN_GROUPS_MAX) {
		return -ENOSPC;
	}
	t->groups[t->group_count] = *g;
	return (int)t->group_count++;
}

static int compare_bins(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int take_bins(struct train *t, struct message *msg, enum member m,
		     const struct score_input *in)
{
	size_t n = features_read(m, in, &t->tokens, t->bins);
	uint32_t kept = 0;

	qsort(t->bins, n, sizeof(t->bins[0]), compare_bins);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || t->bins[i] != t->bins[i - 1]) {
			t->bins[kept++] = t->bins[i];
		}
	}
	msg->bins[m] = malloc((kept + 1) * sizeof(t->bins[0]));
	if (msg->bins[m] == NULL) {
		return -ENOMEM;
	}
	memcpy(msg->bins[m], t->bins, kept * sizeof(t->bins[0]));
	msg->count[m] = kept;
	return 0;
}

int train_add(struct train *t, int group, const struct score_input *in)
{
	ASSERT(group >= 0 && (size_t)group < t->group_count);
	if (t->count == t->room) {
		size_t room = t->room == 0 ? 1024 : 2 * t->room;
		struct message *more = realloc(t->messages, room * sizeof(*more));

		if (more == NULL) {
			return -ENOMEM;
		}
		t->messages = more;
		t->room = room;
	}
	struct message *msg = &t->messages[t->count];

	*msg = (struct message){.group = group};
	t->count++;
	t->sizes[group]++;
	tokens_read(in, &t->tokens);
	msg->words = t->tokens.count;
	for (enum member m = 0; m < MEMBER_COUNT; m++) {
		int r = take_bins(t, msg, m, in);

		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* Which groups a fit may use, as bits. */
static uint32_t trainable(const struct train *t)
{
	uint32_t groups = 0;

	for (size_t g = 0; g < t->group_count; g++) {
		if (!t->groups[g].is_test_only && t->sizes[g] > 0) {
			groups |= UINT32_C(1) << g;
		}
	}
	return groups;
}

/* Every group of a class weighs as its weight says, and both classes the same. */
static double weight_of(const struct train *t, uint32_t groups, size_t messages, int group)
{
	double whole = 0;

	for (size_t g = 0; g < t->group_count; g++) {
		if ((groups >> g & 1) != 0 && t->groups[g].is_spam == t->groups[group].is_spam) {
			whole += t->groups[g].weight_ppm;
		}
	}
	return t->groups[group].weight_ppm / whole / (double)t->sizes[group] * (double)messages / 2;
}

static int fit_groups(struct train *t, uint32_t groups, struct model *ret)
{
	size_t n = 0;

	for (size_t g = 0; g < t->group_count; g++) {
		n += (groups >> g & 1) != 0 ? t->sizes[g] : 0;
	}
	for (enum member m = 0; m < MEMBER_COUNT; m++) {
		size_t at = 0;

		for (size_t i = 0; i < t->count; i++) {
			const struct message *msg = &t->messages[i];

			if ((groups >> msg->group & 1) == 0) {
				continue;
			}
			t->docs[at++] = (struct fit_doc){
				.bins = msg->bins[m],
				.count = msg->count[m],
				.group = (uint32_t)msg->group,
				.is_spam = t->groups[msg->group].is_spam,
				.weight = weight_of(t, groups, n, msg->group),
			};
		}
		int r = fit_member(&t->settings.fit[m], t->docs, n, &ret->members[m]);

		if (r < 0) {
			return r;
		}
		ret->members[m].share_micro = t->settings.share_micro[m];
	}
	return 0;
}

static void read_logits(struct train *t, const struct model *model, const struct message *msg,
			int64_t ret[static MEMBER_COUNT])
{
	for (enum member m = 0; m < MEMBER_COUNT; m++) {
		ret[m] = model_member_logit(&model->members[m], msg->bins[m], msg->count[m],
					    &t->seen);
	}
}

static int keep_result(struct train *t, const struct model *model, size_t message)
{
	if (t->result_count == t->result_room) {
		size_t room = t->result_room == 0 ? 4096 : 2 * t->result_room;
		struct train_result *more = realloc(t->results, room * sizeof(*more));

		if (more == NULL) {
			return -ENOMEM;
		}
		t->results = more;
		t->result_room = room;
	}
	const struct message *msg = &t->messages[message];
	struct train_result *r = &t->results[t->result_count++];

	*r = (struct train_result){.group = msg->group, .message = message};
	read_logits(t, model, msg, r->members);
	r->logit = model_sum(model, r->members, msg->words);
	return 0;
}

/* The k-th group of a class, counted round and round; test-only spam is scored beside others. */
static int nth_group(const struct train *t, bool is_spam, size_t k)
{
	int found[TRAIN_GROUPS_MAX];
	size_t n = 0;

	for (size_t g = 0; g < t->group_count; g++) {
		if (t->groups[g].is_spam == is_spam && !t->groups[g].is_test_only &&
		    t->sizes[g] > 0) {
			found[n++] = (int)g;
		}
	}
	return n >= 2 ? found[k % n] : -1;
}

static unsigned fold_count(const struct train *t)
{
	unsigned ham = 0;
	unsigned spam = 0;

	for (size_t g = 0; g < t->group_count; g++) {
		bool is_used = !t->groups[g].is_test_only && t->sizes[g] > 0;

		spam += is_used && t->groups[g].is_spam ? 1 : 0;
		ham += is_used && !t->groups[g].is_spam ? 1 : 0;
	}
	return ham > spam ? ham : spam;
}

/* In each round a legitimate group meets another spam group. */
static int leave_out(struct train *t, unsigned fold, unsigned folds, struct model *scratch)
{
	int ham = nth_group(t, false, fold);
	int spam = nth_group(t, true, fold + fold / folds * ROUND_SHIFT);

	if (ham < 0 || spam < 0) {
		return -EINVAL;
	}
	uint32_t out = UINT32_C(1) << ham | UINT32_C(1) << spam;
	int r = fit_groups(t, trainable(t) & ~out, scratch);

	for (size_t i = 0; r == 0 && i < t->count; i++) {
		int g = t->messages[i].group;

		if ((out >> g & 1) != 0 || (fold == 0 && t->groups[g].is_test_only)) {
			r = keep_result(t, scratch, i);
		}
	}
	return r;
}

/* What is flagged of the recent groups by a model that saw none of them. */
static int leave_recent_out(struct train *t, struct model *model)
{
	uint32_t out = 0;

	for (size_t g = 0; g < t->group_count; g++) {
		out |= t->groups[g].is_recent ? UINT32_C(1) << g : 0;
		t->unseen_flagged[g] = 0;
	}
	int r = out != 0 ? fit_groups(t, trainable(t) & ~out, model) : 0;

	for (size_t i = 0; r == 0 && i < t->count; i++) {
		const struct message *msg = &t->messages[i];
		int64_t logits[MEMBER_COUNT];

		if ((out >> msg->group & 1) != 0) {
			read_logits(t, model, msg, logits);
			t->unseen_flagged[msg->group] += model_sum(model, logits, msg->words) >=
							 model->threshold_micro;
		}
	}
	return r;
}

int train_run(struct train *t, train_progress_fn *progress, void *ctx, struct model *ret)
{
	unsigned folds = fold_count(t);
	unsigned all = folds * t->settings.rounds;
	int r = folds > 0 ? 0 : -EINVAL;

	free(t->docs);
	t->docs = calloc(t->count + 1, sizeof(t->docs[0]));
	if (t->docs == NULL) {
		return -ENOMEM;
	}
	t->result_count = 0;
	for (unsigned fold = 0; r == 0 && fold < all; fold++) {
		if (progress != NULL) {
			progress(ctx, fold, all + 1);
		}
		r = leave_out(t, fold, folds, ret);
	}
	if (r < 0) {
		return r;
	}
	r = calibrate(t, t->settings.fpr_ppm, ret);
	if (r == 0) {
		r = leave_recent_out(t, ret);
	}
	if (r < 0) {
		return r;
	}
	if (progress != NULL) {
		progress(ctx, all, all + 1);
	}
	ret->ham_count = 0;
	ret->spam_count = 0;
	for (size_t g = 0; g < t->group_count; g++) {
		if (!t->groups[g].is_test_only) {
			*(t->groups[g].is_spam ? &ret->spam_count
					       : &ret->ham_count) += (uint32_t)t->sizes[g];
		}
	}
	return fit_groups(t, trainable(t), ret);
}

const struct train_result *train_results(const struct train *t, size_t *ret_count)
{
	*ret_count = t->result_count;
	return t->results;
}

const struct train_group *train_groups(const struct train *t, size_t *ret_count)
{
	*ret_count = t->group_count;
	return t->groups;
}

size_t train_unseen_flagged(const struct train *t, int group)
{
	return t->unseen_flagged[group];
}

size_t train_group_size(const struct train *t, int group)
{
	return t->sizes[group];
}

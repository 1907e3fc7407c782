/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train: weights from groups of messages, calibrated on groups that were left out.
 *
 * One legitimate and one spam group are left out together, the members are fitted on the rest,
 * and the two are scored: so each group is judged by a model that never saw it. Threshold, bins
 * and rates come from these scores alone; the weights themselves are then fitted on all groups.
 * Every group counts as much as any other. Layer: core (pure).
 */
#ifndef CORE_TRAIN_H
#define CORE_TRAIN_H

#include "base/attr.h"
#include "base/sha256.h"
#include "core/fit.h"
#include "core/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRAIN_GROUPS_MAX 32
#define TRAIN_NAME_SIZE 32

struct train_group {
	char name[TRAIN_NAME_SIZE];
	bool is_spam;
	bool is_test_only;   /* scored when groups are left out, never trained on */
	bool is_recent;      /* also left out together with all other recent ones */
	uint32_t weight_ppm; /* how much it counts beside others: 1,000,000 */
};

struct train_settings {
	struct fit_opts fit[MEMBER_COUNT];
	int32_t share_micro[MEMBER_COUNT];
	uint32_t fpr_ppm; /* the threshold's, on left-out legitimate groups */
	unsigned rounds;  /* how often each group is left out, each time beside another one */
};

/* What the shipped weights are made with (docs/filter.md says how it was chosen). */
extern const struct train_settings train_defaults;

struct train;

/** @return NULL without memory. */
MUSTUSE struct train *train_new(const struct train_settings *s);
/** NULL is allowed. */
void train_free(struct train *t);

/** @return The group's number; -ENOSPC beyond TRAIN_GROUPS_MAX. */
MUSTUSE int train_add_group(struct train *t, const struct train_group *g);
/**
 * Add a message; its order among others is part of what decides the bits of the weights.
 *
 * @return 0, or -ENOMEM.
 */
MUSTUSE int train_add(struct train *t, int group, const struct score_input *in);

/** Called before each fit: `done` of `all`. */
typedef void train_progress_fn(void *ctx, unsigned done, unsigned all);

/**
 * Leave groups out, calibrate, and fit the weights.
 *
 * @param progress  May be NULL.
 * @param ret       Its counts are set; its list_hash is the caller's to set.
 * @return 0; -EINVAL with fewer than two groups of either class; -ENOMEM.
 */
MUSTUSE int train_run(struct train *t, train_progress_fn *progress, void *ctx, struct model *ret);

/* One left-out score, for reports. */
struct train_result {
	int group;
	size_t message; /* of the order of train_add */
	int64_t logit;
	int64_t members[MEMBER_COUNT];
};

/** All left-out scores of the last train_run, borrowed. */
const struct train_result *train_results(const struct train *t, size_t *ret_count);
const struct train_group *train_groups(const struct train *t, size_t *ret_count);
/** Messages of a recent group that a model flags which saw no recent group at all. */
size_t train_unseen_flagged(const struct train *t, int group);
/** Messages that were added to a group. */
size_t train_group_size(const struct train *t, int group);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibrate: threshold, bins, curve and rates of a model from scores of left-out messages.
 * Layer: core (pure).
 */
#ifndef CORE_CALIBRATE_H
#define CORE_CALIBRATE_H

#include "core/train.h"

/**
 * Every group weighs the same, whatever its size. Test-only groups are left out.
 *
 * @param t        After its folds were run.
 * @param fpr_ppm  Share of legitimate mail at or over the threshold, at most.
 * @param ret      threshold, edges, curve, rates, f0 and f1 are set.
 * @return 0, or -ENOMEM.
 */
MUSTUSE int calibrate(const struct train *t, uint32_t fpr_ppm, struct model *ret);

/**
 * Area under the curve and share of spam flagged at 1 and 5 % of false positives, groups
 * weighing the same.
 *
 * @param group_ham  Only this legitimate group; -1: all. The same for spam.
 */
struct quality {
	double auc;
	double tpr_at_1;
	double tpr_at_5;
};
MUSTUSE int calibrate_quality(const struct train *t, int group_ham, int group_spam,
			      struct quality *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_filter: what the weights' measured rates mean for the judge. Layer: core (pure).
 */
#ifndef CORE_JUDGE_FILTER_H
#define CORE_JUDGE_FILTER_H

#include "core/judge.h"
#include "core/score.h"

/**
 * Graded trials over the bins of the weights.
 *
 * @param rates  NULL: there are no weights and nothing is scored; then the numbers are those of a
 *               middling filter and are never used but for display.
 */
struct judge_filter judge_filter_of(const struct score_rates *rates);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_filter: from the weights' rates to the judge's numbers. Layer: core (pure).
 */
#include "core/judge_filter.h"

#include "base/poison.h"

struct judge_filter judge_filter_of(const struct score_rates *rates)
{
	/* DECISION §5, third row */
	struct judge_filter f = {.tpr_ppm = 720000, .fpr_ppm = 3000};

	static_assert(SCORE_BINS <= JUDGE_BINS_MAX, "the judge holds all bins");
	if (rates == NULL) {
		return f;
	}
	f = (struct judge_filter){
		.tpr_ppm = rates->tpr_ppm,
		.fpr_ppm = rates->fpr_ppm,
		.bin_count = SCORE_BINS,
		.weights_version = rates->weights_version,
	};
	for (size_t i = 0; i < SCORE_BINS; i++) {
		f.f0_ppm[i] = rates->f0_ppm[i];
		f.f1_ppm[i] = rates->f1_ppm[i];
	}
	return f;
}

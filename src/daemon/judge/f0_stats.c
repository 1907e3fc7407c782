/* SPDX-License-Identifier: Apache-2.0 */
/*
 * f0_stats: shares by bin, learned and shipped. Layer: daemon.
 */
#include "daemon/judge/f0_stats.h"

#include "base/poison.h"

/* Networks that are shown; further ones are only counted. */
#define STATS_NETWORKS_MAX 64

void f0_stats_write(const struct judge *j, const struct policy *policy, struct jsonw *w)
{
	struct site_f0 f;
	uint64_t learned = 0;

	jsonw_array(w, "f0");
	for (size_t i = 0; i < policy->network_count; i++) {
		if (!judge_site_of(j, (uint16_t)i, &f)) {
			continue;
		}
		learned += f.version > 0;
		if (i >= STATS_NETWORKS_MAX) {
			continue;
		}
		jsonw_object(w, NULL);
		jsonw_cstr(w, "network", policy->networks[i].name);
		jsonw_u64(w, "steps", f.version);
		jsonw_u64(w, "voters", f.voters);
		jsonw_array(w, "share");
		for (size_t b = 0; b < SCORE_BINS; b++) {
			jsonw_micro(w, NULL, f.f0_ppm[b], 4);
		}
		jsonw_array_end(w);
		jsonw_array(w, "shipped");
		for (size_t b = 0; b < SCORE_BINS; b++) {
			jsonw_micro(w, NULL, f.shipped_ppm[b], 4);
		}
		jsonw_array_end(w);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
	jsonw_u64(w, "f0_learned_networks", learned);
}

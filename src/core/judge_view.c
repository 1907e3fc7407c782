/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_view: what the judge knows, for those who ask. Layer: core (pure).
 */
#include "core/judge_inside.h"

#include "core/state_proof.h"

#include "base/poison.h"

void judge_make_proof(const struct judge *j, const struct source_state *s, struct wall now,
		      struct proof *ret)
{
	const struct judge_filter *f = judge_filter_in_force(j, s);

	state_proof_make(s, judge_rules(j, s), now, ret);
	ret->rung = judge_server_rung(j, s);
	state_proof_filter(f, ret);
}

bool judge_proof_of(const struct judge *j, const struct source_key *k, struct proof *ret)
{
	const struct source_state *s = source_table_find(j->table, k);

	if (s == NULL) {
		return false;
	}
	judge_make_proof(j, s, wall_of_seconds(s->last_s), ret);
	return true;
}

void judge_walk(const struct judge *j, judge_visit_fn *visit, void *ctx)
{
	for (uint32_t i = 0; i < source_table_end(j->table); i++) {
		const struct source_state *s = source_table_at(j->table, i);
		if (s != NULL &&
		    !visit(&s->key, (enum verdict)s->verdict, judge_server_rung(j, s), ctx)) {
			return;
		}
	}
}

/* P(false alarm within M trials) ≤ K·M·e^−h, summed over kinds, for M = 10,000 (DECISION §1). */
static uint64_t promise_ppm(const struct judge *j)
{
	const uint64_t trials = 10000;
	uint64_t legs = TRIAL_KIND_COUNT + FLOW_COUNT;
	uint64_t inverse = UINT64_C(1) << 40; /* e^−h in 2^-40, nat by nat, then by thousandths */
	uint32_t h = j->opts.policy->decision.h_micro;

	for (size_t i = 0; i < CONTENT_LEGS; i++) {
		legs += j->z.content[0].is_on[i];
	}
	for (uint32_t nat = 0; nat < h / 1000000; nat++) {
		inverse = inverse / 1000000 * 367879 + inverse % 1000000 * 367879 / 1000000;
	}
	for (uint32_t milli = 0; milli < h % 1000000 / 1000; milli++) {
		inverse -= inverse / 1000;
	}
	return (legs * trials * 1000000 * inverse) >> 40;
}

void judge_stats(const struct judge *j, struct judge_stats *ret)
{
	const struct decision_policy *d = &j->opts.policy->decision;

	*ret = j->stats;
	ret->sources = source_table_count(j->table);
	ret->active = judge_active(j);
	ret->blocks_in_window = j->brake.count;
	ret->brake_limit = brake_limit(d, ret->active);
	ret->is_braked = j->brake.is_on;
	ret->is_guarded = j->is_guarded;
	ret->h_micro = (int32_t)d->h_micro;
	ret->h2_micro = (int32_t)d->h2_micro;
	ret->flagged_median_ppm = median_permille(&j->flagged_share) * 1000;
	ret->flagged_limit_ppm = j->z.content[0].theta0_ppm / 2;
	ret->false_alarms_ppm = promise_ppm(j);
}

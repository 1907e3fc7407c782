/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_proof: the proof of what one source's state says. Layer: core (pure).
 */
#include "core/state_proof.h"

#include "base/assert.h"

#include "base/poison.h"

static const enum kind kind_of_trial[] = {
	[TRIAL_RECIPIENTS] = KIND_RECIPIENTS, [TRIAL_OPINION] = KIND_OPINION,
	[TRIAL_SHARED] = KIND_SHARED,         [TRIAL_HELO] = KIND_HELO,
	[TRIAL_SENDER] = KIND_SENDER,
};
static_assert(COUNT_OF(kind_of_trial) == TRIAL_KIND_COUNT, "a kind for every trial");

static const enum proof_stream stream_of_flow[] = {
	[FLOW_CONNECTIONS] = PROOF_STREAM_CONNECTIONS,
	[FLOW_DESTINATIONS] = PROOF_STREAM_DESTINATIONS,
	[FLOW_FAILURES] = PROOF_STREAM_FAILURES,
};
static_assert(COUNT_OF(stream_of_flow) == FLOW_COUNT, "a stream for every flow");

static struct wall wall_or_never(uint32_t s)
{
	const struct wall never = {0};

	return s == 0 ? never : wall_of_seconds(s);
}

static void add_leg(struct proof *p, const struct leg *leg, struct proof_leg like)
{
	static_assert(CONTENT_LEGS + 1 + TRIAL_KIND_COUNT + FLOW_COUNT + 4 <= PROOF_LEGS_MAX,
		      "room for every leg");
	/* A leg that never had a trial says nothing. */
	if (leg->s == 0 && like.trials == 0) {
		return;
	}
	like.s_micro = leg->s;
	like.reached_at = wall_or_never(leg->reached_s);
	p->legs[p->leg_count++] = like;
}

static void add_content(struct proof *p, const struct source_state *s, const struct ztable *z,
			int32_t h)
{
	const struct content_z *c = &z->content[s->pi0_level];

	for (size_t i = CONTENT_LEGS; i-- > 0;) {
		if (c->is_on[i]) {
			add_leg(p, &s->content[i],
				(struct proof_leg){.kind = KIND_CONTENT,
						   .pi1_ppm = c->pi1_ppm[i],
						   .h_micro = h,
						   .trials = s->content_trials,
						   .bad = s->content_bad});
		}
	}
	add_leg(p, &s->one_sided.leg,
		(struct proof_leg){.kind = KIND_CONTENT,
				   .is_one_sided = true,
				   .pi1_ppm = c->pi1_ppm[c->is_on[1] ? 1 : CONTENT_LEGS - 1],
				   .h_micro = h,
				   .trials = s->one_sided.trials,
				   .bad = s->one_sided.bad});
}

static void add_trials(struct proof *p, const struct source_state *s, const struct ztable *z,
		       int32_t h)
{
	const struct trial_z *tables[] = {
		[TRIAL_RECIPIENTS] = &z->recipients, [TRIAL_OPINION] = &z->opinion,
		[TRIAL_SHARED] = &z->shared,         [TRIAL_HELO] = &z->helo,
		[TRIAL_SENDER] = &z->sender,
	};

	for (size_t i = 0; i < TRIAL_KIND_COUNT; i++) {
		add_leg(p, &s->trial[i].leg,
			(struct proof_leg){.kind = kind_of_trial[i],
					   .pi1_ppm = tables[i]->theta1_ppm,
					   .h_micro = h,
					   .trials = s->trial[i].trials,
					   .bad = s->trial[i].bad});
	}
}

static void add_flows(struct proof *p, const struct source_state *s, int32_t h)
{
	for (size_t i = 0; i < FLOW_COUNT; i++) {
		add_leg(p, &s->flow[i].leg,
			(struct proof_leg){.kind = KIND_FANOUT,
					   .stream = stream_of_flow[i],
					   .pi1_ppm = FANOUT_TIMES * 1000000,
					   .h_micro = h,
					   .trials = s->flow[i].count});
	}
}

static void add_facts(struct proof *p, const struct source_facts *f, const struct thresholds *t,
		      uint32_t now_s)
{
	if (f == NULL) {
		return;
	}
	struct leg complaint = {.s = f->complaint_alarm ? t->h : 0};
	struct leg listing = {.s = (int32_t)f->listing_micro};
	struct leg urls = {.s = (int32_t)source_facts_listed(f, now_s)};
	struct leg trap = {.s = (int32_t)(f->trap_hits > 10 ? 10 : f->trap_hits) * 3000000};

	add_leg(p, &complaint,
		(struct proof_leg){.kind = KIND_COMPLAINT,
				   .pi1_ppm = 3000,
				   .h_micro = t->h,
				   .trials = f->delivered,
				   .bad = f->complaints});
	add_leg(p, &listing, (struct proof_leg){.kind = KIND_LISTING, .h_micro = t->h});
	add_leg(p, &urls,
		(struct proof_leg){.kind = KIND_LISTING,
				   .stream = PROOF_STREAM_URLS,
				   .h_micro = t->h,
				   .trials = urls.s > 0 ? f->list_campaigns : 0,
				   .bad = urls.s > 0 ? f->list_campaigns : 0});
	add_leg(p, &trap,
		(struct proof_leg){.kind = KIND_TRAP,
				   .h_micro = t->h,
				   .trials = f->trap_hits,
				   .bad = f->trap_hits});
}

void state_proof_make(const struct source_state *s, const struct evidence_rules *rules,
		      struct wall now, struct proof *ret)
{
	uint32_t now_s = seconds_of(now);
	struct thresholds t = thresholds_of(s, rules->d, now_s);

	*ret = (struct proof){
		.source = s->key,
		.time = now,
		.verdict = (enum verdict)s->verdict,
		.rung = (enum rung)s->rung,
		.messages = s->messages,
		.flagged = s->flagged,
		.recipients = s->recipients,
		.recipients_unknown = s->recipients_unknown,
		.campaigns = s->campaigns,
		.campaigns_flagged = copies_flagged(&s->copies, false, now_s),
		.first_flagged = wall_or_never(s->first_flagged_s),
		.last_flagged = wall_or_never(s->last_flagged_s),
		.defiance = s->defiance,
		.h2_micro = t.h2,
		.rule_version = RULE_VERSION,
		.sample_count = s->sample_count,
	};
	witness_rule_format((enum rule)s->rule, (enum kind)s->rule_main, (enum kind)s->rule_support,
			    ret->rule);
	add_content(ret, s, rules->z, t.h);
	add_trials(ret, s, rules->z, t.h);
	add_flows(ret, s, t.h);
	add_facts(ret, s->facts, &t, now_s);
	if (s->sample_count > 0) {
		memcpy(ret->samples, s->samples, (size_t)s->sample_count * SHA256_SIZE);
	}
}

void state_proof_filter(const struct judge_filter *f, struct proof *ret)
{
	static_assert(JUDGE_BINS_MAX <= PROOF_BINS_MAX, "room for every bin");
	ret->weights_version = f->weights_version;
	ret->f0_version = f->f0_version;
	ret->f0_count = f->f0_version == 0 ? 0 : f->bin_count;
	for (size_t i = 0; i < ret->f0_count; i++) {
		ret->f0_ppm[i] = f->f0_ppm[i];
	}
}

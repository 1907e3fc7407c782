/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness: from sums to verdicts. Layer: core (pure).
 */
#include "core/witness.h"

#include "base/assert.h"

#include <stdio.h>

#include "base/poison.h"

/* A trap that was hit speaks as loud as two of them support. */
#define TRAP_MICRO 3000000
#define TRAPS_DECISIVE 3

enum level {
	LEVEL_NONE,
	LEVEL_SUPPORT, /* ≥ h2 now */
	LEVEL_WEAK,    /* alarmed, but this alarm makes suspects only */
	LEVEL_ALARM,
};

struct levels {
	enum level of[KIND_COUNT];
	bool is_guarded_alarm;
	bool is_one_sided_alarm;
};

static const bool is_shape[] = {
	[KIND_HELO] = true,
	[KIND_SENDER] = true,
	[KIND_FANOUT] = true,
	[KIND_DEFIANCE] = false,
};
static_assert(COUNT_OF(is_shape) == KIND_COUNT, "an answer for every kind");

static const bool is_main[] = {
	[KIND_CONTENT] = true, [KIND_RECIPIENTS] = true, [KIND_OPINION] = true,
	[KIND_SHARED] = true,  [KIND_COMPLAINT] = true,  [KIND_DEFIANCE] = false,
};
static_assert(COUNT_OF(is_main) == KIND_COUNT, "an answer for every kind");

static enum level leg_level(const struct leg *leg, const struct thresholds *t)
{
	if (leg_has_alarm(leg)) {
		return LEVEL_ALARM;
	}
	return leg->s >= t->h2 ? LEVEL_SUPPORT : LEVEL_NONE;
}

static enum level higher(enum level a, enum level b)
{
	return a > b ? a : b;
}

static enum level content_level(const struct source_state *s, const struct thresholds *t,
				const struct content_z *z, uint32_t now_s)
{
	enum level level = LEVEL_NONE;

	for (size_t i = 0; i < CONTENT_LEGS; i++) {
		enum level l = leg_level(&s->content[i], t);
		level = higher(level, l == LEVEL_ALARM && !z->may_block[i] ? LEVEL_WEAK : l);
	}
	if (level == LEVEL_NONE) {
		return LEVEL_NONE;
	}
	unsigned campaigns = copies_flagged(&s->copies, false, now_s);
	if (campaigns >= CAMPAIGNS_FOR_ALARM) {
		return level;
	}
	return campaigns >= CAMPAIGNS_FOR_SUPPORT ? LEVEL_SUPPORT : LEVEL_NONE;
}

static enum level flow_level(const struct source_state *s, const struct thresholds *t)
{
	enum level level = LEVEL_NONE;

	for (size_t i = 0; i < FLOW_COUNT; i++) {
		level = higher(level, leg_level(&s->flow[i].leg, t));
	}
	return level;
}

static void take_facts(struct levels *l, const struct source_facts *f, const struct thresholds *t,
		       uint32_t now_s)
{
	if (f == NULL) {
		return;
	}
	if (f->complaint_alarm) {
		l->of[KIND_COMPLAINT] = LEVEL_ALARM;
	}
	if (f->listing_micro >= (uint32_t)t->h2 ||
	    source_facts_listed(f, now_s) >= (uint32_t)t->h2) {
		l->of[KIND_LISTING] = LEVEL_SUPPORT;
	}
	if ((uint64_t)f->trap_hits * TRAP_MICRO >= (uint64_t)t->h2) {
		l->of[KIND_TRAP] = LEVEL_SUPPORT;
	}
}

static struct levels levels_of(const struct source_state *s, const struct thresholds *t,
			       const struct ztable *z, uint32_t now_s, bool is_guarded)
{
	struct levels l = {0};
	enum level content = content_level(s, t, &z->content[s->pi0_level], now_s);

	if (is_guarded) {
		l.is_guarded_alarm = content >= LEVEL_WEAK;
		content = LEVEL_NONE;
	}
	l.of[KIND_CONTENT] = content;
	l.of[KIND_RECIPIENTS] = leg_level(&s->trial[TRIAL_RECIPIENTS].leg, t);
	l.of[KIND_OPINION] = leg_level(&s->trial[TRIAL_OPINION].leg, t);
	l.of[KIND_SHARED] = leg_level(&s->trial[TRIAL_SHARED].leg, t);
	l.of[KIND_HELO] = leg_level(&s->trial[TRIAL_HELO].leg, t);
	l.of[KIND_SENDER] = leg_level(&s->trial[TRIAL_SENDER].leg, t);
	l.of[KIND_FANOUT] = flow_level(s, t);
	l.is_one_sided_alarm = !is_guarded && leg_has_alarm(&s->one_sided.leg) &&
			       copies_flagged(&s->copies, true, now_s) >= CAMPAIGNS_FOR_ALARM;
	take_facts(&l, s->facts, t, now_s);
	return l;
}

/* A kind other than `except` that supports at least; the one that says most. */
static enum kind find_support(const struct levels *l, enum kind except)
{
	enum kind best = KIND_COUNT;

	for (unsigned k = 0; k < KIND_COUNT; k++) {
		if (k != except && l->of[k] >= LEVEL_SUPPORT &&
		    (best == KIND_COUNT || l->of[k] > l->of[best])) {
			best = (enum kind)k;
		}
	}
	return best;
}

/* The kind with the loudest alarm that is allowed to speak. */
static enum kind find_alarm(const struct levels *l, const bool allowed[static KIND_COUNT],
			    enum level least)
{
	enum kind best = KIND_COUNT;

	for (unsigned k = 0; k < KIND_COUNT; k++) {
		if (allowed[k] && l->of[k] >= least &&
		    (best == KIND_COUNT || l->of[k] > l->of[best])) {
			best = (enum kind)k;
		}
	}
	return best;
}

static enum rule find_fact(const struct source_facts *f)
{
	if (f == NULL) {
		return RULE_NONE;
	}
	if (f->is_phishing) {
		return RULE_PHISHING;
	}
	if (f->trap_hits >= TRAPS_DECISIVE && f->trap_campaign_count >= 2) {
		return RULE_TRAPS;
	}
	return votes_are_decisive(f->votes_bad, f->votes_total) ? RULE_VOTES : RULE_NONE;
}

static struct finding found(enum verdict verdict, enum rung rung, enum rule rule,
			    enum kind main_kind, enum kind support)
{
	return (struct finding){.verdict = verdict,
				.rung = rung,
				.giver = GIVER_JUDGE,
				.rule = rule,
				.main_kind = main_kind,
				.support = support};
}

/* The table of DECISION §2, strongest line first. */
static struct finding find_line(const struct levels *l)
{
	enum kind strong = find_alarm(l, is_main, LEVEL_ALARM);
	enum kind any_main = find_alarm(l, is_main, LEVEL_WEAK);
	enum kind shape = find_alarm(l, is_shape, LEVEL_ALARM);
	enum kind sign = find_support(l, KIND_COUNT);

	if (strong != KIND_COUNT && find_support(l, strong) != KIND_COUNT) {
		return found(VERDICT_ABUSED, RUNG_BLOCK, RULE_MAIN_AND, strong,
			     find_support(l, strong));
	}
	if (any_main != KIND_COUNT) {
		return found(VERDICT_SUSPECT, RUNG_DIVERT, RULE_MAIN, any_main, KIND_COUNT);
	}
	if (shape != KIND_COUNT && find_support(l, shape) != KIND_COUNT) {
		return found(VERDICT_SUSPECT, RUNG_DIVERT, RULE_SHAPE_AND, shape,
			     find_support(l, shape));
	}
	if (l->is_one_sided_alarm) {
		return found(VERDICT_SUSPECT, RUNG_THROTTLE, RULE_ONE_SIDED, KIND_CONTENT,
			     KIND_COUNT);
	}
	if (shape != KIND_COUNT) {
		return found(VERDICT_UNKNOWN, RUNG_WATCH, RULE_SHAPE, shape, KIND_COUNT);
	}
	if (l->is_guarded_alarm) {
		return found(VERDICT_UNKNOWN, RUNG_WATCH, RULE_GUARDED, KIND_CONTENT, KIND_COUNT);
	}
	if (sign != KIND_COUNT) {
		return found(VERDICT_UNKNOWN, RUNG_WATCH, RULE_SIGN, sign, KIND_COUNT);
	}
	return found(VERDICT_UNKNOWN, RUNG_PASS, RULE_NONE, KIND_COUNT, KIND_COUNT);
}

struct finding witness_find(const struct source_state *s, const struct thresholds *t,
			    const struct ztable *z, uint32_t now_s, bool is_guarded)
{
	struct levels l = levels_of(s, t, z, now_s, is_guarded);
	enum rule fact = find_fact(s->facts);
	struct finding f;

	if (fact != RULE_NONE) {
		f = found(VERDICT_ABUSED, RUNG_BLOCK, fact, KIND_COUNT, KIND_COUNT);
		f.giver = GIVER_FACT;
	} else {
		f = find_line(&l);
	}
	f.has_spike = find_alarm(&l, is_shape, LEVEL_ALARM) != KIND_COUNT;
	/* Healthy is shown, not assumed: h2 of evidence for it and none against it. */
	if (f.rule == RULE_NONE && s->good_micro >= t->h2) {
		f.verdict = VERDICT_HEALTHY;
	}
	return f;
}

static const char *rule_text(enum rule rule)
{
	switch (rule) {
	case RULE_SIGN:
		return "is near alarm";
	case RULE_SHAPE:
		return "alarmed alone, a shape only";
	case RULE_GUARDED:
		return "alarmed, but the filter flags too much";
	case RULE_ONE_SIDED:
		return "alarmed, seen from one side only";
	case RULE_MAIN:
		return "alarmed alone";
	case RULE_SHAPE_AND:
	case RULE_MAIN_AND:
		return "alarmed, supported by";
	case RULE_PHISHING:
		return "phishing confirmed by staff";
	case RULE_TRAPS:
		return "spam traps hit by several campaigns";
	case RULE_VOTES:
		return "recipients voted spam";
	case RULE_NONE:
	case RULE_COUNT:
		break;
	}
	return "";
}

char *witness_rule_format(enum rule rule, enum kind main_kind, enum kind support,
			  char ret_text[static PROOF_RULE_MAX])
{
	int n = 0;

	ret_text[0] = '\0';
	if (main_kind < KIND_COUNT) {
		n = snprintf(ret_text, PROOF_RULE_MAX, "%.12s ", kind_name(main_kind));
	}
	n += snprintf(ret_text + n, PROOF_RULE_MAX - (size_t)n, "%.40s", rule_text(rule));
	if (support < KIND_COUNT) {
		snprintf(ret_text + n, PROOF_RULE_MAX - (size_t)n, " %.10s", kind_name(support));
	}
	return ret_text;
}

/* Votes are scaled down to this many: fewer prove less. */
#define VOTES_MAX 200

bool votes_are_decisive(uint32_t bad, uint32_t total)
{
	if (total == 0 || bad > total) {
		return false;
	}
	uint64_t n = total > VOTES_MAX ? VOTES_MAX : total;
	uint64_t k = total > VOTES_MAX ? (uint64_t)bad * VOTES_MAX / total : bad;
	/* P(X ≥ k | p = .9) < .05, terms in 2^-60 from X = n downwards */
	const uint64_t one = UINT64_C(1) << 60;
	uint64_t term = one;
	uint64_t tail = 0;

	for (uint64_t i = 0; i < n; i++) {
		term = term / 10 * 9;
	}
	for (uint64_t i = n; i >= k && tail < one / 20; i--) {
		tail += term;
		/* term(i−1) = term(i) · i / (n−i+1) · .1/.9 */
		term = term / (9 * (n - i + 1)) * i;
		if (i == 0) {
			break;
		}
	}
	return tail < one / 20;
}

/* Wilson's bound is over p0 exactly when p̂ > p0 and (p̂ − p0)² > z²·p0·(1 − p0)/n. */
static bool differs(uint64_t bad, uint64_t total, uint64_t permille)
{
	while (total > 1000000) {
		bad /= 2;
		total /= 2;
	}
	int64_t d = (int64_t)(bad * 1000) - (int64_t)(total * permille);

	return (uint64_t)(d * d) > total * permille * (1000 - permille) * 38416 / 10000;
}

bool share_is_above(uint32_t bad, uint32_t total, uint32_t permille)
{
	return (uint64_t)bad * 1000 > (uint64_t)total * permille && differs(bad, total, permille);
}

bool share_is_below(uint32_t bad, uint32_t total, uint32_t permille)
{
	return (uint64_t)bad * 1000 < (uint64_t)total * permille && differs(bad, total, permille);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turned: a source that turned bad, before the real judge, in virtual time: 11 messages a second
 * (DECISION §5), each another text, to recipients of whom some are unknown.
 */
#ifndef TESTS_PROP_TURNED_H
#define TESTS_PROP_TURNED_H

#include "core/judge.h"
#include "joint.h"

#include <string.h>

#define TURNED_NEVER 100000

/* Shares of legitimate mail and spam in eight score bins (measured/filter.md's best model). */
static const uint32_t turned_f0[8] = {300000, 293000, 206000, 120000, 49000, 20000, 8000, 3000};
static const uint32_t turned_f1[8] = {500, 4000, 18000, 29000, 69000, 104000, 90000, 685500};

struct turned {
	struct policy *policy;
	struct judge *judge;
	struct source_key source;
	struct wall now;
};

static inline struct judge_filter turned_filter(const struct joint_case *c)
{
	return (struct judge_filter){.tpr_ppm = (uint32_t)(c->tpr * 1e6 + 0.5),
				     .fpr_ppm = (uint32_t)(c->fpr * 1e6 + 0.5)};
}

static inline bool turned_init(struct turned *t, const struct judge_filter *f)
{
	const struct addr a = addr_v4((const uint8_t[4]){192, 0, 2, 7});

	*t = (struct turned){.policy = policy_new(),
			     .source = source_of(NETWORK_NONE, &a, 64),
			     .now = {INT64_C(1700000000) * NS_PER_S}};
	struct judge_opts o = {.policy = t->policy, .filter = *f, .key = {1, 2}};
	o.sources_max = 16;
	t->judge = t->policy == NULL ? NULL : judge_new(&o, NULL);
	return t->judge != NULL;
}

static inline void turned_done(struct turned *t)
{
	judge_free(t->judge);
	policy_free(t->policy);
}

static inline uint8_t turned_bin(struct prng *p, const uint32_t shares[8])
{
	double at = prng_unit(p) * 1e6;
	uint8_t bin = 0;

	while (bin < 7 && at >= shares[bin]) {
		at -= shares[bin++];
	}
	return bin;
}

static inline struct message_obs turned_message(struct turned *t, const struct joint_case *c,
						struct prng *p, bool is_spam)
{
	struct message_obs o = {
		.time = t->now,
		.source = t->source,
		.client = t->source.prefix.addr,
		.destination = addr_v4((const uint8_t[4]){198, 51, 100, 25}),
		.dport = 25,
		.index = 1,
		.state = MESSAGE_ACCEPTED,
		.far = FAR_REPLIED,
		.reply_code = 250,
		.rcpts = c->rcpts,
		.scored = true,
		.simhash = prng_next(p),
		.flagged = prng_unit(p) < (is_spam ? c->tpr : c->fpr),
	};

	o.bin = turned_bin(p, is_spam ? turned_f1 : turned_f0);
	for (uint32_t r = 0; r < c->rcpts; r++) {
		o.rcpts_unknown += is_spam && prng_unit(p) < c->unknown;
	}
	o.rcpts_refused = o.rcpts_unknown;
	o.rcpts_accepted = o.rcpts - o.rcpts_unknown;
	return o;
}

/** Send until the judge blocks. @return Spam messages sent until then; TURNED_NEVER. */
static inline unsigned turned_run(struct turned *t, const struct joint_case *c, struct prng *p)
{
	struct judge_event e;
	unsigned spam = 0;

	for (unsigned n = 0; n < TURNED_NEVER; n++) {
		bool is_spam = prng_unit(p) < c->spam;
		struct message_obs o = turned_message(t, c, p, is_spam);
		spam += is_spam;
		judge_message(t->judge, &o);
		t->now.ns += NS_PER_S / 11;
		while (judge_event_next(t->judge, &e)) {
			if (e.type == JUDGE_MOVED && e.rung == RUNG_BLOCK) {
				return spam;
			}
		}
	}
	return TURNED_NEVER;
}

/** Mean over seeded runs, each with a fresh judge. 0 without memory. */
static inline double turned_mean(const struct joint_case *c, const struct judge_filter *f,
				 unsigned runs, uint64_t seed)
{
	double sum = 0;

	for (unsigned i = 0; i < runs; i++) {
		struct turned t;
		struct prng p = {.state = seed + i};
		if (!turned_init(&t, f)) {
			return 0;
		}
		sum += turned_run(&t, c, &p);
		turned_done(&t);
	}
	return sum / runs;
}

#endif

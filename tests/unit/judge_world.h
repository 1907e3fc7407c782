/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_world: a small network with four tenants and a judge over it, for the judge's tests.
 */
#ifndef TESTS_UNIT_JUDGE_WORLD_H
#define TESTS_UNIT_JUDGE_WORLD_H

#include "base/prng.h"
#include "core/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define START_S INT64_C(1700000000)

struct world {
	struct policy *policy;
	struct judge *judge;
	struct network network;
	struct tenant tenants[4];
	struct server servers[4];
	struct prefix sources[8];
	struct judge_opts opts;
	struct prng prng;
	struct wall now;
	struct judge_event last; /* the last move */
	unsigned moves;
	unsigned spikes;
	unsigned brakes;
	unsigned guards;
	void (*moved)(struct world *w, const struct judge_event *e); /* may be NULL */
};

static inline struct addr address(uint8_t last)
{
	return addr_v4((const uint8_t[4]){192, 0, 2, last});
}

static inline struct source_key key(uint8_t last)
{
	const struct addr a = address(last);

	return source_of(0, &a, 64);
}

/* Tenant n has server n with the addresses 10·n to 10·n + 1. */
static inline void fill_policy(struct world *w)
{
	w->network = (struct network){.name = "customers", .mode = MODE_ENFORCE};
	w->policy->networks = &w->network;
	w->policy->network_count = 1;
	for (size_t i = 0; i < COUNT_OF(w->tenants); i++) {
		for (size_t k = 0; k < 2; k++) {
			const struct addr a = address((uint8_t)((i + 1) * 10 + k));
			w->sources[2 * i + k] = prefix_of(&a, 32);
		}
		w->servers[i] = (struct server){.name = "s",
						.tenant = (uint32_t)i,
						.sources = &w->sources[2 * i],
						.source_count = 2};
		w->tenants[i] = (struct tenant){
			.name = "t", .servers = &w->servers[i], .server_count = 1};
	}
	w->policy->tenants = w->tenants;
	w->policy->tenant_count = COUNT_OF(w->tenants);
}

static inline struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	struct errmsg err = {0};

	assert_non_null(w);
	w->policy = policy_new();
	assert_non_null(w->policy);
	fill_policy(w);
	w->opts = (struct judge_opts){
		.policy = w->policy,
		.filter = {.tpr_ppm = 780000, .fpr_ppm = 10000},
		.key = {1, 2},
	};
	w->judge = judge_new(&w->opts, &err);
	assert_non_null(w->judge);
	w->prng.state = 7;
	w->now.ns = START_S * NS_PER_S;
	return w;
}

static inline void world_free(struct world *w)
{
	judge_free(w->judge);
	policy_free(w->policy);
	free(w);
}

static inline void fetch(struct world *w)
{
	struct judge_event e;

	while (judge_event_next(w->judge, &e)) {
		w->moves += e.type == JUDGE_MOVED;
		w->spikes += e.type == JUDGE_SPIKE;
		w->brakes += e.type == JUDGE_BRAKE_ON;
		w->guards += e.type == JUDGE_GUARD_ON;
		if (e.type == JUDGE_MOVED) {
			w->last = e;
			if (w->moved != NULL) {
				w->moved(w, &e);
			}
		}
	}
}

static inline void send(struct world *w, const struct message_obs *o)
{
	judge_message(w->judge, o);
	fetch(w);
	w->now.ns += NS_PER_S;
}

/* A different text each time, to one recipient who is known, two minutes apart. */
static inline struct message_obs mail(struct world *w, uint8_t last, bool flagged)
{
	struct message_obs o = {
		.time = w->now,
		.source = key(last),
		.client = address(last),
		.destination = addr_v4((const uint8_t[4]){198, 51, 100, 25}),
		.dport = 25,
		.index = 1,
		.state = MESSAGE_ACCEPTED,
		.far = FAR_REPLIED,
		.reply_code = 250,
		.rcpts = 1,
		.rcpts_accepted = 1,
		.scored = true,
		.flagged = flagged,
		.simhash = prng_next(&w->prng),
	};

	if (flagged) {
		memset(o.sample, (int)(prng_next(&w->prng) & 0xFF), sizeof(o.sample));
	}
	return o;
}

static inline void send_mails(struct world *w, uint8_t last, bool flagged, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct message_obs o = mail(w, last, flagged);
		send(w, &o);
	}
}

/* Legitimate text to recipients of whom `unknown` are refused. */
static inline void send_refused(struct world *w, uint8_t last, uint32_t rcpts, uint32_t unknown)
{
	struct message_obs o = mail(w, last, false);

	o.scored = false;
	o.rcpts = rcpts;
	o.rcpts_accepted = rcpts - unknown;
	o.rcpts_refused = unknown;
	o.rcpts_unknown = unknown;
	send(w, &o);
}

static inline void connect_to(struct world *w, uint8_t last, unsigned n, bool far)
{
	for (unsigned i = 0; i < n; i++) {
		struct session_obs o = {
			.time = w->now,
			.source = key(last),
			.client = address(last),
			.destination = addr_v4((const uint8_t[4]){198, 51, 100, 25}),
			.dport = 25,
			.event = SESSION_OPENED,
			.far = far ? FAR_ACKED : FAR_NONE,
		};
		judge_session(w->judge, &o);
		fetch(w);
	}
}

static inline struct proof proof_of(struct world *w, uint8_t last)
{
	const struct source_key k = key(last);
	struct proof p;

	assert_true(judge_proof_of(w->judge, &k, &p));
	return p;
}

static inline void check(struct world *w, uint8_t last, enum verdict verdict, enum rung rung)
{
	struct proof p = proof_of(w, last);

	assert_string_equal(verdict_name(p.verdict), verdict_name(verdict));
	assert_string_equal(rung_name(p.rung), rung_name(rung));
}

static inline void abuse(struct world *w, uint8_t last)
{
	send_mails(w, last, true, 20);
	send_refused(w, last, 20, 20);
}

/* Anything may happen to one of thirty sources. */
static inline void random_observation(struct world *w, struct prng *p)
{
	uint8_t last = (uint8_t)(10 + prng_below(p, 30));
	struct message_obs o = mail(w, last, prng_below(p, 4) == 0);

	w->now.ns += (int64_t)prng_below(p, 600) * NS_PER_S;
	o.time = w->now;
	o.index = (uint32_t)prng_below(p, 2);
	o.far = (enum far_side)prng_below(p, FAR_COUNT);
	o.simhash = prng_below(p, 3) == 0 ? prng_below(p, 8) : prng_next(p);
	o.campaign = prng_below(p, 5) + 1;
	o.rcpts = (uint32_t)prng_below(p, 9);
	o.rcpts_refused = (uint32_t)prng_below(p, (uint32_t)o.rcpts + 1);
	o.rcpts_accepted = o.rcpts - o.rcpts_refused;
	o.rcpts_unknown = (uint32_t)prng_below(p, o.rcpts_refused + 1);
	o.refusal = (enum refusal)prng_below(p, REFUSAL_COUNT);
	o.sender_domain = prng_below(p, 40) + 1;
	o.helo = prng_below(p, 6);
	send(w, &o);
	if (prng_below(p, 3) == 0) {
		struct session_obs s = {
			.time = w->now,
			.source = o.source,
			.client = o.client,
			.destination = address((uint8_t)prng_below(p, 256)),
			.event = (enum session_event)prng_below(p, SESSION_EVENT_COUNT),
			.far = FAR_ACKED,
			.verified = true,
		};
		judge_session(w->judge, &s);
		fetch(w);
	}
	if (prng_below(p, 50) == 0) {
		judge_pardon(w->judge, &o.source, (struct wall){w->now.ns + 3600 * NS_PER_S});
	}
	if (prng_below(p, 60) == 0) {
		judge_standing(w->judge, &o.source, RUNG_THROTTLE, GIVER_STAFF,
			       (struct wall){w->now.ns + 1800 * NS_PER_S});
	}
	judge_tick(w->judge, w->now);
	fetch(w);
}

#endif

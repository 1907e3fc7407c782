/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cutter: ends the running sessions of sources that have just been blocked.
 *
 * It asks the tap which sessions there are, pokes both ends of each, asks again a moment later,
 * and pokes what is left. No order ever waits for it: without an answer the sessions end with
 * their next packet, and only an idle far side stays. Layer: daemon.
 */
#ifndef DAEMON_GATE_CUTTER_H
#define DAEMON_GATE_CUTTER_H

#include "base/attr.h"
#include "base/list.h"
#include "core/order.h"
#include "core/policy.h"
#include "enforce/poke.h"
#include "sys/loop.h"

/* Sources being cut at once; further ones are not poked, and counted. */
#define CUTS_MAX 1024
/* How often the tap is asked, and how long an answer may take. */
#define CUT_ROUNDS 3
#define CUT_ROUND_MS 200
#define CUT_ANSWER_MS 1000

struct cutter_ops {
	/* Ask the tap; the body of MSG_FLOWS_WANTED. @return as child_send */
	int (*ask)(void *ctx, struct str body);
	/* `ended` sessions of the order's source are gone. */
	void (*done)(void *ctx, enum order_origin origin, uint64_t seq, uint32_t ended);
};

struct cutter {
	const struct policy *policy;
	const struct cutter_ops *ops;
	void *ctx;
	struct loop_event *timer;
	struct poke *poke;
	struct list cuts;
	size_t count;
	uint64_t last_token;
	uint64_t skipped; /* sources not asked for: CUTS_MAX, or no tap */
	uint64_t poked;   /* sessions */
};

/** @return 0, or a negative errno. */
MUSTUSE int cutter_init(struct cutter *c, const struct policy *policy, struct loop *loop,
			const struct cutter_ops *ops, void *ctx);
/** Gives up what runs. */
void cutter_done(struct cutter *c);
void cutter_begin(struct cutter *c, const struct source_key *source, const struct order *o);
/** The body of MSG_FLOWS. @return false when it makes no sense. */
MUSTUSE bool cutter_answer(struct cutter *c, struct str body);

#endif

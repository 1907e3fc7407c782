/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence: puts one observation into the legs of one source.
 *
 * Looks at that source alone; what depends on other sources (was the campaign shared?) comes in
 * as an argument, so that a stored observation can be applied again with the same result.
 * Layer: core (pure). Source: DECISION §2 to §4.
 */
#ifndef CORE_EVIDENCE_H
#define CORE_EVIDENCE_H

#include "core/source_state.h"
#include "core/ztable.h"

/* New domains of a source in one hour that are nothing special (DECISION §4). */
#define SENDER_NEW_MAX 3
/* Names one address may give in HELO on one day. */
#define HELO_NAMES_MAX 2

/* What one observation owes to the world around its source. */
struct outside {
	bool is_trusted; /* the network vouches for source addresses (sources_verified) */
	bool is_blocked; /* the source's mail is shut: what it tries is defiance */
	bool has_shared; /* the campaign could be compared between tenants … */
	bool is_shared;  /* … and came from several of them */
};

struct thresholds {
	int32_t h;
	int32_t h2;
};

struct evidence_rules {
	const struct ztable *z;
	const struct decision_policy *d;
};

/** Tighter during probation: five eighths of both. */
struct thresholds thresholds_of(const struct source_state *s, const struct decision_policy *d,
				uint32_t now_s);

/** Let time pass: what connections did falls, hours and days end. Waiting twice for half as long is
 * the same. */
void evidence_wait(struct source_state *s, struct wall now, struct budget *b);
void evidence_message(struct source_state *s, const struct message_obs *o,
		      const struct evidence_rules *rules, struct outside x, struct budget *b);
/* What an answer that came later changes: as it was when the message was counted. */
struct late_opinion {
	struct wall time; /* of the answer */
	bool was_flagged;
	uint8_t bin;
	struct copy_id copy;
	int32_t before_micro[CONTENT_LEGS]; /* sums before the message was counted … */
	int32_t after_micro[CONTENT_LEGS];  /* … and after it */
	bool flagged;                       /* by both together */
	int32_t nats_micro;
};

/**
 * Count the message as if the answer had been there at once: each leg gets the difference, within
 * what its campaign may still give.
 */
void evidence_opinion(struct source_state *s, const struct late_opinion *o,
		      const struct evidence_rules *rules, struct budget *b);
void evidence_session(struct source_state *s, const struct session_obs *o,
		      const struct evidence_rules *rules, struct outside x, struct budget *b);

#endif

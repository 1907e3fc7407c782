/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_sources: what `postern scan` remembers of each source, and the judge over all of them.
 * Layer: cli.
 */
#ifndef CLI_SCAN_SOURCES_H
#define CLI_SCAN_SOURCES_H

#include "base/attr.h"
#include "base/err.h"
#include "core/judge.h"
#include "core/observation.h"
#include "core/policy.h"
#include "core/proof.h"
#include "core/score.h"

/* Changes of rung that are kept of one source; later ones are left out. */
#define SCAN_RUNGS_MAX 64

struct scan_rung {
	enum rung rung;
	uint64_t at_message;
	struct wall time;
};

struct scan_source {
	struct source_key key;
	uint64_t messages;
	uint64_t recipients;
	uint64_t rejected;
	uint64_t campaigns;
	bool is_seen;            /* it had a session, not only attempts */
	struct scan_rung *rungs; /* owned */
	size_t rung_count;
};

struct scan_sources;

/**
 * @param policy  Borrowed; the defaults when nobody gave one.
 * @param rates   Of the weights; NULL: nothing is scored.
 * @return 0, or a negative errno.
 */
MUSTUSE int scan_sources_new(const struct policy *policy, const struct score_rates *rates,
			     struct scan_sources **ret, struct errmsg *reterr);
void scan_sources_free(struct scan_sources *s);

/** @return Identity of the message's campaign; 0: none. */
uint64_t scan_sources_message(struct scan_sources *s, const struct message_obs *o);
void scan_sources_session(struct scan_sources *s, const struct session_obs *o);

/** In the order of their first appearance: start with *pos = 0. NULL at the end. */
const struct scan_source *scan_sources_next(const struct scan_sources *s, size_t *pos);
/** @return false when the judge knows nothing of it. */
MUSTUSE bool scan_sources_proof(const struct scan_sources *s, const struct scan_source *source,
				struct proof *ret);

#endif

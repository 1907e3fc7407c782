/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_inside: what the files of the judge share; nobody else includes it. Layer: core (pure).
 */
#ifndef CORE_JUDGE_INSIDE_H
#define CORE_JUDGE_INSIDE_H

#include "core/brake.h"
#include "core/judge.h"
#include "core/ladder.h"
#include "core/median.h"
#include "core/replay.h"
#include "core/server_book.h"
#include "core/sharing.h"
#include "core/source_table.h"
#include "core/witness.h"

/* Content trials that a source needs for a vote on the filter, and votes that are needed. */
#define GUARD_TRIALS_MIN 20
#define GUARD_SOURCES_MIN 20

/* Indices of states, growing; the order has no meaning. */
struct index_list {
	uint32_t *items;
	uint32_t count;
	uint32_t size;
};

struct judge {
	struct judge_opts opts;
	struct ztable z;
	struct evidence_rules rules;
	struct source_table *table;
	struct server_book *servers;
	uint32_t *server_first; /* first source of each server, or SOURCE_NONE */
	struct sharing *sharing;
	struct brake brake;
	struct median flagged_share;
	bool is_guarded;

	struct index_list changed; /* may name a state twice, or one that was forgotten */
	struct index_list held;    /* held_at of each is its place + 1 */
	uint32_t tick_next;
	uint32_t logs; /* for replay, in use */

	struct judge_event events[JUDGE_EVENTS_MAX];
	uint32_t event_first;
	uint32_t event_count;

	uint32_t day; /* of active_today */
	uint32_t active_today;
	uint32_t active_yesterday;
	struct judge_stats stats; /* the counters of it */
};

/* judge.c */
void judge_link(struct judge *j, struct source_state *s);
void judge_hold(struct judge *j, struct source_state *s, uint32_t now_s);
void judge_vote(struct judge *j, struct source_state *s, bool add);
uint32_t judge_active(const struct judge *j);

void judge_drop_logs(struct judge *j);

/* judge_log.c */
void judge_log_message(struct judge *j, struct source_state *s, const struct message_obs *o,
		       struct outside x);
void judge_log_session(struct judge *j, struct source_state *s, const struct session_obs *o,
		       struct outside x);
/** The state was changed by something else than an observation: the log begins anew. */
void judge_log_restart(struct judge *j, struct source_state *s);
void judge_log_drop(struct judge *j, struct source_state *s);
/** Let go of the log of a source that has nothing against it. */
void judge_log_rest(struct judge *j, struct source_state *s);

/* judge_rung.c */
void judge_settle(struct judge *j, struct source_state *s, struct wall now);
struct judge_event *judge_emit(struct judge *j, enum judge_event_type type, struct wall now);
enum rung judge_server_rung(const struct judge *j, const struct source_state *s);

/* judge_view.c */
void judge_make_proof(const struct judge *j, const struct source_state *s, struct wall now,
		      struct proof *ret);

#endif

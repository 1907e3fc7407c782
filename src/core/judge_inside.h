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
#include "core/site_f0.h"
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

/* Counted trials of a source before a place is taken for its vote on f0, and places in all: the
 * sources that come first have them. A source that is silent for a week loses its own. */
#define SITE_TRIALS_MIN 8
#define SITE_VOTES_MAX 32768
#define SITE_VOTE_HOURS (7 * 24)

struct site_vote {
	uint32_t owner; /* index of its source */
	uint16_t network;
	uint32_t hour; /* of its last message, hours of 1970; 0: free */
	struct score_histogram histogram;
};

/* One network's legitimate mail, and what follows from it. */
struct site {
	struct site_f0 f0;
	struct judge_filter filter;
	struct ztable z;
	struct evidence_rules rules;
	uint32_t votes; /* places taken */
};

/* Messages whose second opinion is waited for; beyond it the oldest is not any more. */
#define JUDGE_ASKED_MAX 4096

struct asked;

/* Content sums just before a message is counted. */
struct asked_sums {
	int32_t s[CONTENT_LEGS];
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

	struct site *sites; /* one a network */
	uint32_t site_count;
	uint32_t site_hour;      /* the running one; 0: none yet */
	uint32_t site_next;      /* network whose step is due; site_count: none */
	struct site_vote *votes; /* SITE_VOTES_MAX, or NULL: none yet */
	uint16_t *vote_free;     /* stack of the places that are free */
	uint32_t free_votes;
	struct asked *asked; /* ring of JUDGE_ASKED_MAX, or NULL: none yet */
	uint32_t asked_next;
	bool takes_votes; /* within judge_load */

	struct index_list changed; /* may name a state twice, or one that was forgotten */
	struct index_list held;    /* held_at of each is its place + 1 */
	uint32_t tick_next;
	uint32_t logs; /* for replay, in use */

	struct judge_event events[JUDGE_EVENTS_MAX];
	uint32_t event_first;
	uint32_t event_count;

	uint32_t passed_s; /* the second of the last JUDGE_PASSED, and how many there were in it */
	uint32_t passed_count;

	uint32_t day; /* of active_today */
	uint32_t active_today;
	uint32_t active_yesterday;
	struct judge_stats stats; /* the counters of it */
};

/* judge.c */
void judge_link(struct judge *j, struct source_state *s);
void judge_note_changed(struct judge *j, struct source_state *s);
void judge_hold(struct judge *j, struct source_state *s, uint32_t now_s);
void judge_vote(struct judge *j, struct source_state *s, bool add);
uint32_t judge_active(const struct judge *j);

void judge_drop_logs(struct judge *j);

/* judge_site.c */
/** The tables in force for a source: its network's. */
const struct evidence_rules *judge_rules(const struct judge *j, const struct source_state *s);
const struct judge_filter *judge_filter_in_force(const struct judge *j,
						 const struct source_state *s);
bool judge_learns(const struct judge *j);
/** The policy or the filter is another: everything starts from what was shipped.
 * @param sites  One for each network, of any content; taken over. */
void judge_site_adopt(struct judge *j, struct site *sites);
/** The same with the networks that are there. */
void judge_site_reset(struct judge *j);
void judge_site_done(struct judge *j);
/** Time passes: steps that are due, one at a time. */
void judge_site_time(struct judge *j, struct wall now);
/** A message was counted as a content trial. */
void judge_site_note(struct judge *j, struct source_state *s, const struct message_obs *o);
/** The source's vote, made when there is room; else NULL. */
struct site_vote *judge_site_take(struct judge *j, struct source_state *s);
/** The source's vote is gone. */
void judge_site_drop(struct judge *j, struct source_state *s);
#define JUDGE_SITE_ENCODED_MAX (14 + NETWORKS_MAX * (8 + 4 * SCORE_BINS))
void judge_site_put(struct enc *e, const struct judge *j);
/** @param to  Where each of the checkpoint's networks is now; NETWORK_NONE: gone. */
void judge_site_get(struct cur *c, struct judge *j, const uint16_t *to, size_t count);
#define SITE_VOTE_ENCODED_MAX (1 + 4 + 2 * SCORE_BINS)
void judge_site_put_vote(struct enc *e, const struct judge *j, const struct source_state *s);
bool judge_site_get_vote(struct cur *c, struct site_vote *ret);
void judge_site_set_vote(struct judge *j, struct source_state *s, const struct site_vote *vote);

/* judge_opinion.c */
void judge_opinion_begin(const struct source_state *s, struct asked_sums *ret);
/** A message that another filter was asked about was counted. */
void judge_opinion_note(struct judge *j, const struct source_state *s, const struct message_obs *o,
			const struct asked_sums *before);
/** What was counted of this source is gone. */
void judge_opinion_forget(struct judge *j, const struct source_state *s);

/* judge_log.c */
void judge_log_opinion(struct judge *j, struct source_state *s, const struct late_opinion *o);
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
/** A session of a source that should be shut: say so when it came through. */
void judge_say_passed(struct judge *j, const struct source_state *s, const struct session_obs *o);
enum rung judge_server_rung(const struct judge *j, const struct source_state *s);

/* judge_view.c */
void judge_make_proof(const struct judge *j, const struct source_state *s, struct wall now,
		      struct proof *ret);

#endif

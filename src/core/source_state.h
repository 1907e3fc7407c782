/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_state: what the judge remembers of one source, packed: there are a million of them.
 *
 * Small heap blocks hang on it only where a source does more than a quiet one. Seconds are of
 * 1970 in 32 bits, 0 meaning never. Layer: core (pure).
 */
#ifndef CORE_SOURCE_STATE_H
#define CORE_SOURCE_STATE_H

#include "base/buf.h"
#include "core/copies.h"
#include "core/fewset.h"
#include "core/legs.h"
#include "core/policy.h"
#include "core/proof.h"

#define SERVER_NONE UINT32_MAX
#define SOURCE_NONE UINT32_MAX

/* The share of flagged mail is taken over the last trials; both counts are halved here. */
#define RECENT_TRIALS_MAX 512

/* What the legs of kind fanout count. */
enum flow {
	FLOW_CONNECTIONS,
	FLOW_DESTINATIONS,
	FLOW_FAILURES,
	FLOW_COUNT,
};

/* Kinds whose trials are good or bad and which have one leg. */
enum trial_kind {
	TRIAL_RECIPIENTS,
	TRIAL_OPINION,
	TRIAL_SHARED,
	TRIAL_HELO,
	TRIAL_SENDER,
	TRIAL_KIND_COUNT,
};

/* Which line of DECISION §2 decided. Stored: append, never reorder. */
enum rule {
	RULE_NONE,
	RULE_SIGN,      /* some kind reached h2: watch */
	RULE_SHAPE,     /* one shape kind alarmed: watch */
	RULE_GUARDED,   /* content alarmed while the filter flags too much everywhere: watch */
	RULE_ONE_SIDED, /* content alarmed without the far side's answers: throttle */
	RULE_MAIN,      /* one main kind alarmed: suspect */
	RULE_SHAPE_AND, /* a shape kind alarmed and another supports: suspect */
	RULE_MAIN_AND,  /* a main kind alarmed and another supports: abused */
	RULE_PHISHING,  /* decisive */
	RULE_TRAPS,     /* decisive */
	RULE_VOTES,     /* decisive */
	RULE_COUNT,
};

/* Rare: what others said. */
struct source_facts {
	bool is_phishing;
	bool complaint_alarm;
	uint32_t trap_hits;
	uint64_t trap_campaigns[2];
	uint32_t trap_campaign_count;
	uint32_t votes_bad;
	uint32_t votes_total;
	uint32_t complaints;
	uint32_t delivered;
	uint32_t listing_micro;
	/* URLs in its mail that are on lists: for 24 hours from list_since_s */
	uint32_t list_since_s;
	uint32_t list_micro; /* of all lists, each with its own limit */
	uint16_t list_campaigns;
	uint8_t list_hits[LISTS_MAX]; /* campaigns */
};

/* Bits of source_state.flags */
#define STATE_IS_USED 1
#define STATE_IS_CHANGED 2                               /* on the list of those that changed */
#define STATE_HAS_STANDING 4                             /* staff or a grant holds the rung */
#define STATE_IS_SPIKE 8                                 /* the shape alarm was said */
#define STATE_KEPT (STATE_HAS_STANDING | STATE_IS_SPIKE) /* in a checkpoint */

struct replay_log;

struct source_state {
	struct source_key key;
	uint32_t index;   /* in the table */
	uint32_t server;  /* index, or SERVER_NONE */
	uint32_t sibling; /* next source of the same server, or SOURCE_NONE */
	uint32_t held_at; /* place + 1 on the list of those with a rung, standing or probation */

	uint32_t first_s;
	uint32_t last_s;
	uint32_t rung_since_s;
	uint32_t abused_since_s;
	uint32_t standing_until_s; /* 0 with a standing: for good */
	uint32_t probation_until_s;

	uint8_t verdict; /* enum verdict */
	uint8_t rung;    /* enum rung: where it belongs by its own evidence */
	uint8_t ordered; /* enum rung: what was last said in an event */
	uint8_t giver;   /* enum giver */
	uint8_t flags;
	uint8_t standing_rung;
	uint8_t standing_giver;
	uint8_t pi0_level;
	uint8_t rule; /* enum rule */
	uint8_t rule_main;
	uint8_t rule_support; /* enum kind; KIND_COUNT: none */
	uint8_t sender_new;   /* in the running hour */
	uint16_t helo_day;
	uint16_t recent_trials; /* of content, the last few hundred */
	uint16_t recent_bad;
	uint16_t vote; /* place + 1 among the votes on f0; 0: none */

	struct leg content[CONTENT_LEGS];
	uint32_t content_trials;
	uint32_t content_bad;
	int32_t good_micro; /* evidence for healthy: the mirror of the weakest content leg */
	struct trial_leg one_sided;
	struct trial_leg trial[TRIAL_KIND_COUNT];
	struct flow_leg flow[FLOW_COUNT];
	uint32_t flow_unit; /* until when flows are counted, units of legs.h; 0: never */

	uint32_t messages;
	uint32_t flagged;
	uint32_t recipients;
	uint32_t recipients_unknown;
	uint32_t campaigns;
	uint32_t first_flagged_s;
	uint32_t last_flagged_s;
	uint32_t defiance;

	struct fewset destinations; /* of the running hour */
	struct fewset senders;
	struct fewset helos; /* of the running day */
	struct copies copies;
	uint8_t (*samples)[SHA256_SIZE]; /* newest last */
	uint8_t sample_count;
	uint8_t sample_room;
	struct source_facts *facts; /* NULL: none */
	struct replay_log *log;     /* the judge's, for replay; NULL: none */
};
/* A million sources in 512 MiB, with table and heap blocks (DESIGN §12). */
static_assert(sizeof(struct source_state) <= 424, "a quiet source stays small");

/** Gives back all heap blocks but the log; key, times and rungs stay. */
void source_state_forget(struct source_state *s, struct budget *b);
/** Evidence starts anew: all sums, counts and sets. Rungs, standings and the server stay. */
void source_state_reset(struct source_state *s, struct budget *b);
/** What the lists of URLs say now; 0 when their 24 hours are over. */
uint32_t source_facts_listed(const struct source_facts *f, uint32_t now_s);
#define LIST_WINDOW_S (24 * 3600)
/** NULL without memory. */
struct source_facts *source_state_facts(struct source_state *s, struct budget *b);
void source_state_add_sample(struct source_state *s, const uint8_t hash[static SHA256_SIZE],
			     struct budget *b);

/** Checkpoint form: all but what the table itself knows (server, sibling, places on lists). */
#define SOURCE_STATE_ENCODED_MAX 4096
void source_state_put(struct enc *e, const struct source_state *s);
/* 2: with the lists of URLs. */
#define SOURCE_STATE_VERSION 2
/** Fails the cursor on nonsense; then nothing is held. */
void source_state_get(struct cur *c, unsigned version, struct source_state *ret, struct budget *b);

#endif

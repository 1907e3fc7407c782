/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: turns observations into verdicts and rungs, one source at a time.
 *
 * Knows sources, legs, the two-witness rule, the ladder and the brake (docs/decision.md); knows
 * nothing of sockets, clocks or files. Time comes with each observation and may stand still but
 * not matter: the same observations in the same order give the same bits on every machine.
 * What the judge concludes comes out as events, to be fetched after each call.
 *
 *	judge_message(j, &obs);
 *	while (judge_event_next(j, &event)) { … }
 *
 * Layer: core (pure).
 */
#ifndef CORE_JUDGE_H
#define CORE_JUDGE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/siphash.h"
#include "core/observation.h"
#include "core/policy.h"
#include "core/proof.h"
#include "core/site_f0.h"

/* Sources that are remembered unless told otherwise; beyond it the coldest one that is on no rung
 * and has no order is forgotten. */
#define JUDGE_SOURCES_MAX 1000000
/* Calibrated score bins that the weights may have. */
#define JUDGE_BINS_MAX 16
/* Events that may wait; a caller that fetches after each call never has more than four. */
#define JUDGE_EVENTS_MAX 64

/* Sources whose observations are kept for replay at once; of further ones a verdict can be
 * explained, but not computed again. */
#define JUDGE_LOGS_MAX 2048

struct judge;

/* What the filter is known to do; the z tables of content are made from it. Plain numbers, so
 * that the judge does not depend on the form of the weights. */
struct judge_filter {
	uint32_t tpr_ppm;                /* share of spam that is flagged */
	uint32_t fpr_ppm;                /* share of legitimate mail that is flagged */
	size_t bin_count;                /* 0: a trial is only flagged or not */
	uint32_t f0_ppm[JUDGE_BINS_MAX]; /* share of legitimate mail in each bin */
	uint32_t f1_ppm[JUDGE_BINS_MAX]; /* share of spam in each bin */
	uint64_t weights_version;        /* first octets of the weights' SHA-256 */
	uint32_t f0_version;             /* steps that f0 was learned in; 0: as shipped */
};

struct judge_opts {
	const struct policy *policy; /* borrowed until judge_free or judge_reload */
	struct judge_filter filter;
	struct siphash_key key; /* of the tables; from random octets, fixed in tests and `scan` */
	uint32_t sources_max;   /* 0: JUDGE_SOURCES_MAX */
	bool has_prior;         /* content sums of a known tenant's new source start at 2 nats */
	bool learns_f0; /* f0 of each network follows its own legitimate mail (DECISION §3) */
	bool has_relay; /* `divert` can be done; without it, it falls to `throttle` */
};

enum judge_event_type {
	JUDGE_MOVED,     /* a source changed its rung: to be ordered from the gate */
	JUDGE_SPIKE,     /* a shape kind alarmed by itself */
	JUDGE_BRAKE_ON,  /* too many blocks: further ones become throttle until staff lift it */
	JUDGE_BRAKE_OFF, /* staff lifted it */
	JUDGE_GUARD_ON,  /* the filter flags too much: content alarms stop at watch */
	JUDGE_GUARD_OFF,
	JUDGE_PASSED, /* a blocked source of a network that enforces completed a handshake */
	JUDGE_EVENT_COUNT,
};

struct judge_event {
	enum judge_event_type type;
	struct wall time;

	struct source_key source; /* of what is about a source */

	/* JUDGE_MOVED and JUDGE_SPIKE only */
	enum rung from;
	enum rung rung;
	enum verdict verdict;
	enum giver giver; /* GIVER_JUDGE, or GIVER_FACT */
	enum mode mode;   /* of the source's network; MODE_OBSERVE without one */
	struct proof proof;

	/* JUDGE_BRAKE_ON only */
	uint32_t blocks;
	uint32_t window_s;
};

/* Things said about a source that are no message and no session (DECISION §2 and §4). */
enum judge_fact_type {
	FACT_PHISHING,   /* confirmed by staff: decisive */
	FACT_TRAP,       /* a spam trap was hit; decisive from 3 hits in 2 campaigns */
	FACT_VOTES,      /* `bad` of `total` independent recipients say spam */
	FACT_COMPLAINTS, /* `bad` complaints about `total` delivered messages */
	FACT_LISTING,    /* on a blocklist that is trusted with `nats_micro`; 0: off it again */
	FACT_COUNT,
};

struct judge_fact {
	enum judge_fact_type type;
	struct wall time;
	struct source_key source;
	uint64_t campaign; /* FACT_TRAP */
	uint32_t bad;
	uint32_t total;
	uint32_t nats_micro;
};

/** What `status` shows. */
struct judge_stats {
	uint64_t messages;
	uint64_t sessions;
	uint64_t opinions;      /* answers of other filters that were counted */
	uint64_t opinions_late; /* about nothing that was counted, or not any more */
	uint64_t one_sided;     /* messages without the far side's answer */
	uint64_t forgotten;     /* sources given up for room */
	uint64_t events_lost;
	uint64_t logs_refused; /* observations not kept for replay: JUDGE_LOGS_MAX were */
	uint32_t sources;
	uint32_t active; /* sources seen today or, when that is more, yesterday */
	uint32_t by_rung[RUNG_COUNT];
	uint32_t blocks_in_window;
	uint32_t brake_limit;
	bool is_braked;
	bool is_guarded;
	int32_t h_micro;
	int32_t h2_micro;
	uint32_t flagged_median_ppm; /* median over sources of the share of flagged messages */
	uint32_t flagged_limit_ppm;  /* θ0/2: the guard is on above it */
	/* Promise of DECISION §1: healthy sources alarmed falsely in 10,000 trials of each kind, at
	 * most, in millionths. */
	uint64_t false_alarms_ppm;
};

/** @return NULL without memory, or (with `reterr`) when the filter's numbers make no sense. */
MUSTUSE struct judge *judge_new(const struct judge_opts *o, struct errmsg *reterr);
/** NULL is allowed. */
void judge_free(struct judge *j);
/**
 * Another policy or filter; sources, sums and rungs stay.
 *
 * @return 0; a negative errno when the filter makes no sense or without memory: the old one stays.
 */
MUSTUSE int judge_reload(struct judge *j, const struct judge_opts *o, struct errmsg *reterr);

/** Take one message into account. Cost: bounded, without system calls but for memory. */
void judge_message(struct judge *j, const struct message_obs *o);
/**
 * These messages come next: with many sources memory is waited for once instead of once each.
 * Changes nothing.
 *
 * @param n  At most JUDGE_BATCH_MAX.
 */
#define JUDGE_BATCH_MAX 16
void judge_ahead(const struct judge *j, const struct message_obs *list, size_t n);
#define JUDGE_BATCH_MAX 16
/** Another filter's answer about a message with is_asked: what it changes is counted, once. */
void judge_opinion(struct judge *j, const struct opinion_obs *o);
void judge_session(struct judge *j, const struct session_obs *o);
void judge_fact(struct judge *j, const struct judge_fact *f);
/** Time passes: standings and probations end, quiet sources step down. Call about once a second. */
void judge_tick(struct judge *j, struct wall now);

/** @return false when none waits. */
MUSTUSE bool judge_event_next(struct judge *j, struct judge_event *ret);
/** One source that changed since it was last returned here. @return false when there is none. */
MUSTUSE bool judge_changed_next(struct judge *j, struct source_key *ret);

/**
 * Staff or a grant put the source on a rung until a time (ns 0: for good): the judge goes on
 * counting and moves it only for what goes before `giver` (DESIGN §3).
 */
void judge_standing(struct judge *j, const struct source_key *k, enum rung rung, enum giver giver,
		    struct wall until);
/** Unblocked: the evidence of the whole server starts anew, with tighter thresholds until then.
 * Saying the same again changes nothing: the desk does so when either of the two was killed. */
void judge_pardon(struct judge *j, const struct source_key *k, struct wall probation_until);
/** A grant `forwarder`: the share of spam taken as healthy, 50,000 to 200,000 ppm. */
void judge_forwarder(struct judge *j, const struct source_key *k, uint32_t pi0_ppm);
void judge_brake_lift(struct judge *j, struct wall now);

/** What is known about a source now. @return false when nothing is. */
MUSTUSE bool judge_proof_of(const struct judge *j, const struct source_key *k, struct proof *ret);

/** @return false to end the walk. */
typedef bool judge_visit_fn(const struct source_key *k, enum verdict verdict, enum rung rung,
			    void *ctx);
/** All sources, in no order. */
void judge_walk(const struct judge *j, judge_visit_fn *visit, void *ctx);

void judge_stats(const struct judge *j, struct judge_stats *ret);

/**
 * How legitimate mail scores in a network, as learned.
 *
 * @return false: nothing is learned here, or there is no such network.
 */
MUSTUSE bool judge_site_of(const struct judge *j, uint16_t network, struct site_f0 *ret);

/**
 * The observations that led to a proof, with it, for storing (core/replay.h). Ask while handling
 * the event that brought the proof: the next observation changes the log.
 *
 * @return false: there is none (too many sources are logged, or it follows from no observation).
 */
MUSTUSE bool judge_log_of(struct judge *j, const struct proof *p, struct buf *ret);

/* ---- checkpoint: written in parts, so that it never holds up an observation for long ---- */

/* All zero: at the start. */
struct judge_save {
	bool is_begun;
	uint32_t next;
	uint32_t count;
};

/**
 * Append the next part.
 *
 * @param part  Octets after which it is enough for now; a part is at most
 *              JUDGE_SAVE_OVER longer. Sources keep changing between parts: each is as it was
 *              when its part was written.
 * @return true when that was the last one.
 */
MUSTUSE bool judge_save(const struct judge *j, struct judge_save *s, size_t part, struct buf *out);
#define JUDGE_SAVE_OVER (512 * 1024)

/**
 * Take back what was saved, into a fresh judge. Networks are found by their names; sources of
 * those that are gone are left out.
 *
 * @return 0; -EBADMSG when it is not a whole checkpoint of a version that is known: then the judge
 *         is as fresh as before.
 */
MUSTUSE int judge_load(struct judge *j, struct str data, struct errmsg *reterr);

#endif

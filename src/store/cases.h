/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cases: the record of each incident, from block to closing, with its story and its proofs.
 *
 * The holder is who a case is about: the server ("tenant/server") when one is known, else the
 * source. The database itself refuses a second open case of one holder. Which move is allowed
 * is core/case's business, not this one's. Layer: store.
 */
#ifndef STORE_CASES_H
#define STORE_CASES_H

#include "core/order.h"
#include "store/store.h"

struct case_row {
	uint64_t id;
	struct str network; /* its name; NULL view: none */
	struct str source;  /* as source_format writes it: the one that was caught first */
	struct str holder;
	struct str server; /* NULL view: unknown */
	struct str tenant; /* NULL view: unknown */
	enum case_state state;
	enum rung rung;       /* in force, or what it would be */
	enum mode mode;       /* MODE_OBSERVE: "would have blocked" */
	bool staff_only;      /* a suspect: the owner was not told */
	enum verdict verdict; /* of the order it rests on */
	enum giver giver;
	enum order_origin order_origin; /* the order that made it what it is */
	uint64_t order_seq;
	struct str reason; /* of that order */
	struct wall opened_at;
	struct wall updated_at;
	struct wall blocked_at;      /* last time it was shut; ns 0: never */
	struct wall allowed_at;      /* cool-down over; ns 0: staff decide */
	struct wall probation_until; /* ns 0: not in probation */
	struct wall closed_at;       /* ns 0: open */
	uint32_t blocks;             /* how often it was shut within this case */
	uint32_t blocked_before;     /* how often the holder was blocked before this time */
	enum unblock_policy unblock;
	struct str cause; /* as the owner stated; NULL view: not yet */
	struct str fix;
	struct str assignee; /* of staff; NULL view: nobody */
};

/* All `struct str` of `f` may be NULL views: any. */
struct case_filter {
	bool open_only;
	int state; /* enum case_state, or -1: any */
	struct str tenant;
	struct str source; /* exact text */
	struct str network;
	struct str holder;
};

typedef void case_visit_fn(const struct case_row *c, void *ctx);

/** Newest first. */
MUSTUSE int cases_list(struct store *st, const struct case_filter *f, const struct page *page,
		       case_visit_fn *visit, void *ctx, struct page_end *ret_end,
		       struct errmsg *reterr);
/** @return 0; -ENOENT. `ret` lives in `a`. */
MUSTUSE int cases_get(struct store *st, uint64_t id, struct arena *a, struct case_row *ret,
		      struct errmsg *reterr);
/** The open case of a holder. @return 0; -ENOENT without one. */
MUSTUSE int cases_find_open(struct store *st, struct str network, struct str holder,
			    struct arena *a, struct case_row *ret, struct errmsg *reterr);
/** How often was a holder blocked, in all its cases? */
MUSTUSE int cases_count_blocks(struct store *st, struct str network, struct str holder,
			       uint32_t *ret, struct errmsg *reterr);

/** @return 0 with ret_id; -EEXIST when the holder has an open one. */
MUSTUSE int cases_add(struct store *st, const struct case_row *c, uint64_t *ret_id,
		      struct errmsg *reterr);
/** Write all fields of c->id that may change. @return 0; -ENOENT. */
MUSTUSE int cases_put(struct store *st, const struct case_row *c, struct errmsg *reterr);

/** A case whose probation is over. @return 0; -ENOENT when there is none. */
MUSTUSE int cases_next_calm(struct store *st, struct wall now, uint64_t *ret_id,
			    struct errmsg *reterr);

/* One line of a case's story. */
struct story_row {
	uint64_t id;
	uint64_t case_id;
	struct wall at;
	struct str who;  /* "judge", "gate", "desk", "owner:NAME", "staff:NAME", "link" */
	struct str what; /* one word: opened, blocked, note, unblock_requested, … */
	struct str text; /* for people */
};
typedef void story_visit_fn(const struct story_row *s, void *ctx);

MUSTUSE int cases_add_story(struct store *st, const struct story_row *s, struct errmsg *reterr);
/** Oldest first, at most STORY_MAX. */
#define STORY_MAX 1000
MUSTUSE int cases_list_story(struct store *st, uint64_t case_id, story_visit_fn *visit, void *ctx,
			     struct errmsg *reterr);

/* What a verdict rested on; `proof` is for proof_decode. */
struct proof_row {
	struct wall at;
	enum order_origin origin;
	uint64_t seq;
	struct str proof;
};
typedef void proof_visit_fn(const struct proof_row *p, void *ctx);

MUSTUSE int cases_add_proof(struct store *st, uint64_t case_id, const struct proof_row *p,
			    struct errmsg *reterr);
/** Oldest first. */
MUSTUSE int cases_list_proofs(struct store *st, uint64_t case_id, proof_visit_fn *visit, void *ctx,
			      struct errmsg *reterr);

/* What the owner asked and what was answered. */
struct request_row {
	uint64_t id;
	uint64_t case_id;
	struct wall at;
	struct str who;
	struct str cause;
	struct str fix;
	bool granted;
	struct str checks; /* JSON array of {name, result, detail} */
};
typedef void request_visit_fn(const struct request_row *q, void *ctx);
MUSTUSE int cases_add_request(struct store *st, const struct request_row *q, struct errmsg *reterr);
MUSTUSE int cases_list_requests(struct store *st, uint64_t case_id, request_visit_fn *visit,
				void *ctx, struct errmsg *reterr);

/* Attempts to send while blocked, as the gate counted them: one point in time. */
struct attempt_row {
	struct wall at;
	uint64_t hits; /* refused since the block */
};
/**
 * Kept only when the count differs from the last one; one with the same time takes its place.
 *
 * @param keep_from  Older points may go, all but the newest of them.
 */
MUSTUSE int cases_add_attempts(struct store *st, uint64_t case_id, const struct attempt_row *a,
			       struct wall keep_from, struct errmsg *reterr);
/** Counting starts anew: another block, or the case is closed. */
MUSTUSE int cases_clear_attempts(struct store *st, uint64_t case_id, struct errmsg *reterr);
typedef void attempt_visit_fn(const struct attempt_row *a, void *ctx);
/** Newest first, down to and with the first point before `since`; at most ATTEMPTS_MAX. */
#define ATTEMPTS_MAX 4096
MUSTUSE int cases_list_attempts(struct store *st, uint64_t case_id, struct wall since,
				attempt_visit_fn *visit, void *ctx, struct errmsg *reterr);

#endif

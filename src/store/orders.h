/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders: every order of judge and desk, and how far the gate has brought it.
 *
 * (origin, seq) is the identity, so an order that the gate repeats is stored once. The desk's
 * own numbers are given here and never twice. Layer: store.
 */
#ifndef STORE_ORDERS_H
#define STORE_ORDERS_H

#include "core/order.h"
#include "store/store.h"

struct order_row {
	uint64_t id;
	enum order_origin origin;
	uint64_t seq;
	uint64_t case_id;   /* 0: none */
	struct str network; /* name; NULL view: none */
	struct str source;
	enum rung rung;
	enum verdict verdict;
	enum giver giver;
	enum mode mode;
	struct wall given_at;
	struct wall expires_at; /* ns 0: never */
	struct str reason;
	struct str proof; /* encoded; may be empty */
	struct str who;   /* of staff or the owner, for the desk's own; NULL view: the judge */
	enum order_state state;
	struct wall state_at;
	uint32_t apply_us;
	uint32_t sessions_ended;
	uint64_t hits;
};

struct order_filter {
	struct str source;  /* NULL view: any */
	struct str network; /* NULL view: any */
	uint64_t case_id;   /* 0: any */
};

typedef void order_visit_fn(const struct order_row *o, void *ctx);

/** @return 1: stored; 0: it was there already (nothing changed). */
MUSTUSE int orders_add(struct store *st, const struct order_row *o, struct errmsg *reterr);
/** The next free number of the desk, above all it ever gave and above `floor`. */
MUSTUSE int orders_next_seq(struct store *st, uint64_t floor, uint64_t *ret, struct errmsg *reterr);
/** The highest number stored of an origin; 0: none. */
MUSTUSE int orders_last_seq(struct store *st, enum order_origin origin, uint64_t *ret,
			    struct errmsg *reterr);
MUSTUSE int orders_get(struct store *st, enum order_origin origin, uint64_t seq, struct arena *a,
		       struct order_row *ret, struct errmsg *reterr);
MUSTUSE int orders_get_by_id(struct store *st, uint64_t id, struct arena *a, struct order_row *ret,
			     struct errmsg *reterr);
/** @return 1: the state changed; 0: only counters did; -ENOENT. */
MUSTUSE int orders_report(struct store *st, const struct order_report *r, struct errmsg *reterr);
MUSTUSE int orders_set_case(struct store *st, enum order_origin origin, uint64_t seq,
			    uint64_t case_id, struct errmsg *reterr);
/** Packets refused by all orders of a case that were given since a time. */
MUSTUSE int orders_sum_hits(struct store *st, uint64_t case_id, struct wall since, uint64_t *ret,
			    struct errmsg *reterr);
/** Newest first. */
MUSTUSE int orders_list(struct store *st, const struct order_filter *f, const struct page *page,
			order_visit_fn *visit, void *ctx, struct page_end *ret_end,
			struct errmsg *reterr);
/** Of one origin, those above `seq`, oldest first: what the gate has not got yet. */
MUSTUSE int orders_list_after(struct store *st, enum order_origin origin, uint64_t seq,
			      order_visit_fn *visit, void *ctx, struct errmsg *reterr);
/** Orders of staff that stand now: the newest of each source, unless it is over or has run out. */
MUSTUSE int orders_list_standing(struct store *st, struct wall now, order_visit_fn *visit,
				 void *ctx, struct errmsg *reterr);

#endif

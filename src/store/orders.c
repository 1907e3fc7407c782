/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders: rows of the tables orders and order_reports. Layer: store.
 */
#include "store/orders.h"

#include "store/listing.h"
#include "store/store_impl.h"
#include "store/where.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

#define ORDER_COLUMNS                                                                              \
	"id, origin, seq, coalesce(case_id, 0), network, source, rung, verdict, giver, mode,"      \
	" given_at, expires_at, reason, proof, who, state, state_at, apply_us, sessions_ended,"    \
	" hits"

static struct order_row order_of(const struct query *q)
{
	struct order_row o = {0};

	o.id = query_col_u64(q, 0);
	o.origin = (enum order_origin)word(q, 1, ORIGIN_COUNT);
	o.seq = query_col_u64(q, 2);
	o.case_id = query_col_u64(q, 3);
	o.network = null_if_empty(query_col_str(q, 4));
	o.source = query_col_str(q, 5);
	o.rung = (enum rung)word(q, 6, RUNG_COUNT);
	o.verdict = (enum verdict)word(q, 7, VERDICT_COUNT);
	o.giver = (enum giver)word(q, 8, GIVER_COUNT);
	o.mode = (enum mode)word(q, 9, MODE_COUNT);
	o.given_at = col_wall(q, 10);
	o.expires_at = col_wall(q, 11);
	o.reason = query_col_str(q, 12);
	o.proof = query_col_str(q, 13);
	o.who = query_col_str(q, 14);
	o.state = (enum order_state)word(q, 15, ORDER_STATE_COUNT);
	o.state_at = col_wall(q, 16);
	o.apply_us = (uint32_t)query_col_i64(q, 17);
	o.sessions_ended = (uint32_t)query_col_i64(q, 18);
	o.hits = query_col_u64(q, 19);
	return o;
}

static int get_one(struct query *q, struct arena *a, struct order_row *ret, struct errmsg *reterr)
{
	int r = query_step(q, reterr);

	if (r <= 0) {
		return r < 0 ? r : err_set(reterr, -ENOENT, "no such order");
	}
	struct order_row o = order_of(q);
	r = 0;
	o.network = keep(a, o.network, &r);
	o.source = keep(a, o.source, &r);
	o.reason = keep(a, o.reason, &r);
	o.proof = keep(a, o.proof, &r);
	o.who = keep(a, o.who, &r);
	query_end(q);
	if (r < 0) {
		return err_set(reterr, r, "out of memory");
	}
	*ret = o;
	return 0;
}

int orders_add(struct store *st, const struct order_row *o, struct errmsg *reterr)
{
	struct query *q = db_query(
		store_db(st),
		"INSERT INTO orders (origin, seq, case_id, network, source, rung, verdict, giver,"
		" mode, given_at, expires_at, reason, proof, who, state, state_at, apply_us,"
		" sessions_ended, hits) VALUES (?, ?, nullif(?, 0), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		"?,"
		" ?, ?, ?, ?, ?) ON CONFLICT (origin, seq) DO NOTHING");
	query_i64(q, o->origin);
	query_u64(q, o->seq);
	query_bits(q, o->case_id);
	query_str(q, not_null(o->network));
	query_str(q, o->source);
	query_i64(q, o->rung);
	query_i64(q, o->verdict);
	query_i64(q, o->giver);
	query_i64(q, o->mode);
	query_i64(q, o->given_at.ns);
	query_i64(q, o->expires_at.ns);
	query_str(q, not_null(o->reason));
	query_blob(q, o->proof);
	query_str(q, o->who);
	query_i64(q, o->state);
	query_i64(q, o->state_at.ns);
	query_i64(q, o->apply_us);
	query_i64(q, o->sessions_ended);
	query_bits(q, o->hits);
	return query_run(q, reterr);
}

/* One number out of a query that always gives a row. */
static int one_number(struct query *q, uint64_t *ret, struct errmsg *reterr)
{
	int r = query_step(q, reterr);

	if (r > 0) {
		*ret = query_col_u64(q, 0);
		query_end(q);
		r = 0;
	}
	return r;
}

int orders_last_seq(struct store *st, enum order_origin origin, uint64_t *ret,
		    struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT coalesce(max(seq), 0) FROM orders WHERE origin = ?1");
	query_i64(q, origin);
	return one_number(q, ret, reterr);
}

int orders_next_seq(struct store *st, uint64_t floor, uint64_t *ret, struct errmsg *reterr)
{
	uint64_t last = 0;
	int r = orders_last_seq(st, ORIGIN_DESK, &last, reterr);

	if (r == 0) {
		*ret = (last > floor ? last : floor) + 1;
	}
	return r;
}

int orders_get(struct store *st, enum order_origin origin, uint64_t seq, struct arena *a,
	       struct order_row *ret, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT " ORDER_COLUMNS
						 " FROM orders WHERE origin = ?1 AND seq = ?2");
	query_i64(q, origin);
	query_u64(q, seq);
	return get_one(q, a, ret, reterr);
}

int orders_get_by_id(struct store *st, uint64_t id, struct arena *a, struct order_row *ret,
		     struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT " ORDER_COLUMNS " FROM orders WHERE id = ?1");
	query_bits(q, id);
	return get_one(q, a, ret, reterr);
}

static int find_state(struct store *st, const struct order_report *r, uint64_t *ret_id,
		      enum order_state *ret_state, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT id, state FROM orders WHERE origin = ?1 AND seq = ?2");
	query_i64(q, r->origin);
	query_u64(q, r->seq);
	int found = query_step(q, reterr);

	if (found <= 0) {
		return found < 0 ? found : err_set(reterr, -ENOENT, "no such order");
	}
	*ret_id = query_col_u64(q, 0);
	*ret_state = (enum order_state)word(q, 1, ORDER_STATE_COUNT);
	query_end(q);
	return 0;
}

int orders_report(struct store *st, const struct order_report *report, struct errmsg *reterr)
{
	uint64_t id = 0;
	enum order_state before = ORDER_WANTED;
	int r = find_state(st, report, &id, &before, reterr);

	if (r < 0) {
		return r;
	}
	/* Counters only rise: an older report that comes late takes nothing back. */
	struct query *q = db_query(store_db(st),
				   "UPDATE orders SET state = ?, state_at = ?, apply_us ="
				   " max(apply_us, ?), sessions_ended = max(sessions_ended, ?),"
				   " hits = max(hits, ?) WHERE id = ?");
	query_i64(q, report->state);
	query_i64(q, report->at.ns);
	query_i64(q, report->apply_us);
	query_i64(q, report->sessions_ended);
	query_bits(q, report->hits);
	query_bits(q, id);
	r = query_run(q, reterr);
	if (r < 0 || report->state == before) {
		return r < 0 ? r : 0;
	}
	q = db_query(store_db(st), "INSERT INTO order_reports (order_id, at, state, apply_us,"
				   " sessions_ended, hits) VALUES (?, ?, ?, ?, ?, ?)");
	query_bits(q, id);
	query_i64(q, report->at.ns);
	query_i64(q, report->state);
	query_i64(q, report->apply_us);
	query_i64(q, report->sessions_ended);
	query_bits(q, report->hits);
	r = query_run(q, reterr);
	return r < 0 ? r : 1;
}

int orders_set_case(struct store *st, enum order_origin origin, uint64_t seq, uint64_t case_id,
		    struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "UPDATE orders SET case_id = ?1"
						 " WHERE origin = ?2 AND seq = ?3");
	query_bits(q, case_id);
	query_i64(q, origin);
	query_u64(q, seq);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int orders_sum_hits(struct store *st, uint64_t case_id, struct wall since, uint64_t *ret,
		    struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT coalesce(sum(hits), 0) FROM orders"
						 " WHERE case_id = ?1 AND given_at >= ?2");
	query_bits(q, case_id);
	query_i64(q, since.ns);
	return one_number(q, ret, reterr);
}

int orders_list(struct store *st, const struct order_filter *f, const struct page *page,
		order_visit_fn *visit, void *ctx, struct page_end *ret_end, struct errmsg *reterr)
{
	struct where w;
	struct listing l;
	int64_t before = 0;
	int r = listing_begin(&l, page, ret_end, &before, reterr);

	if (r < 0) {
		return r;
	}
	where_init(&w, "SELECT " ORDER_COLUMNS " FROM orders");
	if (r > 0) {
		where_i64(&w, "id < ?", before);
	}
	if (f->case_id != 0) {
		where_i64(&w, "case_id = ?", (int64_t)f->case_id);
	}
	where_str(&w, "source = ?", f->source);
	where_str(&w, "network = ?", f->network);
	where_order(&w, "ORDER BY id DESC LIMIT ?", (int64_t)l.limit + 1);

	struct query *q = where_query(&w, store_db(st));
	while ((r = listing_step(&l, q, reterr)) > 0) {
		struct order_row o = order_of(q);
		l.last = o.id;
		visit(&o, ctx);
	}
	return r;
}

int orders_list_after(struct store *st, enum order_origin origin, uint64_t seq,
		      order_visit_fn *visit, void *ctx, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT " ORDER_COLUMNS
				   " FROM orders WHERE origin = ?1 AND seq > ?2 ORDER BY seq");
	int r;

	query_i64(q, origin);
	query_bits(q, seq);
	while ((r = query_step(q, reterr)) > 0) {
		struct order_row o = order_of(q);
		visit(&o, ctx);
	}
	return r;
}

int orders_list_standing(struct store *st, struct wall now, order_visit_fn *visit, void *ctx,
			 struct errmsg *reterr)
{
	/* 0 is RUNG_PASS: without an end it only took back what was; 5 to 7: would, over, refused.
	 */
	struct query *q = db_query(
		store_db(st), "SELECT " ORDER_COLUMNS
			      " FROM orders WHERE id IN (SELECT max(id) FROM orders WHERE origin ="
			      " ?1 GROUP BY network, source) AND state NOT IN (5, 6, 7)"
			      " AND (expires_at > ?2 OR (expires_at = 0 AND rung <> 0))");
	int r;

	query_i64(q, ORIGIN_DESK);
	query_i64(q, now.ns);
	while ((r = query_step(q, reterr)) > 0) {
		struct order_row o = order_of(q);
		visit(&o, ctx);
	}
	return r;
}
static_assert(ORDER_WOULD == 5 && ORDER_RELEASED == 6 && ORDER_REFUSED == 7, "as above");
static_assert(RUNG_PASS == 0, "as above");

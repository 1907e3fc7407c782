/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cases: rows of the tables cases, story, proofs, requests and attempts. Layer: store.
 */
#include "store/cases.h"

#include "store/listing.h"
#include "store/store_impl.h"
#include "store/where.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

#define CASE_COLUMNS                                                                               \
	"id, network, source, holder, server, tenant, state, rung, mode, staff_only, verdict,"     \
	" giver, order_origin, order_seq, reason, opened_at, updated_at, blocked_at, allowed_at,"  \
	" probation_until, closed_at, blocked_before, unblock, cause, fix, assignee, blocks"

static struct case_row case_of(const struct query *q)
{
	struct case_row c = {0};

	c.id = query_col_u64(q, 0);
	c.network = null_if_empty(query_col_str(q, 1));
	c.source = query_col_str(q, 2);
	c.holder = query_col_str(q, 3);
	c.server = query_col_str(q, 4);
	c.tenant = query_col_str(q, 5);
	c.state = (enum case_state)word(q, 6, CASE_STATE_COUNT);
	c.rung = (enum rung)word(q, 7, RUNG_COUNT);
	c.mode = (enum mode)word(q, 8, MODE_COUNT);
	c.staff_only = query_col_i64(q, 9) != 0;
	c.verdict = (enum verdict)word(q, 10, VERDICT_COUNT);
	c.giver = (enum giver)word(q, 11, GIVER_COUNT);
	c.order_origin = (enum order_origin)word(q, 12, ORIGIN_COUNT);
	c.order_seq = query_col_u64(q, 13);
	c.reason = query_col_str(q, 14);
	c.opened_at = col_wall(q, 15);
	c.updated_at = col_wall(q, 16);
	c.blocked_at = col_wall(q, 17);
	c.allowed_at = col_wall(q, 18);
	c.probation_until = col_wall(q, 19);
	c.closed_at = col_wall(q, 20);
	c.blocked_before = (uint32_t)query_col_i64(q, 21);
	c.unblock = (enum unblock_policy)word(q, 22, UNBLOCK_POLICY_COUNT);
	c.cause = query_col_str(q, 23);
	c.fix = query_col_str(q, 24);
	c.assignee = query_col_str(q, 25);
	c.blocks = (uint32_t)query_col_i64(q, 26);
	return c;
}

/* One row into the arena, or -ENOENT; ends the query. */
static int get_one(struct query *q, struct arena *a, struct case_row *ret, struct errmsg *reterr)
{
	int r = query_step(q, reterr);

	if (r <= 0) {
		return r < 0 ? r : err_set(reterr, -ENOENT, "no such case");
	}
	struct case_row c = case_of(q);
	r = 0;
	c.network = keep(a, c.network, &r);
	c.source = keep(a, c.source, &r);
	c.holder = keep(a, c.holder, &r);
	c.server = keep(a, c.server, &r);
	c.tenant = keep(a, c.tenant, &r);
	c.reason = keep(a, c.reason, &r);
	c.cause = keep(a, c.cause, &r);
	c.fix = keep(a, c.fix, &r);
	c.assignee = keep(a, c.assignee, &r);
	query_end(q);
	if (r < 0) {
		return err_set(reterr, r, "out of memory");
	}
	*ret = c;
	return 0;
}

int cases_list(struct store *st, const struct case_filter *f, const struct page *page,
	       case_visit_fn *visit, void *ctx, struct page_end *ret_end, struct errmsg *reterr)
{
	struct where w;
	struct listing l;
	int64_t before = 0;
	int r = listing_begin(&l, page, ret_end, &before, reterr);

	if (r < 0) {
		return r;
	}
	where_init(&w, "SELECT " CASE_COLUMNS " FROM cases");
	if (r > 0) {
		where_i64(&w, "id < ?", before);
	}
	if (f->open_only) {
		where_is(&w, "state <> 5");
	}
	if (f->state >= 0) {
		where_i64(&w, "state = ?", f->state);
	}
	where_str(&w, "tenant = ?", f->tenant);
	where_str(&w, "source = ?", f->source);
	where_str(&w, "network = ?", f->network);
	where_str(&w, "holder = ?", f->holder);
	where_order(&w, "ORDER BY id DESC LIMIT ?", (int64_t)l.limit + 1);

	struct query *q = where_query(&w, store_db(st));
	while ((r = listing_step(&l, q, reterr)) > 0) {
		struct case_row c = case_of(q);
		l.last = c.id;
		visit(&c, ctx);
	}
	return r;
}

int cases_get(struct store *st, uint64_t id, struct arena *a, struct case_row *ret,
	      struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT " CASE_COLUMNS " FROM cases WHERE id = ?1");
	query_bits(q, id);
	return get_one(q, a, ret, reterr);
}

int cases_find_open(struct store *st, struct str network, struct str holder, struct arena *a,
		    struct case_row *ret, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT " CASE_COLUMNS
				   " FROM cases WHERE network = ?1 AND holder = ?2 AND state <> 5");
	query_str(q, not_null(network));
	query_str(q, holder);
	return get_one(q, a, ret, reterr);
}

int cases_count_blocks(struct store *st, struct str network, struct str holder, uint32_t *ret,
		       struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT coalesce(sum(blocks), 0) FROM cases"
						 " WHERE network = ?1 AND holder = ?2");
	query_str(q, not_null(network));
	query_str(q, holder);
	return listing_count(q, ret, reterr);
}

/* The fields that may change, in the order of the statements below. */
static void bind_changing(struct query *q, const struct case_row *c)
{
	query_i64(q, c->state);
	query_i64(q, c->rung);
	query_i64(q, c->mode);
	query_i64(q, c->staff_only ? 1 : 0);
	query_i64(q, c->verdict);
	query_i64(q, c->giver);
	query_i64(q, c->order_origin);
	query_u64(q, c->order_seq);
	query_str(q, not_null(c->reason));
	query_i64(q, c->updated_at.ns);
	query_i64(q, c->blocked_at.ns);
	query_i64(q, c->allowed_at.ns);
	query_i64(q, c->probation_until.ns);
	query_i64(q, c->closed_at.ns);
	query_i64(q, c->blocked_before);
	query_i64(q, c->unblock);
	query_str(q, c->cause);
	query_str(q, c->fix);
	query_str(q, c->assignee);
	query_i64(q, c->blocks);
}

int cases_add(struct store *st, const struct case_row *c, uint64_t *ret_id, struct errmsg *reterr)
{
	struct query *q = db_query(
		store_db(st),
		"INSERT INTO cases (state, rung, mode, staff_only, verdict, giver, order_origin,"
		" order_seq, reason, updated_at, blocked_at, allowed_at, probation_until, "
		"closed_at,"
		" blocked_before, unblock, cause, fix, assignee, blocks, network, source, holder,"
		" server, tenant, opened_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
		"?,"
		" ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
	bind_changing(q, c);
	query_str(q, not_null(c->network));
	query_str(q, c->source);
	query_str(q, c->holder);
	query_str(q, c->server);
	query_str(q, c->tenant);
	query_i64(q, c->opened_at.ns);
	int r = query_run(q, reterr);

	if (r < 0) {
		return r;
	}
	*ret_id = db_last_id(store_db(st));
	return 0;
}

int cases_put(struct store *st, const struct case_row *c, struct errmsg *reterr)
{
	struct query *q = db_query(
		store_db(st),
		"UPDATE cases SET state = ?, rung = ?, mode = ?, staff_only = ?, verdict = ?,"
		" giver = ?, order_origin = ?, order_seq = ?, reason = ?, updated_at = ?,"
		" blocked_at = ?, allowed_at = ?, probation_until = ?, closed_at = ?,"
		" blocked_before = ?, unblock = ?, cause = ?, fix = ?, assignee = ?, blocks = ?"
		" WHERE id = ?");
	bind_changing(q, c);
	query_bits(q, c->id);
	int r = query_run(q, reterr);

	return r == 0 ? err_set(reterr, -ENOENT, "no such case") : r < 0 ? r : 0;
}

int cases_next_calm(struct store *st, struct wall now, uint64_t *ret_id, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT id FROM cases WHERE state = 4 AND probation_until <= ?1"
				   " ORDER BY probation_until LIMIT 1");
	query_i64(q, now.ns);
	int r = query_step(q, reterr);

	if (r > 0) {
		*ret_id = query_col_u64(q, 0);
		query_end(q);
		return 0;
	}
	return r < 0 ? r : -ENOENT;
}

/* ---- story ---- */

int cases_add_story(struct store *st, const struct story_row *s, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "INSERT INTO story (case_id, at, who, what, text)"
						 " VALUES (?, ?, ?, ?, ?)");
	query_bits(q, s->case_id);
	query_i64(q, s->at.ns);
	query_str(q, not_null(s->who));
	query_str(q, not_null(s->what));
	query_str(q, not_null(s->text));
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int cases_list_story(struct store *st, uint64_t case_id, story_visit_fn *visit, void *ctx,
		     struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT id, case_id, at, who, what, text FROM story"
				   " WHERE case_id = ?1 ORDER BY id LIMIT ?2");
	int r;

	query_bits(q, case_id);
	query_i64(q, STORY_MAX);
	while ((r = query_step(q, reterr)) > 0) {
		struct story_row s = {
			.id = query_col_u64(q, 0),
			.case_id = query_col_u64(q, 1),
			.at = col_wall(q, 2),
			.who = query_col_str(q, 3),
			.what = query_col_str(q, 4),
			.text = query_col_str(q, 5),
		};
		visit(&s, ctx);
	}
	return r;
}

/* ---- proofs ---- */

int cases_add_proof(struct store *st, uint64_t case_id, const struct proof_row *p,
		    struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "INSERT OR IGNORE INTO proofs (case_id, at, origin, seq, proof)"
				   " VALUES (?, ?, ?, ?, ?)");
	query_bits(q, case_id);
	query_i64(q, p->at.ns);
	query_i64(q, p->origin);
	query_u64(q, p->seq);
	query_blob(q, p->proof);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int cases_list_proofs(struct store *st, uint64_t case_id, proof_visit_fn *visit, void *ctx,
		      struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT at, origin, seq, proof FROM proofs"
						 " WHERE case_id = ?1 ORDER BY id");
	int r;

	query_bits(q, case_id);
	while ((r = query_step(q, reterr)) > 0) {
		struct proof_row p = {
			.at = col_wall(q, 0),
			.origin = (enum order_origin)word(q, 1, ORIGIN_COUNT),
			.seq = query_col_u64(q, 2),
			.proof = query_col_str(q, 3),
		};
		visit(&p, ctx);
	}
	return r;
}

/* ---- requests ---- */

int cases_add_request(struct store *st, const struct request_row *row, struct errmsg *reterr)
{
	struct query *q = db_query(
		store_db(st), "INSERT INTO requests (case_id, at, who, cause, fix, granted, checks)"
			      " VALUES (?, ?, ?, ?, ?, ?, ?)");
	query_bits(q, row->case_id);
	query_i64(q, row->at.ns);
	query_str(q, not_null(row->who));
	query_str(q, not_null(row->cause));
	query_str(q, not_null(row->fix));
	query_i64(q, row->granted ? 1 : 0);
	query_str(q, not_null(row->checks));
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int cases_list_requests(struct store *st, uint64_t case_id, request_visit_fn *visit, void *ctx,
			struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT id, case_id, at, who, cause, fix, granted, checks"
				   " FROM requests WHERE case_id = ?1 ORDER BY id LIMIT 1000");
	int r;

	query_bits(q, case_id);
	while ((r = query_step(q, reterr)) > 0) {
		struct request_row row = {
			.id = query_col_u64(q, 0),
			.case_id = query_col_u64(q, 1),
			.at = col_wall(q, 2),
			.who = query_col_str(q, 3),
			.cause = query_col_str(q, 4),
			.fix = query_col_str(q, 5),
			.granted = query_col_i64(q, 6) != 0,
			.checks = query_col_str(q, 7),
		};
		visit(&row, ctx);
	}
	return r;
}

/* ---- attempts ---- */

int cases_add_attempts(struct store *st, uint64_t case_id, const struct attempt_row *a,
		       struct wall keep_from, struct errmsg *reterr)
{
	struct query *q = db_query(
		store_db(st),
		"INSERT INTO live.attempts (case_id, at, hits) SELECT ?1, ?2, ?3 WHERE ?3 IS NOT"
		" (SELECT hits FROM live.attempts WHERE case_id = ?1 ORDER BY at DESC LIMIT 1)"
		" ON CONFLICT DO UPDATE SET hits = excluded.hits");
	query_bits(q, case_id);
	query_i64(q, a->at.ns);
	query_u64(q, a->hits);
	int r = query_run(q, reterr);

	if (r <= 0) {
		return r;
	}
	q = db_query(store_db(st), "DELETE FROM live.attempts WHERE case_id = ?1 AND at < (SELECT"
				   " max(at) FROM live.attempts WHERE case_id = ?1 AND at < ?2)");
	query_bits(q, case_id);
	query_i64(q, keep_from.ns);
	r = query_run(q, reterr);
	return r < 0 ? r : 0;
}

int cases_clear_attempts(struct store *st, uint64_t case_id, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "DELETE FROM live.attempts WHERE case_id = ?1");
	query_bits(q, case_id);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int cases_list_attempts(struct store *st, uint64_t case_id, struct wall since,
			attempt_visit_fn *visit, void *ctx, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT at, hits FROM live.attempts"
						 " WHERE case_id = ?1 ORDER BY at DESC LIMIT ?2");
	int r;

	query_bits(q, case_id);
	query_i64(q, ATTEMPTS_MAX);
	while ((r = query_step(q, reterr)) > 0) {
		struct attempt_row a = {.at = col_wall(q, 0), .hits = query_col_u64(q, 1)};
		visit(&a, ctx);
		if (a.at.ns < since.ns) {
			query_end(q);
			return 0;
		}
	}
	return r;
}

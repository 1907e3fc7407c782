/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices: rows of the tables notices and notice_cases. Layer: store.
 */
#include "store/notices.h"

#include "base/assert.h"
#include "store/listing.h"
#include "store/store_impl.h"

#include <errno.h>

#include "base/poison.h"

#define NOTICE_COLUMNS                                                                             \
	"id, tenant, contact, kind, state, message_id, created_at, next_try, sent_at, tries,"      \
	" dots, error, contact_is_inside"

static const char *const kind_names[] = {"block", "reblock", "refused", "unblock"};
static_assert(COUNT_OF(kind_names) == NOTICE_KIND_COUNT, "a name for every value");

static const char *const state_names[] = {"queued", "sent", "failed", "unsure"};
static_assert(COUNT_OF(state_names) == NOTICE_STATE_COUNT, "a name for every value");

const char *notice_kind_name(enum notice_kind k)
{
	ASSERT((unsigned)k < NOTICE_KIND_COUNT);
	return kind_names[k];
}

const char *notice_state_name(enum notice_state s)
{
	ASSERT((unsigned)s < NOTICE_STATE_COUNT);
	return state_names[s];
}

static struct notice_row notice_of(const struct query *q)
{
	struct notice_row n = {0};

	n.id = query_col_u64(q, 0);
	n.tenant = query_col_str(q, 1);
	n.contact = query_col_str(q, 2);
	n.kind = (enum notice_kind)word(q, 3, NOTICE_KIND_COUNT);
	n.state = (enum notice_state)word(q, 4, NOTICE_STATE_COUNT);
	n.message_id = query_col_str(q, 5);
	n.created_at = col_wall(q, 6);
	n.next_try = col_wall(q, 7);
	n.sent_at = col_wall(q, 8);
	n.tries = (uint32_t)query_col_i64(q, 9);
	n.dots = (uint32_t)query_col_i64(q, 10);
	n.error = query_col_str(q, 11);
	n.contact_is_inside = query_col_i64(q, 12) != 0;
	return n;
}

/* One that has not been tried, of the same kind, to the same contact, with room. */
static int find_joinable(struct store *st, const struct notice_row *n, uint64_t *ret,
			 struct errmsg *reterr)
{
	struct query *q = db_query(
		store_db(st),
		"SELECT id FROM notices WHERE tenant = ?1 AND kind = ?2 AND contact = ?3"
		" AND state = 0 AND tries = 0 AND (SELECT count(*) FROM notice_cases"
		" WHERE notice_id = id) < ?4 ORDER BY created_at LIMIT 1");
	query_str(q, n->tenant);
	query_i64(q, n->kind);
	query_str(q, n->contact);
	query_i64(q, NOTICE_CASES_MAX);
	int r = query_step(q, reterr);

	if (r > 0) {
		*ret = query_col_u64(q, 0);
		query_end(q);
	}
	return r;
}

static int insert(struct store *st, const struct notice_row *n, uint64_t *ret,
		  struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "INSERT INTO notices (tenant, contact, kind, state, message_id,"
				   " created_at, next_try, sent_at, tries, dots, error,"
				   " contact_is_inside) VALUES (?, ?, ?, 0, ?, ?, ?, 0, 0, 0, NULL,"
				   " ?)");
	query_str(q, n->tenant);
	query_str(q, n->contact);
	query_i64(q, n->kind);
	query_str(q, n->message_id);
	query_i64(q, n->created_at.ns);
	query_i64(q, n->next_try.ns);
	query_i64(q, n->contact_is_inside ? 1 : 0);
	int r = query_run(q, reterr);

	*ret = db_last_id(store_db(st));
	return r < 0 ? r : 0;
}

int notices_add(struct store *st, const struct notice_row *n, uint64_t case_id,
		struct errmsg *reterr)
{
	uint64_t id = 0;
	int joined = find_joinable(st, n, &id, reterr);
	int r = joined < 0 ? joined : 0;

	if (joined == 0) {
		r = insert(st, n, &id, reterr);
	}
	if (r < 0) {
		return r;
	}
	struct query *q = db_query(store_db(st),
				   "INSERT OR IGNORE INTO notice_cases VALUES (?, ?)");
	query_bits(q, id);
	query_bits(q, case_id);
	r = query_run(q, reterr);
	return r < 0 ? r : joined == 0;
}

int notices_list_due(struct store *st, struct wall now, uint32_t limit, notice_visit_fn *visit,
		     void *ctx, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT " NOTICE_COLUMNS
						 " FROM notices WHERE state = 0 AND next_try <= ?1"
						 " ORDER BY next_try, id LIMIT ?2");
	int r;

	query_i64(q, now.ns);
	query_i64(q, limit);
	while ((r = query_step(q, reterr)) > 0) {
		struct notice_row n = notice_of(q);
		visit(&n, ctx);
	}
	return r;
}

int notices_wake(struct store *st, struct wall now, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "UPDATE notices SET next_try = min(next_try, ?1)"
						 " WHERE state = 0 AND tries > 0");
	query_i64(q, now.ns);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int notices_next_due(struct store *st, struct wall *ret, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT next_try FROM notices WHERE state = 0"
						 " ORDER BY next_try LIMIT 1");
	int r = query_step(q, reterr);

	if (r > 0) {
		*ret = col_wall(q, 0);
		query_end(q);
		return 0;
	}
	return r < 0 ? r : -ENOENT;
}

int notices_get(struct store *st, uint64_t id, struct arena *a, struct notice_row *ret,
		struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT " NOTICE_COLUMNS " FROM notices WHERE id = ?1");
	query_bits(q, id);
	int r = query_step(q, reterr);

	if (r <= 0) {
		return r < 0 ? r : err_set(reterr, -ENOENT, "no such notice");
	}
	struct notice_row n = notice_of(q);
	r = 0;
	n.tenant = keep(a, n.tenant, &r);
	n.contact = keep(a, n.contact, &r);
	n.message_id = keep(a, n.message_id, &r);
	n.error = keep(a, n.error, &r);
	query_end(q);
	if (r < 0) {
		return err_set(reterr, r, "out of memory");
	}
	*ret = n;
	return 0;
}

int notices_put(struct store *st, const struct notice_row *n, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "UPDATE notices SET state = ?, next_try = ?, sent_at = ?,"
				   " tries = ?, dots = ?, error = ?, contact_is_inside = ?"
				   " WHERE id = ?");
	query_i64(q, n->state);
	query_i64(q, n->next_try.ns);
	query_i64(q, n->sent_at.ns);
	query_i64(q, n->tries);
	query_i64(q, n->dots);
	query_str(q, n->error.ptr != NULL ? str_head(n->error, NOTICE_ERROR_MAX) : n->error);
	query_i64(q, n->contact_is_inside ? 1 : 0);
	query_bits(q, n->id);
	int r = query_run(q, reterr);

	return r == 0 ? err_set(reterr, -ENOENT, "no such notice") : r < 0 ? r : 0;
}

int notices_list(struct store *st, uint64_t case_id, notice_visit_fn *visit, void *ctx,
		 struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT " NOTICE_COLUMNS " FROM notices WHERE id IN (SELECT"
				   " notice_id FROM notice_cases WHERE case_id = ?1) ORDER BY id");
	int r;

	query_bits(q, case_id);
	while ((r = query_step(q, reterr)) > 0) {
		struct notice_row n = notice_of(q);
		visit(&n, ctx);
	}
	return r;
}

int notices_list_cases(struct store *st, uint64_t id, notice_case_fn *visit, void *ctx,
		       struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT case_id FROM notice_cases"
						 " WHERE notice_id = ?1 ORDER BY case_id");
	int r;

	query_bits(q, id);
	while ((r = query_step(q, reterr)) > 0) {
		visit(query_col_u64(q, 0), ctx);
	}
	return r;
}

int notices_count_since(struct store *st, struct str tenant, enum notice_kind kind,
			struct wall since, uint32_t *ret, struct errmsg *reterr)
{
	/* One mail is one row a contact: count the busiest contact. */
	struct query *q = db_query(store_db(st),
				   "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM"
				   " notices WHERE tenant = ?1 AND kind = ?2 AND created_at >= ?3"
				   " GROUP BY contact)");
	query_str(q, tenant);
	query_i64(q, kind);
	query_i64(q, since.ns);
	return listing_count(q, ret, reterr);
}

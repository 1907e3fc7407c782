/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access: rows of the tables tokens, audit and replies. Layer: store.
 */
#include "store/access.h"

#include "base/assert.h"
#include "base/sha256.h"
#include "store/listing.h"
#include "store/store_impl.h"
#include "store/where.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

#define TOKEN_COLUMNS "id, kind, role, name, tenant, created_at, expires_at, used_at, revoked"
#define MINUTE_NS (60 * NS_PER_S)

static const char *const role_names[] = {"staff", "observer", "owner"};
static_assert(COUNT_OF(role_names) == ROLE_COUNT, "a name for every value");

static const char *const kind_names[] = {"api", "session", "first"};
static_assert(COUNT_OF(kind_names) == TOKEN_KIND_COUNT, "a name for every value");

const char *token_role_name(enum token_role r)
{
	ASSERT((unsigned)r < ROLE_COUNT);
	return role_names[r];
}

const char *token_kind_name(enum token_kind k)
{
	ASSERT((unsigned)k < TOKEN_KIND_COUNT);
	return kind_names[k];
}

int token_role_find(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(role_names); i++) {
		if (str_is_equal(str_of(role_names[i]), name)) {
			return (int)i;
		}
	}
	return -1;
}

static struct token_row token_of(const struct query *q)
{
	struct token_row t = {0};

	t.id = query_col_u64(q, 0);
	t.kind = (enum token_kind)word(q, 1, TOKEN_KIND_COUNT);
	t.role = (enum token_role)word(q, 2, ROLE_COUNT);
	t.name = query_col_str(q, 3);
	t.tenant = query_col_str(q, 4);
	t.created_at = col_wall(q, 5);
	t.expires_at = col_wall(q, 6);
	t.used_at = col_wall(q, 7);
	t.revoked = query_col_i64(q, 8) != 0;
	return t;
}

int tokens_add(struct store *st, const struct token_row *t, char ret_text[static TOKEN_TEXT_SIZE],
	       uint64_t *ret_id, struct errmsg *reterr)
{
	uint8_t hash[SHA256_OCTETS];

	box_token(ret_text);
	sha256_of(str_of(ret_text), hash);
	struct query *q = db_query(store_db(st),
				   "INSERT INTO tokens (kind, role, name, tenant, hash, created_at,"
				   " expires_at, used_at, revoked) VALUES (?, ?, ?, ?, ?, ?, ?, 0,"
				   " 0)");
	query_i64(q, t->kind);
	query_i64(q, t->role);
	query_str(q, not_null(t->name));
	query_str(q, t->tenant);
	query_blob(q, (struct str){(const char *)hash, sizeof(hash)});
	query_i64(q, t->created_at.ns);
	query_i64(q, t->expires_at.ns);
	int r = query_run(q, reterr);

	*ret_id = db_last_id(store_db(st));
	return r < 0 ? r : 0;
}

static int find_token(struct store *st, struct str text, struct wall now, struct arena *a,
		      struct token_row *ret, struct errmsg *reterr)
{
	uint8_t hash[SHA256_OCTETS];

	sha256_of(text, hash);
	struct query *q = db_query(store_db(st), "SELECT " TOKEN_COLUMNS
						 " FROM tokens WHERE hash = ?1 AND revoked = 0"
						 " AND (expires_at = 0 OR expires_at > ?2)");
	query_blob(q, (struct str){(const char *)hash, sizeof(hash)});
	query_i64(q, now.ns);
	int r = query_step(q, reterr);
	if (r <= 0) {
		return r < 0 ? r : err_set(reterr, -ENOENT, "no such token");
	}
	struct token_row t = token_of(q);
	r = 0;
	t.name = keep(a, t.name, &r);
	t.tenant = keep(a, t.tenant, &r);
	query_end(q);
	if (r < 0) {
		return err_set(reterr, r, "out of memory");
	}
	*ret = t;
	return 0;
}

int tokens_find(struct store *st, struct str text, struct wall now, struct arena *a,
		struct token_row *ret, struct errmsg *reterr)
{
	int r = find_token(st, text, now, a, ret, reterr);

	if (r < 0 || now.ns - ret->used_at.ns < MINUTE_NS) {
		return r;
	}
	struct query *q = db_query(store_db(st), "UPDATE tokens SET used_at = ?1 WHERE id = ?2");
	query_i64(q, now.ns);
	query_bits(q, ret->id);
	/* A full disk keeps nobody out. */
	(void)(query_run(q, NULL) < 0);
	return 0;
}

int tokens_revoke(struct store *st, uint64_t id, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "UPDATE tokens SET revoked = 1 WHERE id = ?1");
	query_bits(q, id);
	int r = query_run(q, reterr);

	return r == 0 ? err_set(reterr, -ENOENT, "no such token") : r < 0 ? r : 0;
}

int tokens_revoke_kind(struct store *st, enum token_kind kind, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "UPDATE tokens SET revoked = 1 WHERE kind = ?1");
	query_i64(q, kind);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int tokens_list(struct store *st, const struct page *page, token_visit_fn *visit, void *ctx,
		struct page_end *ret_end, struct errmsg *reterr)
{
	struct listing l;
	int64_t after = 0;
	int r = listing_begin(&l, page, ret_end, &after, reterr);

	if (r < 0) {
		return r;
	}
	struct query *q = db_query(store_db(st), "SELECT " TOKEN_COLUMNS
						 " FROM tokens WHERE id > ?1 ORDER BY id LIMIT ?2");
	query_i64(q, after);
	query_i64(q, (int64_t)l.limit + 1);
	while ((r = listing_step(&l, q, reterr)) > 0) {
		struct token_row t = token_of(q);
		l.last = t.id;
		visit(&t, ctx);
	}
	return r;
}

/* ---- audit ---- */

int audit_add(struct store *st, const struct audit_row *a, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "INSERT INTO audit (at, who, action, object, detail, remote)"
				   " VALUES (?, ?, ?, ?, ?, ?)");
	query_i64(q, a->at.ns);
	query_str(q, not_null(a->who));
	query_str(q, not_null(a->action));
	query_str(q, not_null(a->object));
	query_str(q, a->detail);
	query_str(q, a->remote);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int audit_list(struct store *st, struct str object, const struct page *page, audit_visit_fn *visit,
	       void *ctx, struct page_end *ret_end, struct errmsg *reterr)
{
	struct where w;
	struct listing l;
	int64_t before = 0;
	int r = listing_begin(&l, page, ret_end, &before, reterr);

	if (r < 0) {
		return r;
	}
	where_init(&w, "SELECT id, at, who, action, object, detail, remote FROM audit");
	if (r > 0) {
		where_i64(&w, "id < ?", before);
	}
	where_str(&w, "object = ?", object);
	where_order(&w, "ORDER BY id DESC LIMIT ?", (int64_t)l.limit + 1);

	struct query *q = where_query(&w, store_db(st));
	while ((r = listing_step(&l, q, reterr)) > 0) {
		struct audit_row row = {
			.id = query_col_u64(q, 0),
			.at = col_wall(q, 1),
			.who = query_col_str(q, 2),
			.action = query_col_str(q, 3),
			.object = query_col_str(q, 4),
			.detail = query_col_str(q, 5),
			.remote = query_col_str(q, 6),
		};
		l.last = row.id;
		visit(&row, ctx);
	}
	return r;
}

/* ---- replies ---- */

int replies_find(struct store *st, struct str who, struct str key, struct arena *a,
		 struct reply_row *ret, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT request, status, body, at FROM replies"
						 " WHERE who = ?1 AND key = ?2");
	query_str(q, who);
	query_str(q, key);
	int r = query_step(q, reterr);

	if (r <= 0) {
		return r < 0 ? r : err_set(reterr, -ENOENT, "no such reply");
	}
	struct reply_row row = {.who = who, .key = key};
	r = 0;
	row.request = keep(a, query_col_str(q, 0), &r);
	row.status = (unsigned)query_col_i64(q, 1);
	row.body = keep(a, query_col_str(q, 2), &r);
	row.at = col_wall(q, 3);
	query_end(q);
	if (r < 0) {
		return err_set(reterr, r, "out of memory");
	}
	*ret = row;
	return 0;
}

int replies_add(struct store *st, const struct reply_row *row, struct errmsg *reterr)
{
	if (row->body.len > REPLY_BODY_MAX) {
		return err_set(reterr, -EMSGSIZE, "the answer is too large to be kept");
	}
	struct query *q = db_query(store_db(st),
				   "INSERT INTO replies (who, key, request, status, body, at)"
				   " VALUES (?, ?, ?, ?, ?, ?)");
	query_str(q, row->who);
	query_str(q, row->key);
	query_str(q, row->request);
	query_i64(q, row->status);
	query_blob(q, row->body);
	query_i64(q, row->at.ns);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

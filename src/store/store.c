/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: opening, grouping, house-keeping. Layer: store.
 */
#include "store/store.h"

#include "base/assert.h"
#include "base/num.h"
#include "store/events.h"
#include "store/schema.h"
#include "store/store_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define PATH_SIZE 4096
#define REPLIES_KEPT_NS (24 * 3600 * NS_PER_S)
/* Rows taken away in one go, so that nothing else waits for long. */
#define SWEEP_ROWS 2000

/* live.db holds nothing that does not come back: a damaged one is put aside. */
static int put_aside_if_damaged(const char *live, struct errmsg *reterr)
{
	static const char *const tails[] = {"", "-wal", "-shm"};
	char from[PATH_SIZE + 16];
	char to[PATH_SIZE + 16];
	struct db *db = NULL;
	int r = db_open(live, ":memory:", &db, reterr);

	if (r == 0) {
		r = db_exec(db, "SELECT count(*) FROM sqlite_schema", reterr);
	}
	db_close(db);
	if (r != -EUCLEAN) {
		return r;
	}
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		(void)snprintf(from, sizeof(from), "%s%s", live, tails[i]);
		(void)snprintf(to, sizeof(to), "%s.damaged%s", live, tails[i]);
		if (rename(from, to) < 0 && errno != ENOENT) {
			return err_set(reterr, -errno, "%s is damaged and can't be put aside",
				       live);
		}
	}
	return 0;
}

static int explain(const char *path, int r, struct errmsg *reterr)
{
	if (r == -EUCLEAN) {
		return err_prefix(reterr, r,
				  "the store is damaged; blocks stay as they are. Restore %s from "
				  "a backup, or move it away to begin anew",
				  path);
	}
	return r;
}

static int open_files(const char *dir, struct store *st, struct errmsg *reterr)
{
	char path[PATH_SIZE];
	char live[PATH_SIZE];
	char key[PATH_SIZE];
	int r;

	if (snprintf(path, sizeof(path), "%s/cases.db", dir) >= (int)sizeof(path) ||
	    snprintf(live, sizeof(live), "%s/live.db", dir) >= (int)sizeof(live) ||
	    snprintf(key, sizeof(key), "%s/key", dir) >= (int)sizeof(key)) {
		return err_set(reterr, -ENAMETOOLONG, "%s: name too long", dir);
	}
	r = box_open(key, &st->box, reterr);
	if (r == 0) {
		r = put_aside_if_damaged(live, reterr);
	}
	if (r == 0) {
		r = db_open(path, live, &st->db, reterr);
	}
	if (r == 0) {
		r = schema_apply(st->db, reterr);
	}
	return explain(path, r, reterr);
}

int store_open(const char *dir, struct store **ret, struct errmsg *reterr)
{
	struct store *st = calloc(1, sizeof(*st));
	int r;

	if (st == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	st->events.day = -1;
	buf_init(&st->events.rows, EVENTS_BUFFER_MAX);
	if (dir != NULL) {
		r = open_files(dir, st, reterr);
	} else {
		r = box_open(NULL, &st->box, reterr);
		if (r == 0) {
			r = db_open(NULL, NULL, &st->db, reterr);
		}
		if (r == 0) {
			r = schema_apply(st->db, reterr);
		}
	}
	if (r < 0) {
		store_close(st);
		return r;
	}
	*ret = st;
	return 0;
}

void store_close(struct store *st)
{
	if (st == NULL) {
		return;
	}
	if (st->db != NULL) {
		(void)(events_flush(st, NULL) < 0); /* events may be lost */
	}
	db_close(st->db);
	box_done(&st->box);
	buf_done(&st->events.rows);
	free(st);
}

int store_begin(struct store *st, struct errmsg *reterr)
{
	if (st->depth == 0) {
		int r = db_exec(st->db, "BEGIN IMMEDIATE", reterr);
		if (r < 0) {
			return r;
		}
		st->failed = 0;
	}
	st->depth++;
	return 0;
}

int store_end(struct store *st, int r, struct errmsg *reterr)
{
	ASSERT(st->depth > 0);
	st->depth--;
	if (r < 0 && st->failed == 0) {
		st->failed = r;
	}
	if (st->depth > 0) {
		return r;
	}
	if (st->failed == 0) {
		int committed = db_exec(st->db, "COMMIT", reterr);
		if (committed == 0) {
			return r;
		}
		r = committed;
	} else if (r >= 0) {
		r = err_set(reterr, st->failed, "a part of the change had failed");
	}
	if (db_is_in_tx(st->db)) {
		(void)(db_exec(st->db, "ROLLBACK", NULL) < 0); /* the next BEGIN would tell */
	}
	return r;
}

int store_get_number(struct store *st, const char *name, uint64_t *ret, struct errmsg *reterr)
{
	struct query *q = db_query(st->db, "SELECT value FROM numbers WHERE name = ?1");
	query_str(q, str_of(name));
	int r = query_step(q, reterr);

	if (r < 0) {
		return r;
	}
	*ret = r > 0 ? query_col_u64(q, 0) : 0;
	query_end(q);
	return 0;
}

int store_set_number(struct store *st, const char *name, uint64_t v, struct errmsg *reterr)
{
	struct query *q = db_query(st->db, "INSERT INTO numbers VALUES (?1, ?2)"
					   " ON CONFLICT DO UPDATE SET value = excluded.value");
	query_str(q, str_of(name));
	query_u64(q, v);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

void store_case_link(const struct store *st, uint64_t case_id, char ret[static STORE_LINK_SIZE])
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%llu", (unsigned long long)case_id);

	box_hash(&st->box, "case-link", (struct str){text, (size_t)n}, ret);
}

bool store_is_case_link(const struct store *st, uint64_t case_id, struct str key)
{
	char right[STORE_LINK_SIZE];

	store_case_link(st, case_id, right);
	return box_is_equal(key, str_of(right));
}

void store_hash(const struct store *st, struct str text, char ret[static STORE_HASH_SIZE])
{
	box_hash(&st->box, "text", text, ret);
}

uint32_t page_limit(const struct page *p)
{
	if (p->limit == 0) {
		return 100;
	}
	return p->limit > STORE_PAGE_MAX ? STORE_PAGE_MAX : p->limit;
}

int page_numbers(const struct page *p, int64_t *ret, size_t n)
{
	struct str rest = p->cursor;

	if (rest.len == 0) {
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		struct str part = i + 1 < n ? str_take_until(&rest, '~') : rest;
		bool negative = part.len > 0 && part.ptr[0] == '-';
		uint64_t v = 0;
		if (num_parse_u64(str_skip(part, negative ? 1 : 0), INT64_MAX, &v) < 0) {
			return -EINVAL;
		}
		ret[i] = negative ? -(int64_t)v : (int64_t)v;
	}
	return 1;
}

static int sweep(struct store *st, const char *sql, struct wall before, struct errmsg *reterr)
{
	struct query *q = db_query(st->db, sql);
	query_i64(q, before.ns);
	query_i64(q, SWEEP_ROWS);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int store_keep_house(struct store *st, struct wall now, const struct store_retention *keep,
		     struct errmsg *reterr)
{
	struct wall samples = {now.ns - (int64_t)keep->samples_s * NS_PER_S};
	struct wall audit = {now.ns - (int64_t)keep->audit_s * NS_PER_S};
	struct wall replies = {now.ns - REPLIES_KEPT_NS};
	int r = events_flush(st, reterr);

	if (r == 0) {
		r = events_drop_before(
			st, (struct wall){now.ns - (int64_t)keep->events_s * NS_PER_S}, reterr);
	}
	if (r == 0) {
		r = sweep(st,
			  "DELETE FROM samples WHERE id IN"
			  " (SELECT id FROM samples WHERE at < ?1 ORDER BY at LIMIT ?2)",
			  samples, reterr);
	}
	if (r == 0) {
		r = sweep(st,
			  "DELETE FROM audit WHERE id IN"
			  " (SELECT id FROM audit WHERE at < ?1 ORDER BY at LIMIT ?2)",
			  audit, reterr);
	}
	if (r == 0) {
		r = sweep(st,
			  "DELETE FROM replies WHERE rowid IN"
			  " (SELECT rowid FROM replies WHERE at < ?1 ORDER BY at LIMIT ?2)",
			  replies, reterr);
	}
	if (r == 0) {
		r = db_exec(st->db, "PRAGMA wal_checkpoint(PASSIVE); PRAGMA optimize", reterr);
	}
	return r;
}

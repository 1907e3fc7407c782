/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: SQLite behind a small face. Layer: store.
 *
 * Statements are kept under the address of their text: the program has a fixed number of
 * literals, so the table is bounded by the source code.
 */
#include "store/db.h"

#include "base/assert.h"
#include "base/buf.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Literals with a statement; reaching it is a bug of ours. */
#define QUERIES_MAX 256
/* How long SQLite itself waits for another process (a backup) before it says busy. */
#define BUSY_MS 2000

struct query {
	struct db *db;
	const char *sql; /* key in the table; NULL: for one use */
	sqlite3_stmt *stmt;
	int bound;
	int err; /* 0, or a negative errno that sticks until the query is ended */
	struct errmsg why;
	bool running;
};

struct db {
	sqlite3 *handle;
	const char *name; /* for texts */
	struct query *queries[QUERIES_MAX];
	size_t query_count;
	db_hook_fn *hook; /* of tests */
	void *hook_ctx;
};

/* What SQLite says, as errno. An I/O error keeps the system's own reason where it is known. */
static int errno_of(sqlite3 *handle, int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_IOERR:
		return handle != NULL && sqlite3_system_errno(handle) == ENOSPC ? -ENOSPC : -EIO;
	default:
		return -EIO;
	}
}

static int fail(struct db *db, int code, struct errmsg *reterr)
{
	int r = errno_of(db->handle, code);
	const char *text = db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(code);

	switch (-r) {
	case ENOSPC:
		return err_set(reterr, r, "%s: no space left on the disk", db->name);
	case EBUSY:
		return err_set(reterr, r, "%s: locked by another process", db->name);
	case EUCLEAN:
		return err_set(reterr, r, "%s: damaged (%s)", db->name, text);
	default:
		return err_set(reterr, r, "%s: %s", db->name, text);
	}
}

static bool is_chosen_to_fail(struct db *db)
{
	return db->hook != NULL && db->hook(db->hook_ctx);
}

void db_set_hook(struct db *db, db_hook_fn *hook, void *ctx)
{
	db->hook = hook;
	db->hook_ctx = ctx;
}

int db_exec(struct db *db, const char *sql, struct errmsg *reterr)
{
	if (is_chosen_to_fail(db)) {
		return err_set(reterr, -EIO, "%s: failed on purpose", db->name);
	}
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : fail(db, code, reterr);
}

static int attach_live(struct db *db, const char *live, struct errmsg *reterr)
{
	struct query *q = db_query_once(db, "ATTACH ?1 AS live");
	query_str(q, live != NULL ? str_of(live) : STR(":memory:"));
	int r = query_run(q, reterr);

	if (r >= 0) {
		r = db_exec(db,
			    "PRAGMA main.journal_mode=WAL; PRAGMA live.journal_mode=WAL;"
			    "PRAGMA main.synchronous=FULL; PRAGMA live.synchronous=NORMAL;"
			    "PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
			    "PRAGMA live.cache_size=-32768; PRAGMA main.cache_size=-16384;"
			    "PRAGMA live.secure_delete=OFF; PRAGMA trusted_schema=OFF",
			    reterr);
	}
	return r < 0 ? err_prefix(reterr, r, "cannot open the store") : 0;
}

int db_open(const char *path, const char *live, struct db **ret, struct errmsg *reterr)
{
	ASSERT((path == NULL) == (live == NULL));
	struct db *db = calloc(1, sizeof(*db));
	int r;

	if (db == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	db->name = path != NULL ? strdup(path) : strdup("store in memory");
	if (db->name == NULL) {
		r = err_set(reterr, -ENOMEM, "out of memory");
		goto out;
	}
	int code = sqlite3_open_v2(path != NULL ? path : ":memory:", &db->handle,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
					   SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
				   NULL);
	if (code != SQLITE_OK) {
		r = fail(db, code, reterr);
		goto out;
	}
	(void)sqlite3_busy_timeout(db->handle, BUSY_MS);
	r = attach_live(db, live, reterr);
	if (r == 0) {
		*ret = db;
		db = NULL;
	}
out:
	db_close(db);
	return r;
}

static void query_free(struct query *q)
{
	(void)sqlite3_finalize(q->stmt);
	free(q);
}

void db_close(struct db *db)
{
	if (db == NULL) {
		return;
	}
	for (size_t i = 0; i < db->query_count; i++) {
		query_free(db->queries[i]);
	}
	(void)sqlite3_close_v2(db->handle);
	free((void *)(uintptr_t)db->name);
	free(db);
}

bool db_is_in_tx(const struct db *db)
{
	return sqlite3_get_autocommit(db->handle) == 0;
}

uint64_t db_last_id(const struct db *db)
{
	return (uint64_t)sqlite3_last_insert_rowid(db->handle);
}

/* When even the query cannot be had, this one carries the failure. */
static struct query out_of_memory = {.err = -ENOMEM, .why = {"out of memory"}};

static struct query *prepare(struct db *db, const char *sql, unsigned flags)
{
	struct query *q = calloc(1, sizeof(*q));

	if (q == NULL) {
		return &out_of_memory;
	}
	q->db = db;
	int code = sqlite3_prepare_v3(db->handle, sql, -1, flags, &q->stmt, NULL);
	if (code != SQLITE_OK) {
		q->err = fail(db, code, &q->why);
	}
	return q;
}

struct query *db_query_once(struct db *db, const char *sql)
{
	return prepare(db, sql, 0);
}

struct query *db_query(struct db *db, const char *sql)
{
	for (size_t i = 0; i < db->query_count; i++) {
		struct query *known = db->queries[i];
		if (known->sql == sql) {
			/* In use further up (a walk whose visitor asks again): a second one then.
			 */
			return known->running ? prepare(db, sql, 0) : known;
		}
	}
	struct query *q = prepare(db, sql, SQLITE_PREPARE_PERSISTENT);
	if (q->err == 0) { /* else it is for this one use: the next may fare better */
		ASSERT(db->query_count < QUERIES_MAX);
		q->sql = sql;
		db->queries[db->query_count++] = q;
	}
	return q;
}

static void bound(struct query *q, int code)
{
	if (q->err == 0 && code != SQLITE_OK) {
		q->err = fail(q->db, code, &q->why);
	}
}

void query_i64(struct query *q, int64_t v)
{
	if (q->err == 0) {
		bound(q, sqlite3_bind_int64(q->stmt, ++q->bound, v));
	}
}

void query_u64(struct query *q, uint64_t v)
{
	if (q->err == 0 && v > INT64_MAX) {
		q->err = err_set(&q->why, -ERANGE, "a number is too large for the store");
	}
	query_i64(q, (int64_t)v);
}

void query_bits(struct query *q, uint64_t v)
{
	query_i64(q, (int64_t)v);
}

void query_str(struct query *q, struct str v)
{
	if (q->err != 0) {
		return;
	}
	if (v.ptr == NULL) {
		query_null(q);
	} else {
		bound(q, sqlite3_bind_text64(q->stmt, ++q->bound, v.ptr, v.len, SQLITE_STATIC,
					     SQLITE_UTF8));
	}
}

void query_blob(struct query *q, struct str v)
{
	if (q->err == 0) {
		bound(q, sqlite3_bind_blob64(q->stmt, ++q->bound, v.ptr != NULL ? v.ptr : "", v.len,
					     SQLITE_STATIC));
	}
}

void query_null(struct query *q)
{
	if (q->err == 0) {
		bound(q, sqlite3_bind_null(q->stmt, ++q->bound));
	}
}

void query_end(struct query *q)
{
	if (q == NULL || q == &out_of_memory) {
		return;
	}
	if (q->sql == NULL) {
		query_free(q);
		return;
	}
	(void)sqlite3_reset(q->stmt);
	(void)sqlite3_clear_bindings(q->stmt);
	q->bound = 0;
	q->err = 0;
	q->running = false;
}

int query_step(struct query *q, struct errmsg *reterr)
{
	int r;

	if (q->err == 0 && is_chosen_to_fail(q->db)) {
		q->err = err_set(&q->why, -EIO, "%s: failed on purpose", q->db->name);
	}
	if (q->err != 0) {
		r = err_set(reterr, q->err, "%s", q->why.text);
		query_end(q);
		return r;
	}
	q->running = true;
	int code = sqlite3_step(q->stmt);
	if (code == SQLITE_ROW) {
		return 1;
	}
	r = code == SQLITE_DONE ? 0 : fail(q->db, code, reterr);
	query_end(q);
	return r;
}

int query_run(struct query *q, struct errmsg *reterr)
{
	struct db *db = q->db;
	int r = query_step(q, reterr);

	if (r > 0) {
		query_end(q);
	}
	return r < 0 ? r : sqlite3_changes(db->handle);
}

int query_again(struct query *q, struct errmsg *reterr)
{
	if (q->err == 0 && is_chosen_to_fail(q->db)) {
		q->err = err_set(&q->why, -EIO, "%s: failed on purpose", q->db->name);
	}
	if (q->err != 0) {
		return err_set(reterr, q->err, "%s", q->why.text);
	}
	int code = sqlite3_step(q->stmt);
	int r = code == SQLITE_DONE ? 0 : fail(q->db, code, reterr);
	(void)sqlite3_reset(q->stmt);
	q->bound = 0;
	return r;
}

int64_t query_col_i64(const struct query *q, int col)
{
	return sqlite3_column_int64(q->stmt, col);
}

uint64_t query_col_u64(const struct query *q, int col)
{
	return (uint64_t)sqlite3_column_int64(q->stmt, col);
}

bool query_col_is_null(const struct query *q, int col)
{
	return sqlite3_column_type(q->stmt, col) == SQLITE_NULL;
}

struct str query_col_str(const struct query *q, int col)
{
	if (query_col_is_null(q, col)) {
		return STR_EMPTY;
	}
	const char *ptr = sqlite3_column_blob(q->stmt, col);
	size_t len = (size_t)sqlite3_column_bytes(q->stmt, col);
	return ptr != NULL ? (struct str){ptr, len} : STR("");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db: the thin face of SQLite: one connection, prepared statements, errors as errno and text.
 *
 * Knows nothing of what is stored. sqlite3.h stays in db.c. Layer: store.
 *
 * A statement's arguments are bound in order and the first failure sticks until query_step or
 * query_run tells it, so a query is written down without a check a line.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct db;
struct query;

/**
 * Open or make a database with a second one, `live`, attached.
 *
 * What is in the main one is on the disk when a commit returns (WAL, synchronous=FULL). What is
 * in `live` survives the death of a process, and may lose its last commits when the machine
 * falls (synchronous=NORMAL).
 *
 * @param path  Of the main file; NULL: both in memory.
 * @param live  Of the second file; NULL with path NULL.
 * @return 0; -ENOSPC disk full, -EBUSY locked by another, -EUCLEAN damaged, -EACCES, -EROFS,
 *         -EIO, -ENOMEM, with a text that names the file.
 */
MUSTUSE int db_open(const char *path, const char *live, struct db **ret, struct errmsg *reterr);
/** NULL is allowed. Statements still open are ended. */
void db_close(struct db *db);

/** Run SQL text that needs no arguments and gives no rows; several statements are allowed. */
MUSTUSE int db_exec(struct db *db, const char *sql, struct errmsg *reterr);

/** Is a transaction open? SQLite ends one by itself when the disk is full. */
bool db_is_in_tx(const struct db *db);

/**
 * A statement, ready for its arguments. It is kept prepared under the address of `sql`, so that
 * must be a literal. Never NULL: failures are told by query_step.
 */
struct query *db_query(struct db *db, const char *sql);
/** The same for SQL made for one use; query_end frees it. */
struct query *db_query_once(struct db *db, const char *sql);

void query_i64(struct query *q, int64_t v);
/** Stored as a signed number: above INT64_MAX is a failure. */
void query_u64(struct query *q, uint64_t v);
/** All 64 bits, stored as the signed number with the same bits. */
void query_bits(struct query *q, uint64_t v);
/** Text; a NULL pointer is stored as NULL. Borrowed until query_end. */
void query_str(struct query *q, struct str v);
void query_blob(struct query *q, struct str v);
void query_null(struct query *q);

/** @return 1: a row is there; 0: no more rows; negative errno. After 0 or less it is ended. */
MUSTUSE int query_step(struct query *q, struct errmsg *reterr);
/** For statements without rows: run and end. @return Rows changed, or a negative errno. */
MUSTUSE int query_run(struct query *q, struct errmsg *reterr);
/** Like query_run, but the statement stays, ready for the next row's arguments. */
MUSTUSE int query_again(struct query *q, struct errmsg *reterr);
/** Ends a query whose rows were not all wanted. NULL and ended ones are allowed. */
void query_end(struct query *q);

/* Columns of the row that is there, counted from 0; views are borrowed until the next step. */
int64_t query_col_i64(const struct query *q, int col);
uint64_t query_col_u64(const struct query *q, int col);
/** A NULL value gives the NULL view; an empty text does not. */
struct str query_col_str(const struct query *q, int col);
bool query_col_is_null(const struct query *q, int col);

/** Row id of the last insert. */
uint64_t db_last_id(const struct db *db);

/* For tests: asked before every call to SQLite that runs something; true lets it fail (-EIO). */
typedef bool db_hook_fn(void *ctx);
/** @param hook  NULL: none. */
void db_set_hook(struct db *db, db_hook_fn *hook, void *ctx);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_impl: what the parts of the store share and nobody else sees. Layer: store.
 */
#ifndef STORE_STORE_IMPL_H
#define STORE_STORE_IMPL_H

#include "base/buf.h"
#include "store/box.h"
#include "store/db.h"
#include "store/store.h"

#include <errno.h>

/* Waiting events, encoded back to back; see events.c. */
struct event_batch {
	struct buf rows;
	uint32_t count;
	uint64_t lost;
	int64_t day; /* of the table that is known to exist; -1: none is */
};

struct store {
	struct db *db;
	struct box box;
	unsigned depth; /* of nested groups */
	int failed;     /* first failure inside the group */
	struct event_batch events;
};

/* The database, for the parts. */
static inline struct db *store_db(struct store *st)
{
	return st->db;
}

/** The page's size with its default. */
uint32_t page_limit(const struct page *p);
/** Read a cursor "1", "1~2", … of exactly n numbers. @return 1; 0 when empty; -EINVAL. */
MUSTUSE int page_numbers(const struct page *p, int64_t *ret, size_t n);

/* A view that must not be NULL in the table. */
static inline struct str not_null(struct str s)
{
	return s.ptr != NULL ? s : STR("");
}

/* The way back: an empty network name means none. */
static inline struct str null_if_empty(struct str s)
{
	return s.len > 0 ? s : STR_EMPTY;
}

/* A copy in the arena; NULL stays NULL. -ENOMEM sticks in *r. */
static inline struct str keep(struct arena *a, struct str s, int *r)
{
	if (s.ptr == NULL) {
		return s;
	}
	struct str copy = arena_copy(a, s);
	if (copy.ptr == NULL && s.len > 0) {
		*r = -ENOMEM;
	}
	return copy.ptr != NULL ? copy : STR("");
}

/* Values from the file are checked before they index a table of names. */
static inline unsigned word(const struct query *q, int col, unsigned count)
{
	int64_t v = query_col_i64(q, col);
	return v >= 0 && v < (int64_t)count ? (unsigned)v : 0;
}

static inline struct wall col_wall(const struct query *q, int col)
{
	return (struct wall){query_col_i64(q, col)};
}

#endif

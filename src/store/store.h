/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: the desk's memory: SQLite files in one folder. This header opens it, groups changes
 * and names what all parts share; what is kept is in cases.h, orders.h, sources.h, samples.h,
 * notices.h, access.h and events.h. Layer: store.
 *
 * Two files, because they have two promises (docs/adr/0020):
 *   cases.db  orders, cases, notices, audit: on the disk when a call returns
 *   live.db   sources and events: can be had again from the judge, in batches
 * and `key`, the secret that encrypts samples and keys hashes.
 *
 * One process and one thread use a store. Texts in a row handed to a visitor are borrowed for
 * that call; a `…_get` copies them into the caller's arena. Every failure is a negative errno
 * with a text: -ENOSPC, -EBUSY, -EUCLEAN (damaged), -EIO; the change was then not made, and may
 * be tried again.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/* What this program writes (`PRAGMA user_version`). Older ones are brought up to it at the start,
 * a newer one is refused. */
#define STORE_VERSION 2

/**
 * Open the store, or make it.
 *
 * @param dir  An existing folder; NULL: in memory, for tests.
 * @return 0, or a negative errno with a text for the operator: what, where, what to do.
 */
MUSTUSE int store_open(const char *dir, struct store **ret, struct errmsg *reterr);
/** NULL is allowed. */
void store_close(struct store *st);

/**
 * Group changes: all or none. Groups may nest; the outermost counts, and one inner failure
 * fails it.
 */
MUSTUSE int store_begin(struct store *st, struct errmsg *reterr);
/**
 * End the group begun last.
 *
 * @param r  Negative: undo it, and hand r through.
 * @return r, or the failure of the commit; then nothing of the group was kept.
 */
MUSTUSE int store_end(struct store *st, int r, struct errmsg *reterr);

/** A named number that outlives the process; 0 when it was never set. */
MUSTUSE int store_get_number(struct store *st, const char *name, uint64_t *ret,
			     struct errmsg *reterr);
MUSTUSE int store_set_number(struct store *st, const char *name, uint64_t v, struct errmsg *reterr);

/**
 * The secret link key of a case: lets its bearer see and acknowledge it. Made from the store's
 * secret, so nothing is kept. Ends in NUL.
 */
#define STORE_LINK_SIZE 33
void store_case_link(const struct store *st, uint64_t case_id, char ret[static STORE_LINK_SIZE]);
/** Compares in constant time. */
bool store_is_case_link(const struct store *st, uint64_t case_id, struct str key);

/** Keyed hash of a text with the store's secret (16 octets as 32 hex digits and NUL). */
#define STORE_HASH_SIZE 33
void store_hash(const struct store *st, struct str text, char ret[static STORE_HASH_SIZE]);

/* ---- lists ---- */

#define STORE_PAGE_MAX 1000
#define STORE_CURSOR_SIZE 128

/* Which part of a list: `cursor` is what the page before gave, empty for the first. A cursor
 * that is not ours gives -EINVAL. */
struct page {
	uint32_t limit; /* 1 to STORE_PAGE_MAX; 0: 100 */
	struct str cursor;
};

/* Where the next page starts; empty text: there is none. May be where the cursor before lies. */
struct page_end {
	char cursor[STORE_CURSOR_SIZE];
};

/** Look after it now and then (every minute): folds the write-ahead log back, drops what is over
 * its retention. */
struct store_retention {
	uint32_t samples_s; /* content of flagged messages */
	uint32_t events_s;  /* live events, by whole days */
	uint32_t audit_s;
};
MUSTUSE int store_keep_house(struct store *st, struct wall now, const struct store_retention *keep,
			     struct errmsg *reterr);

#endif

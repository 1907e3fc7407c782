/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: the gate's memory across deaths and reboots: every order, in the order of arrival.
 *
 * One file, appended to. A record is its length, a checksum and its body; the file begins with a
 * magic and a version. A record that was being written when the machine died is dropped at the
 * next start, and said. When most of the file is history it is written anew beside the old one;
 * until the new one is on the disk appends go to both. Layer: daemon.
 */
#ifndef DAEMON_GATE_JOURNAL_H
#define DAEMON_GATE_JOURNAL_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "core/order.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_NETWORK_MAX 256
#define JOURNAL_BODY_MAX (ORDER_ENCODED_MAX + JOURNAL_NETWORK_MAX + 64)
/* What a journal may grow to: about 4 million orders; loading a larger one fails. */
#define JOURNAL_FILE_MAX ((size_t)2 << 30)

enum journal_type {
	JOURNAL_ORDER = 1, /* an order; its network by name, since indices change */
	JOURNAL_COMMITTED, /* the desk has it */
	JOURNAL_OVER,      /* no longer in force, ended in `state` */
	JOURNAL_LAST,      /* the highest number seen, when its order is not kept */
	JOURNAL_TYPE_END,
};

struct journal_record {
	enum journal_type type;
	enum order_origin origin; /* these two identify the order in all types */
	uint64_t seq;
	enum order_state state; /* JOURNAL_OVER */
	struct str network;     /* JOURNAL_ORDER: name of source.network; empty: none */
	struct order order;     /* JOURNAL_ORDER; source.network is not stored */
};

struct journal_scan {
	size_t good_bytes; /* up to the end of the last good record */
	size_t torn_bytes; /* after it */
	uint64_t records;
	uint64_t damaged; /* places inside that made no sense and were passed over */
};

typedef void journal_visit_fn(void *ctx, const struct journal_record *r);

/** The record with length and checksum. @return octets, or -EMSGSIZE. */
MUSTUSE int journal_encode(const struct journal_record *r, void *data, size_t size);
/** Enough for any record. */
#define JOURNAL_ENCODED_MAX (JOURNAL_BODY_MAX + 12)

/**
 * Read a whole file. Pure.
 *
 * @return 0; -EBADMSG when it is no journal; -EPROTONOSUPPORT for a version we do not know.
 */
MUSTUSE int journal_scan(struct str content, journal_visit_fn *visit, void *ctx,
			 struct journal_scan *ret);

struct journal;

/**
 * Open DIR/journal, make it when it is missing, visit what it holds, cut off a torn end.
 *
 * @return 0, or a negative errno with a text that names the file.
 */
MUSTUSE int journal_open(const char *dir, journal_visit_fn *visit, void *ctx, struct journal **ret,
			 struct journal_scan *ret_scan, struct errmsg *reterr);
void journal_close(struct journal *j);

/**
 * Append; not yet on the disk: journal_sync_fds.
 *
 * A record that could not be written in full is taken back. From then on the file is short: it
 * takes no more, so that it never holds a later order without an earlier one, until it is written
 * anew.
 *
 * @return 0, or a negative errno (-ENOSPC …): the record is in no file.
 */
MUSTUSE int journal_append(struct journal *j, const struct journal_record *r);
/** What must be synced to make all appends last; -1 when there is none of them. */
void journal_sync_fds(const struct journal *j, int ret_fds[static 2]);
size_t journal_bytes(const struct journal *j);
/** The disk refused a sync: what it said yes to before may be gone, a later yes means nothing. */
void journal_distrust(struct journal *j);
/** Does the file lack something that was to be in it? */
bool journal_is_short(const struct journal *j);

/** Write anew: begin, append to the new file what still counts, then ready and finish. */
MUSTUSE int journal_rewrite_begin(struct journal *j, struct errmsg *reterr);
MUSTUSE int journal_rewrite_add(struct journal *j, const struct journal_record *r);
/** All that counts is written: from now on appends go to both. */
void journal_rewrite_ready(struct journal *j);
bool journal_is_rewriting(const struct journal *j);
/** The new file is on the disk: it takes the place of the old one. */
MUSTUSE int journal_rewrite_finish(struct journal *j, struct errmsg *reterr);
/** Give up the new file. */
void journal_rewrite_cancel(struct journal *j);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists: reads the configured lists of URLs, and again whenever a file has changed, and hands each
 * to the tap as a sealed block of memory.
 *
 * The tap cannot open files, and must not wait: the desk reads a file in small pieces between
 * whatever else it does, builds the new set beside the old one, and the tap changes from one to the
 * other between two messages. A file that cannot be read, or of which most lines hold no entry (an
 * error page, a file cut short or packed), leaves the old set where it is, also over a restart.
 * Layer: daemon.
 */
#ifndef DAEMON_DESK_LISTS_H
#define DAEMON_DESK_LISTS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "core/policy.h"
#include "sys/loop.h"

/* How often a file is looked at. */
#define LISTS_LOOK_MS 60000
/* Octets read at once. */
#define LISTS_PIECE ((size_t)128 << 10)
/* A larger file is not read. */
#define LISTS_FILE_MAX ((uint64_t)1 << 30)

struct lists;

/** A set is ready for the tap. @param fd  Sealed memory; borrowed. */
typedef void lists_ready_fn(void *ctx, size_t list, int fd);

/** What is wrong with a list changed. @param why  NULL: nothing any more. */
typedef void lists_said_fn(void *ctx, const char *name, const char *why);

struct lists_opts {
	struct loop *loop;
	const struct policy *policy; /* borrowed */
	const char *folder; /* borrowed; where sets are kept over a restart; NULL: nowhere */
	lists_ready_fn *ready;
	lists_said_fn *said; /* NULL: nobody listens */
	void *ctx;
};

/**
 * @return 0; -ENOMEM; -ENOENT without a public suffix list. No file was read yet; sets of before
 *         the restart are there, to be told with lists_tell.
 */
MUSTUSE int lists_new(const struct lists_opts *o, struct lists **ret, struct errmsg *reterr);
/** NULL is allowed. */
void lists_free(struct lists *o);
/** The tap is there (again): tell all sets that are ready once more. */
void lists_tell(struct lists *o);
/** Look at the files now. */
void lists_look(struct lists *o);
/** "lists": name, file, entries, malformed lines and the first of them, when it was read. */
void lists_write(const struct lists *o, struct jsonw *w, const char *key);

#endif

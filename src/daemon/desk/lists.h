/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lists: reads the configured lists of URLs, and again whenever a file has changed, and hands each
 * to the tap as a sealed block of memory.
 *
 * The tap cannot open files, and must not wait: the desk reads a file in small pieces between
 * whatever else it does, builds the new set beside the old one, and the tap changes from one to the
 * other between two messages. A file that cannot be read leaves the old set where it is.
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

/** @return 0; -ENOMEM. Nothing was read yet. */
MUSTUSE int lists_new(struct loop *l, const struct policy *p, lists_ready_fn *ready, void *ctx,
		      struct lists **ret, struct errmsg *reterr);
/** NULL is allowed. */
void lists_free(struct lists *o);
/** The tap is there (again): tell all sets that are ready once more. */
void lists_tell(struct lists *o);
/** Look at the files now. */
void lists_look(struct lists *o);
/** "lists": name, file, entries, malformed lines and the first of them, when it was read. */
void lists_write(const struct lists *o, struct jsonw *w, const char *key);

#endif

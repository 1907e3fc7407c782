/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_cache: each list of URLs as it was last read well, in a file of the desk.
 *
 * A desk that starts anew has its lists at once, also where the file of one is damaged or gone by
 * then. Nobody waits for the disk: a file that is not whole after a power failure is not taken.
 * Layer: daemon.
 */
#ifndef DAEMON_DESK_LIST_CACHE_H
#define DAEMON_DESK_LIST_CACHE_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/policy.h"

/**
 * Keep a set.
 *
 * @param folder   Of the desk, writable.
 * @param block    As url_set_build made it.
 * @param read_at  When the list was read.
 * @return 0, or a negative errno: the one of before is still there.
 */
MUSTUSE int list_cache_put(const char *folder, const struct list_policy *p, struct str block,
			   struct wall read_at);

/* A set as it was kept. */
struct cached_list {
	void *block; /* aligned to 16; to be freed */
	size_t size;
	uint64_t entries;
	struct wall read_at;
};

/**
 * Take a set back, when it is of this file read in this way.
 *
 * @return 0; -ENOENT when there is none; another negative errno when it can't be used.
 */
MUSTUSE int list_cache_get(const char *folder, const struct list_policy *p,
			   struct cached_list *ret);

/** Remove what belongs to lists that are not in the policy any more. */
void list_cache_sweep(const char *folder, const struct policy *p);

#endif

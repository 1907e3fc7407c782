/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: the judge's memory on disk: STATE/judge/checkpoint.
 *
 * Written in small parts between observations, beside the old one, and put in its place when
 * whole, so that a crash leaves the old or the new one. While running nothing waits for the disk:
 * what a power failure may take is at most the sums of the last seconds, and a file that is not
 * whole is not taken. At an orderly stop it is flushed to the disk. Layer: daemon.
 */
#ifndef DAEMON_JUDGE_CHECKPOINT_H
#define DAEMON_JUDGE_CHECKPOINT_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/judge.h"

#include <limits.h>

/* Largest file that is read back: a million busy sources. */
#define CHECKPOINT_BYTES_MAX ((size_t)4 << 30)

struct checkpoint {
	char path[PATH_MAX];
	char path_new[PATH_MAX];
	int fd; /* of path_new while one is being written, else -1 */
	struct judge_save save;
	struct buf part;
};

/** @return 0 or -ENAMETOOLONG. */
MUSTUSE int checkpoint_init(struct checkpoint *c, const char *folder, struct errmsg *reterr);
void checkpoint_done(struct checkpoint *c);

/**
 * Read it back.
 *
 * @param ret_seq  The last order number that was used.
 * @return 1; 0 when there is none; a negative errno when there is one that can't be taken: the
 *         judge is fresh then.
 */
MUSTUSE int checkpoint_read(const struct checkpoint *c, struct judge *j, uint64_t *ret_seq,
			    struct errmsg *reterr);

/**
 * Begin, or go on with, writing.
 *
 * @return 1: it is whole and in place; 0: call again; a negative errno: given up.
 */
MUSTUSE int checkpoint_step(struct checkpoint *c, const struct judge *j, uint64_t seq,
			    struct errmsg *reterr);
/** Write all of it now, and wait for the disk. */
MUSTUSE int checkpoint_write(struct checkpoint *c, const struct judge *j, uint64_t seq,
			     struct errmsg *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syncer: one thread that does nothing but fdatasync, so that a slow disk never holds up an
 * order. Layer: daemon.
 */
#ifndef DAEMON_GATE_SYNCER_H
#define DAEMON_GATE_SYNCER_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct syncer;

/** @return 0, or a negative errno. */
MUSTUSE int syncer_start(struct syncer **ret, struct errmsg *reterr);
/** Waits for the sync under way. NULL is allowed. */
void syncer_stop(struct syncer *s);
/** Readable when a sync has ended: then call syncer_result. */
int syncer_fd(const struct syncer *s);
/** Is the thread free for the next job? */
bool syncer_is_idle(const struct syncer *s);
/**
 * Sync up to two descriptors (-1: none); they must stay open until the result is there. The
 * thread must be idle.
 */
void syncer_begin(struct syncer *s, const int fds[static 2]);
/** @return 0, or the negative errno of the sync that ended; the thread is idle then. */
MUSTUSE int syncer_result(struct syncer *s);

#endif

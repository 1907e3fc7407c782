/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: starts the processes, connects them, starts again what died, ends them in order.
 *
 * It holds privileges and therefore parses next to nothing: exits, and five kinds of short
 * messages of its children. Layer: daemon.
 */
#ifndef DAEMON_PARENT_SUPERVISOR_H
#define DAEMON_PARENT_SUPERVISOR_H

#include "base/attr.h"
#include "base/err.h"
#include "core/policy.h"
#include "sys/log.h"

/* Reads the configuration again; NULL with a text when it is bad. */
typedef struct policy *supervisor_reload_fn(void *ctx, struct errmsg *reterr);

struct supervisor_opts {
	struct policy *policy; /* taken over */
	const struct log *log;
	/* Who waits for the start: gets READY_OCTET when all run, or in words why they don't. -1:
	 * nobody, and the words stand in the log only. Closed by us. */
	int ready_fd;
	supervisor_reload_fn *reload;
	void *reload_ctx;
};

/**
 * Run until SIGTERM or SIGINT, or until a process cannot be started at all.
 *
 * @return The exit status: 0, or 1 when it could not start.
 */
MUSTUSE int supervisor_run(const struct supervisor_opts *opts);

#endif

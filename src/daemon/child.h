/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: what every process below the parent has in common: its loop, its channels to the parent
 * and to the other processes, its sandbox, its orderly end.
 *
 * A process is one `const struct child_spec`. The parent forks and calls child_run, which calls
 * the functions of the spec in this order and never returns:
 *
 *   open      still privileged, no hostile octet yet: what needs root (rarely anything)
 *   sandbox   user, capabilities, no_new_privs, Landlock, seccomp
 *   start     the rest: files in the own state folder, timers, listeners
 *   received, peer_up, peer_down    as they come
 *   stop      at MSG_STOP or when the parent is gone: flush and return; then exit 0
 *
 * Layer: daemon.
 */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include "base/err.h"
#include "core/policy.h"
#include "daemon/msg.h"
#include "sys/chan.h"
#include "sys/log.h"
#include "sys/loop.h"
#include "sys/sandbox.h"

struct child;

struct child_spec {
	enum process process;
	const char *name; /* "tap": in logs, ps, and as the folder STATE/tap */
	const char *user; /* "_postern-tap"; owns STATE/tap (mode 0700) */
	unsigned caps;    /* enum sandbox_cap bits */
	enum sandbox_profile profile;
	const char *readable[SANDBOX_PATHS_MAX]; /* beyond the state folder */

	/**
	 * Make the process's context, and do what still needs root. Keep `c` in it.
	 *
	 * @param ret_ctx  Handed to all others as `ctx`.
	 * @return 0, or a negative errno: the parent gives up at the first start, else tries again.
	 */
	int (*open)(struct child *c, void **ret_ctx, struct errmsg *reterr);
	int (*start)(void *ctx, struct errmsg *reterr);
	/** From another process. Check everything; child_bad(c, from) counts nonsense. */
	void (*received)(void *ctx, enum process from, const struct chan_msg *m);
	/** No more from that process is there now, or others have their turn. May be NULL. */
	void (*paused)(void *ctx, enum process from);
	/** From the parent: MSG_TAP_SOCKET and the like. May be NULL. */
	void (*from_parent)(void *ctx, const struct chan_msg *m);
	/** A channel to that process is there (again), or gone. */
	void (*peer_up)(void *ctx, enum process peer);
	void (*peer_down)(void *ctx, enum process peer);
	void (*stop)(void *ctx);
};

/* Members are for reading; the channels change as peers come and go. */
struct child {
	const struct child_spec *spec;
	const struct policy *policy; /* borrowed for life: a reload starts the process anew */
	struct loop *loop;
	struct log log;
	char state_dir[256]; /* STATE/NAME */
	unsigned layers;     /* of the sandbox that hold */
	struct chan *parent;
	struct chan *peers[PROCESS_COUNT]; /* NULL: not there now */
	/* within child.c */
	void *ctx;
	struct loop_event *sigterm;
	struct peer_link *links;
};

extern const struct child_spec tap_child;
extern const struct child_spec judge_child;
extern const struct child_spec gate_child;
extern const struct child_spec desk_child;

const char *process_name(enum process p);

/**
 * Send to another process.
 *
 * @return 0 when sent or queued; -ENOTCONN when it is not there now; else as chan_send.
 */
MUSTUSE int child_send(struct child *c, enum process to, uint32_t type, struct str body);

/** The same with a descriptor, which stays the caller's. */
MUSTUSE int child_send_fd(struct child *c, enum process to, uint32_t type, struct str body, int fd);

/** Counts a message of `from` that made no sense. */
void child_bad(struct child *c, enum process from);

/**
 * Be this process until the end. Called by the parent after fork.
 *
 * @param parent_fd  The channel to the parent; taken over.
 */
NORETURN void child_run(const struct child_spec *spec, const struct policy *policy, int parent_fd);

#endif

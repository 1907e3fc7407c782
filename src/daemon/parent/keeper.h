/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: for hosts without a service manager: a process that does nothing but start the parent
 * again when it was killed. It reads no input and holds no secret. With `posternd -f` there is
 * none, because the service manager does this. Layer: daemon.
 */
#ifndef DAEMON_PARENT_KEEPER_H
#define DAEMON_PARENT_KEEPER_H

#include "base/attr.h"

/* Be the parent; returns its exit status. `ready_fd`: write one octet when all processes run, or
 * -1. */
typedef int keeper_parent_fn(void *ctx, int ready_fd);

/**
 * Go into the background and keep a parent running until it ends by itself.
 *
 * The calling process waits until the first parent is ready or has failed and then exits with 0 or
 * the parent's status; the keeper never returns either.
 *
 * @param pidfile_fd  Gets the keeper's number.
 */
NORETURN void keeper_run(int pidfile_fd, keeper_parent_fn *parent, void *ctx);

#endif

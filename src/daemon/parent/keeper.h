/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper: for hosts without a service manager: a process that does nothing but start the parent
 * again when it was killed. It reads no input and holds no secret. With `posternd -f` there is
 * none, because the service manager does this. Layer: daemon.
 */
#ifndef DAEMON_PARENT_KEEPER_H
#define DAEMON_PARENT_KEEPER_H

#include "base/attr.h"

/* What comes first through `ready_fd` when all processes run. */
#define READY_OCTET '\0'
/* Be the parent; returns its exit status. `ready_fd`: READY_OCTET when all processes run, or words
 * that say why they can't; or -1. */
typedef int keeper_parent_fn(void *ctx, int ready_fd);

/**
 * Go into the background and keep a parent running until it ends by itself.
 *
 * The calling process waits until the first parent is ready or has failed and then exits with 0 or
 * the parent's status; the keeper never returns either.
 *
 * @param pidfile_fd   Gets the keeper's number.
 * @param terminal_fd  Where the calling process says why a start failed. No other keeps it open,
 *                     so a pipe that it was started into ends with the start.
 */
NORETURN void keeper_run(int pidfile_fd, int terminal_fd, keeper_parent_fn *parent, void *ctx);

#endif

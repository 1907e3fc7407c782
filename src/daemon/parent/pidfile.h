/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfile: one posternd for one state folder: a locked file that holds the number of the process
 * to signal. The lock, not the file, is what counts: it goes with the processes that hold it.
 * Layer: daemon.
 */
#ifndef DAEMON_PARENT_PIDFILE_H
#define DAEMON_PARENT_PIDFILE_H

#include "base/attr.h"
#include "base/err.h"

/**
 * Lock STATE/posternd.pid and write our process number into it.
 *
 * @param ret_fd  The lock; inherited over fork. Keep it open.
 * @return 0; -EEXIST when another one runs (the text names its number); else a negative errno.
 */
MUSTUSE int pidfile_take(const char *state_dir, int *ret_fd, struct errmsg *reterr);
/** Write this process's number: after a fork that changed who is to be signalled. */
MUSTUSE int pidfile_update(int fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journalctl: the mail of systemd's journal, by its own program: started without a shell, with
 * only what mail servers and journald itself wrote. Layer: doctor.
 */
#ifndef DOCTOR_JOURNALCTL_H
#define DOCTOR_JOURNALCTL_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

/**
 * @param dir      Folder of the journal; "": this machine's own.
 * @param after    Only what came in the seconds after that one; ns 0: all of it.
 * @param ret_fd   Its output in the export format, to be closed.
 * @param ret_pid  To be given to journalctl_end.
 * @return 0; -ENOENT: there is no such program; or another negative errno.
 */
MUSTUSE int journalctl_begin(const char *dir, struct wall after, int *ret_fd, pid_t *ret_pid,
			     struct errmsg *reterr);
/** After its output was closed; what was not read yet is given up. @return Did it go well? */
bool journalctl_end(pid_t pid);

#endif

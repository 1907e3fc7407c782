/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folders: the state folder, a folder in it for each process, and the socket's folder, each with
 * the owner that its process will be. Layer: daemon.
 */
#ifndef DAEMON_PARENT_FOLDERS_H
#define DAEMON_PARENT_FOLDERS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "core/policy.h"

/** The state folder alone. @return 0, or a negative errno. */
MUSTUSE int folders_make_state(const struct policy *p, struct errmsg *reterr);
/** All the others. @return 0; -ENOENT when a system user is missing; else a negative errno. */
MUSTUSE int folders_make(const struct policy *p, struct errmsg *reterr);

/**
 * STATE/first-token, mode 0600: how the first one gets in.
 *
 * @param text  From the desk: checked. Empty: it is over, remove the file.
 * @return 0; -EBADMSG; else a negative errno.
 */
MUSTUSE int folders_put_first_token(const struct policy *p, struct str text, struct errmsg *reterr);

#endif

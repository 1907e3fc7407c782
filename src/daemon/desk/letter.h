/* SPDX-License-Identifier: Apache-2.0 */
/*
 * letter: one notice as a mail: gathers from the store what is to be said and fills the texts.
 * Layer: daemon.
 */
#ifndef DAEMON_DESK_LETTER_H
#define DAEMON_DESK_LETTER_H

#include "base/buf.h"
#include "base/err.h"
#include "notify/template.h"
#include "store/notices.h"

struct desk;

/* The whole mail with its attachments. */
#define LETTER_MAX ((size_t)2 << 20)

/**
 * @param t    The operator's texts; where one of them can't be filled ours is taken, and a live
 *             event says so.
 * @param out  Appended to.
 * @return 0, or a negative errno.
 */
MUSTUSE int letter_write(struct desk *d, const struct templates *t, const struct notice_row *n,
			 struct buf *out, struct errmsg *reterr);

#endif

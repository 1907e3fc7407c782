/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailer: takes notices from the queue in the store and hands them to the mail server. Layer:
 * daemon.
 *
 * What may happen and what follows:
 *   killed before the final dot    sent again, nobody got it yet
 *   killed after the dot           sent once more, with the same Message-ID
 *   killed after the dot again     not sent any more: state unsure, in the case's story
 *   the server can't now           again later, up to five days
 */
#ifndef DAEMON_DESK_MAILER_H
#define DAEMON_DESK_MAILER_H

#include "base/attr.h"
#include "base/err.h"

struct desk;
struct mailer;

/**
 * @param template_dir  The operator's texts, or NULL.
 * @return 0, or a negative errno. Without a loop or without notices.smtp it sends nothing.
 */
MUSTUSE int mailer_new(struct desk *d, const char *template_dir, struct mailer **ret,
		       struct errmsg *reterr);
/** Sessions under way are given up. NULL is allowed. */
void mailer_free(struct mailer *o);
/** Begin what is due. */
void mailer_tick(struct mailer *o);

#endif

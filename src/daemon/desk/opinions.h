/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opinions: asks the configured filters about the messages that the tap has chosen, and tells the
 * judge what their answers change. Off the fast path: what is lost, late or broken changes nothing.
 * Layer: daemon.
 */
#ifndef DAEMON_DESK_OPINIONS_H
#define DAEMON_DESK_OPINIONS_H

#include "base/attr.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "core/observation.h"
#include "core/policy.h"
#include "sys/loop.h"

/* Messages that are asked about at once; further ones are dropped and counted. */
#define OPINIONS_PENDING_MAX 64

struct opinions_desk;

typedef void opinions_tell_fn(void *ctx, const struct opinion_obs *o);

MUSTUSE int opinions_new(struct loop *l, const struct policy *p, opinions_tell_fn *tell, void *ctx,
			 struct opinions_desk **ret, struct errmsg *reterr);
/** NULL is allowed. */
void opinions_free(struct opinions_desk *o);
/** The body of MSG_ASK. @return false: it makes no sense. */
MUSTUSE bool opinions_ask(struct opinions_desk *o, struct str body);
/** "second_opinion": a service each, with what came of its questions. */
void opinions_write(const struct opinions_desk *o, struct jsonw *w, const char *key);
/** The same for Prometheus. */
void opinions_write_metrics(const struct opinions_desk *o, struct buf *out);

#endif

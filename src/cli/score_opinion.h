/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_opinion: `postern score --second-opinion KIND=ADDRESS[,KIND=ADDRESS]`: other filters are
 * asked about many messages at once, and the results come out in order. Layer: cli.
 */
#ifndef CLI_SCORE_OPINION_H
#define CLI_SCORE_OPINION_H

#include "base/err.h"
#include "base/str.h"
#include "core/opinion.h"

/* Messages under way. */
#define SCORE_PARALLEL 16
/* For one answer; nobody waits behind it but the user. */
#define SCORE_TIMEOUT_S 120

struct score_opinion;

/**
 * One message is ready, in the order of score_opinion_ask.
 *
 * @param item     As given there; taken over.
 * @param answers  What came; `missing` services did not answer.
 * @return 0, or a negative errno that ends it all.
 */
typedef int score_opinion_fn(void *ctx, void *item, const struct opinions *answers,
			     unsigned missing);

/** @param text  "spamd=127.0.0.1:783,rspamd=http://127.0.0.1:11333". */
MUSTUSE int score_opinion_new(const char *text, score_opinion_fn *ready, void *ctx,
			      struct score_opinion **ret, struct errmsg *reterr);
/** Waits while too many are under way. @return What `ready` said. */
MUSTUSE int score_opinion_ask(struct score_opinion *o, void *item, struct str message);
/** Waits for all. */
MUSTUSE int score_opinion_end(struct score_opinion *o);
/** NULL is allowed. */
void score_opinion_free(struct score_opinion *o);

#endif

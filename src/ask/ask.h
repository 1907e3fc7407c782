/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: asks one other filter about messages, many at once, without ever waiting.
 *
 * Only its one configured address is spoken to. A service that fails again and again is left
 * alone for a while: the breaker. Layer: ask.
 */
#ifndef ASK_ASK_H
#define ASK_ASK_H

#include "ask/ask_wire.h"
#include "base/err.h"
#include "sys/loop.h"

/* Questions to one service at once. */
#define ASK_PARALLEL_MAX 64
/* Failures in a row that open the breaker, and for how long. */
#define ASK_FAILURES_MAX 5
#define ASK_REST_MS 30000

enum ask_outcome {
	ASK_ANSWERED,
	ASK_UNREACHABLE, /* no connection, or it broke before anything came */
	ASK_LATE,        /* not within the time */
	ASK_GARBAGE,     /* half an answer, another protocol, too much, an error of its own */
	ASK_OUTCOME_COUNT,
};

struct ask_conf {
	enum opinion_kind kind;
	const char *endpoint; /* "127.0.0.1:783", "[::1]:11333"; copied */
	uint32_t timeout_ms;  /* for everything from connecting to the last octet */
	size_t parallel;      /* at most ASK_PARALLEL_MAX */
};

struct ask_counts {
	uint64_t asked;
	uint64_t by_outcome[ASK_OUTCOME_COUNT];
	uint64_t refused; /* not asked: too many at once, or the breaker was open */
	uint64_t rests;   /* times the breaker opened */
	bool is_resting;
};

struct ask;

/** Never called from within ask_start. */
typedef void ask_done_fn(void *ctx, uint64_t token, enum ask_outcome outcome, int64_t score_micro);

/** @return 0; -EINVAL: no address and port; -ENOMEM. */
MUSTUSE int ask_new(struct loop *l, const struct ask_conf *conf, ask_done_fn *done, void *ctx,
		    struct ask **ret, struct errmsg *reterr);
/** Those that are under way are given up without a word. NULL is allowed. */
void ask_free(struct ask *a);

/**
 * Ask about a message.
 *
 * @param message  Copied.
 * @return 0: done will be called once; -EBUSY: too many at once, or the breaker is open;
 *         another negative errno: nothing will come.
 */
MUSTUSE int ask_start(struct ask *a, uint64_t token, struct str message);
struct ask_counts ask_counts_get(const struct ask *a);
const char *ask_outcome_name(enum ask_outcome o);

#endif

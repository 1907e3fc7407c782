/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox: the judge's orders from the moment they are given until the gate has said that it
 * holds them.
 *
 * Numbers rise and are never used twice: they go on after the larger of the checkpoint's last
 * number and what the gate's journal holds, and an order gets its number only when the gate has
 * said how far that is. What the gate lost is sent again under the same number. Of a source that
 * moves on before it was numbered only the last order is kept. Layer: daemon.
 */
#ifndef DAEMON_JUDGE_OUTBOX_H
#define DAEMON_JUDGE_OUTBOX_H

#include "base/attr.h"
#include "base/siphash.h"
#include "base/str.h"
#include "core/judge.h"
#include "core/order.h"

/* Orders kept at once; beyond it the oldest is given up and counted. */
#define OUTBOX_MAX 65536

struct outbox;

/** Sends one order. @return 0, or a negative errno: it stays for the next try. */
typedef int outbox_send_fn(void *ctx, struct str body);

MUSTUSE struct outbox *outbox_new(const struct siphash_key *key, outbox_send_fn *send, void *ctx);
void outbox_free(struct outbox *o);

/** The last number that was used. */
uint64_t outbox_seq(const struct outbox *o);
/** From the checkpoint: only ever upwards. */
void outbox_set_seq(struct outbox *o, uint64_t seq);

/**
 * Give an order; it is sent at once when the gate is there.
 *
 * @param now  When it is given. The event's own time is that of the last octet it rests on, which
 *             the tap's ring may have held back for a while; that one stands in the proof.
 * @return 0 or -ENOMEM.
 */
MUSTUSE int outbox_give(struct outbox *o, const struct judge_event *e, struct wall now);
/** The gate is there and its journal holds our orders up to `last`. */
void outbox_hello(struct outbox *o, uint64_t last);
/** The gate is gone. */
void outbox_gone(struct outbox *o);
/** The gate answered this order: it holds it. */
void outbox_confirm(struct outbox *o, uint64_t seq);
/** Try again what could not be sent. */
void outbox_flush(struct outbox *o);

size_t outbox_count(const struct outbox *o);
uint64_t outbox_lost(const struct outbox *o);

#endif

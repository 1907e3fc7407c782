/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp: both directions of TCP connections, put together again from segments that were seen.
 *
 * A passive watcher is not an end: segments come late, twice, in pieces, or not at all, and one
 * direction may be missing. Octets that are in order pass through without a copy. The others
 * wait in a bounded queue. What the far side acknowledged and we never saw is a gap: an event.
 *
 * Cause comes before effect: octets are held back until what their sender had received is
 * delivered, so that the two directions of a conversation stay in step however frames were
 * mixed. An overlap never changes what was there first. Layer: proto (pure).
 *
 * Source: RFC 9293; RFC 7413 for octets on a SYN.
 */
#ifndef PROTO_TCP_H
#define PROTO_TCP_H

#include "base/siphash.h"
#include "proto/packet.h"
#include "proto/tcp_stream.h"

/* A SYN without an answer is "tried" after this; three repetitions of Linux fit in. */
#define TCP_ANSWER_S 3

struct tcp_conf {
	size_t flows_max;     /* one more ends the flow that has been idle longest */
	size_t bytes_max;     /* that wait in all queues */
	uint32_t half_max;    /* that wait in one direction; beyond it the hole becomes a gap */
	uint32_t idle_s;      /* a flow without frames for so long has ended */
	uint32_t lateness_ms; /* how long a frame may be overtaken by its acknowledgement */
	struct siphash_key key;
};

struct tcp_arrival {
	struct wall time;
	uint16_t zone;
	bool trusted;
};

struct tcp;

/** @return NULL without memory. `ops` and `ctx` outlive it. */
MUSTUSE struct tcp *tcp_new(const struct tcp_conf *conf, const struct tcp_ops *ops, void *ctx);
/** Forgets everything without a word; tcp_end first. NULL is allowed. */
void tcp_free(struct tcp *t);

/** One segment. Calls back for what it completes, of this flow and of those that time out. */
void tcp_step(struct tcp *t, const struct packet *p, const struct tcp_arrival *at);
/** Time goes on without frames. */
void tcp_tick(struct tcp *t, struct wall now);
/** Nothing more will come: ends every flow, oldest first. */
void tcp_end(struct tcp *t);

/** Not of interest: no more callbacks for it, its frames are only counted to it. */
void tcp_ignore(struct tcp *t, struct tcp_flow *f);

size_t tcp_flow_count(const struct tcp *t);
/** Walk all flows that run, in no order: start with *pos = 0. NULL at the end. */
struct tcp_flow *tcp_next(const struct tcp *t, size_t *pos);
const struct tcp_counts *tcp_counts(const struct tcp *t);

#endif

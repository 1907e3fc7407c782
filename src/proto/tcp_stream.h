/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_stream: the two directions of one flow: what is in order, what waits, what is a gap.
 *
 * The part of proto/tcp below its table and its clock. Layer: proto (pure).
 */
#ifndef PROTO_TCP_STREAM_H
#define PROTO_TCP_STREAM_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/list.h"
#include "proto/addr.h"
#include "proto/tcp_queue.h"

/* One side of a flow: 0 or 1. */
#define TCP_SIDES 2
#define TCP_SIDE_UNKNOWN (-1)

enum tcp_close {
	TCP_CLOSE_FIN, /* both directions ended */
	TCP_CLOSE_RST,
	TCP_CLOSE_TIMEOUT, /* idle for too long, or the oldest when the table was full */
	TCP_CLOSE_OPEN,    /* tcp_end: the watching ended first */
	TCP_CLOSE_COUNT,
};

/* Identity; no padding. The lower end (address, then port) is side 0. */
struct tcp_key {
	struct addr addr[TCP_SIDES];
	uint16_t port[TCP_SIDES];
	uint16_t zone; /* the caller's: where the same address is another machine */
	uint16_t vlan;
};
static_assert(sizeof(struct tcp_key) == 42, "no padding in a key");

struct tcp_half {
	uint32_t base;   /* of the first octet */
	uint32_t next;   /* of the next one to deliver */
	uint32_t acked;  /* what the other side has said to have received */
	uint32_t mark;   /* `acked` when we began to wait for what is missing */
	uint32_t fin;    /* where it ends, with has_fin */
	uint32_t rst;    /* where it was cut off, with has_rst */
	uint64_t offset; /* octets delivered or lost so far */
	uint64_t lost;
	uint64_t repeated; /* octets that came again */
	struct tcp_queue queue;
	bool seen;   /* at least one frame of this side */
	bool synced; /* base, next and acked hold */
	bool has_fin;
	bool fin_done;
	bool has_rst;
	bool trusted; /* its frames came from where this side lives, others were left out */
};

/* For users of the callbacks: read all of it; write `user`, and `opener` in opened(). */
struct tcp_flow {
	struct tcp_key key;
	int8_t opener; /* side that sent the SYN, or TCP_SIDE_UNKNOWN */
	uint8_t state;
	bool ignored;
	bool syn_ack;
	bool established; /* a complete handshake was seen */
	bool tried;       /* that it was not answered has been said */
	bool waits;       /* on the list of those that miss something */
	bool has_resyn;
	uint8_t wait_frames;
	uint32_t resyn; /* a SYN on a running flow: counts when it is answered */
	struct wall first;
	struct wall last;    /* newest frame */
	struct wall touched; /* when it was last put at the end of its list */
	struct wall wait_since;
	struct list item;
	struct list wait_item;
	struct tcp_half half[TCP_SIDES];
	void *user;
};

struct tcp_ops {
	/* A new flow: set `user`, the opener if it is known by other means, or tcp_ignore it. */
	void (*opened)(void *ctx, struct tcp_flow *f);
	void (*established)(void *ctx, struct tcp_flow *f);
	/* Its SYN was refused, or had no answer for TCP_ANSWER_S. Said once. */
	void (*tried)(void *ctx, struct tcp_flow *f);
	/* The next octets of a side, borrowed. half[side].offset is still that of the first one. */
	void (*data)(void *ctx, struct tcp_flow *f, int side, struct str bytes);
	/* Octets of a side that will never be seen; half[side].offset as above. */
	void (*gap)(void *ctx, struct tcp_flow *f, int side, uint32_t n);
	/* The end; let go of `user`. Not said of ignored flows. */
	void (*closed)(void *ctx, struct tcp_flow *f, enum tcp_close how);
};

struct tcp_counts {
	uint64_t flows;
	uint64_t evicted;
	uint64_t lost;     /* octets, as gaps */
	uint64_t repeated; /* octets */
	uint64_t refused;  /* segments that found no room */
	uint64_t foreign;  /* frames of a trusted side that came from elsewhere */
	uint64_t odd;      /* segments far outside of what their flow could send */
};

/* What all streams of a table share. */
struct tcp_shared {
	const struct tcp_ops *ops;
	void *ctx;
	struct tcp_pool pool;
	uint32_t half_max;
	struct tcp_counts counts;
};

/* An acknowledgement or a segment further away than this is not of this conversation. */
#define TCP_AHEAD_MAX (64 << 20)

/** The first octet of a side has this number. */
void tcp_stream_begin(struct tcp_half *h, uint32_t first);

/**
 * Take one segment: deliver it when it is in order and in step, keep it otherwise.
 *
 * @param is_last  It carries a FIN.
 */
void tcp_stream_add(struct tcp_shared *t, struct tcp_flow *f, int side, const struct tcp_seg *seg,
		    bool is_last);

/** Deliver all that has become ready. */
void tcp_stream_drain(struct tcp_shared *t, struct tcp_flow *f);

/**
 * Is something missing that the other side has, so that it must have passed by? Where the other
 * side was never seen, only what came after a hole can tell.
 */
bool tcp_stream_is_owed(const struct tcp_flow *f);
/** Remember what is missing now, */
void tcp_stream_mark(struct tcp_flow *f);
/** and, later, give up on it: gaps up to the mark. */
void tcp_stream_give_up(struct tcp_shared *t, struct tcp_flow *f);

/**
 * All that can still be said of a flow that ends. What lies behind a hole that the other side
 * never acknowledged did not reach it, and is dropped.
 */
void tcp_stream_flush(struct tcp_shared *t, struct tcp_flow *f);
/** Free what waits. */
void tcp_stream_drop(struct tcp_shared *t, struct tcp_flow *f);

/** Octets of a side, from its first, that the other side has acknowledged. */
uint64_t tcp_acked(const struct tcp_flow *f, int side);

#endif

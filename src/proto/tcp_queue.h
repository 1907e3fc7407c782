/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_queue: copies of the octets of one direction that came before their turn.
 *
 * Sorted by sequence number, no octet twice: what came first stays. Memory is counted in a pool
 * that all queues share, and every queue has limits of its own. Layer: proto (pure).
 */
#ifndef PROTO_TCP_QUEUE_H
#define PROTO_TCP_QUEUE_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pieces a queue may hold; one more is refused. Small ones that follow each other share a piece. */
#define TCP_QUEUE_PIECES_MAX 1024

struct tcp_pool {
	size_t used;
	size_t max; /* octets of all queues together, their bookkeeping included */
};

struct tcp_piece {
	struct tcp_piece *prev;
	struct tcp_piece *next;
	uint32_t seq;
	uint32_t len;
	uint32_t size; /* room in data */
	uint32_t ack;  /* what its sender had received by then */
	uint32_t cut;  /* octets after it that the capture left out */
	bool has_ack;
	char data[];
};

/* All zero is an empty queue. */
struct tcp_queue {
	struct tcp_piece *first;
	struct tcp_piece *last;
	uint32_t bytes; /* of its own, bookkeeping included */
	uint32_t count;
};

/* What one segment brings. */
struct tcp_seg {
	uint32_t seq;
	struct str bytes;
	uint32_t cut;
	uint32_t ack;
	bool has_ack;
};

/** Is `a` before `b`, in the arithmetic of sequence numbers? */
static inline bool tcp_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/** Its first `n` octets were dealt with. */
static inline void tcp_seg_skip(struct tcp_seg *seg, uint32_t n)
{
	seg->seq += n;
	seg->bytes = str_skip(seg->bytes, n);
}

/**
 * Copy what of a segment is not there yet.
 *
 * @param seg        What is taken is skipped in it: what is left found no room.
 * @param bytes_max  Limit of this queue.
 * @param ret_dup    Octets that were there already are added to it.
 * @return 0, or -ENOBUFS when a limit is reached or memory is out: then a part may be taken.
 */
MUSTUSE int tcp_queue_add(struct tcp_pool *pool, struct tcp_queue *q, struct tcp_seg *seg,
			  uint32_t bytes_max, uint64_t *ret_dup);
/** Free the first piece; there is one. */
void tcp_queue_drop(struct tcp_pool *pool, struct tcp_queue *q);
void tcp_queue_clear(struct tcp_pool *pool, struct tcp_queue *q);

#endif

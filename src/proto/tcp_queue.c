/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_queue: pieces in a doubly linked list, searched from its end, where new ones belong
 * nearly always. Layer: proto (pure).
 */
#include "proto/tcp_queue.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Room of a piece at least, so that a stream of single octets does not cost a piece each. */
#define PIECE_SIZE_MIN 512

static size_t cost_of(const struct tcp_piece *p)
{
	return sizeof(*p) + p->size;
}

static uint32_t end_of(const struct tcp_piece *p)
{
	return p->seq + p->len;
}

/* A new piece after `at`; NULL: in front. */
static int insert(struct tcp_pool *pool, struct tcp_queue *q, struct tcp_piece *at,
		  const struct tcp_seg *seg, uint32_t bytes_max)
{
	uint32_t len = (uint32_t)seg->bytes.len;
	uint32_t size = len < PIECE_SIZE_MIN ? PIECE_SIZE_MIN : len;
	size_t cost = sizeof(struct tcp_piece) + size;

	if (q->count >= TCP_QUEUE_PIECES_MAX || q->bytes + cost > bytes_max ||
	    pool->used + cost > pool->max) {
		return -ENOBUFS;
	}
	struct tcp_piece *p = malloc(cost);
	if (p == NULL) {
		return -ENOBUFS;
	}
	*p = (struct tcp_piece){
		.prev = at,
		.next = at == NULL ? q->first : at->next,
		.seq = seg->seq,
		.len = len,
		.size = size,
		.ack = seg->ack,
		.cut = seg->cut,
		.has_ack = seg->has_ack,
	};
	memcpy(p->data, seg->bytes.ptr, len);
	*(p->prev == NULL ? &q->first : &p->prev->next) = p;
	*(p->next == NULL ? &q->last : &p->next->prev) = p;
	q->count++;
	q->bytes += (uint32_t)cost;
	pool->used += cost;
	return 0;
}

/* Does it go on where `at` ends, in its room and with the same knowledge of the other side? */
static bool fits(const struct tcp_piece *at, const struct tcp_seg *seg)
{
	return at != NULL && at->seq + at->len == seg->seq && at->cut == 0 &&
	       at->has_ack == seg->has_ack && at->ack == seg->ack &&
	       seg->bytes.len <= at->size - at->len;
}

static int put(struct tcp_pool *pool, struct tcp_queue *q, struct tcp_piece *at,
	       const struct tcp_seg *seg, uint32_t bytes_max)
{
	if (!fits(at, seg)) {
		return insert(pool, q, at, seg, bytes_max);
	}
	memcpy(at->data + at->len, seg->bytes.ptr, seg->bytes.len);
	at->len += (uint32_t)seg->bytes.len;
	at->cut = seg->cut;
	return 0;
}

int tcp_queue_add(struct tcp_pool *pool, struct tcp_queue *q, struct tcp_seg *seg,
		  uint32_t bytes_max, uint64_t *ret_dup)
{
	struct tcp_piece *at = q->last;

	while (at != NULL && tcp_before(seg->seq, at->seq)) {
		at = at->prev;
	}
	/* `at` begins at or before it; what follows begins after it. */
	for (;;) {
		if (at != NULL && tcp_before(seg->seq, end_of(at))) {
			uint32_t known = end_of(at) - seg->seq;
			known = known < seg->bytes.len ? known : (uint32_t)seg->bytes.len;
			*ret_dup += known;
			tcp_seg_skip(seg, known);
			if (seg->bytes.len == 0) {
				return 0;
			}
		}
		struct tcp_piece *next = at == NULL ? q->first : at->next;
		struct tcp_seg part = *seg;
		if (next != NULL && seg->bytes.len > next->seq - seg->seq) {
			part.bytes = str_head(seg->bytes, next->seq - seg->seq);
			part.cut = 0;
		}
		int r = part.bytes.len == 0 ? 0 : put(pool, q, at, &part, bytes_max);
		if (r < 0) {
			return r;
		}
		tcp_seg_skip(seg, (uint32_t)part.bytes.len);
		if (seg->bytes.len == 0) {
			return 0;
		}
		at = next;
	}
}

void tcp_queue_drop(struct tcp_pool *pool, struct tcp_queue *q)
{
	struct tcp_piece *p = q->first;

	ASSERT(p != NULL);
	q->first = p->next;
	*(p->next == NULL ? &q->last : &p->next->prev) = NULL;
	q->count--;
	q->bytes -= (uint32_t)cost_of(p);
	pool->used -= cost_of(p);
	free(p);
}

void tcp_queue_clear(struct tcp_pool *pool, struct tcp_queue *q)
{
	while (q->first != NULL) {
		tcp_queue_drop(pool, q);
	}
}

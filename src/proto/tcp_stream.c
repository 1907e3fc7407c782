/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp_stream: order, gaps and cause before effect. Layer: proto (pure).
 */
#include "proto/tcp_stream.h"

#include "base/assert.h"

#include "base/poison.h"

void tcp_stream_begin(struct tcp_half *h, uint32_t first)
{
	h->synced = true;
	h->base = first;
	h->next = first;
	h->acked = first;
}

static void say_data(struct tcp_shared *t, struct tcp_flow *f, int side, struct str bytes)
{
	struct tcp_half *h = &f->half[side];

	if (!f->ignored && bytes.len > 0) {
		t->ops->data(t->ctx, f, side, bytes);
	}
	h->next += (uint32_t)bytes.len;
	h->offset += bytes.len;
}

static void say_gap(struct tcp_shared *t, struct tcp_flow *f, int side, uint32_t n)
{
	struct tcp_half *h = &f->half[side];

	if (!f->ignored && n > 0) {
		t->counts.lost += n;
		h->lost += n;
		t->ops->gap(t->ctx, f, side, n);
	}
	h->next += n;
	h->offset += n;
}

/* The octets that the capture left out, as far as nothing else brought them. */
static void say_cut(struct tcp_shared *t, struct tcp_flow *f, int side, uint32_t cut)
{
	const struct tcp_half *h = &f->half[side];
	const struct tcp_piece *first = h->queue.first;

	if (cut > 0 && first != NULL && tcp_before(first->seq, h->next + cut)) {
		cut = tcp_before(h->next, first->seq) ? first->seq - h->next : 0;
	}
	say_gap(t, f, side, cut);
}

/* Has what this ack speaks of been delivered? Nothing is known of a side never seen. */
static bool in_step(const struct tcp_flow *f, int side, bool has_ack, uint32_t ack)
{
	const struct tcp_half *other = &f->half[!side];

	return !has_ack || !other->seen || !other->synced || !tcp_before(other->next, ack) ||
	       ack - other->next > TCP_AHEAD_MAX;
}

/* Is the first piece of the queue the next one in order? */
static bool has_next(const struct tcp_half *h)
{
	return h->queue.first != NULL && !tcp_before(h->next, h->queue.first->seq);
}

static void take_first(struct tcp_shared *t, struct tcp_flow *f, int side)
{
	struct tcp_half *h = &f->half[side];
	struct tcp_piece *p = h->queue.first;
	uint32_t known = h->next - p->seq;
	struct str bytes = str_skip((struct str){p->data, p->len}, known);
	uint32_t past = known > p->len ? known - p->len : 0;
	uint32_t cut = p->cut > past ? p->cut - past : 0;

	say_data(t, f, side, bytes);
	tcp_queue_drop(&t->pool, &h->queue);
	say_cut(t, f, side, cut);
}

/* What of one side is in order and in step. @return Did anything move? */
static bool drain(struct tcp_shared *t, struct tcp_flow *f, int side)
{
	struct tcp_half *h = &f->half[side];
	bool moved = false;

	while (has_next(h) && in_step(f, side, h->queue.first->has_ack, h->queue.first->ack)) {
		take_first(t, f, side);
		moved = true;
	}
	if (h->has_fin && !h->fin_done && h->synced && !tcp_before(h->next, h->fin)) {
		tcp_queue_clear(&t->pool, &h->queue);
		h->fin_done = true;
		h->next = h->fin + 1;
		moved = true;
	}
	return moved;
}

void tcp_stream_drain(struct tcp_shared *t, struct tcp_flow *f)
{
	while (drain(t, f, 0) || drain(t, f, 1)) {
	}
}

static bool is_owed(const struct tcp_flow *f, int side)
{
	const struct tcp_half *h = &f->half[side];

	if (!h->seen || !h->synced) {
		return false;
	}
	if (!f->half[!side].seen) {
		return h->queue.first != NULL;
	}
	return tcp_before(h->next, h->acked) || (h->has_rst && tcp_before(h->next, h->rst));
}

bool tcp_stream_is_owed(const struct tcp_flow *f)
{
	return is_owed(f, 0) || is_owed(f, 1);
}

void tcp_stream_mark(struct tcp_flow *f)
{
	for (int side = 0; side < TCP_SIDES; side++) {
		struct tcp_half *h = &f->half[side];
		h->mark = h->acked;
		if (!f->half[!side].seen && h->queue.last != NULL) {
			h->mark = h->queue.last->seq;
		}
	}
}

/* Give up on the first hole of a side, or on waiting for the other. @return Did anything move? */
static bool give_up(struct tcp_shared *t, struct tcp_flow *f, int side, uint32_t until)
{
	struct tcp_half *h = &f->half[side];

	if (has_next(h)) {
		take_first(t, f, side);
		return true;
	}
	if (h->queue.first != NULL && !tcp_before(until, h->queue.first->seq)) {
		until = h->queue.first->seq;
	}
	if (!tcp_before(h->next, until)) {
		return false;
	}
	uint32_t missing = until - h->next;
	if (missing == 1 && h->queue.first == NULL && !h->has_fin) {
		/* One more than was sent is the number of a FIN. */
		h->has_fin = true;
		h->fin = h->next;
		return true;
	}
	say_gap(t, f, side, missing);
	return true;
}

/* Commands come before replies: the side that opened goes first. */
static int nth_side(const struct tcp_flow *f, int n)
{
	return f->opener == 1 ? !n : n;
}

void tcp_stream_give_up(struct tcp_shared *t, struct tcp_flow *f)
{
	bool moved;

	do {
		moved = false;
		for (int n = 0; n < TCP_SIDES && !moved; n++) {
			int side = nth_side(f, n);
			struct tcp_half *h = &f->half[side];
			if (h->seen && h->synced && tcp_before(h->next, h->mark)) {
				moved = give_up(t, f, side, h->mark);
			}
		}
		tcp_stream_drain(t, f);
	} while (moved);
	for (int side = 0; side < TCP_SIDES; side++) {
		struct tcp_half *h = &f->half[side];
		if (h->has_rst && tcp_before(h->next, h->rst)) {
			h->rst = h->next;
		}
	}
}

void tcp_stream_flush(struct tcp_shared *t, struct tcp_flow *f)
{
	bool moved;

	do {
		tcp_stream_drain(t, f);
		moved = false;
		for (int n = 0; n < TCP_SIDES && !moved; n++) {
			int side = nth_side(f, n);
			struct tcp_half *h = &f->half[side];
			uint32_t until = h->acked;
			if (!f->half[!side].seen && h->queue.first != NULL) {
				until = h->queue.first->seq;
			}
			moved = h->seen && h->synced && give_up(t, f, side, until);
		}
	} while (moved);
}

void tcp_stream_drop(struct tcp_shared *t, struct tcp_flow *f)
{
	for (int side = 0; side < TCP_SIDES; side++) {
		tcp_queue_clear(&t->pool, &f->half[side].queue);
	}
}

/* Without the octets that were delivered already. */
static void trim(struct tcp_shared *t, struct tcp_half *h, struct tcp_seg *seg)
{
	uint32_t known = h->next - seg->seq;
	uint32_t again = known < seg->bytes.len ? known : (uint32_t)seg->bytes.len;
	uint32_t past = known - again;

	h->repeated += again;
	t->counts.repeated += again;
	seg->bytes = str_skip(seg->bytes, again);
	seg->cut = past < seg->cut ? seg->cut - past : 0;
	seg->seq = h->next;
}

/* What of a segment is next in order, up to the first piece that waits. */
static void say_head(struct tcp_shared *t, struct tcp_flow *f, int side, struct tcp_seg *seg)
{
	const struct tcp_half *h = &f->half[side];
	const struct tcp_piece *first = h->queue.first;
	struct str head = seg->bytes;

	if (first != NULL && tcp_before(first->seq, seg->seq + (uint32_t)head.len)) {
		head = str_head(head, first->seq - seg->seq);
	}
	say_data(t, f, side, head);
	tcp_seg_skip(seg, (uint32_t)head.len);
	if (seg->bytes.len == 0) {
		say_cut(t, f, side, seg->cut);
	}
}

/*
 * Keep what cannot be delivered yet. Without room all is said up to there, in order, and the holes
 * before it become gaps; each turn says octets or frees a piece.
 */
static void keep(struct tcp_shared *t, struct tcp_flow *f, int side, struct tcp_seg *seg)
{
	struct tcp_half *h = &f->half[side];
	uint64_t repeated = 0;
	int r = tcp_queue_add(&t->pool, &h->queue, seg, t->half_max, &repeated);

	while (r < 0 && (h->queue.first != NULL || !tcp_before(h->next, seg->seq))) {
		if (tcp_before(seg->seq, h->next)) {
			trim(t, h, seg);
		}
		if (seg->bytes.len == 0) {
			r = 0;
		} else if (seg->seq == h->next && !has_next(h)) {
			say_head(t, f, side, seg);
		} else {
			give_up(t, f, side, seg->seq);
			r = h->queue.bytes < t->half_max / 2
				    ? tcp_queue_add(&t->pool, &h->queue, seg, t->half_max,
						    &repeated)
				    : r;
		}
	}
	t->counts.refused += r < 0;
	t->counts.repeated += repeated;
	h->repeated += repeated;
}

void tcp_stream_add(struct tcp_shared *t, struct tcp_flow *f, int side, const struct tcp_seg *in,
		    bool is_last)
{
	struct tcp_half *h = &f->half[side];
	struct tcp_seg seg = *in;
	uint32_t end = seg.seq + (uint32_t)seg.bytes.len;

	if (!h->synced) {
		tcp_stream_begin(h, seg.seq);
	}
	int32_t ahead = (int32_t)(seg.seq - h->next);
	if (ahead > TCP_AHEAD_MAX || ahead < -TCP_AHEAD_MAX) {
		t->counts.odd++;
		return;
	}
	if (is_last && !h->fin_done && (!h->has_fin || tcp_before(end + seg.cut, h->fin))) {
		h->has_fin = true;
		h->fin = end + seg.cut;
	}
	if (ahead < 0) {
		trim(t, h, &seg);
	}
	if ((seg.bytes.len == 0 && seg.cut == 0) || h->fin_done) {
		return;
	}
	bool overlaps = h->queue.first != NULL && tcp_before(h->queue.first->seq, end);
	if (seg.seq == h->next && !overlaps && in_step(f, side, seg.has_ack, seg.ack)) {
		say_data(t, f, side, seg.bytes);
		say_cut(t, f, side, seg.cut);
	} else if (!f->ignored) {
		keep(t, f, side, &seg);
	}
}

uint64_t tcp_acked(const struct tcp_flow *f, int side)
{
	const struct tcp_half *h = &f->half[side];
	int64_t behind = (int32_t)(h->next - h->fin_done - h->acked);

	if (!h->synced || behind > (int64_t)h->offset) {
		return 0;
	}
	return behind < 0 ? h->offset : h->offset - (uint64_t)behind;
}

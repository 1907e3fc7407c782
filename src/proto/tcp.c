/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp: the table of flows, and what each segment does to its flow. Layer: proto (pure).
 *
 * A flow is on one list for each state, oldest first, so that time and a full table know whom to
 * end without a search. Moving it to the end is done once a second at most.
 */
#include "proto/tcp.h"

#include "base/assert.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* A reset may lie this far behind what we have seen. */
#define RST_BEHIND_MAX (1 << 20)
/* Frames of the flow after which what is missing will not come any more. */
#define WAIT_FRAMES_MAX 64
/* A SYN is repeated by Linux for 63 s, then its socket fails. */
#define TRIED_S 70
/* Late frames of a flow that has ended do not make a new one. */
#define CLOSED_S 30
/* Flows that time ends with one segment, so that a segment's cost is bounded. */
#define EXPIRE_A_STEP 4

enum state {
	STATE_OPENING, /* a SYN, no answer yet */
	STATE_TRIED,   /* the same after TCP_ANSWER_S */
	STATE_LIVE,
	STATE_CLOSED,
	STATE_COUNT,
};

struct tcp {
	struct tcp_shared sh;
	struct tcp_conf conf;
	struct map *flows;
	struct list lists[STATE_COUNT];
	struct list waiting;
	struct wall now;
};

static struct str key_of(const void *item)
{
	const struct tcp_flow *f = item;

	return (struct str){(const char *)&f->key, sizeof(f->key)};
}

struct tcp *tcp_new(const struct tcp_conf *conf, const struct tcp_ops *ops, void *ctx)
{
	ASSERT(conf->flows_max > 0);
	struct tcp *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	*t = (struct tcp){
		.conf = *conf,
		.sh = {.ops = ops,
		       .ctx = ctx,
		       .pool.max = conf->bytes_max,
		       .half_max = conf->half_max},
	};
	t->flows = map_new(conf->flows_max, &conf->key, key_of);
	if (t->flows == NULL) {
		free(t);
		return NULL;
	}
	for (int i = 0; i < STATE_COUNT; i++) {
		list_init(&t->lists[i]);
	}
	list_init(&t->waiting);
	return t;
}

static void no_wait(struct tcp_flow *f)
{
	if (f->waits) {
		list_remove(&f->wait_item);
		f->waits = false;
	}
}

static void flow_free(struct tcp *t, struct tcp_flow *f)
{
	tcp_stream_drop(&t->sh, f);
	no_wait(f);
	list_remove(&f->item);
	void *removed = map_remove(t->flows, key_of(f));
	ASSERT(removed == f);
	free(f);
}

void tcp_free(struct tcp *t)
{
	if (t == NULL) {
		return;
	}
	for (int i = 0; i < STATE_COUNT; i++) {
		LIST_FOR_EACH (pos, tmp, &t->lists[i]) {
			flow_free(t, LIST_ITEM(pos, struct tcp_flow, item));
		}
	}
	map_free(t->flows);
	free(t);
}

static void move_to(struct tcp *t, struct tcp_flow *f, enum state state)
{
	f->state = (uint8_t)state;
	f->touched = t->now;
	list_remove(&f->item);
	list_push_back(&t->lists[state], &f->item);
}

static bool is_older(const struct tcp *t, struct wall then, int64_t ns)
{
	return t->now.ns - then.ns >= ns;
}

/* ---- ends ---- */

static void flow_close(struct tcp *t, struct tcp_flow *f, enum tcp_close how)
{
	if (!f->ignored && f->state != STATE_CLOSED) {
		t->sh.ops->closed(t->sh.ctx, f, how);
	}
	f->user = NULL;
	tcp_stream_drop(&t->sh, f);
	no_wait(f);
	move_to(t, f, STATE_CLOSED);
}

/* A flow that was ending when time or the watching ended has ended. */
static void finish(struct tcp *t, struct tcp_flow *f, enum tcp_close how)
{
	if (f->state == STATE_CLOSED) {
		return;
	}
	if (!f->ignored) {
		tcp_stream_flush(&t->sh, f);
	}
	bool is_ending = f->half[0].fin_done || f->half[1].fin_done;
	flow_close(t, f, is_ending && how != TCP_CLOSE_RST ? TCP_CLOSE_FIN : how);
}

static void tried(struct tcp *t, struct tcp_flow *f)
{
	if (!f->tried && !f->ignored) {
		f->tried = true;
		t->sh.ops->tried(t->sh.ctx, f);
	}
}

/* Ends or moves one flow whose time in its list is over. */
static void time_out(struct tcp *t, struct tcp_flow *f)
{
	switch ((enum state)f->state) {
	case STATE_OPENING:
		tried(t, f);
		move_to(t, f, STATE_TRIED);
		break;
	case STATE_TRIED:
	case STATE_LIVE:
		finish(t, f, TCP_CLOSE_TIMEOUT);
		break;
	case STATE_CLOSED:
	case STATE_COUNT:
		flow_free(t, f);
		break;
	}
}

static void stop_waiting(struct tcp *t, struct tcp_flow *f);

static void expire(struct tcp *t, unsigned most)
{
	const int64_t limit_s[STATE_COUNT] = {
		[STATE_OPENING] = TCP_ANSWER_S,
		[STATE_TRIED] = TRIED_S,
		[STATE_LIVE] = t->conf.idle_s,
		[STATE_CLOSED] = CLOSED_S,
	};
	for (int i = 0; i < STATE_COUNT; i++) {
		for (unsigned n = 0; n < most && !list_is_empty(&t->lists[i]); n++) {
			struct tcp_flow *f = LIST_ITEM(t->lists[i].next, struct tcp_flow, item);
			if (!is_older(t, f->touched, limit_s[i] * NS_PER_S)) {
				break;
			}
			time_out(t, f);
		}
	}
	for (unsigned n = 0; n < most && !list_is_empty(&t->waiting); n++) {
		struct tcp_flow *f = LIST_ITEM(t->waiting.next, struct tcp_flow, wait_item);
		if (!is_older(t, f->wait_since, t->conf.lateness_ms * NS_PER_MS)) {
			break;
		}
		stop_waiting(t, f);
	}
}

/* Room for one more flow: those that matter least go first, then the one idle longest. */
static void make_room(struct tcp *t)
{
	static const enum state order[] = {STATE_CLOSED, STATE_TRIED, STATE_OPENING, STATE_LIVE};

	for (size_t i = 0; i < COUNT_OF(order); i++) {
		if (!list_is_empty(&t->lists[order[i]])) {
			struct list *oldest = t->lists[order[i]].next;
			struct tcp_flow *f = LIST_ITEM(oldest, struct tcp_flow, item);
			t->sh.counts.evicted += f->state != STATE_CLOSED;
			finish(t, f, TCP_CLOSE_TIMEOUT);
			flow_free(t, f);
			return;
		}
	}
}

/* ---- waiting for what is missing ---- */

static void start_waiting(struct tcp *t, struct tcp_flow *f)
{
	f->waits = true;
	f->wait_since = t->now;
	f->wait_frames = 0;
	list_push_back(&t->waiting, &f->wait_item);
	tcp_stream_mark(f);
}

/* A reset counts when all before it is delivered. */
static bool is_reset(const struct tcp_flow *f)
{
	for (int side = 0; side < TCP_SIDES; side++) {
		const struct tcp_half *h = &f->half[side];
		if (h->has_rst && (!h->synced || !tcp_before(h->next, h->rst))) {
			return true;
		}
	}
	return false;
}

/* After each change: say what is ready, and see whether the flow ends or must wait. */
static void settle(struct tcp *t, struct tcp_flow *f)
{
	tcp_stream_drain(&t->sh, f);
	if (is_reset(f)) {
		finish(t, f, TCP_CLOSE_RST);
	} else if (f->half[0].fin_done && f->half[1].fin_done) {
		finish(t, f, TCP_CLOSE_FIN);
	} else if (f->ignored || !tcp_stream_is_owed(f)) {
		no_wait(f);
	} else if (!f->waits) {
		start_waiting(t, f);
	}
}

/* What was missing when the wait began will not come any more. */
static void stop_waiting(struct tcp *t, struct tcp_flow *f)
{
	tcp_stream_give_up(&t->sh, f);
	no_wait(f);
	settle(t, f);
}

/* ---- segments ---- */

/* A new conversation on the same addresses and ports; a frame of `side` began it. */
static void restart(struct tcp *t, struct tcp_flow *f, int side)
{
	finish(t, f, TCP_CLOSE_TIMEOUT);
	struct tcp_flow fresh = {
		.key = f->key,
		.opener = TCP_SIDE_UNKNOWN,
		.first = t->now,
		.last = t->now,
		.item = f->item,
	};
	fresh.half[0].trusted = f->half[0].trusted;
	fresh.half[1].trusted = f->half[1].trusted;
	fresh.half[side].seen = true;
	*f = fresh;
	move_to(t, f, STATE_LIVE);
	t->sh.counts.flows++;
	t->sh.ops->opened(t->sh.ctx, f);
}

static void on_syn(struct tcp *t, struct tcp_flow *f, int side, const struct packet *p)
{
	struct tcp_half *h = &f->half[side];

	if (f->state == STATE_CLOSED) {
		restart(t, f, side);
	}
	if (h->synced && p->seq + 1 == h->base) {
		f->opener = f->opener < 0 ? (int8_t)side : f->opener;
		return; /* said again */
	}
	if (f->state == STATE_LIVE && h->synced) {
		f->has_resyn = true;
		f->resyn = p->seq + 1;
		return;
	}
	if (h->offset > 0) {
		restart(t, f, side);
	}
	f->opener = (int8_t)side;
	tcp_stream_begin(h, p->seq + 1);
	if (f->state == STATE_LIVE && !f->half[!side].synced) {
		move_to(t, f, STATE_OPENING);
	}
}

static void on_syn_ack(struct tcp *t, struct tcp_flow *f, int side, const struct packet *p)
{
	struct tcp_half *server = &f->half[side];
	struct tcp_half *client = &f->half[!side];

	if (f->state == STATE_CLOSED) {
		return;
	}
	if (f->has_resyn && p->ack == f->resyn) {
		restart(t, f, side);
	}
	f->has_resyn = false;
	if (client->synced && client->base != p->ack) {
		return; /* not the answer to this SYN */
	}
	if (!client->synced) {
		tcp_stream_begin(client, p->ack);
	}
	if (!server->synced) {
		tcp_stream_begin(server, p->seq + 1);
	}
	f->opener = f->opener < 0 ? (int8_t)!side : f->opener;
	f->syn_ack = f->opener == !side && server->base == p->seq + 1;
	if (f->state != STATE_LIVE) {
		move_to(t, f, STATE_LIVE);
	}
}

static void on_rst(struct tcp *t, struct tcp_flow *f, int side, const struct packet *p)
{
	struct tcp_half *h = &f->half[side];

	if (f->state == STATE_OPENING || f->state == STATE_TRIED) {
		if (side != f->opener && (p->flags & TCP_ACK) != 0 &&
		    f->half[!side].next == p->ack) {
			tried(t, f);
			finish(t, f, TCP_CLOSE_RST);
		} else if (side == f->opener) {
			finish(t, f, TCP_CLOSE_RST);
		}
		return;
	}
	int32_t ahead = (int32_t)(p->seq - h->next);
	if (h->synced && (ahead < -RST_BEHIND_MAX || ahead > TCP_AHEAD_MAX)) {
		t->sh.counts.odd++;
		return;
	}
	if (!h->has_rst) {
		h->has_rst = true;
		h->rst = p->seq;
	}
}

static void on_ack(struct tcp *t, struct tcp_flow *f, int side, const struct packet *p)
{
	struct tcp_half *other = &f->half[!side];

	if (!other->synced) {
		tcp_stream_begin(other, p->ack);
	} else if (tcp_before(other->acked, p->ack)) {
		if ((int32_t)(p->ack - other->next) > TCP_AHEAD_MAX) {
			t->sh.counts.odd++;
			return;
		}
		other->acked = p->ack;
	}
	if (side == f->opener && f->syn_ack && !f->established && (p->flags & TCP_SYN) == 0) {
		f->established = true;
		t->sh.ops->established(t->sh.ctx, f);
	}
}

static void on_data(struct tcp *t, struct tcp_flow *f, int side, const struct packet *p)
{
	const struct tcp_seg seg = {
		.seq = p->seq + ((p->flags & TCP_SYN) != 0),
		.bytes = p->payload,
		.cut = p->cut,
		.ack = p->ack,
		.has_ack = (p->flags & TCP_ACK) != 0,
	};
	tcp_stream_add(&t->sh, f, side, &seg, (p->flags & TCP_FIN) != 0);
}

/* ---- the table ---- */

/* The lower end is side 0. @return The side that sent it. */
static int make_key(const struct packet *p, uint16_t zone, struct tcp_key *ret)
{
	int order = memcmp(&p->src, &p->dst, sizeof(p->src));
	int from = order > 0 || (order == 0 && p->sport > p->dport);

	ret->addr[from] = p->src;
	ret->addr[!from] = p->dst;
	ret->port[from] = p->sport;
	ret->port[!from] = p->dport;
	ret->zone = zone;
	ret->vlan = p->vlan;
	return from;
}

static struct tcp_flow *flow_new(struct tcp *t, const struct tcp_key *key)
{
	if (map_count(t->flows) >= t->conf.flows_max) {
		make_room(t);
	}
	struct tcp_flow *f = calloc(1, sizeof(*f));
	if (f == NULL) {
		return NULL;
	}
	f->key = *key;
	f->opener = TCP_SIDE_UNKNOWN;
	f->first = t->now;
	if (map_add(t->flows, f) < 0) {
		free(f);
		return NULL;
	}
	list_push_back(&t->lists[STATE_LIVE], &f->item);
	f->state = STATE_LIVE;
	f->touched = t->now;
	t->sh.counts.flows++;
	t->sh.ops->opened(t->sh.ctx, f);
	return f;
}

static struct tcp_flow *flow_get(struct tcp *t, const struct packet *p, uint16_t zone, int *side)
{
	struct tcp_key key;

	*side = make_key(p, zone, &key);
	struct tcp_flow *f = map_find(t->flows, (struct str){(const char *)&key, sizeof(key)});
	if (f != NULL) {
		f->last = t->now;
		if (f->state != STATE_OPENING && is_older(t, f->touched, NS_PER_S)) {
			move_to(t, f, (enum state)f->state);
		}
		return f;
	}
	bool begins = (p->flags & TCP_SYN) != 0 || p->payload.len > 0;
	if (!begins || (p->flags & TCP_RST) != 0) {
		return NULL;
	}
	f = flow_new(t, &key);
	if (f != NULL) {
		f->last = t->now;
	}
	return f;
}

/* @return false when the frame claims a side whose frames come from elsewhere. */
static bool is_welcome(struct tcp *t, struct tcp_half *h, bool trusted)
{
	if (h->trusted && !trusted) {
		t->sh.counts.foreign++;
		return false;
	}
	if (!h->trusted && trusted) {
		if (h->offset == 0 && h->seen) {
			/* What was forged before the first true frame, and what waits of it. */
			tcp_queue_clear(&t->sh.pool, &h->queue);
			*h = (struct tcp_half){.repeated = h->repeated};
		}
		h->trusted = h->offset == 0;
	}
	h->seen = true;
	return true;
}

void tcp_step(struct tcp *t, const struct packet *p, const struct tcp_arrival *at)
{
	int side;

	t->now = at->time.ns > t->now.ns ? at->time : t->now;
	expire(t, EXPIRE_A_STEP);
	struct tcp_flow *f = flow_get(t, p, at->zone, &side);
	if (f == NULL) {
		return;
	}
	if (f->ignored) {
		if ((p->flags & (TCP_RST | TCP_FIN)) != 0 && f->state != STATE_CLOSED) {
			move_to(t, f, STATE_CLOSED);
		}
		return;
	}
	if (!is_welcome(t, &f->half[side], at->trusted)) {
		return;
	}
	if ((p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
		on_syn(t, f, side, p);
	} else if ((p->flags & TCP_SYN) != 0) {
		on_syn_ack(t, f, side, p);
	}
	if (f->state == STATE_CLOSED) {
		return;
	}
	if ((p->flags & TCP_RST) != 0) {
		on_rst(t, f, side, p);
	} else {
		if ((f->state == STATE_OPENING || f->state == STATE_TRIED) &&
		    (p->flags & TCP_SYN) == 0) {
			move_to(t, f, STATE_LIVE);
		}
		if ((p->flags & TCP_ACK) != 0) {
			on_ack(t, f, side, p);
		}
		if (p->payload.len > 0 || p->cut > 0 || (p->flags & TCP_FIN) != 0) {
			on_data(t, f, side, p);
		}
	}
	if (f->state == STATE_LIVE) {
		settle(t, f);
	}
	if (f->waits && ++f->wait_frames >= WAIT_FRAMES_MAX) {
		stop_waiting(t, f);
	}
}

void tcp_tick(struct tcp *t, struct wall now)
{
	t->now = now.ns > t->now.ns ? now : t->now;
	expire(t, UINT32_MAX);
}

void tcp_end(struct tcp *t)
{
	for (int i = 0; i < STATE_COUNT; i++) {
		LIST_FOR_EACH (pos, tmp, &t->lists[i]) {
			struct tcp_flow *f = LIST_ITEM(pos, struct tcp_flow, item);
			if (f->state == STATE_OPENING) {
				tried(t, f);
			}
			finish(t, f, TCP_CLOSE_OPEN);
		}
	}
	for (int i = 0; i < STATE_COUNT; i++) {
		LIST_FOR_EACH (pos, tmp, &t->lists[i]) {
			flow_free(t, LIST_ITEM(pos, struct tcp_flow, item));
		}
	}
}

void tcp_ignore(struct tcp *t, struct tcp_flow *f)
{
	(void)t;
	f->ignored = true;
	f->user = NULL;
}

size_t tcp_flow_count(const struct tcp *t)
{
	return map_count(t->flows);
}

struct tcp_flow *tcp_next(const struct tcp *t, size_t *pos)
{
	struct tcp_flow *f;

	do {
		f = map_next(t->flows, pos);
	} while (f != NULL && (f->ignored || f->state == STATE_CLOSED));
	return f;
}

const struct tcp_counts *tcp_counts(const struct tcp *t)
{
	return &t->sh.counts;
}

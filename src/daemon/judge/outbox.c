/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox: orders on their way to the gate. Layer: daemon.
 */
#include "daemon/judge/outbox.h"

#include "base/list.h"
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

struct entry {
	struct list link;   /* in the order they were given */
	struct order order; /* reason and proof lie in text and proof; seq 0: no number yet */
	bool is_sent;       /* to the gate that is there now */
	uint16_t proof_len;
	char reason[PROOF_RULE_MAX];
	uint8_t proof[PROOF_ENCODED_MAX];
};

struct outbox {
	struct list entries;
	struct map *unnumbered; /* by source: those without a number */
	size_t count;
	uint64_t seq;
	uint64_t lost;
	bool is_open; /* the gate is there and has said hello */
	outbox_send_fn *send;
	void *ctx;
};

static struct str key_of(const void *item)
{
	const struct entry *e = item;

	return source_key_str(&e->order.source);
}

struct outbox *outbox_new(const struct siphash_key *key, outbox_send_fn *send, void *ctx)
{
	struct outbox *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return NULL;
	}
	list_init(&o->entries);
	o->send = send;
	o->ctx = ctx;
	o->unnumbered = map_new(OUTBOX_MAX, key, key_of);
	if (o->unnumbered == NULL) {
		free(o);
		return NULL;
	}
	return o;
}

static void drop(struct outbox *o, struct entry *e)
{
	if (e->order.seq == 0) {
		(void)map_remove(o->unnumbered, key_of(e));
	}
	list_remove(&e->link);
	free(e);
	o->count--;
}

void outbox_free(struct outbox *o)
{
	if (o == NULL) {
		return;
	}
	LIST_FOR_EACH (at, next, &o->entries) {
		drop(o, LIST_ITEM(at, struct entry, link));
	}
	map_free(o->unnumbered);
	free(o);
}

uint64_t outbox_seq(const struct outbox *o)
{
	return o->seq;
}

void outbox_set_seq(struct outbox *o, uint64_t seq)
{
	if (seq > o->seq) {
		o->seq = seq;
	}
}

static int send_one(struct outbox *o, struct entry *e)
{
	uint8_t body[ORDER_ENCODED_MAX];

	e->order.reason = str_of(e->reason);
	e->order.proof = (struct str){(const char *)e->proof, e->proof_len};
	int n = order_encode(&e->order, body, sizeof(body));
	if (n < 0) {
		return n;
	}
	return o->send(o->ctx, (struct str){(const char *)body, (size_t)n});
}

void outbox_flush(struct outbox *o)
{
	if (!o->is_open) {
		return;
	}
	LIST_FOR_EACH (at, next, &o->entries) {
		struct entry *e = LIST_ITEM(at, struct entry, link);
		if (e->is_sent) {
			continue;
		}
		if (e->order.seq == 0) {
			(void)map_remove(o->unnumbered, key_of(e));
			e->order.seq = ++o->seq;
		}
		if (send_one(o, e) < 0) {
			return; /* in order, or not at all */
		}
		e->is_sent = true;
	}
}

static void fill(struct entry *e, const struct judge_event *event, struct wall now)
{
	int n = proof_encode(&event->proof, e->proof, sizeof(e->proof));

	e->order = (struct order){
		.origin = ORIGIN_JUDGE,
		.source = event->source,
		.rung = event->rung,
		.verdict = event->verdict,
		.giver = event->giver,
		.mode = event->mode,
		.given_at = now,
	};
	e->proof_len = n > 0 ? (uint16_t)n : 0;
	str_copy(e->reason, sizeof(e->reason), str_of(event->proof.rule));
}

int outbox_give(struct outbox *o, const struct judge_event *event, struct wall now)
{
	struct entry *e = map_find(o->unnumbered, source_key_str(&event->source));

	if (e != NULL) {
		fill(e, event, now);
		outbox_flush(o);
		return 0;
	}
	if (o->count == OUTBOX_MAX) {
		drop(o, LIST_ITEM(o->entries.next, struct entry, link));
		o->lost++;
	}
	e = calloc(1, sizeof(*e));
	if (e == NULL) {
		return -ENOMEM;
	}
	fill(e, event, now);
	if (map_add(o->unnumbered, e) < 0) {
		free(e);
		return -ENOMEM;
	}
	list_push_back(&o->entries, &e->link);
	o->count++;
	outbox_flush(o);
	return 0;
}

void outbox_hello(struct outbox *o, uint64_t last)
{
	outbox_set_seq(o, last);
	LIST_FOR_EACH (at, next, &o->entries) {
		struct entry *e = LIST_ITEM(at, struct entry, link);
		e->is_sent = false;
		if (e->order.seq != 0 && e->order.seq <= last) {
			drop(o, e); /* the gate's journal holds it */
		}
	}
	o->is_open = true;
	outbox_flush(o);
}

void outbox_gone(struct outbox *o)
{
	o->is_open = false;
}

void outbox_confirm(struct outbox *o, uint64_t seq)
{
	LIST_FOR_EACH (at, next, &o->entries) {
		struct entry *e = LIST_ITEM(at, struct entry, link);
		if (e->order.seq == seq && seq != 0) {
			drop(o, e);
			return;
		}
	}
}

size_t outbox_count(const struct outbox *o)
{
	return o->count;
}

uint64_t outbox_lost(const struct outbox *o)
{
	return o->lost;
}

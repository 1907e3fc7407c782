/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_entry: living messages. Layer: core (pure).
 */
#include "core/attribution_entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Recipients that are told apart in one message; later ones are not counted. */
#define RCPTS_MAX 2000

struct str entry_key(const void *item)
{
	const struct entry *e = item;
	return (struct str){e->id, e->id_len};
}

void entry_free(struct entry *e)
{
	free(e->rcpts);
	free(e);
}

struct entry *entry_find(const struct attribution *a, struct str id)
{
	return map_find(a->entries, id);
}

/* Count a message for its source: what it became, to which recipients elsewhere. */
static void entry_count(struct attribution *a, struct entry *e)
{
	struct sender *s = e->sender;
	uint64_t remote = 0;
	struct attribution_sender *out = s == NULL ? NULL : &s->out;

	for (uint32_t i = 0; i < e->rcpt_count; i++) {
		remote += e->rcpts[i].remote ? 1 : 0;
	}
	if (e->wanted != NULL && s != NULL && e->wanted->source[0] == '\0') {
		e->wanted->kind = out->kind;
		(void)str_copy(e->wanted->source, sizeof(e->wanted->source), str_of(out->name));
	}
	if (remote == 0) {
		return;
	}
	a->totals.messages++;
	if (s == NULL) {
		a->totals.headless++;
		return;
	}
	out->messages++;
	out->null_sender += e->has_sender && e->null_sender ? 1 : 0;
	out->foreign += e->has_sender && !e->null_sender && e->sender_hash != s->name_hash ? 1 : 0;
	if (e->has_sender) {
		distinct_add(&s->senders, e->sender_hash);
		out->senders = s->senders.count;
	}
	for (uint32_t i = 0; i < e->rcpt_count; i++) {
		const struct rcpt *r = &e->rcpts[i];
		if (!r->remote) {
			continue;
		}
		out->recipients++;
		out->sent += r->delivery == LOG_SENT ? 1 : 0;
		out->bounced += r->delivery == LOG_BOUNCED || r->delivery == LOG_EXPIRED ? 1 : 0;
		out->deferred += r->delivery == LOG_DEFERRED ? 1 : 0;
		out->unknown += r->unknown ? 1 : 0;
		out->forwarded += r->forwarded ? 1 : 0;
		sender_add_rcpt(s, r->hash);
	}
	sender_add_volume(s, e->time, remote);
}

void entry_end(struct attribution *a, struct entry *e)
{
	entry_count(a, e);
	(void)map_remove(a->entries, entry_key(e));
	list_remove(&e->age);
	entry_free(e);
}

struct entry *entry_new(struct attribution *a, struct str id, struct wall time)
{
	struct entry *e;

	if (id.len == 0 || id.len > sizeof(e->id)) {
		return NULL;
	}
	if (map_count(a->entries) == a->opts.messages_max) {
		a->totals.evicted++;
		entry_end(a, LIST_ITEM(a->by_age.next, struct entry, age));
	}
	e = calloc(1, sizeof(*e));
	if (e == NULL) {
		return NULL;
	}
	memcpy(e->id, id.ptr, id.len);
	e->id_len = id.len;
	e->time = time;
	if (map_add(a->entries, e) < 0) {
		free(e);
		return NULL;
	}
	list_push_back(&a->by_age, &e->age);
	return e;
}

struct entry *entry_get(struct attribution *a, struct str id, struct wall time)
{
	struct entry *e = entry_find(a, id);

	return e != NULL ? e : entry_new(a, id, time);
}

struct rcpt *rcpt_get(struct entry *e, uint32_t hash)
{
	for (uint32_t i = 0; i < e->rcpt_count; i++) {
		if (e->rcpts[i].hash == hash) {
			return &e->rcpts[i];
		}
	}
	if (e->rcpt_count == RCPTS_MAX) {
		return NULL;
	}
	if (e->rcpt_count == e->rcpt_size) {
		uint32_t size = e->rcpt_size == 0 ? 2 : e->rcpt_size * 2;
		struct rcpt *grown = realloc(e->rcpts, size * sizeof(*grown));
		if (grown == NULL) {
			return NULL;
		}
		e->rcpts = grown;
		e->rcpt_size = size;
	}
	e->rcpts[e->rcpt_count] = (struct rcpt){.hash = hash};
	return &e->rcpts[e->rcpt_count++];
}

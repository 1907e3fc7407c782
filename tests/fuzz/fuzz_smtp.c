/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_smtp: both directions of a session, with cuts and gaps chosen by the input.
 *
 * Input: records of one control octet and its octets. Bits 0: side; 1: a gap; 2 to 7: length.
 * Asserts: messages begin and end once and in order, counts agree with what was seen, bodies
 * belong to open messages, memory stays bounded, and feeding the same session octet by octet
 * gives the same events.
 */
#include "proto/smtp.h"

#include "base/assert.h"
#include "base/siphash.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/poison.h"

#define OPEN_MAX_SEEN (SMTP_OPEN_MAX + 2)

struct watch {
	const struct smtp_message *open[OPEN_MAX_SEEN];
	uint64_t body_bytes[OPEN_MAX_SEEN];
	bool is_body_over[OPEN_MAX_SEEN];
	uint32_t next_index;
	uint64_t digest; /* of all events; spans of a body are one */
	bool is_dark;
};

static size_t slot_find(const struct watch *w, const struct smtp_message *m)
{
	for (size_t i = 0; i < OPEN_MAX_SEEN; i++) {
		if (w->open[i] == m) {
			return i;
		}
	}
	ASSERT(m == NULL); /* an event of a message that is not open */
	return OPEN_MAX_SEEN;
}

static void digest_add(struct watch *w, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		w->digest = (w->digest ^ ((const uint8_t *)data)[i]) * UINT64_C(0x100000001b3);
	}
}

static void message_check(const struct watch *w, const struct smtp_message *m, size_t slot)
{
	ASSERT(m->outcome < SMTP_OUTCOME_COUNT);
	ASSERT(m->rcpt_count <= SMTP_RCPTS_MAX && m->rcpt_count <= m->rcpts_seen);
	ASSERT(m->rcpts_accepted + m->rcpts_refused <= m->rcpts_seen);
	ASSERT(m->size_bytes == w->body_bytes[slot]);
	ASSERT(m->reply.len <= SMTP_REPLY_MAX);
	ASSERT(m->outcome != SMTP_ACCEPTED || m->reply_code / 100 == 2);
	ASSERT(m->outcome != SMTP_UNANSWERED || m->is_complete);
}

static void watch_event(void *ctx, const struct smtp_event *e)
{
	struct watch *w = ctx;
	size_t slot;

	ASSERT(e->kind < SMTP_EVENT_COUNT && e->command < SMTP_COMMAND_COUNT);
	ASSERT(!w->is_dark || e->kind == SMTP_EVENT_MESSAGE || e->kind == SMTP_EVENT_BODY_END);
	if (e->kind == SMTP_EVENT_MAIL) {
		slot = 0;
		while (w->open[slot] != NULL) {
			slot++;
			ASSERT(slot < OPEN_MAX_SEEN);
		}
		ASSERT(e->message->index == w->next_index);
		w->next_index++;
		w->open[slot] = e->message;
		w->body_bytes[slot] = 0;
		w->is_body_over[slot] = false;
	}
	slot = slot_find(w, e->message);
	ASSERT(e->message == NULL || slot < OPEN_MAX_SEEN);
	if (e->kind == SMTP_EVENT_BODY) {
		ASSERT(e->text.len > 0 && !w->is_body_over[slot]);
		w->body_bytes[slot] += e->text.len;
		digest_add(w, e->text.ptr, e->text.len);
		return;
	}
	if (e->kind == SMTP_EVENT_BODY_END) {
		ASSERT(!w->is_body_over[slot]);
		w->is_body_over[slot] = true;
	}
	if (e->kind == SMTP_EVENT_MESSAGE) {
		message_check(w, e->message, slot);
		w->open[slot] = NULL;
		digest_add(w, &e->message->outcome, sizeof(e->message->outcome));
		digest_add(w, &e->message->flags, sizeof(e->message->flags));
		digest_add(w, &e->message->reply_code, sizeof(e->message->reply_code));
	}
	w->is_dark = w->is_dark || e->kind == SMTP_EVENT_TLS;
	digest_add(w, &e->kind, sizeof(e->kind));
	digest_add(w, &e->code, sizeof(e->code));
	digest_add(w, e->text.ptr, e->text.len);
}

static struct watch run(const uint8_t *data, size_t size, bool is_joined, bool is_by_octet)
{
	struct watch w = {.digest = UINT64_C(0xcbf29ce484222325)};
	struct smtp *s = smtp_new(is_joined, watch_event, &w);

	ASSERT(s != NULL);
	while (size > 0) {
		enum smtp_side side = (data[0] & 1) != 0 ? SMTP_SERVER : SMTP_CLIENT;
		bool is_gap = (data[0] & 2) != 0 && data[0] >= 0xc0;
		size_t n = data[0] >> 2;
		data++;
		size--;
		n = n < size ? n : size;
		if (is_gap) {
			smtp_gap(s, side, n + 1);
			continue;
		}
		for (size_t at = 0; at < n;) {
			size_t step = is_by_octet ? 1 : n;
			smtp_step(s, side, (struct str){(const char *)data + at, step});
			at += step;
		}
		data += n;
		size -= n;
		ASSERT(smtp_size(s) < 8 << 20);
	}
	smtp_finish(s, (size & 1) == 0);
	for (size_t i = 0; i < OPEN_MAX_SEEN; i++) {
		ASSERT(w.open[i] == NULL);
	}
	smtp_free(s);
	return w;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	bool is_joined = (data[0] & 1) != 0;
	struct watch whole = run(data + 1, size - 1, is_joined, false);
	struct watch octets = run(data + 1, size - 1, is_joined, true);

	ASSERT(whole.digest == octets.digest);
	ASSERT(whole.next_index == octets.next_index);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp: the session as its callers see it. Layer: proto (pure).
 */
#include "proto/smtp.h"

#include "proto/smtp_session.h"

#include <stdlib.h>

#include "base/poison.h"

struct smtp *smtp_new(bool is_joined, smtp_event_fn *emit, void *ctx)
{
	struct smtp *s = calloc(1, sizeof(*s));

	static_assert(sizeof(struct smtp) < 512, "an idle session is small");
	if (s == NULL) {
		return NULL;
	}
	s->emit = emit;
	s->ctx = ctx;
	s->flags = is_joined ? SMTP_FLAG_JOINED : 0;
	s->reply.is_unsure = is_joined;
	list_init(&s->txs);
	if (!is_joined) {
		smtp_await(s, (struct smtp_pending){.command = SMTP_COMMAND_GREETING,
						    .rcpt = UINT32_MAX});
	}
	return s;
}

void smtp_free(struct smtp *s)
{
	if (s == NULL) {
		return;
	}
	LIST_FOR_EACH (pos, tmp, &s->txs) {
		smtp_tx_free(LIST_ITEM(pos, struct smtp_tx, link));
	}
	for (size_t i = 0; i < s->early_count; i++) {
		buf_done(&s->early[i].text);
	}
	free(s->early);
	smtp_line_done(&s->line);
	smtp_reply_done(&s->reply);
	smtp_queue_done(&s->queue);
	buf_done(&s->hold);
	free(s);
}

/* STARTTLS was granted, and nothing has come since. */
static bool is_tls_due(const struct smtp *s)
{
	return s->state == SMTP_STATE_PREFACE && s->is_tls_asked && s->is_server_seen;
}

static void server_feed(struct smtp *s, struct str in)
{
	uint16_t code;
	struct str text;

	bool may_be_tls = !s->is_server_seen || is_tls_due(s);
	if (may_be_tls && in.len > 0 && in.ptr[0] >= 0x14 && in.ptr[0] <= 0x17) {
		smtp_go_dark(s);
		return;
	}
	s->is_server_seen = s->is_server_seen || in.len > 0;
	while (s->state != SMTP_STATE_DARK && smtp_reply_step(&s->reply, &in, &code, &text)) {
		smtp_answer(s, code, text);
		smtp_client_pump(s);
	}
	s->flags |= s->reply.flags;
}

void smtp_step(struct smtp *s, enum smtp_side side, struct str octets)
{
	if (s->state == SMTP_STATE_DARK) {
		return;
	}
	if (side == SMTP_CLIENT) {
		smtp_client_feed(s, octets);
	} else {
		server_feed(s, octets);
	}
}

static void body_gap(struct smtp *s, uint64_t n)
{
	s->is_body_gap_last = true;
	if (s->current != NULL) {
		s->current->m.lost_bytes += n;
		smtp_emit(s, (struct smtp_event){.kind = SMTP_EVENT_BODY_GAP,
						 .lost = n,
						 .message = &s->current->m,
						 .rcpt = SMTP_RCPT_NONE});
	}
}

static void commands_gap(struct smtp *s)
{
	smtp_line_reset(&s->line);
	smtp_early_flush(s);
	s->flags |= SMTP_FLAG_JOINED;
	s->state = SMTP_STATE_SYNC;
	if (s->current != NULL) {
		s->current->is_lost = true;
		s->current->m.flags |= SMTP_FLAG_JOINED;
	}
}

static void client_gap(struct smtp *s, uint64_t n)
{
	smtp_client_assume(s, false);
	smtp_client_pump(s);
	if (s->state == SMTP_STATE_BODY) {
		body_gap(s, n);
		smtp_body_gap(&s->body);
		if (s->early_count > 0) {
			smtp_client_end_body(s); /* the answer is here: the end was in the gap */
			commands_gap(s);
		}
	} else if (s->state == SMTP_STATE_CHUNK && n <= s->chunk_left) {
		body_gap(s, n);
		s->chunk_left -= n;
		smtp_client_end_chunk(s);
	} else if (s->state == SMTP_STATE_CHUNK) {
		body_gap(s, s->chunk_left);
		s->chunk_left = 0;
		smtp_client_end_chunk(s);
		commands_gap(s);
	} else if (is_tls_due(s)) {
		smtp_go_dark(s);
	} else if (s->state != SMTP_STATE_DARK) {
		commands_gap(s);
	}
}

void smtp_gap(struct smtp *s, enum smtp_side side, uint64_t n)
{
	if (s->state == SMTP_STATE_DARK || n == 0) {
		return;
	}
	if (side == SMTP_CLIENT) {
		client_gap(s, n);
		return;
	}
	s->is_server_seen = true;
	s->flags |= SMTP_FLAG_REPLY_LOST;
	smtp_reply_gap(&s->reply);
	s->is_unsure = s->queue.count > 0;
	smtp_client_assume(s, false);
	smtp_client_pump(s);
}

void smtp_finish(struct smtp *s, bool is_closed)
{
	while (s->state == SMTP_STATE_WAIT && (s->hold.len > 0 || s->wait == SMTP_WAIT_SOFT_DOT)) {
		smtp_client_assume(s, true);
		smtp_client_pump(s);
	}
	if (s->current != NULL) {
		struct smtp_tx *tx = s->current;
		if (s->early_count > 0) { /* it was answered before its end was seen */
			smtp_await(s, (struct smtp_pending){.command = SMTP_COMMAND_END,
							    .is_end = true,
							    .rcpt = UINT32_MAX,
							    .tx = tx});
		}
		tx->m.flags |= s->state == SMTP_STATE_BODY ? s->body.flags : 0;
		smtp_tx_close(s, tx, !is_closed || s->is_body_gap_last);
	}
	smtp_early_flush(s);
	smtp_forget_pending(s);
	while (!list_is_empty(&s->txs)) {
		smtp_tx_close(s, LIST_ITEM(s->txs.next, struct smtp_tx, link), false);
	}
}

bool smtp_is_dark(const struct smtp *s)
{
	return s->state == SMTP_STATE_DARK;
}

unsigned smtp_flags(const struct smtp *s)
{
	return s->flags;
}

size_t smtp_size(const struct smtp *s)
{
	size_t size = sizeof(*s) + s->queue.size * sizeof(struct smtp_pending) + s->hold.size +
		      s->line.part.size + s->reply.line.part.size + s->reply.text.size;

	for (const struct list *pos = s->txs.next; pos != &s->txs; pos = pos->next) {
		const struct smtp_tx *tx = (const struct smtp_tx *)((const char *)pos -
								    offsetof(struct smtp_tx, link));
		size += sizeof(*tx) + arena_size(tx->arena) + tx->reply.size +
			tx->rcpts_size * sizeof(struct smtp_rcpt);
	}
	return size;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_match: which command a reply answers, and what follows for its message.
 * Layer: proto (pure).
 */
#include "proto/smtp_session.h"

#include "base/assert.h"

#include <stdlib.h>

#include "base/poison.h"

void smtp_emit(struct smtp *s, struct smtp_event event)
{
	s->emit(s->ctx, &event);
}

void smtp_tx_body_over(struct smtp *s, struct smtp_tx *tx)
{
	if (tx->is_body_begun && !tx->is_body_over) {
		tx->is_body_over = true;
		smtp_emit(s, (struct smtp_event){.kind = SMTP_EVENT_BODY_END,
						 .message = &tx->m,
						 .rcpt = SMTP_RCPT_NONE});
	}
}

void smtp_tx_close(struct smtp *s, struct smtp_tx *tx, bool is_lost)
{
	smtp_tx_body_over(s, tx);
	for (size_t i = 0; i < s->queue.count && tx->waiting > 0; i++) {
		struct smtp_pending *p = &s->queue.items[(s->queue.first + i) % s->queue.size];
		if (p->tx == tx) {
			p->tx = NULL;
			tx->waiting--;
		}
	}
	smtp_tx_end(tx, is_lost);
	if (s->current == tx) {
		s->current = NULL;
	}
	list_remove(&tx->link);
	s->tx_count--;
	smtp_emit(s, (struct smtp_event){.kind = SMTP_EVENT_MESSAGE,
					 .message = &tx->m,
					 .rcpt = SMTP_RCPT_NONE});
	smtp_tx_free(tx);
}

static void tx_settle(struct smtp *s, struct smtp_tx *tx)
{
	if (tx->is_over && tx->waiting == 0) {
		smtp_tx_close(s, tx, false);
	}
}

struct smtp_tx *smtp_tx_open(struct smtp *s, struct str mail_from)
{
	smtp_tx_leave(s);
	if (s->tx_count == SMTP_OPEN_MAX) {
		smtp_tx_close(s, LIST_ITEM(s->txs.next, struct smtp_tx, link), false);
	}
	struct smtp_tx *tx = smtp_tx_new(s->next_index, mail_from);
	if (tx == NULL) {
		return NULL;
	}
	s->next_index++;
	if (mail_from.ptr == NULL) {
		tx->m.flags |= SMTP_FLAG_JOINED;
	}
	list_push_back(&s->txs, &tx->link);
	s->tx_count++;
	s->current = tx;
	smtp_emit(s, (struct smtp_event){
			     .kind = SMTP_EVENT_MAIL, .message = &tx->m, .rcpt = SMTP_RCPT_NONE});
	return tx;
}

void smtp_tx_leave(struct smtp *s)
{
	struct smtp_tx *tx = s->current;

	if (tx == NULL) {
		return;
	}
	if (!s->is_server_seen) {
		smtp_forget_pending(s); /* one-sided: no replies will come */
	}
	s->current = NULL;
	tx->is_over = true;
	smtp_tx_body_over(s, tx);
	tx_settle(s, tx);
}

static void pending_drop(struct smtp *s)
{
	struct smtp_pending p = smtp_queue_pop(&s->queue);

	if (p.tx != NULL) {
		p.tx->waiting--;
		tx_settle(s, p.tx);
	}
}

void smtp_forget_pending(struct smtp *s)
{
	while (s->queue.count > 0) {
		pending_drop(s);
	}
	s->is_unsure = false;
}

void smtp_go_dark(struct smtp *s)
{
	s->state = SMTP_STATE_DARK;
	smtp_early_flush(s);
	smtp_tx_leave(s);
	smtp_forget_pending(s);
	smtp_line_done(&s->line);
	smtp_reply_done(&s->reply);
	buf_done(&s->hold);
	smtp_queue_done(&s->queue);
	smtp_emit(s, (struct smtp_event){.kind = SMTP_EVENT_TLS,
					 .command = s->is_tls_asked ? SMTP_COMMAND_STARTTLS
								    : SMTP_COMMAND_GREETING,
					 .rcpt = SMTP_RCPT_NONE});
}

/* The reply for which the client's octets were held, or which tells what they are. */
static void state_follow(struct smtp *s, const struct smtp_pending *p, uint16_t code)
{
	bool is_waited = s->state == SMTP_STATE_WAIT && s->queue.count == 0;

	if (p->command == SMTP_COMMAND_DATA && code < 400 && is_waited) {
		smtp_client_enter_body(s);
	} else if (p->command == SMTP_COMMAND_DATA && code >= 400 && s->state == SMTP_STATE_BODY &&
		   p->tx != NULL && p->tx == s->current) {
		smtp_tx_body_over(s, p->tx);
		s->state = SMTP_STATE_SYNC; /* the server takes the body for commands */
	} else if (p->command == SMTP_COMMAND_STARTTLS && code == 220) {
		s->state = SMTP_STATE_WAIT; /* starttls_follow has the rest */
	} else if (p->command == SMTP_COMMAND_AUTH && code == 334) {
		s->state = s->state == SMTP_STATE_WAIT ? SMTP_STATE_AUTH_LINE : s->state;
	} else if (is_waited) {
		s->state = SMTP_STATE_COMMAND;
	}
}

static void reply_emit(struct smtp *s, const struct smtp_pending *p, uint16_t code, struct str text)
{
	struct smtp_event e = {
		.kind = SMTP_EVENT_REPLY,
		.command = p->command,
		.code = code,
		.text = text,
		.message = p->tx == NULL ? NULL : &p->tx->m,
		.rcpt = p->rcpt == UINT32_MAX ? SMTP_RCPT_NONE : p->rcpt,
	};

	if (p->command == SMTP_COMMAND_GREETING) {
		e.kind = SMTP_EVENT_GREETING;
	}
	smtp_emit(s, e);
}

/*
 * TLS begins, or so they say: what the client sends next shows it. Who goes on in the clear (a
 * decrypted capture, or two who agreed to blind a watcher) is read on. Octets that were sent
 * before the reply are no sign of either.
 */
static void starttls_follow(struct smtp *s)
{
	if (s->hold.len > 0) {
		smtp_go_dark(s);
		return;
	}
	smtp_tx_leave(s);
	s->proxy_at = 0;
	s->state = SMTP_STATE_PREFACE;
}

/* The i-th command that waits got this reply; those before it never will. */
static void pending_answer(struct smtp *s, size_t i, uint16_t code, struct str text)
{
	if (i == 0 && s->queue.count > 1 && !s->is_unsure) {
		s->is_piped = true;
	}
	for (; i > 0; i--) {
		pending_drop(s);
	}
	struct smtp_pending p = smtp_queue_pop(&s->queue);
	if (p.tx != NULL) {
		smtp_tx_note_reply(p.tx, p.command, p.is_end, p.rcpt, code, text);
	}
	reply_emit(s, &p, code, text);
	state_follow(s, &p, code);
	if (p.tx != NULL) {
		p.tx->waiting--;
		tx_settle(s, p.tx);
	}
	if (s->queue.count == 0) {
		s->is_unsure = false;
	}
	if (p.command == SMTP_COMMAND_STARTTLS && code == 220) {
		starttls_follow(s);
	}
}

static void stray_emit(struct smtp *s, uint16_t code, struct str text)
{
	struct smtp_pending p = {.command = SMTP_COMMAND_UNKNOWN, .rcpt = UINT32_MAX};

	reply_emit(s, &p, code, text);
}

static void early_add(struct smtp *s, uint16_t code, struct str text)
{
	if (s->early == NULL) {
		s->early = calloc(SMTP_EARLY_MAX, sizeof(*s->early));
	}
	if (s->early == NULL || s->early_count == SMTP_EARLY_MAX) {
		s->flags |= SMTP_FLAG_STRAY_REPLY;
		stray_emit(s, code, text);
		return;
	}
	struct smtp_early *e = &s->early[s->early_count++];
	e->code = code;
	buf_init(&e->text, SMTP_REPLY_MAX);
	buf_add(&e->text, text);
}

static void early_drop_first(struct smtp *s)
{
	buf_done(&s->early[0].text);
	s->early_count--;
	for (size_t i = 0; i < s->early_count; i++) {
		s->early[i] = s->early[i + 1];
	}
	if (s->early_count == 0) {
		free(s->early);
		s->early = NULL;
	}
}

void smtp_early_flush(struct smtp *s)
{
	while (s->early_count > 0) {
		s->flags |= SMTP_FLAG_STRAY_REPLY;
		stray_emit(s, s->early[0].code, buf_str(&s->early[0].text));
		early_drop_first(s);
	}
}

void smtp_await(struct smtp *s, struct smtp_pending item)
{
	if (item.tx != NULL) {
		item.tx->waiting++;
	}
	if (!smtp_queue_push(&s->queue, item)) {
		s->flags |= SMTP_FLAG_PENDING_FULL;
		smtp_forget_pending(s);
		if (item.tx != NULL) {
			item.tx->waiting--;
			tx_settle(s, item.tx);
		}
		return;
	}
	while (s->early_count > 0 && s->queue.count > 0) {
		struct buf text = s->early[0].text;
		uint16_t code = s->early[0].code;
		size_t i = smtp_queue_find(&s->queue, code, false);
		if (i == s->queue.count) {
			smtp_early_flush(s); /* they were answers to nothing */
			return;
		}
		s->early[0].text = (struct buf){0};
		early_drop_first(s);
		pending_answer(s, i, code, buf_str(&text));
		buf_done(&text);
	}
}

/* A reply while the body streams and nothing else waits. */
static void body_answer(struct smtp *s, uint16_t code, struct str text)
{
	struct smtp_tx *tx = s->current;

	early_add(s, code, text);
	if (tx == NULL || tx->m.lost_bytes > 0) {
		smtp_client_end_body(s); /* its end was in the gap */
		s->state = s->state == SMTP_STATE_COMMAND ? SMTP_STATE_SYNC : s->state;
	}
}

static void stray_answer(struct smtp *s, uint16_t code, struct str text)
{
	if (s->state == SMTP_STATE_BODY) {
		body_answer(s, code, text);
	} else if (s->state == SMTP_STATE_SYNC) {
		stray_emit(s, code, text);
		if (code == 354) {
			smtp_client_enter_body(s); /* DATA was in the gap */
		}
	} else if (code == 421) {
		if (s->current != NULL) {
			smtp_tx_note_reply(s->current, SMTP_COMMAND_GREETING, false, SIZE_MAX, code,
					   text);
		}
		stray_emit(s, code, text);
	} else {
		early_add(s, code, text);
	}
}

void smtp_answer(struct smtp *s, uint16_t code, struct str text)
{
	if (s->state == SMTP_STATE_WAIT && s->wait == SMTP_WAIT_SOFT_DOT) {
		if (s->current != NULL) {
			s->current->m.flags |= SMTP_FLAG_SOFT_DOT;
		}
		smtp_client_end_body(s);
	}
	size_t i = smtp_queue_find(&s->queue, code, s->is_unsure && !s->is_piped);
	if (i == s->queue.count && s->state == SMTP_STATE_WAIT && s->wait == SMTP_WAIT_DATA &&
	    s->hold.len > 0) {
		/* The 354 was never seen and this answers what came after it. */
		s->is_unsure = true;
		smtp_client_assume(s, false);
		smtp_client_pump(s);
		i = smtp_queue_find(&s->queue, code, !s->is_piped);
	}
	if (i == s->queue.count) {
		stray_answer(s, code, text);
		return;
	}
	pending_answer(s, i, code, text);
}

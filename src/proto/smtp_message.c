/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_message: the rules of docs/glossary.md, "message": accepted, rejected, deferred, aborted,
 * unanswered, lost. Layer: proto (pure).
 */
#include "proto/smtp_message.h"

#include <stdlib.h>

#include "base/poison.h"

#define RCPTS_FIRST 4

struct smtp_tx *smtp_tx_new(uint32_t index, struct str mail_from)
{
	struct smtp_tx *tx = calloc(1, sizeof(*tx));

	if (tx == NULL) {
		return NULL;
	}
	tx->arena = arena_new(SMTP_TEXT_MAX);
	if (tx->arena == NULL) {
		free(tx);
		return NULL;
	}
	buf_init(&tx->reply, SMTP_REPLY_MAX);
	tx->m.index = index;
	tx->m.mail_from = mail_from.ptr == NULL ? STR_EMPTY : arena_copy(tx->arena, mail_from);
	return tx;
}

void smtp_tx_free(struct smtp_tx *tx)
{
	if (tx != NULL) {
		free(tx->m.rcpts);
		buf_done(&tx->reply);
		arena_free(tx->arena);
		free(tx);
	}
}

static bool rcpts_grow(struct smtp_tx *tx)
{
	size_t size = tx->rcpts_size == 0 ? RCPTS_FIRST : tx->rcpts_size * 2;
	struct smtp_rcpt *rcpts = realloc(tx->m.rcpts, size * sizeof(*rcpts));

	if (rcpts == NULL) {
		return false;
	}
	tx->m.rcpts = rcpts;
	tx->rcpts_size = size;
	return true;
}

size_t smtp_tx_add_rcpt(struct smtp_tx *tx, struct str address)
{
	struct smtp_message *m = &tx->m;

	m->rcpts_seen++;
	if (m->rcpt_count == SMTP_RCPTS_MAX ||
	    (m->rcpt_count == tx->rcpts_size && !rcpts_grow(tx))) {
		return SMTP_RCPT_NONE;
	}
	struct str kept = arena_copy(tx->arena, address);
	if (kept.ptr == NULL) {
		return SMTP_RCPT_NONE;
	}
	m->rcpts[m->rcpt_count] = (struct smtp_rcpt){.address = kept};
	return m->rcpt_count++;
}

static void refusal_note(struct smtp_tx *tx, enum smtp_command command, uint16_t code)
{
	if (command == SMTP_COMMAND_UNKNOWN) {
		return; /* refusing what nobody knows says nothing of the message */
	}
	tx->refusal = code;
	if (command == SMTP_COMMAND_MAIL) {
		tx->is_mail_refused = true;
	} else if (command != SMTP_COMMAND_RCPT) {
		tx->is_data_refused = true;
	}
}

void smtp_tx_note_reply(struct smtp_tx *tx, enum smtp_command command, bool is_end, size_t rcpt,
			uint16_t code, struct str text)
{
	struct smtp_message *m = &tx->m;

	if (tx->is_answered) {
		return;
	}
	tx->is_answered = is_end;
	buf_clear(&tx->reply);
	buf_add(&tx->reply, str_head(text, SMTP_REPLY_MAX));
	m->reply = buf_str(&tx->reply);
	m->reply_to = command;
	m->reply_code = code;
	if (command == SMTP_COMMAND_RCPT) {
		m->rcpts_accepted += code < 300;
		m->rcpts_refused += code >= 400;
		if (rcpt < m->rcpt_count) {
			m->rcpts[rcpt].code = code;
		}
	}
	if (code >= 400) {
		refusal_note(tx, command, code);
	}
}

static enum smtp_outcome outcome_of(const struct smtp_tx *tx, bool is_lost)
{
	const struct smtp_message *m = &tx->m;
	bool is_refused = tx->is_mail_refused || tx->is_data_refused ||
			  (m->rcpts_seen > 0 && m->rcpts_refused == m->rcpts_seen);

	if (tx->is_answered && m->reply_code < 300) {
		return SMTP_ACCEPTED;
	}
	if (tx->is_answered && m->reply_code >= 400) {
		return m->reply_code < 500 ? SMTP_DEFERRED : SMTP_REJECTED;
	}
	if (m->is_complete) {
		return SMTP_UNANSWERED;
	}
	if (is_refused) {
		return tx->refusal < 500 ? SMTP_DEFERRED : SMTP_REJECTED;
	}
	return is_lost || tx->is_lost ? SMTP_LOST : SMTP_ABORTED;
}

void smtp_tx_end(struct smtp_tx *tx, bool is_lost)
{
	tx->m.outcome = outcome_of(tx, is_lost);
}

const char *smtp_outcome_name(enum smtp_outcome v)
{
	static const char *const names[] = {
		[SMTP_ACCEPTED] = "accepted",     [SMTP_REJECTED] = "rejected",
		[SMTP_DEFERRED] = "deferred",     [SMTP_ABORTED] = "aborted",
		[SMTP_UNANSWERED] = "unanswered", [SMTP_LOST] = "lost",
	};
	static_assert(COUNT_OF(names) == SMTP_OUTCOME_COUNT, "a name for every outcome");

	return names[v];
}

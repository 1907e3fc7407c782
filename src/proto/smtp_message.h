/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_message: one transaction: its recipients, its replies, and what became of it.
 *
 * Knows nothing of streams: smtp.c tells it what was said. Layer: proto (pure).
 */
#ifndef PROTO_SMTP_MESSAGE_H
#define PROTO_SMTP_MESSAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"
#include "proto/smtp.h"

struct smtp_tx {
	struct smtp_message m; /* what the events show */
	struct list link;      /* of the session, oldest first */
	struct arena *arena;   /* sender and recipients */
	size_t rcpts_size;     /* room in m.rcpts */
	struct buf reply;      /* backs m.reply */
	unsigned waiting;      /* commands of it without a reply so far */
	bool is_over;          /* the client has left it */
	bool is_body_begun;
	bool is_body_over;
	bool is_answered; /* the final dot or last chunk has its reply */
	bool is_lost;     /* octets are missing where its end may have been */
	bool is_mail_refused;
	bool is_data_refused; /* or a chunk, or the server hung up on it */
	uint16_t refusal;     /* last 4xx or 5xx; 0: none */
};

/** @return NULL without memory. A NULL pointer in mail_from: MAIL was not seen. */
MUSTUSE struct smtp_tx *smtp_tx_new(uint32_t index, struct str mail_from);
void smtp_tx_free(struct smtp_tx *tx);

/** @return Its index, or SMTP_RCPT_NONE when it is only counted. */
MUSTUSE size_t smtp_tx_add_rcpt(struct smtp_tx *tx, struct str address);

/**
 * A reply to one of its commands.
 *
 * @param is_end  It answers the final dot or the last chunk.
 * @param rcpt    Of a reply to RCPT.
 */
void smtp_tx_note_reply(struct smtp_tx *tx, enum smtp_command command, bool is_end, size_t rcpt,
			uint16_t code, struct str text);

/** It is over: sets m.outcome. @param is_lost  The capture misses the end. */
void smtp_tx_end(struct smtp_tx *tx, bool is_lost);

#endif

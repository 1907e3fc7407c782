/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_session: what the files smtp*.c share about one session; nobody else includes it.
 *
 * smtp_client.c moves the client's machine, smtp_match.c matches replies to commands and keeps
 * the messages, smtp.c is the outside. Layer: proto (pure).
 */
#ifndef PROTO_SMTP_SESSION_H
#define PROTO_SMTP_SESSION_H

#include "base/buf.h"
#include "base/list.h"
#include "proto/smtp.h"
#include "proto/smtp_body.h"
#include "proto/smtp_line.h"
#include "proto/smtp_message.h"
#include "proto/smtp_queue.h"
#include "proto/smtp_reply.h"

/* Replies that came before their commands: kept until the next command. */
#define SMTP_EARLY_MAX 4

/* What the client's next octets are. */
enum smtp_state {
	SMTP_STATE_PREFACE, /* a command, a PROXY header, or TLS */
	SMTP_STATE_PROXY,   /* the rest of a binary PROXY header: chunk_left octets */
	SMTP_STATE_SYNC,    /* unknown: a line that is surely a command leads back */
	SMTP_STATE_COMMAND,
	SMTP_STATE_WAIT,      /* open until the server answers: held (enum smtp_wait) */
	SMTP_STATE_AUTH_LINE, /* one line of an AUTH exchange */
	SMTP_STATE_AUTH_ANY,  /* lines of AUTH until one is surely a command */
	SMTP_STATE_BODY,
	SMTP_STATE_CHUNK,
	SMTP_STATE_DARK,
	SMTP_STATE_COUNT,
};

enum smtp_wait {
	SMTP_WAIT_DATA,
	SMTP_WAIT_STARTTLS,
	SMTP_WAIT_AUTH,
	SMTP_WAIT_SOFT_DOT,
	SMTP_WAIT_COUNT,
};

struct smtp_early {
	uint16_t code;
	struct buf text;
};

struct smtp {
	smtp_event_fn *emit;
	void *ctx;
	unsigned flags;
	enum smtp_state state;
	enum smtp_wait wait;
	bool is_server_seen;
	bool is_unsure;    /* replies are missing: which command is answered is a guess */
	bool is_piped;     /* the client does not wait for each reply */
	bool is_tls_asked; /* STARTTLS was said */
	bool is_chunk_last;
	bool is_body_gap_last; /* the last thing known of the body is a gap */
	uint8_t proxy_at;      /* octets of a PROXY header that have matched */
	uint8_t early_count;
	uint32_t next_index;
	struct smtp_line line; /* client */
	struct smtp_body body;
	struct str soft_dot; /* constant text: what the line was */
	uint64_t chunk_left;
	struct buf hold;
	struct smtp_reply reply;
	struct smtp_queue queue;
	struct smtp_early *early; /* SMTP_EARLY_MAX of them, or NULL */
	struct list txs;
	size_t tx_count;
	struct smtp_tx *current; /* what the client is in; NULL: between messages */
};

/* smtp_client.c */

/** Read octets of the client, after those that are held. */
void smtp_client_feed(struct smtp *s, struct str in);
/** Read what is held, if it is no longer open what it is. */
void smtp_client_pump(struct smtp *s);
/** Nobody will say what the held octets are: take them for what a willing server would. */
void smtp_client_assume(struct smtp *s, bool is_end);
void smtp_client_enter_body(struct smtp *s);
/** The body's end was seen, or lies in a gap. */
void smtp_client_end_body(struct smtp *s);
/** The same for a chunk, if nothing of it is left to come. */
void smtp_client_end_chunk(struct smtp *s);

/* smtp_match.c */

void smtp_emit(struct smtp *s, struct smtp_event event);
/** @return The new message, or NULL without memory. */
struct smtp_tx *smtp_tx_open(struct smtp *s, struct str mail_from);
/** The client turns away from the message it is in, if any. */
void smtp_tx_leave(struct smtp *s);
/** No more octets of the body come. */
void smtp_tx_body_over(struct smtp *s, struct smtp_tx *tx);
/** It is over for good, whatever is still open. */
void smtp_tx_close(struct smtp *s, struct smtp_tx *tx, bool is_lost);
/** A command was sent that the server will answer. */
void smtp_await(struct smtp *s, struct smtp_pending item);
/** Nothing that waits will be answered. */
void smtp_forget_pending(struct smtp *s);
/** A reply came. */
void smtp_answer(struct smtp *s, uint16_t code, struct str text);
/** Replies that no command asked for come out as such. */
void smtp_early_flush(struct smtp *s);
void smtp_go_dark(struct smtp *s);

#endif

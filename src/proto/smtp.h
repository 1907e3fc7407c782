/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp: reads one SMTP session off the wire, both directions, and says what happened in it.
 *
 * It watches and never answers. Each direction is fed on its own, in any cut; commands are
 * matched to replies over a bounded queue, so pipelining, several messages a session, lost
 * octets, one missing side and a start in the middle all work. What it says comes out as events
 * (smtp_event_fn), in the order of the wire. It keeps no credentials: what follows AUTH is read
 * over and is in no event. Texts are octets as they were sent, not UTF-8. Layer: proto (pure).
 *
 * Sources: RFC 5321, 1870, 2920 (PIPELINING), 3030 (BDAT), 3207 (STARTTLS), 4954 (AUTH).
 */
#ifndef PROTO_SMTP_H
#define PROTO_SMTP_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of one command or reply line that are kept; the rest of a longer line is passed over. */
#define SMTP_LINE_MAX 4096
/* Octets of one reply's text that are kept, all lines together. */
#define SMTP_REPLY_MAX 2048
/* Commands waiting for their replies; when more are sent, all that wait stay unanswered. */
#define SMTP_PENDING_MAX 2048
/* Octets held while it is open what they are: after DATA and before its reply, for example. When
 * more come, they are taken for what a willing server would make of them. */
#define SMTP_HOLD_MAX (16 * 1024)
/* Recipients of one message that are kept, and octets of their addresses and of the sender's;
 * further ones are counted only. */
#define SMTP_RCPTS_MAX 4096
#define SMTP_TEXT_MAX (128 * 1024)
/* Messages of one session that wait for their last reply; beyond that the oldest ends unanswered.
 */
#define SMTP_OPEN_MAX 16

enum smtp_side {
	SMTP_CLIENT,
	SMTP_SERVER,
	SMTP_SIDE_COUNT,
};

/* What a client's line is, and what a reply answers. */
enum smtp_command {
	SMTP_COMMAND_UNKNOWN,
	SMTP_COMMAND_GREETING, /* no command: the server speaks first */
	SMTP_COMMAND_HELO,
	SMTP_COMMAND_EHLO,
	SMTP_COMMAND_MAIL,
	SMTP_COMMAND_RCPT,
	SMTP_COMMAND_DATA,
	SMTP_COMMAND_END, /* the final dot */
	SMTP_COMMAND_BDAT,
	SMTP_COMMAND_RSET,
	SMTP_COMMAND_STARTTLS,
	SMTP_COMMAND_AUTH,
	SMTP_COMMAND_VRFY,
	SMTP_COMMAND_EXPN,
	SMTP_COMMAND_HELP,
	SMTP_COMMAND_NOOP,
	SMTP_COMMAND_XCLIENT,
	SMTP_COMMAND_QUIT,
	SMTP_COMMAND_COUNT,
};

/* What became of a message; the same words in the same order as core's enum message_state. */
enum smtp_outcome {
	SMTP_ACCEPTED,
	SMTP_REJECTED,
	SMTP_DEFERRED,
	SMTP_ABORTED,
	SMTP_UNANSWERED,
	SMTP_LOST,
	SMTP_OUTCOME_COUNT,
};

/* Oddities; they are facts about the session or message, never errors. */
enum smtp_flag {
	SMTP_FLAG_BARE_LF = 1 << 0,      /* a line ended in LF without CR */
	SMTP_FLAG_BARE_CR = 1 << 1,      /* a CR inside a line */
	SMTP_FLAG_LONG_LINE = 1 << 2,    /* a command or reply over SMTP_LINE_MAX */
	SMTP_FLAG_NUL = 1 << 3,          /* a zero octet in a command */
	SMTP_FLAG_SOFT_DOT = 1 << 4,     /* the final dot stood between bare LFs: smuggling? */
	SMTP_FLAG_EARLY_BODY = 1 << 5,   /* the body came before the 354 */
	SMTP_FLAG_JOINED = 1 << 6,       /* the start of the session or message was not seen */
	SMTP_FLAG_PENDING_FULL = 1 << 7, /* over SMTP_PENDING_MAX */
	SMTP_FLAG_BDAT = 1 << 8,         /* sent in chunks */
	SMTP_FLAG_STRAY_REPLY = 1 << 9,  /* a reply that no command asked for */
	SMTP_FLAG_REPLY_LOST = 1 << 10,  /* octets of the server's side were lost */
};

struct smtp_rcpt {
	struct str address; /* without the angle brackets; borrowed from the message */
	uint16_t code;      /* of its reply; 0: none seen */
};

/* One MAIL and what followed. Lives from SMTP_EVENT_MAIL to the end of SMTP_EVENT_MESSAGE. */
struct smtp_message {
	uint32_t index;       /* in its session, from 0 */
	struct str mail_from; /* without the brackets; "" for <>; NULL pointer: MAIL was not seen */
	struct smtp_rcpt *rcpts;
	size_t rcpt_count;   /* those kept */
	uint32_t rcpts_seen; /* every RCPT */
	uint32_t rcpts_accepted;
	uint32_t rcpts_refused; /* 4xx and 5xx */
	uint64_t size_bytes;    /* of the body so far: unstuffed, without the final dot */
	uint64_t lost_bytes;    /* of gaps in the body */
	bool is_complete;       /* the final dot or the last chunk was seen */
	unsigned flags;         /* enum smtp_flag */
	/* Set when the message ends; before that, the last reply of the transaction so far. */
	enum smtp_outcome outcome;
	enum smtp_command reply_to; /* what `reply` answers */
	uint16_t reply_code;        /* 0: none seen */
	struct str reply;           /* text of the reply, lines joined with LF, without the codes */
	void *user;                 /* the caller's; NULL at first */
};

enum smtp_event_kind {
	SMTP_EVENT_GREETING, /* code, text */
	SMTP_EVENT_HELO,     /* command (HELO or EHLO), text: the name */
	SMTP_EVENT_AUTH,     /* text: the mechanism, upper case as sent */
	SMTP_EVENT_TLS,      /* both directions are dark from here; command is STARTTLS, or
				GREETING when the session began with TLS */
	SMTP_EVENT_MAIL,     /* message */
	SMTP_EVENT_RCPT,     /* message, rcpt */
	SMTP_EVENT_BODY,     /* message, text: octets of the body, unstuffed, in order, any cut */
	SMTP_EVENT_BODY_GAP, /* message, lost: octets of the body that the capture misses */
	SMTP_EVENT_BODY_END, /* message: no more octets come (is_complete says why) */
	SMTP_EVENT_REPLY,    /* command, code, text; message and rcpt where it answers one */
	SMTP_EVENT_QUIT,     /* the client said QUIT */
	SMTP_EVENT_MESSAGE,  /* message: it is over; freed when the callback returns */
	SMTP_EVENT_COUNT,
};

#define SMTP_RCPT_NONE SIZE_MAX

/* A value; what it points to is borrowed for the call only. */
struct smtp_event {
	enum smtp_event_kind kind;
	enum smtp_command command;
	uint16_t code;
	struct str text;
	struct smtp_message *message; /* NULL when there is none; `user` may be set */
	size_t rcpt;                  /* index in message->rcpts, or SMTP_RCPT_NONE */
	uint64_t lost;
};

/** The callback must not call smtp_* on the same session. */
typedef void smtp_event_fn(void *ctx, const struct smtp_event *event);

struct smtp;

/**
 * @param is_joined  The start of the TCP connection was not seen: look for a safe place first.
 * @return NULL without memory. A session between messages takes about 600 octets.
 */
MUSTUSE struct smtp *smtp_new(bool is_joined, smtp_event_fn *emit, void *ctx);
/** Free without events: call smtp_finish before. NULL is allowed. */
void smtp_free(struct smtp *s);

/**
 * Read the next octets of one direction.
 *
 * Feed both directions in the order in which the capture shows them. When memory runs out, the
 * octets concerned are passed over like a gap.
 *
 * Cost: each octet is looked at a bounded number of times.
 */
void smtp_step(struct smtp *s, enum smtp_side side, struct str octets);

/** `n` octets of one direction are missing from the capture. */
void smtp_gap(struct smtp *s, enum smtp_side side, uint64_t n);

/**
 * The session is over: every message that is still open ends now.
 *
 * @param is_closed  true: one of the sides closed the connection (FIN, RST); false: the capture
 *                   ended or the session was given up, so unfinished messages are lost.
 */
void smtp_finish(struct smtp *s, bool is_closed);

/** Both directions are encrypted: nothing more will be read. */
bool smtp_is_dark(const struct smtp *s);
/** Oddities of the session so far (enum smtp_flag). */
unsigned smtp_flags(const struct smtp *s);
/** Octets that the session holds now, for accounting. */
size_t smtp_size(const struct smtp *s);

/** "MAIL", "RCPT", …; never NULL for a value of the list. */
const char *smtp_command_name(enum smtp_command v);
/** "accepted", "rejected", …; never NULL for a value of the list. */
const char *smtp_outcome_name(enum smtp_outcome v);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp: hands one message to a mail server (RFC 5321), with STARTTLS where it is offered.
 *
 * Ours and not libcurl's, because libcurl's multi interface blocks the loop while it waits for
 * the answer to the final dot, and does not say when the dot leaves (docs/adr/0021). The moment
 * of the dot is what makes a notice come at most twice: the caller is asked first. Layer: notify.
 *
 * TLS is opportunistic: the server is the operator's own, mostly on the same host, and its
 * certificate is not checked; nothing secret is sent.
 */
#ifndef NOTIFY_SMTP_H
#define NOTIFY_SMTP_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/loop.h"

/* A server that is silent for so long has failed. RFC 5321, 4.5.3.2 allows 5 min and 10 for the
 * dot; a local server that needs longer than this is ill. */
#define SMTP_SILENCE_S 60
/* The whole reply, all lines; a longer one is a failure. */
#define SMTP_REPLY_MAX ((size_t)16 << 10)
/* Octets of the server's words that are kept for people. */
#define SMTP_TEXT_MAX 240

enum smtp_outcome {
	SMTP_TAKEN,   /* 2xx after the dot */
	SMTP_REFUSED, /* 5xx: not by this server, not this message */
	SMTP_LATER,   /* 4xx, no connection, …: for sure not taken; may be tried again */
	SMTP_UNSURE,  /* the dot left and no answer came: may have been taken */
	SMTP_OUTCOME_COUNT,
};

struct smtp_letter {
	struct str endpoint; /* "127.0.0.1:25", "[::1]:25" */
	struct str helo;     /* a host name, or an address in brackets */
	struct str from;     /* addresses without angle brackets */
	struct str to;
	struct str mail; /* header and body, lines end in CRLF or LF; copied */
};

struct smtp_ops {
	/**
	 * The final dot is about to leave.
	 *
	 * @return false: let it not leave; the outcome is SMTP_LATER.
	 */
	bool (*dot)(void *ctx);
	/** Told once, not from within smtp_start; the session is freed afterwards. */
	void (*done)(void *ctx, enum smtp_outcome outcome, struct str text);
};

struct smtp_session;

/**
 * @param letter  Its texts are copied.
 * @return 0; -EINVAL when the endpoint or an address can't be; -ENOMEM.
 */
MUSTUSE int smtp_start(struct loop *l, const struct smtp_letter *letter, const struct smtp_ops *ops,
		       void *ctx, struct smtp_session **ret, struct errmsg *reterr);
/** End it without a word; `done` is not called. NULL is allowed. */
void smtp_cancel(struct smtp_session *s);

#endif

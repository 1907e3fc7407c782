/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_mail: what the file of a queued message says about it, the same for every mail server.
 *
 * The file's envelope is written by the mail server itself, so it names the account or user even
 * when the log is gone; its content is a stranger's. Layer: proto (pure).
 */
#ifndef PROTO_QUEUE_MAIL_H
#define PROTO_QUEUE_MAIL_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Longest queue id that is taken; Postfix's long ones and Exim's need 23. */
#define QUEUE_ID_MAX 31

/* Views borrow from the file; an absent one is empty. */
struct queue_mail {
	struct str sender; /* as the queue has it, without <> */
	bool has_sender;   /* an empty one is a bounce's */
	struct str account;
	struct str client_addr; /* without port */
	struct str client_name;
	struct str login; /* Unix name of who submitted it here; Exim only */
	uint32_t uid;     /* of who submitted it here */
	bool has_uid;
	struct wall arrival;
	uint32_t rcpts;      /* all of them */
	uint32_t rcpts_done; /* delivered, or given up */
	bool is_frozen;      /* Exim: by hand, or a bounce that nobody takes */
	bool is_complete;    /* its last record is there */
};

/** One recipient, borrowed for the call. */
typedef void queue_rcpt_fn(void *ctx, struct str rcpt, bool is_done);

struct queue_sink {
	struct buf *content;    /* gets the message's header and what is there of its body, lines
				   ended by LF, up to the buffer's maximum; NULL: not wanted */
	queue_rcpt_fn *on_rcpt; /* NULL: not wanted */
	void *ctx;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_reply: puts the lines of a server together into replies. Layer: proto (pure).
 */
#ifndef PROTO_SMTP_REPLY_H
#define PROTO_SMTP_REPLY_H

#include "proto/smtp_line.h"

#include <stdint.h>

/* All zero is the start. */
struct smtp_reply {
	struct smtp_line line;
	struct buf text; /* of the reply being read */
	uint16_t code;   /* 0: none begun */
	bool is_unsure;  /* after a gap: the first line may be the end of another */
	bool is_given;   /* `text` was lent by the last call */
	unsigned flags;  /* enum smtp_flag, gathered */
};

void smtp_reply_done(struct smtp_reply *r);
/** Octets are missing: what was begun is forgotten. */
void smtp_reply_gap(struct smtp_reply *r);

/**
 * Take the next whole reply out of the server's octets.
 *
 * @param ret_code  200 to 599.
 * @param ret_text  Its lines without codes, joined with LF, at most SMTP_REPLY_MAX octets;
 *                  borrowed until the next call.
 * @return false: all read, call again with more.
 */
MUSTUSE bool smtp_reply_step(struct smtp_reply *r, struct str *in, uint16_t *ret_code,
			     struct str *ret_text);

#endif

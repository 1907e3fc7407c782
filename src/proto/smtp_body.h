/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_body: what follows DATA: takes the stuffed dots out and finds the final one.
 *
 * Lines begin after LF, with or without CR before it. A final dot between CRLFs is hard; one
 * with a bare LF at either side is soft: some servers end there and some don't, so the caller
 * decides. Layer: proto (pure).
 */
#ifndef PROTO_SMTP_BODY_H
#define PROTO_SMTP_BODY_H

#include "base/attr.h"
#include "base/str.h"

enum smtp_body_at {
	SMTP_BODY_AT_START, /* of a line */
	SMTP_BODY_AT_MIDDLE,
	SMTP_BODY_AT_DOT,    /* after a dot that begins a line */
	SMTP_BODY_AT_DOT_CR, /* after dot and CR */
	SMTP_BODY_AT_COUNT,
};

struct smtp_body {
	enum smtp_body_at at;
	bool is_after_cr;   /* the last octet was CR */
	bool is_after_crlf; /* the line before ended in CRLF: its dot would be hard */
	unsigned flags;     /* enum smtp_flag, gathered */
};

enum smtp_body_out {
	SMTP_BODY_MORE,     /* all read */
	SMTP_BODY_SPAN,     /* octets of the message */
	SMTP_BODY_HARD_DOT, /* the end */
	SMTP_BODY_SOFT_DOT, /* the end, perhaps; *ret_span is what the line is if it is not */
	SMTP_BODY_OUT_COUNT,
};

/** At the first octet after DATA's line. */
struct smtp_body smtp_body_start(void);
/** Octets are missing: the next one may be anywhere in a line. A dot that stands alone is soft. */
void smtp_body_gap(struct smtp_body *b);

/**
 * @param in        In: unread octets. Out: what is left.
 * @param ret_span  Octets of the message, a view into `in` or of constant text.
 *
 * Cost: each octet is searched twice. Source: RFC 5321, 4.5.2.
 */
MUSTUSE enum smtp_body_out smtp_body_step(struct smtp_body *b, struct str *in,
					  struct str *ret_span);

#endif

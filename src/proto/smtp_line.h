/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_line: cuts one direction of an SMTP byte stream into lines.
 *
 * Knows line endings and lengths, nothing of commands. A line ends at LF; an odd ending is a
 * flag, because two parsers that disagree on where a line ends are how mail is smuggled.
 * Layer: proto (pure).
 */
#ifndef PROTO_SMTP_LINE_H
#define PROTO_SMTP_LINE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/* All zero is the start of a line. */
struct smtp_line {
	struct buf part; /* what earlier cuts brought of this line; empty between lines */
	bool is_cut;     /* the line is over its maximum: the rest is passed over */
	bool is_given;   /* `part` was lent by the last call and is cleared by the next */
};

void smtp_line_done(struct smtp_line *ls);
/** Forget the line that was begun. */
void smtp_line_reset(struct smtp_line *ls);

/**
 * Take the next line out of one direction.
 *
 * @param in         In: unread octets. Out: what is left; all read when false is returned.
 * @param ret_line   The line without its ending, at most SMTP_LINE_MAX octets of it; borrowed
 *                   until the next call.
 * @param ret_flags  enum smtp_flag of this line.
 * @return true: a line; false: call again with more octets.
 *
 * Cost: each octet is searched twice. Source: RFC 5321, 2.3.8 and 4.5.3.1.
 */
MUSTUSE bool smtp_line_step(struct smtp_line *ls, struct str *in, struct str *ret_line,
			    unsigned *ret_flags);

#endif

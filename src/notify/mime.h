/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime: writes a mail of one text and attachments (RFC 5322, 2045–2049). Layer: notify.
 *
 * Everything that leaves is US-ASCII in lines of at most 76 octets, so that no mail server on the
 * way has a reason to change it. Nothing put in can begin a header field of its own.
 */
#ifndef NOTIFY_MIME_H
#define NOTIFY_MIME_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#define MIME_PARTS_MAX 8

struct mime_attachment {
	struct str name;    /* of the file; letters, digits, "." and "-" */
	struct str content; /* any octets */
	const char *type;   /* NULL: text/plain */
};

struct mime_mail {
	struct str from; /* address */
	struct str to;
	struct str subject;    /* UTF-8 */
	struct str message_id; /* with its angle brackets */
	struct wall date;
	struct str cases; /* for X-Postern-Case: "12, 13" */
	struct str text;  /* UTF-8, lines end in LF */
	struct mime_attachment attachments[MIME_PARTS_MAX];
	size_t attachment_count;
};

/** Append the mail; lines end in CRLF. @return 0, or the failure of `out`. */
MUSTUSE int mime_write(const struct mime_mail *m, struct buf *out);

/** One line of a stranger's text for a person: controls and what turns text around become "?",
 * odd octets too; at most `max` octets, then "…". */
void text_add_clean(struct buf *out, struct str s, size_t max);

#endif

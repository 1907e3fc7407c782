/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_plain: reads what qmail and sendmail keep of a queued message. Layer: proto (pure).
 */
#ifndef PROTO_QUEUE_PLAIN_H
#define PROTO_QUEUE_PLAIN_H

#include "proto/queue_mail.h"

/* qmail keeps one message in several files of one number. */
struct queue_qmail_files {
	struct str mess;   /* the message as it came */
	struct str info;   /* "F" sender NUL; new mail's "u" uid NUL, "p" pid NUL before it */
	struct str local;  /* "T" or "D" recipient NUL, … */
	struct str remote; /* the same */
};

/**
 * qmail. The time of arrival is not in these files: it is the file's own.
 *
 * @return 0, or -EBADMSG: `info` makes no sense.
 *
 * Source: notqmail, INTERNALS.md; qmail-queue.c for its Received line.
 */
MUSTUSE int queue_qmail_parse(const struct queue_qmail_files *files, const struct queue_sink *sink,
			      struct queue_mail *ret);

/**
 * sendmail's qf file: lines of a letter and text.
 *
 * @return 0, or -EBADMSG: not such a file.
 *
 * Source: sendmail installation and operation guide, appendix "The queue files".
 */
MUSTUSE int queue_sendmail_parse(struct str file, const struct queue_sink *sink,
				 struct queue_mail *ret);

#endif

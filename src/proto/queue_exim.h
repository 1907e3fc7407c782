/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_exim: reads Exim's spool header file (-H) with its journal (-J): envelope, options and the
 * message's header; lines, where some values say their own length. Layer: proto (pure).
 */
#ifndef PROTO_QUEUE_EXIM_H
#define PROTO_QUEUE_EXIM_H

#include "proto/queue_mail.h"

/** Is this a message id as Exim makes them: 6-6-2 or, since 4.97, 6-11-4 characters? */
bool queue_exim_is_id(struct str name);

/**
 * Read a -H file.
 *
 * @param file     All of it.
 * @param journal  The -J file: addresses that are done since -H was written; may be empty.
 * @param sink     The content is the header alone, with an empty line at its end.
 * @return 0, or -EBADMSG: not such a file. One that breaks off is read as far as it makes sense.
 *
 * Source: Exim 4.96 specification, "Format of spool files"; spool_in.c, spool_out.c.
 */
MUSTUSE int queue_exim_parse(struct str file, struct str journal, const struct queue_sink *sink,
			     struct queue_mail *ret);

/* Addresses that are done which are kept to compare; more are taken for not done. */
#define QUEUE_EXIM_DONE_MAX 2048

#endif

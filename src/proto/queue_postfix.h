/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_postfix: reads a Postfix queue file: records of a type, a length and octets, with pointers
 * where a milter changed it. Layer: proto (pure).
 */
#ifndef PROTO_QUEUE_POSTFIX_H
#define PROTO_QUEUE_POSTFIX_H

#include "proto/queue_mail.h"

/** Is this a queue id as Postfix makes them (and so a file name of its queue)? */
bool queue_postfix_is_id(struct str name);

/**
 * Read a queue file.
 *
 * @param file  The file from its start. It may be cut: then is_complete is false, and what stands
 *              behind the cut is not known.
 * @param id    Its queue id, to tell the server's own Received line.
 * @return 0, or -EBADMSG: not a queue file. A broken one is read as far as it makes sense.
 *
 * Cost: linear; each record once, pointers at most QUEUE_POSTFIX_JUMPS_MAX.
 * Source: Postfix 3.7, global/rec_type.h, global/record.c; postcat(1).
 */
MUSTUSE int queue_postfix_parse(struct str file, struct str id, const struct queue_sink *sink,
				struct queue_mail *ret);

#define QUEUE_POSTFIX_JUMPS_MAX 10000

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_queue: the commands that wait for their replies, oldest first, and which of them a reply
 * answers. Layer: proto (pure).
 */
#ifndef PROTO_SMTP_QUEUE_H
#define PROTO_SMTP_QUEUE_H

#include "proto/smtp.h"

struct smtp_tx;

struct smtp_pending {
	enum smtp_command command;
	bool is_end;        /* its reply ends the message */
	uint32_t rcpt;      /* UINT32_MAX: none */
	struct smtp_tx *tx; /* NULL: belongs to no message */
};

/* A ring; all zero is empty. */
struct smtp_queue {
	struct smtp_pending *items; /* owned */
	size_t size;
	size_t first;
	size_t count;
};

void smtp_queue_done(struct smtp_queue *q);
/** @return false when SMTP_PENDING_MAX wait already, or without memory. */
MUSTUSE bool smtp_queue_push(struct smtp_queue *q, struct smtp_pending item);
/** The i-th, from 0 the oldest; i < count. */
const struct smtp_pending *smtp_queue_get(const struct smtp_queue *q, size_t i);
/** Take the oldest; the queue is not empty. */
struct smtp_pending smtp_queue_pop(struct smtp_queue *q);

/** Could a server answer this command with this code? */
bool smtp_queue_is_plausible(enum smtp_command command, uint16_t code);

/**
 * Which command a reply answers: the first that it could answer, or the last one.
 *
 * @param is_last  Replies are missing and the client waits for each: what waits longest was
 *                 answered in the gap.
 * @return Its place in the queue, or q->count when there is none.
 */
size_t smtp_queue_find(const struct smtp_queue *q, uint16_t code, bool is_last);

#endif

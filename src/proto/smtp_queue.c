/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_queue: a ring that doubles. Codes: RFC 5321, 4.3.2. Layer: proto (pure).
 */
#include "proto/smtp_queue.h"

#include "base/assert.h"

#include <stdlib.h>

#include "base/poison.h"

#define QUEUE_FIRST 8

void smtp_queue_done(struct smtp_queue *q)
{
	free(q->items);
	*q = (struct smtp_queue){0};
}

static bool queue_grow(struct smtp_queue *q)
{
	size_t size = q->size == 0 ? QUEUE_FIRST : q->size * 2;
	struct smtp_pending *items = calloc(size, sizeof(*items));

	if (items == NULL) {
		return false;
	}
	for (size_t i = 0; i < q->count; i++) {
		items[i] = *smtp_queue_get(q, i);
	}
	free(q->items);
	q->items = items;
	q->size = size;
	q->first = 0;
	return true;
}

bool smtp_queue_push(struct smtp_queue *q, struct smtp_pending item)
{
	if (q->count == SMTP_PENDING_MAX || (q->count == q->size && !queue_grow(q))) {
		return false;
	}
	q->items[(q->first + q->count) % q->size] = item;
	q->count++;
	return true;
}

const struct smtp_pending *smtp_queue_get(const struct smtp_queue *q, size_t i)
{
	ASSERT(i < q->count);
	return &q->items[(q->first + i) % q->size];
}

struct smtp_pending smtp_queue_pop(struct smtp_queue *q)
{
	struct smtp_pending item = *smtp_queue_get(q, 0);

	q->first = (q->first + 1) % q->size;
	q->count--;
	return item;
}

bool smtp_queue_is_plausible(enum smtp_command command, uint16_t code)
{
	if (code >= 400) {
		return true;
	}
	bool is_plain = code < 300 && code != 220 && code != 221 && code != 235;

	switch (command) {
	case SMTP_COMMAND_GREETING:
	case SMTP_COMMAND_STARTTLS:
		return code == 220;
	case SMTP_COMMAND_XCLIENT:
		return code == 220 || is_plain;
	case SMTP_COMMAND_DATA:
		return code >= 300 && code != 334;
	case SMTP_COMMAND_AUTH:
		return code == 235 || code == 334;
	case SMTP_COMMAND_QUIT:
		return code == 221 || is_plain;
	case SMTP_COMMAND_UNKNOWN:
		return code < 300;
	case SMTP_COMMAND_HELO:
	case SMTP_COMMAND_EHLO:
	case SMTP_COMMAND_MAIL:
	case SMTP_COMMAND_RCPT:
	case SMTP_COMMAND_END:
	case SMTP_COMMAND_BDAT:
	case SMTP_COMMAND_RSET:
	case SMTP_COMMAND_VRFY:
	case SMTP_COMMAND_EXPN:
	case SMTP_COMMAND_HELP:
	case SMTP_COMMAND_NOOP:
		return is_plain;
	case SMTP_COMMAND_COUNT:
		break;
	}
	return false;
}

size_t smtp_queue_find(const struct smtp_queue *q, uint16_t code, bool is_last)
{
	size_t found = q->count;

	for (size_t i = 0; i < q->count; i++) {
		if (smtp_queue_is_plausible(smtp_queue_get(q, i)->command, code)) {
			found = i;
			if (!is_last) {
				break;
			}
		}
	}
	return found;
}

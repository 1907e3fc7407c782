/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line an event. Layer: sys.
 */
#include "sys/log.h"

#include "base/assert.h"
#include "base/buf.h"
#include "sys/loop.h"

#include <unistd.h>

#include "base/poison.h"

#define LINE_MAX_SIZE 4096

static const char *const level_names[] = {"error", "warning", "notice", "debug"};
static_assert(COUNT_OF(level_names) == LOG_LEVEL_COUNT, "a name for every level");

/* Printable ASCII as it is, all else as \xNN: a stranger cannot forge a line or a terminal code. */
static void add_text(struct buf *line, struct str text)
{
	buf_add_char(line, '"');
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = (uint8_t)text.ptr[i];
		if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\') {
			buf_printf(line, "\\x%02x", c);
		} else {
			buf_add_char(line, (char)c);
		}
	}
	buf_add_char(line, '"');
}

static void add_field(struct buf *line, const struct log_field *f)
{
	buf_printf(line, " %s=", f->name);
	switch (f->type) {
	case LOG_TYPE_U64:
		buf_add_u64(line, f->number);
		break;
	case LOG_TYPE_I64:
		buf_printf(line, "%lld", (long long)f->number);
		break;
	case LOG_TYPE_TEXT:
		add_text(line, f->text);
		break;
	}
}

void log_write(const struct log *lg, enum log_level level, const char *event,
	       const struct log_field *fields, size_t count)
{
	char space[WALL_TEXT_SIZE];
	struct buf line;

	if (level > lg->most) {
		return;
	}
	buf_init(&line, LINE_MAX_SIZE);
	buf_printf(&line, "%s posternd[%s] %s %s", wall_format(wall_now(), space), lg->process,
		   level_names[level], event);
	for (size_t i = 0; i < count; i++) {
		add_field(&line, &fields[i]);
	}
	line.err = 0; /* what did not fit is cut */
	if (line.len == line.max) {
		line.len--;
	}
	buf_add_char(&line, '\n');
	if (write(lg->fd, line.ptr, line.len) < 0) {
		/* Nowhere left to say it. */
	}
	buf_done(&line);
}

bool quota_take(struct quota *q, struct mono now, uint64_t *ret_held)
{
	int64_t second = now.ns / NS_PER_S;

	if (second != q->second) {
		q->second = second;
		q->used = 0;
	}
	if (q->used >= q->per_s) {
		q->held++;
		return false;
	}
	q->used++;
	*ret_held = q->held;
	q->held = 0;
	return true;
}

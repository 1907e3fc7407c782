/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_export: entries of a journal as log lines. Layer: proto (pure).
 */
#include "proto/journal_export.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/num.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

static const char *const fields[] = {
	[JOURNAL_TIME] = "__REALTIME_TIMESTAMP",
	[JOURNAL_NAME] = "SYSLOG_IDENTIFIER",
	[JOURNAL_COMM] = "_COMM",
	[JOURNAL_SAID_PID] = "SYSLOG_PID",
	[JOURNAL_PID] = "_PID",
	[JOURNAL_HOST] = "_HOSTNAME",
	[JOURNAL_MESSAGE] = "MESSAGE",
};
static_assert(COUNT_OF(fields) == JOURNAL_FIELD_COUNT, "a name for every field");

bool journal_export_is(struct str head)
{
	return str_has_prefix(head, STR("__CURSOR=")) ||
	       str_has_prefix(head, STR("__REALTIME_TIMESTAMP="));
}

static void begin_value(struct journal_export *j)
{
	struct str key = {j->key, j->key_len};

	j->field = JOURNAL_FIELD_COUNT;
	for (size_t i = 0; i < JOURNAL_FIELD_COUNT; i++) {
		if (str_is_equal(key, str_of(fields[i]))) {
			j->field = (enum journal_field)i;
			j->len[i] = 0;
		}
	}
	j->key_len = 0;
}

static void add_value(struct journal_export *j, struct str text)
{
	if (j->field == JOURNAL_FIELD_COUNT) {
		return;
	}
	bool is_message = j->field == JOURNAL_MESSAGE;
	char *to = is_message ? j->message : j->value[j->field];
	size_t size = is_message ? sizeof(j->message) : sizeof(j->value[0]);
	size_t *len = &j->len[j->field];
	text = str_head(text, size - *len);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		to[*len + i] = c == '\n' || c == '\r' || c == '\0' ? ' ' : c;
	}
	*len += text.len;
}

static struct str value_of(const struct journal_export *j, enum journal_field f)
{
	return (struct str){f == JOURNAL_MESSAGE ? j->message : j->value[f], j->len[f]};
}

static struct str first_of(struct str a, struct str b)
{
	return a.len > 0 ? a : b;
}

/* An entry is whole: its line. */
static size_t write_line(struct journal_export *j, char *out, size_t size)
{
	char time[WALL_TEXT_SIZE];
	uint64_t us;
	struct str name = first_of(value_of(j, JOURNAL_NAME), value_of(j, JOURNAL_COMM));
	struct str pid = first_of(value_of(j, JOURNAL_SAID_PID), value_of(j, JOURNAL_PID));
	struct str host = first_of(value_of(j, JOURNAL_HOST), STR("-"));
	struct str said = value_of(j, JOURNAL_MESSAGE);
	bool has_time = num_parse_u64(value_of(j, JOURNAL_TIME), INT64_MAX / 1000, &us) == 0;

	memset(j->len, 0, sizeof(j->len));
	if (!has_time || said.len == 0) {
		return 0;
	}
	ASSERT(size >= JOURNAL_LINE_MAX);
	int n = snprintf(out, size, "%s %.*s %.*s",
			 wall_format((struct wall){(int64_t)us * 1000}, time), (int)host.len,
			 host.ptr, (int)name.len, name.ptr);
	if (pid.len > 0) {
		n += snprintf(out + n, size - (size_t)n, "[%.*s]", (int)pid.len, pid.ptr);
	}
	n += snprintf(out + n, size - (size_t)n, ": ");
	memcpy(out + n, said.ptr, said.len);
	out[(size_t)n + said.len] = '\n';
	return (size_t)n + said.len + 1;
}

/* The name of a field, up to '=' or the line's end. @return Octets written: of an entry's end. */
static size_t step_name(struct journal_export *j, struct str *in, char *out, size_t size)
{
	while (in->len > 0) {
		char c = in->ptr[0];
		*in = str_skip(*in, 1);
		if (c == '=') {
			begin_value(j);
			j->state = JOURNAL_IN_TEXT;
			return 0;
		}
		if (c == '\n' && j->key_len == 0) {
			return write_line(j, out, size);
		}
		if (c == '\n') {
			begin_value(j);
			j->state = JOURNAL_IN_SIZE;
			j->size = 0;
			j->size_len = 0;
			return 0;
		}
		/* A longer name is none of ours, and its beginning is not either. */
		if (j->key_len < sizeof(j->key)) {
			j->key[j->key_len++] = c;
		}
	}
	return 0;
}

static void step_text(struct journal_export *j, struct str *in)
{
	size_t end = str_find_char(*in, '\n');

	add_value(j, str_head(*in, end));
	if (end < in->len) {
		j->state = JOURNAL_IN_NAME;
		end++;
	}
	*in = str_skip(*in, end);
}

static void step_size(struct journal_export *j, struct str *in)
{
	while (in->len > 0 && j->size_len < 8) {
		j->size |= (uint64_t)(unsigned char)in->ptr[0] << (8 * j->size_len++);
		*in = str_skip(*in, 1);
	}
	if (j->size_len == 8) {
		j->state = JOURNAL_IN_OCTETS;
	}
}

static void step_octets(struct journal_export *j, struct str *in)
{
	struct str now = str_head(*in, j->size < in->len ? (size_t)j->size : in->len);

	add_value(j, now);
	j->size -= now.len;
	*in = str_skip(*in, now.len);
	if (j->size == 0 && in->len > 0) {
		*in = str_skip(*in, 1); /* the newline after them */
		j->state = JOURNAL_IN_NAME;
	}
}

size_t journal_export_step(struct journal_export *j, struct str *in, char *out, size_t size)
{
	size_t len = 0;

	while (in->len > 0 && size - len >= JOURNAL_LINE_MAX) {
		switch (j->state) {
		case JOURNAL_IN_NAME:
			len += step_name(j, in, out + len, size - len);
			break;
		case JOURNAL_IN_TEXT:
			step_text(j, in);
			break;
		case JOURNAL_IN_SIZE:
			step_size(j, in);
			break;
		case JOURNAL_IN_OCTETS:
			step_octets(j, in);
			break;
		}
	}
	return len;
}

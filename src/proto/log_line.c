/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line: the envelope of a log line. Layer: proto (pure).
 */
#include "proto/log_line.h"

#include "base/num.h"

#include "base/poison.h"

/* A tag longer than this is text that happens to hold a colon. */
#define TAG_MAX 128

/* "postfix/submission/smtpd[2011]: " off the start of `text`. Without a tag nothing is taken. */
static void take_tag(struct log_line *l)
{
	struct str head = str_head(l->text, TAG_MAX);
	size_t end = 0;
	size_t slash = SIZE_MAX;
	uint64_t pid = 0;

	while (end < head.len && head.ptr[end] != ':' && head.ptr[end] != '[' &&
	       head.ptr[end] != ' ') {
		if (head.ptr[end] == '/') {
			slash = end;
		}
		end++;
	}
	if (end == head.len || head.ptr[end] == ' ' || end == 0) {
		return;
	}
	struct str rest = str_skip(l->text, end);
	if (rest.ptr[0] == '[') {
		size_t close = str_find_char(str_head(rest, 24), ']');
		if (close >= str_head(rest, 24).len ||
		    num_parse_u64((struct str){rest.ptr + 1, close - 1}, UINT32_MAX, &pid) < 0) {
			return;
		}
		rest = str_skip(rest, close + 1);
	}
	if (rest.len == 0 || rest.ptr[0] != ':') {
		return;
	}
	rest = str_skip(rest, 1);
	if (rest.len > 0 && rest.ptr[0] == ' ') {
		rest = str_skip(rest, 1);
	}
	size_t begin = slash == SIZE_MAX ? 0 : slash + 1;
	l->program = (struct str){l->text.ptr + begin, end - begin};
	l->path = (struct str){l->text.ptr, slash == SIZE_MAX ? 0 : slash};
	l->pid = (uint32_t)pid;
	l->text = rest;
}

bool log_line_parse(struct log_time *lt, struct str raw, struct log_line *ret)
{
	struct log_line l = {.text = raw};

	l.form = log_time_take(lt, &l.text, &l.time);
	switch (l.form) {
	case LOG_TIME_NONE:
		return false;
	case LOG_TIME_RFC3164:
	case LOG_TIME_RFC3339: {
		size_t space = str_find_char(l.text, ' ');
		l.host = str_head(l.text, space);
		l.text = str_skip(l.text, space + 1);
		take_tag(&l);
		break;
	}
	case LOG_TIME_EXIM:
	case LOG_TIME_TAI64N:
	case LOG_TIME_PHP:
		break;
	}
	*ret = l;
	return true;
}

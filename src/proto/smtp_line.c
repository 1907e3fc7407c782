/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_line: a line that lies within one cut is lent as it is, others are put together.
 * Layer: proto (pure).
 */
#include "proto/smtp_line.h"

#include "proto/smtp.h"

#include <string.h>

#include "base/poison.h"

void smtp_line_done(struct smtp_line *ls)
{
	if (ls->part.ptr != NULL) {
		explicit_bzero(ls->part.ptr, ls->part.size); /* it may have been a password */
	}
	buf_done(&ls->part);
	*ls = (struct smtp_line){0};
}

void smtp_line_reset(struct smtp_line *ls)
{
	smtp_line_done(ls);
}

/* One octet over the maximum is kept, so that a CR there is still seen as part of the ending. */
static void part_add(struct smtp_line *ls, struct str octets)
{
	const size_t max = SMTP_LINE_MAX + 1;

	if (ls->part.max == 0) {
		buf_init(&ls->part, max);
	}
	size_t room = max - ls->part.len;
	if (octets.len > room) {
		ls->is_cut = true;
	}
	buf_add(&ls->part, str_head(octets, room));
	if (buf_end(&ls->part) < 0) {
		ls->is_cut = true; /* no memory: the line is shorter than it was */
	}
}

static struct str line_of(struct str raw, bool is_cut, unsigned *ret_flags)
{
	unsigned flags = is_cut ? SMTP_FLAG_LONG_LINE : 0;

	if (raw.len > 0 && raw.ptr[raw.len - 1] == '\r') {
		raw.len--;
	} else if (!is_cut) {
		flags |= SMTP_FLAG_BARE_LF;
	}
	if (raw.len > SMTP_LINE_MAX) {
		raw.len = SMTP_LINE_MAX;
		flags |= SMTP_FLAG_LONG_LINE;
	}
	if (raw.len > 0 && memchr(raw.ptr, '\r', raw.len) != NULL) {
		flags |= SMTP_FLAG_BARE_CR;
	}
	if (raw.len > 0 && memchr(raw.ptr, '\0', raw.len) != NULL) {
		flags |= SMTP_FLAG_NUL;
	}
	*ret_flags = flags;
	return raw;
}

bool smtp_line_step(struct smtp_line *ls, struct str *in, struct str *ret_line, unsigned *ret_flags)
{
	if (ls->is_given) {
		smtp_line_reset(ls);
	}
	size_t n = str_find_char(*in, '\n');
	bool is_ended = n < in->len;

	if (is_ended && ls->part.len == 0 && !ls->is_cut) {
		struct str raw = str_take(in, n);
		*in = str_skip(*in, 1);
		bool is_cut = raw.len > SMTP_LINE_MAX + 1;
		*ret_line = line_of(str_head(raw, SMTP_LINE_MAX + 1), is_cut, ret_flags);
		return true;
	}
	part_add(ls, str_take(in, n));
	if (!is_ended) {
		return false;
	}
	*in = str_skip(*in, 1);
	ls->is_given = true;
	*ret_line = line_of(buf_str(&ls->part), ls->is_cut, ret_flags);
	return true;
}

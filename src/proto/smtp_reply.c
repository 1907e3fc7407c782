/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_reply: RFC 5321, 4.2; broken servers are read as their clients read them.
 * Layer: proto (pure).
 */
#include "proto/smtp_reply.h"

#include "proto/smtp.h"

#include "base/poison.h"

void smtp_reply_done(struct smtp_reply *r)
{
	smtp_line_done(&r->line);
	buf_done(&r->text);
	r->code = 0;
	r->is_given = false;
}

void smtp_reply_gap(struct smtp_reply *r)
{
	smtp_reply_done(r);
	r->is_unsure = true;
}

/* The code that begins a line, or 0. */
static uint16_t code_of(struct str line)
{
	if (line.len < 3 || line.ptr[0] < '2' || line.ptr[0] > '5' || !char_is_digit(line.ptr[1]) ||
	    !char_is_digit(line.ptr[2])) {
		return 0;
	}
	if (line.len > 3 && (char_is_digit(line.ptr[3]) || char_is_alpha(line.ptr[3]))) {
		return 0;
	}
	return (uint16_t)((line.ptr[0] - '0') * 100 + (line.ptr[1] - '0') * 10 + line.ptr[2] - '0');
}

static void text_add(struct smtp_reply *r, struct str text, bool is_first)
{
	if (r->text.max == 0) {
		buf_init(&r->text, SMTP_REPLY_MAX);
	}
	if (!is_first && r->text.len < SMTP_REPLY_MAX) {
		buf_add_char(&r->text, '\n');
	}
	buf_add(&r->text, str_head(text, SMTP_REPLY_MAX - r->text.len));
}

bool smtp_reply_step(struct smtp_reply *r, struct str *in, uint16_t *ret_code, struct str *ret_text)
{
	struct str line;
	unsigned flags;

	if (r->is_given) {
		buf_done(&r->text);
		r->code = 0;
		r->is_given = false;
	}
	while (smtp_line_step(&r->line, in, &line, &flags)) {
		uint16_t code = code_of(line);
		bool is_first = r->code == 0;

		r->flags |= flags;
		if (code == 0 && is_first) {
			r->flags |= r->is_unsure ? 0 : SMTP_FLAG_STRAY_REPLY;
			r->is_unsure = false;
			continue;
		}
		r->is_unsure = false;
		bool goes_on = code == 0 || (line.len > 3 && line.ptr[3] == '-');
		struct str text = code == 0 ? line : str_skip(line, line.len > 3 ? 4 : 3);
		text_add(r, text, is_first);
		r->code = is_first ? code : r->code;
		if (!goes_on) {
			*ret_code = r->code;
			*ret_text = buf_str(&r->text);
			r->is_given = true;
			return true;
		}
	}
	return false;
}

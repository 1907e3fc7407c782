/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_body: dot-unstuffing in spans that are as long as they can be. Layer: proto (pure).
 */
#include "proto/smtp_body.h"

#include "proto/smtp.h"

#include <string.h>

#include "base/poison.h"

struct smtp_body smtp_body_start(void)
{
	return (struct smtp_body){.at = SMTP_BODY_AT_START, .is_after_crlf = true};
}

void smtp_body_gap(struct smtp_body *b)
{
	b->at = SMTP_BODY_AT_START;
	b->is_after_cr = false;
	b->is_after_crlf = false;
}

/* A line [at, lf): notes how it ends and whether a CR stands inside. */
static void line_note(struct smtp_body *b, const char *at, const char *lf)
{
	bool is_crlf = lf > at ? lf[-1] == '\r' : b->is_after_cr;

	b->is_after_crlf = is_crlf;
	if (!is_crlf) {
		b->flags |= SMTP_FLAG_BARE_LF;
	}
	if ((b->flags & SMTP_FLAG_BARE_CR) == 0 && lf > at) {
		const char *cr = memchr(at, '\r', (size_t)(lf - at));
		if (b->is_after_cr || (cr != NULL && cr != lf - 1)) {
			b->flags |= SMTP_FLAG_BARE_CR;
		}
	}
	b->is_after_cr = false;
}

/* Octets at the end of the cut that do not end a line. */
static void tail_note(struct smtp_body *b, struct str tail)
{
	if (tail.len == 0) {
		return;
	}
	if (b->is_after_cr || memchr(tail.ptr, '\r', tail.len - 1) != NULL) {
		b->flags |= SMTP_FLAG_BARE_CR;
	}
	b->is_after_cr = tail.ptr[tail.len - 1] == '\r';
}

/* From the middle of a line to the next line that begins with a dot, or to the end of the cut. */
static struct str span_take(struct smtp_body *b, struct str *in)
{
	const char *at = in->ptr;
	const char *end = in->ptr + in->len;

	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL) {
			tail_note(b, (struct str){at, (size_t)(end - at)});
			b->at = SMTP_BODY_AT_MIDDLE;
			return str_take(in, in->len);
		}
		line_note(b, at, lf);
		at = lf + 1;
		if (at < end && *at == '.') {
			break;
		}
	}
	b->at = SMTP_BODY_AT_START;
	return str_take(in, (size_t)(at - in->ptr));
}

enum smtp_body_out smtp_body_step(struct smtp_body *b, struct str *in, struct str *ret_span)
{
	*ret_span = STR_EMPTY;
	while (in->len > 0) {
		char c = in->ptr[0];

		switch (b->at) {
		case SMTP_BODY_AT_START:
			if (c == '.') {
				*in = str_skip(*in, 1);
				b->at = SMTP_BODY_AT_DOT;
				break;
			}
			FALLTHROUGH;
		case SMTP_BODY_AT_MIDDLE:
			*ret_span = span_take(b, in);
			return SMTP_BODY_SPAN;
		case SMTP_BODY_AT_DOT:
			if (c == '\n') {
				*in = str_skip(*in, 1);
				*ret_span = STR(".\n");
				b->flags |= SMTP_FLAG_BARE_LF;
				b->at = SMTP_BODY_AT_START;
				b->is_after_crlf = false;
				return SMTP_BODY_SOFT_DOT;
			}
			b->at = c == '\r' ? SMTP_BODY_AT_DOT_CR : SMTP_BODY_AT_MIDDLE;
			*in = str_skip(*in, c == '\r' ? 1 : 0);
			break;
		case SMTP_BODY_AT_DOT_CR:
			if (c == '\n') {
				bool is_hard = b->is_after_crlf;
				*in = str_skip(*in, 1);
				*ret_span = STR(".\r\n");
				b->at = SMTP_BODY_AT_START;
				b->is_after_crlf = true;
				return is_hard ? SMTP_BODY_HARD_DOT : SMTP_BODY_SOFT_DOT;
			}
			b->at = SMTP_BODY_AT_MIDDLE;
			b->is_after_cr = true;
			*ret_span = STR("\r");
			return SMTP_BODY_SPAN;
		case SMTP_BODY_AT_COUNT:
			return SMTP_BODY_MORE;
		}
	}
	return SMTP_BODY_MORE;
}

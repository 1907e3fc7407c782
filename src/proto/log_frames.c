/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_frames: counted frames as lines. Layer: proto (pure).
 */
#include "proto/log_frames.h"

#include "base/assert.h"

#include <string.h>

#include "base/poison.h"

/* A frame may be longer than what is kept of it. After a loss the digits that end what was lost may
 * be taken for some of the count: no more than this is lost by it. */
#define COUNT_DIGITS 5

/* A count, a space and '<' at the end of a text. @return Where the count begins; text.len: there is
 * none. */
static size_t count_before(struct str text, uint32_t *ret_count)
{
	size_t at = text.len < 3 ? 0 : text.len - 2;
	uint32_t count = 0;
	uint32_t unit = 1;

	if (at == 0 || text.ptr[at] != ' ' || text.ptr[at + 1] != '<') {
		return text.len;
	}
	for (size_t i = 0; i < COUNT_DIGITS && at > 0 && char_is_digit(text.ptr[at - 1]); i++) {
		count += unit * (uint32_t)(text.ptr[--at] - '0');
		unit *= 10;
	}
	*ret_count = count;
	return count > 0 ? at : text.len;
}

enum log_frames_is log_frames_is(struct str head)
{
	uint32_t count = 0;
	size_t lt = str_find_char(str_head(head, COUNT_DIGITS + 2), '<');

	if (head.len > 0 && !char_is_digit(head.ptr[0])) {
		return LOG_FRAMES_NO;
	}
	if (lt == head.len && lt < COUNT_DIGITS + 2) {
		return LOG_FRAMES_MORE;
	}
	if (lt >= COUNT_DIGITS + 2 || count_before(str_head(head, lt + 1), &count) != 0 ||
	    count > LOG_FRAMES_TEXT_MAX) {
		return LOG_FRAMES_NO;
	}
	struct str rest = str_skip(head, lt + count);
	if (rest.len == 0) {
		return LOG_FRAMES_MORE;
	}
	lt = str_find_char(str_head(rest, COUNT_DIGITS + 2), '<');
	if (lt == rest.len && lt < COUNT_DIGITS + 2) {
		return LOG_FRAMES_MORE;
	}
	bool is_ended = head.ptr[head.len - rest.len - 1] == '\n';
	return !is_ended && lt < COUNT_DIGITS + 2 &&
			       count_before(str_head(rest, lt + 1), &count) == 0
		       ? LOG_FRAMES_YES
		       : LOG_FRAMES_NO;
}

/* What is kept, without blanks at its end, as a line. Empty: none. */
static size_t write_line(struct log_frames *f, size_t len, char *out)
{
	while (len > 0 && f->text[len - 1] == ' ') {
		len--;
	}
	memcpy(out, f->text, len);
	out[len] = '\n';
	f->len = 0;
	return len > 0 ? len + 1 : 0;
}

static void keep(struct log_frames *f, struct str text)
{
	text = str_head(text, sizeof(f->text) - f->len);
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		f->text[f->len++] = c == '\n' || c == '\r' || c == '\0' ? ' ' : c;
	}
}

static size_t step_inside(struct log_frames *f, struct str *in, char *out)
{
	struct str now = str_take(in, f->left < in->len ? f->left : in->len);

	keep(f, now);
	f->left -= (uint32_t)now.len;
	return f->left == 0 ? write_line(f, f->len, out) : 0;
}

/* Up to the '<' of the next frame, or to a line's end. */
static size_t step_between(struct log_frames *f, struct str *in, char *out)
{
	while (in->len > 0) {
		uint32_t count = 0;
		char c = in->ptr[0];
		*in = str_skip(*in, 1);
		if (c == '\n') {
			return write_line(f, f->len, out);
		}
		keep(f, (struct str){&c, 1});
		size_t begin = c == '<' ? count_before((struct str){f->text, f->len}, &count)
					: f->len;
		if (begin < f->len) {
			size_t len = write_line(f, begin, out);
			f->left = count - 1; /* its first octet is here already */
			f->len = 0;
			keep(f, STR("<"));
			return f->left > 0 ? len : len + write_line(f, f->len, out + len);
		}
		if (f->len == sizeof(f->text)) {
			return write_line(f, f->len, out);
		}
	}
	return 0;
}

size_t log_frames_step(struct log_frames *f, struct str *in, char *out, size_t size)
{
	size_t len = 0;

	ASSERT(size >= LOG_FRAMES_LINE_MAX);
	while (in->len > 0 && size - len >= LOG_FRAMES_LINE_MAX) {
		len += f->left > 0 ? step_inside(f, in, out + len) : step_between(f, in, out + len);
	}
	return len;
}

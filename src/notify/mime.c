/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mime: a mail as octets. Layer: notify.
 */
#include "notify/mime.h"

#include "base/utf8.h"

#include <stdio.h>

#include "base/poison.h"

#define LINE_MAX_OCTETS 76
/* Octets of text in one encoded word: 39 become 52 of base64, with "=?utf-8?B??=" around them and
 * "Subject: " before them 73, and 76 are allowed. */
#define WORD_OCTETS 39

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void add_base64(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i += 3) {
		size_t n = s.len - i < 3 ? s.len - i : 3;
		uint32_t v = 0;
		for (size_t k = 0; k < 3; k++) {
			v = v << 8 | (k < n ? (uint8_t)s.ptr[i + k] : 0);
		}
		for (size_t k = 0; k < 4; k++) {
			buf_add_char(out, k <= n ? base64_digits[v >> (18 - 6 * k) & 63] : '=');
		}
	}
}

static void add_base64_lines(struct buf *out, struct str s)
{
	const size_t line = LINE_MAX_OCTETS / 4 * 3;

	while (s.len > 0) {
		add_base64(out, str_take(&s, s.len < line ? s.len : line));
		buf_add(out, STR("\r\n"));
	}
}

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < ' ' || s.ptr[i] > '~') {
			return false;
		}
	}
	return true;
}

/* The first at most `max` octets that end with a whole code point. */
static struct str take_whole(struct str *s, size_t max)
{
	size_t n = s->len < max ? s->len : max;

	while (n > 1 && n < s->len && ((uint8_t)s->ptr[n] & 0xc0) == 0x80) {
		n--;
	}
	return str_take(s, n);
}

/* A text in a header field (RFC 2047). */
static void add_words(struct buf *out, struct str s)
{
	if (is_printable(s) && s.len <= LINE_MAX_OCTETS - 12) {
		buf_add(out, s);
		return;
	}
	for (bool first = true; s.len > 0; first = false) {
		buf_add(out, first ? STR("=?utf-8?B?") : STR("\r\n =?utf-8?B?"));
		add_base64(out, take_whole(&s, WORD_OCTETS));
		buf_add(out, STR("?="));
	}
}

static void add_quoted(struct buf *out, struct str line)
{
	size_t width = 0;

	for (size_t i = 0; i < line.len; i++) {
		uint8_t c = (uint8_t)line.ptr[i];
		bool last = i + 1 == line.len;
		bool plain = (c > ' ' && c <= '~' && c != '=') || (c == ' ' && !last);
		/* "From " and a dot at the beginning are changed by some on the way. */
		plain = plain && !(width == 0 && (c == 'F' || c == '.'));
		if (width + (plain ? 1 : 3) > LINE_MAX_OCTETS - 1) {
			buf_add(out, STR("=\r\n"));
			width = 0;
		}
		if (plain) {
			buf_add_char(out, (char)c);
		} else {
			buf_printf(out, "=%02X", c);
		}
		width += plain ? 1 : 3;
	}
	buf_add(out, STR("\r\n"));
}

static void add_quoted_lines(struct buf *out, struct str text)
{
	while (text.len > 0) {
		add_quoted(out, str_take_until(&text, '\n'));
	}
}

/* "Tue, 24 Nov 2026 07:12:01 +0000" */
static void add_date(struct buf *out, struct wall t)
{
	static const char *const days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int64_t s = t.ns < 0 ? 0 : t.ns / NS_PER_S;
	int64_t day = s / 86400;
	int64_t year = 0;
	unsigned month = 1;
	unsigned mday = 1;

	civil_from_days(day, &year, &month, &mday);
	buf_printf(out, "%s, %u %s %lld %02lld:%02lld:%02lld +0000", days[day % 7], mday,
		   months[month - 1], (long long)year, (long long)(s / 3600 % 24),
		   (long long)(s / 60 % 60), (long long)(s % 60));
}

/* A value of ours or of the configuration, on one line whatever is in it. */
static void add_field(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, "%s: ", name);
	for (size_t i = 0; i < value.len; i++) {
		buf_add_char(out, value.ptr[i] < ' ' ? '?' : value.ptr[i]);
	}
	buf_add(out, STR("\r\n"));
}

static void add_header(const struct mime_mail *m, struct buf *out)
{
	add_field(out, "From", m->from);
	add_field(out, "To", m->to);
	buf_add(out, STR("Subject: "));
	add_words(out, m->subject);
	buf_add(out, STR("\r\nDate: "));
	add_date(out, m->date);
	buf_add(out, STR("\r\n"));
	add_field(out, "Message-ID", m->message_id);
	add_field(out, "X-Postern-Case", m->cases);
	buf_add(out, STR("Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"));
}

static void add_text(const struct mime_mail *m, struct buf *out)
{
	buf_add(out, STR("Content-Type: text/plain; charset=utf-8\r\n"
			 "Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
	add_quoted_lines(out, m->text);
}

int mime_write(const struct mime_mail *m, struct buf *out)
{
	/* "=_" can't stand in quoted-printable or base64, so no part can hold the boundary. */
	static const char boundary[] = "=_postern_part_=";

	add_header(m, out);
	if (m->attachment_count == 0) {
		add_text(m, out);
		return buf_end(out);
	}
	buf_printf(out, "Content-Type: multipart/mixed;\r\n boundary=\"%s\"\r\n\r\n", boundary);
	buf_printf(out, "--%s\r\n", boundary);
	add_text(m, out);
	for (size_t i = 0; i < m->attachment_count; i++) {
		struct str name = m->attachments[i].name;
		const char *type = m->attachments[i].type;
		buf_printf(out,
			   "--%s\r\nContent-Type: %s; name=\"%.*s\"\r\n"
			   "Content-Transfer-Encoding: base64\r\n"
			   "Content-Disposition: attachment; filename=\"%.*s\"\r\n\r\n",
			   boundary, type != NULL ? type : "text/plain", STR_ARG(name),
			   STR_ARG(name));
		add_base64_lines(out, m->attachments[i].content);
	}
	buf_printf(out, "--%s--\r\n", boundary);
	return buf_end(out);
}

/* Controls, and the marks that make text read in another direction than it stands. */
static bool is_unfit(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x200b && cp <= 0x200f) ||
	       (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

void text_add_clean(struct buf *out, struct str s, size_t max)
{
	size_t written = 0;

	while (s.len > 0) {
		uint32_t cp = 0;
		size_t n = utf8_decode(s, &cp);
		bool bad = n == 0 || is_unfit(cp);
		size_t width = bad ? 1 : n;
		if (written + width > max) {
			buf_add(out, STR("…"));
			return;
		}
		if (bad) {
			buf_add_char(out, cp == '\t' && n == 1 ? ' ' : '?');
		} else {
			buf_add(out, str_head(s, n));
		}
		written += width;
		s = str_skip(s, n == 0 ? 1 : n);
	}
}

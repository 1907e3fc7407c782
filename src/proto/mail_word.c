/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_word: encoded words. Layer: proto (pure).
 */
#include "proto/mail_word.h"

#include "proto/charset.h"
#include "proto/mail.h"
#include "proto/mail_decode.h"

#include "base/poison.h"

/* Octets decoded at a time. */
#define PIECE 256

struct word {
	struct str charset;
	char encoding; /* 'q' or 'b' */
	struct str text;
	size_t len; /* of all of it, from "=?" to "?=" */
};

/* "=?charset?q?text?=" at the start of `s`. A blank in the text of Q is forgiven. */
static bool word_parse(struct str s, struct word *ret)
{
	if (!str_has_prefix(s, STR("=?"))) {
		return false;
	}
	struct str rest = str_skip(s, 2);
	size_t n = str_find_char(rest, '?');
	if (n == 0 || n + 2 >= rest.len || n > 64) {
		return false;
	}
	struct str charset = str_head(rest, n);
	for (size_t i = 0; i < charset.len; i++) {
		if (charset.ptr[i] <= ' ' || charset.ptr[i] == '=') {
			return false;
		}
	}
	char encoding = char_lower(rest.ptr[n + 1]);
	if ((encoding != 'q' && encoding != 'b') || rest.ptr[n + 2] != '?') {
		return false;
	}
	rest = str_skip(rest, n + 3);
	size_t end = str_find(rest, STR("?="));
	if (end == rest.len) {
		return false;
	}
	charset = str_head(charset, str_find_char(charset, '*')); /* RFC 2231's language */
	*ret = (struct word){.charset = charset,
			     .encoding = encoding,
			     .text = str_head(rest, end),
			     .len = (size_t)(rest.ptr - s.ptr) + end + 2};
	return true;
}

struct sink {
	struct charset_decoder decoder;
	struct buf *out;
	unsigned flags;
};

static void sink_add(struct sink *k, struct str in)
{
	char utf8[CHARSET_OUT_MAX(PIECE + 8)] UNINITIALIZED;

	while (in.len > 0) {
		struct str piece = str_take(&in, in.len < PIECE ? in.len : PIECE);
		size_t n = charset_step(&k->decoder, piece, utf8);
		(void)buf_add_utf8(k->out, (struct str){utf8, n});
	}
}

static void sink_start(struct sink *k, struct str name)
{
	const struct charset *charset = charset_find(name);

	if (charset == NULL) {
		k->flags |= name.len > 0 ? MAIL_FLAG_CHARSET_UNKNOWN : 0;
		charset = charset_utf8();
	}
	k->decoder = charset_start(charset);
}

static void sink_end(struct sink *k)
{
	char utf8[CHARSET_OUT_MAX(0)];
	size_t n = charset_end(&k->decoder, utf8);

	(void)buf_add_utf8(k->out, (struct str){utf8, n});
	k->flags |= k->decoder.has_nul ? MAIL_FLAG_NUL : 0;
}

static void word_add(struct sink *k, const struct word *w)
{
	char octets[MAIL_DECODE_OUT_MAX(PIECE)] UNINITIALIZED;
	struct mail_qp qp = {.is_header = true};
	struct mail_base64 base64 = {0};
	struct str in = w->text;
	size_t n;

	while (in.len > 0) {
		struct str piece = str_take(&in, in.len < PIECE ? in.len : PIECE);
		n = w->encoding == 'q' ? mail_qp_step(&qp, piece, octets)
				       : mail_base64_step(&base64, piece, octets);
		sink_add(k, (struct str){octets, n});
	}
	n = w->encoding == 'q' ? mail_qp_end(&qp, octets) : mail_base64_end(&base64, octets);
	sink_add(k, (struct str){octets, n});
	k->flags |= qp.is_broken || base64.is_broken ? MAIL_FLAG_WORD_BROKEN : 0;
}

static bool is_blank(struct str s)
{
	return str_trim(s).len == 0;
}

/* Raw text outside of encoded words. */
static void raw_add(struct sink *k, struct str text)
{
	if (text.len == 0) {
		return;
	}
	for (size_t i = 0; i < text.len; i++) {
		k->flags |= (unsigned char)text.ptr[i] >= 0x80 ? MAIL_FLAG_HEADER_8BIT : 0;
	}
	sink_start(k, STR_EMPTY);
	sink_add(k, text);
	sink_end(k);
}

/* Where the last "?=" stands: no word begins behind it, and the search for its end is over. */
static const char *last_end_find(struct str in)
{
	for (size_t i = in.len; i >= 2; i--) {
		if (in.ptr[i - 1] == '=' && in.ptr[i - 2] == '?') {
			return in.ptr + i - 2;
		}
	}
	return in.ptr;
}

unsigned mail_word_decode(struct str in, struct buf *out)
{
	const char *last = last_end_find(in);
	struct sink k = {.out = out};
	struct str open = STR_EMPTY; /* charset of the word before, whose decoder goes on */
	struct word w = {.len = 0};

	while (in.len > 0) {
		size_t at = 0;
		while (in.ptr + at < last && !word_parse(str_skip(in, at), &w)) {
			at += 1 + str_find_char(str_skip(in, at + 1), '=');
		}
		at = in.ptr + at < last ? at : in.len;
		struct str raw = str_head(in, at);
		bool is_word = at < in.len;
		bool is_between = open.ptr != NULL && is_word && is_blank(raw);

		if (!is_between || !str_is_equal_nocase(open, w.charset)) {
			if (open.ptr != NULL) {
				sink_end(&k);
				k.flags |= k.decoder.is_broken ? MAIL_FLAG_WORD_BROKEN : 0;
			}
			raw_add(&k, is_between ? STR_EMPTY : raw);
			open = STR_EMPTY;
		}
		if (!is_word) {
			break;
		}
		if (open.ptr == NULL) {
			sink_start(&k, w.charset);
			open = w.charset;
		}
		word_add(&k, &w);
		in = str_skip(in, at + w.len);
	}
	if (open.ptr != NULL) {
		sink_end(&k);
		k.flags |= k.decoder.is_broken ? MAIL_FLAG_WORD_BROKEN : 0;
	}
	return k.flags;
}

unsigned mail_word_add_charset(struct str in, struct str charset, struct buf *out)
{
	struct sink k = {.out = out};

	sink_start(&k, charset);
	sink_add(&k, in);
	sink_end(&k);
	return k.flags;
}

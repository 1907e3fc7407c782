/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens: reads the words of a message. Layer: core (pure).
 */
#include "core/tokens.h"

#include "base/num.h"
#include "base/utf8.h"
#include "core/features_frame.h"
#include "core/fold.h"

#include <string.h>

#include "base/poison.h"

/* Digits that a number keeps: beyond it all are as large. */
#define SHAPE_DIGITS_MAX 5
/* Octets of a URL or an address that are looked at. */
#define URL_MAX 512
/* Words of the sender's own from which on forwarded and pasted messages are not read. */
#define OWN_WORDS 16

struct reader {
	struct tokens *t;
	struct str in; /* what is left of the line */
	struct str recipient;
	bool in_subject;
	bool is_full;
};

uint64_t tokens_hash(const char *word, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ (unsigned char)word[i]) * UINT64_C(0x100000001b3);
	}
	return tokens_mix(hash);
}

static void put(struct reader *r, const char *word, size_t len)
{
	struct tokens *t = r->t;

	if (t->count == TOKENS_MAX || t->text_len + len + 1 > TOKENS_BYTES) {
		r->is_full = true;
		return;
	}
	size_t shout = len > 1 && word[0] == '^' ? 1 : 0;

	t->list[t->count++] = (struct token){
		.at = (uint16_t)t->text_len,
		.len = (uint16_t)len,
		.is_common = frame_is_common(word + shout, len - shout),
		.hash = tokens_hash(word, len),
	};
	memcpy(t->text + t->text_len, word, len);
	t->text_len += len;
	t->text[t->text_len++] = ' ';
}

#define PUT(r, literal) put((r), "" literal, sizeof(literal) - 1)

static bool is_url_char(char c)
{
	return (unsigned char)c > ' ' && c != '<' && c != '>' && c != '"' && c != '\\' && c != ']';
}

/* The shape of a URL in the text, as words. Its host name is not one. */
static void put_url(struct reader *r, struct str url)
{
	struct str rest = url;
	size_t scheme = str_find(rest, STR("//"));

	rest = scheme < rest.len ? str_skip(rest, scheme + 2) : rest;
	size_t end = 0;

	while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?') {
		end++;
	}
	struct str host = str_head(rest, end);
	struct str path = str_skip(rest, end);
	unsigned digits = 0;

	PUT(r, "xxurl");
	for (size_t i = 0; i < host.len; i++) {
		digits += char_is_digit(host.ptr[i]) ? 1 : 0;
	}
	if (digits > 3) {
		PUT(r, "xxurldigits");
	}
	if (str_find_char(host, '@') < host.len) {
		PUT(r, "xxurluser");
	}
	if (str_find_char(host, ':') < host.len) {
		PUT(r, "xxurlport");
	}
	if (str_find_char(path, '?') < path.len) {
		PUT(r, "xxurlquery");
	}
	r->t->counts.urls++;
}

/* A URL at the start of what is left: takes it. */
static bool take_url(struct reader *r)
{
	char first = char_lower(r->in.ptr[0]);

	if (first != 'h' && first != 'f' && first != 'w') {
		return false;
	}
	if (!str_has_prefix_nocase(r->in, STR("http://")) &&
	    !str_has_prefix_nocase(r->in, STR("https://")) &&
	    !str_has_prefix_nocase(r->in, STR("ftp://")) &&
	    !str_has_prefix_nocase(r->in, STR("www."))) {
		return false;
	}
	size_t len = 0;

	while (len < r->in.len && is_url_char(r->in.ptr[len])) {
		len++;
	}
	struct str url = str_take(&r->in, len);

	put_url(r, str_head(url, URL_MAX));
	return true;
}

static bool is_address_char(char c)
{
	return char_is_alpha(c) || char_is_digit(c) || c == '.' || c == '-' || c == '_' ||
	       c == '+' || c == '@' || c == '=';
}

/* A mail address at the start of what is left: takes it. */
static bool take_address(struct reader *r)
{
	size_t len = 0;
	size_t at = 0;

	while (len < r->in.len && len < URL_MAX && is_address_char(r->in.ptr[len])) {
		if (r->in.ptr[len] == '@') {
			at = at == 0 ? len : URL_MAX;
		}
		len++;
	}
	if (at == 0 || at >= URL_MAX || len < at + 4) {
		return false;
	}
	r->in = str_skip(r->in, len);
	r->t->counts.emails++;
	PUT(r, "xxemail");
	return true;
}

/* A number with its separators at the start of what is left, after an optional mark of money. */
static bool take_number(struct reader *r, bool is_money)
{
	char shape[SHAPE_DIGITS_MAX + 2];
	size_t len = 0;
	size_t digits = 0;
	size_t i = 0;

	while (i < r->in.len) {
		char c = r->in.ptr[i];

		if (char_is_digit(c)) {
			digits++;
		} else if ((c != '.' && c != ',' && c != ':') || i + 1 == r->in.len ||
			   !char_is_digit(r->in.ptr[i + 1])) {
			break;
		}
		i++;
	}
	if (digits == 0 || (i < r->in.len && char_is_alpha(r->in.ptr[i]) && !is_money)) {
		return false;
	}
	if (is_money) {
		shape[len++] = '$';
		r->t->counts.money++;
	}
	for (size_t d = 0; d < digits && d < SHAPE_DIGITS_MAX; d++) {
		shape[len++] = '0';
	}
	if (i < r->in.len && r->in.ptr[i] == '%') {
		shape[len++] = '%';
		r->t->counts.percents++;
		i++;
	}
	r->in = str_skip(r->in, i);
	r->t->counts.numbers++;
	put(r, shape, len);
	return true;
}

struct word {
	uint32_t cps[TOKEN_BYTES_MAX];
	size_t count;
	uint32_t letters;
	uint32_t capitals;
	bool has_latin;
	bool has_lookalike;
	bool is_disguised;
	bool is_long;
};

/* Adds one character to the word; false: the word ends before it. */
static bool word_take(struct word *w, struct reader *r, struct folded f)
{
	switch (f.class) {
	case FOLD_INVISIBLE:
		r->t->counts.invisible += w->count > 0 ? 1 : 0;
		return true;
	case FOLD_LETTER:
		w->letters++;
		w->capitals += f.was_upper ? 1 : 0;
		w->has_latin = w->has_latin || f.cp < 0x80;
		if (f.cp >= 0x80) {
			w->has_lookalike = w->has_lookalike || fold_lookalike(f.cp) != 0;
		}
		break;
	case FOLD_DIGIT:
		f.cp = '0';
		break;
	case FOLD_BREAK:
		return f.cp == '\'' || f.cp == 0x2019; /* don't is one word */
	case FOLD_SINGLE:
	case FOLD_SYMBOL:
	case FOLD_CLASS_COUNT:
		return false;
	}
	w->is_disguised = w->is_disguised || f.was_styled;
	if (w->count == TOKEN_BYTES_MAX) {
		w->is_long = true;
	} else {
		w->cps[w->count++] = f.cp;
	}
	return true;
}

static void word_put(struct word *w, struct reader *r)
{
	struct token_counts *c = &r->t->counts;
	char text[TOKEN_BYTES_MAX + 1 + UTF8_MAX];
	size_t len = 0;

	c->letters += w->letters;
	c->capitals += w->capitals;
	if (r->in_subject) {
		c->subject_letters += w->letters;
		c->subject_capitals += w->capitals;
	}
	c->words++;
	if (w->letters >= 2 && w->capitals == w->letters) {
		c->shouted++;
		text[len++] = '^';
	}
	bool is_mixed = w->has_latin && w->has_lookalike;

	for (size_t i = 0; i < w->count && len <= TOKEN_BYTES_MAX; i++) {
		uint32_t plain = is_mixed && w->cps[i] >= 0x80 ? fold_lookalike(w->cps[i]) : 0;

		uint32_t cp = plain != 0 ? plain : w->cps[i];

		if (cp < 0x80) {
			text[len++] = (char)cp;
		} else {
			len += utf8_write(cp, text + len);
		}
	}
	c->disguised += is_mixed || w->is_disguised ? 1 : 0;
	if (w->is_long || len > TOKEN_BYTES_MAX) {
		PUT(r, "xxlong");
	} else if (!str_is_equal(r->recipient, (struct str){text, len})) {
		put(r, text, len);
	}
}

/* A word at the start of what is left: takes it. */
static bool take_word(struct reader *r)
{
	struct word w;
	size_t at = 0;

	/* Not all of it: the characters are written before they are read. */
	w.count = 0;
	w.letters = 0;
	w.capitals = 0;
	w.has_latin = false;
	w.has_lookalike = false;
	w.is_disguised = false;
	w.is_long = false;
	while (at < r->in.len) {
		unsigned char c = (unsigned char)r->in.ptr[at];
		struct folded f;
		size_t n = 1;

		if (c < 0x80) {
			f = fold_ascii(c);
		} else {
			uint32_t cp;

			n = utf8_decode(str_skip(r->in, at), &cp);
			if (n == 0) {
				break;
			}
			f = fold_cp(cp);
		}
		if ((w.count == 0 && f.class == FOLD_BREAK) || !word_take(&w, r, f)) {
			break;
		}
		at += n;
	}
	r->in.ptr += at;
	r->in.len -= at;
	if (w.count == 0) {
		return false;
	}
	word_put(&w, r);
	return true;
}

/* Does a word of plain letters end here for sure, without being a part of a URL or an address? */
static bool is_plain_end(struct str rest)
{
	if (rest.len == 0) {
		return true;
	}
	char c = rest.ptr[0];

	return char_is_space(c) || c == ',' || c == ';' || c == ')' || c == '!' || c == '?' ||
	       c == '"';
}

/* The most common case, with the same result as what follows: a word of plain letters. */
static bool take_plain_word(struct reader *r)
{
	struct token_counts *c = &r->t->counts;
	char text[TOKEN_BYTES_MAX + 1];
	uint32_t capitals = 0;
	size_t n = 0;

	text[0] = '^';
	while (n < r->in.len && n < TOKEN_BYTES_MAX && char_is_alpha(r->in.ptr[n])) {
		unsigned char octet = (unsigned char)r->in.ptr[n++];

		text[n] = (char)(octet | 0x20);
		capitals += (octet & 0x20) == 0 ? 1 : 0;
	}
	if (n == TOKEN_BYTES_MAX || !is_plain_end(str_skip(r->in, n))) {
		return false;
	}
	r->in = str_skip(r->in, n);
	c->letters += (uint32_t)n;
	c->capitals += capitals;
	if (r->in_subject) {
		c->subject_letters += (uint32_t)n;
		c->subject_capitals += capitals;
	}
	c->words++;
	size_t shout = n >= 2 && capitals == n ? 1 : 0;
	struct str word = {text + 1 - shout, n + shout};

	c->shouted += (uint32_t)shout;
	if (!str_is_equal(r->recipient, word)) {
		put(r, word.ptr, word.len);
	}
	return true;
}

/* An octet that no charset explains stands in the text as `\\xNN` (proto/mail.h): it is no word. */
static bool take_octet(struct reader *r)
{
	if (r->in.len < 4 || r->in.ptr[1] != 'x' || num_hex_digit(r->in.ptr[2]) < 0 ||
	    num_hex_digit(r->in.ptr[3]) < 0) {
		return false;
	}
	r->in = str_skip(r->in, 4);
	return true;
}

/* What is no word: marks that say something, ideographs, and the rest, which is dropped. */
static void take_mark(struct reader *r)
{
	struct token_counts *c = &r->t->counts;
	uint32_t cp;
	size_t n = utf8_decode(r->in, &cp);

	if (n == 0) {
		r->in = str_skip(r->in, 1);
		return;
	}
	r->in = str_skip(r->in, n);
	struct folded f = fold_cp(cp);

	if (f.class == FOLD_SINGLE) {
		/* An ideograph or a syllable: all we know of such text is spam, which would make
		 * the script itself look like it. */
		c->words++;
	} else if (f.class == FOLD_SYMBOL) {
		c->symbols++;
	} else if (cp == '!' || cp == 0xff01) {
		c->exclamations++;
		c->subject_exclamations += r->in_subject ? 1 : 0;
		PUT(r, "!");
	} else if (cp == '?') {
		c->questions++;
		PUT(r, "?");
	} else if ((cp == '$' || cp == 0xa3 || cp == 0x20ac) && !take_number(r, true)) {
		PUT(r, "$");
	}
}

static void read_words(struct reader *r)
{
	while (r->in.len > 0 && !r->is_full) {
		char c = r->in.ptr[0];

		if (char_is_space(c)) {
			r->in.ptr++;
			r->in.len--;
		} else if (c == '\\' && take_octet(r)) {
			continue;
		} else if (char_is_alpha(c) &&
			   (take_plain_word(r) || take_url(r) || take_address(r))) {
			continue;
		} else if (char_is_digit(c) && (take_address(r) || take_number(r, false))) {
			continue;
		} else if (!take_word(r)) {
			take_mark(r);
		}
	}
}

/* Without "Re:", "Fwd:" and a list's mark in brackets, as often as they stand there. */
static struct str subject_of(struct str s)
{
	static const char *const prefixes[] = {"re:", "fw:", "fwd:", "aw:", "sv:", "antw:"};
	size_t before;

	do {
		s = str_trim(s);
		before = s.len;
		for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
			if (str_has_prefix_nocase(s, str_of(prefixes[i]))) {
				s = str_skip(s, str_of(prefixes[i]).len);
				break;
			}
		}
		size_t close = str_find_char(str_head(s, 40), ']');

		if (s.len > 0 && s.ptr[0] == '[' && close < s.len && close < 40) {
			s = str_skip(s, close + 1);
		}
	} while (s.len != before);
	return s;
}

/* "-----Original Message-----" and its like. */
static bool is_forward_mark(struct str line)
{
	static const char *const marks[] = {"original message", "forwarded message",
					    "forwarded by"};

	if (str_has_prefix_nocase(line, STR("begin forwarded message"))) {
		return true;
	}
	if (line.ptr[0] != '-' || line.len > 120) {
		return false;
	}
	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		if (str_find_nocase(line, str_of(marks[i])) < line.len) {
			return true;
		}
	}
	return false;
}

/* A field that only a message's header has: somebody pasted one in. */
static bool is_trace_field(struct str line)
{
	static const char *const fields[] = {
		"received:",     "return-path:",  "message-id:", "mime-version:",
		"delivered-to:", "content-type:", "x-mailer:",   "content-transfer-encoding:"};

	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (str_has_prefix_nocase(line, str_of(fields[i]))) {
			return true;
		}
	}
	return false;
}

/* What others wrote is not read when enough was read of what the sender wrote. */
static void read_text(struct reader *r, struct str text)
{
	struct tokens *t = r->t;
	bool in_header = false;

	while (text.len > 0 && !r->is_full) {
		r->in = str_trim(str_take_until(&text, '\n'));
		in_header = in_header && r->in.len > 0;
		if (r->in.len == 0) {
			continue;
		}
		t->counts.lines++;
		in_header = in_header || is_trace_field(r->in);
		if ((in_header || is_forward_mark(r->in)) &&
		    t->count - t->subject_count >= OWN_WORDS) {
			t->counts.quoted_lines++;
			return;
		}
		if (in_header || r->in.ptr[0] == '>' || r->in.ptr[0] == '|') {
			t->counts.quoted_lines++;
			continue;
		}
		read_words(r);
	}
}

void tokens_read(const struct score_input *in, struct tokens *ret)
{
	char recipient[TOKEN_BYTES_MAX];
	struct str local = str_head(in->to_address, str_find_char(in->to_address, '@'));
	struct reader r = {.t = ret, .in = subject_of(str_head(in->subject, SCORE_FIELD_MAX))};

	ret->count = 0;
	ret->text_len = 0;
	ret->counts = (struct token_counts){0};
	if (local.len >= 3 && local.len <= sizeof(recipient)) {
		for (size_t i = 0; i < local.len; i++) {
			recipient[i] = char_lower(local.ptr[i]);
		}
		r.recipient = (struct str){recipient, local.len};
	}
	r.in_subject = true;
	read_words(&r);
	r.in_subject = false;
	ret->subject_count = ret->count;

	read_text(&r, str_head(in->text, TOKENS_READ_MAX));
}

struct str tokens_text(const struct tokens *t, size_t i)
{
	return (struct str){t->text + t->list[i].at, t->list[i].len};
}

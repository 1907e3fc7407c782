/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html: the tokenizer; html_element.c says what tags mean. Layer: proto (pure).
 *
 * Source: the HTML standard, 13.2.5, as far as text and links need it.
 */
#include "proto/html.h"

#include "base/utf8.h"
#include "proto/html_element.h"
#include "proto/html_entity.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

enum html_at {
	HTML_AT_TEXT,
	HTML_AT_OPEN, /* after "<" */
	HTML_AT_TAG,
	HTML_AT_BANG,    /* "<!…" that is no comment so far, and "<?…" */
	HTML_AT_COMMENT, /* until "-->" */
	HTML_AT_RAW,     /* script, style: until its end tag */
	HTML_AT_ENTITY,  /* after "&" */
};

struct html {
	struct html_page page;
	enum html_at at;
	char quote;     /* open quote of an attribute in the tag, or 0 */
	char last;      /* last octet of the tag that is no blank */
	uint8_t dashes; /* in comments and bangs */
	uint8_t name_len;
	char name[HTML_ENTITY_MAX]; /* of an entity; of the end tag in RAW: what has matched */
	size_t tag_len;
	char tag[HTML_TAG_MAX];
};

struct html *html_new(const struct html_out *out)
{
	struct html *h = calloc(1, sizeof(*h));

	if (h != NULL) {
		html_reset(h, out);
	}
	return h;
}

void html_free(struct html *h)
{
	free(h);
}

void html_reset(struct html *h, const struct html_out *out)
{
	h->at = HTML_AT_TEXT;
	h->quote = 0;
	h->tag_len = 0;
	html_page_init(&h->page, out);
}

const struct html_facts *html_facts(const struct html *h)
{
	return &h->page.facts;
}

size_t html_size(void)
{
	return sizeof(struct html);
}

enum {
	CLASS_WORD,
	CLASS_BLANK,
	CLASS_OPEN,
	CLASS_AMP,
	CLASS_C2, /* may begin a no-break space */
};

static const uint8_t classes[256] = {
	[' '] = CLASS_BLANK,  ['\t'] = CLASS_BLANK, ['\n'] = CLASS_BLANK, ['\r'] = CLASS_BLANK,
	['\f'] = CLASS_BLANK, ['<'] = CLASS_OPEN,   ['&'] = CLASS_AMP,    [0xc2] = CLASS_C2,
};

static void text_run(struct html *h, struct str *in)
{
	while (in->len > 0) {
		const unsigned char *at = (const unsigned char *)in->ptr;
		size_t n = 0;
		/* Words with one plain blank between them go on together. */
		while (n < in->len &&
		       (classes[at[n]] == CLASS_WORD || (at[n] == ' ' && n > 0 && n + 1 < in->len &&
							 classes[at[n + 1]] == CLASS_WORD))) {
			n++;
		}
		if (n > 0) {
			html_page_word(&h->page, str_take(in, n));
			continue;
		}
		switch (classes[at[0]]) {
		case CLASS_BLANK:
			while (n < in->len && classes[at[n]] == CLASS_BLANK) {
				n++;
			}
			html_page_blank(&h->page);
			*in = str_skip(*in, n);
			break;
		case CLASS_OPEN:
			h->at = HTML_AT_OPEN;
			*in = str_skip(*in, 1);
			return;
		case CLASS_AMP:
			h->at = HTML_AT_ENTITY;
			h->name_len = 0;
			*in = str_skip(*in, 1);
			return;
		default:
			if (in->len > 1 && at[1] == 0xa0) {
				html_page_blank(&h->page);
				*in = str_skip(*in, 2);
			} else {
				html_page_word(&h->page, str_take(in, in->len > 1 ? 2 : 1));
			}
			break;
		}
	}
}

static void literal_add(struct html *h, char c)
{
	html_page_word(&h->page, (struct str){&c, 1});
}

static void open_run(struct html *h, struct str *in)
{
	char c = in->ptr[0];

	h->tag_len = 0;
	h->last = 0;
	h->quote = 0;
	h->dashes = 0;
	if (char_is_alpha(c) || c == '/') {
		h->at = HTML_AT_TAG;
	} else if (c == '!' || c == '?') {
		h->at = HTML_AT_BANG;
		h->dashes = c == '!' ? 0 : 3;
		*in = str_skip(*in, 1);
	} else {
		h->at = HTML_AT_TEXT;
		literal_add(h, '<');
	}
}

static void tag_keep(struct html *h, struct str s)
{
	s = str_head(s, HTML_TAG_MAX - h->tag_len);
	if (s.len > 0) {
		memcpy(h->tag + h->tag_len, s.ptr, s.len);
		h->tag_len += s.len;
	}
}

static void tag_end(struct html *h, struct str tag)
{
	h->at = html_page_tag(&h->page, tag) ? HTML_AT_RAW : HTML_AT_TEXT;
	h->name_len = 0;
}

static bool is_tag_sign(char c)
{
	return c == '>' || c == '"' || c == '\'';
}

/* The last octet before `at` that is no blank; what earlier cuts had is in h->last. */
static char last_dark(const struct html *h, struct str in, size_t at)
{
	while (at > 0 && char_is_space(in.ptr[at - 1])) {
		at--;
	}
	return at > 0 ? in.ptr[at - 1] : h->last;
}

/* Octets up to the ">" that ends the tag, or all of them. */
static size_t tag_scan(struct html *h, struct str in)
{
	size_t i = 0;

	while (i < in.len) {
		if (h->quote != 0) {
			i += str_find_char(str_skip(in, i), h->quote);
			if (i == in.len) {
				return i;
			}
			h->quote = 0;
			h->last = '"';
			i++;
			continue;
		}
		size_t start = i;
		while (i < in.len && !is_tag_sign(in.ptr[i])) {
			i++;
		}
		h->last = last_dark(h, (struct str){in.ptr + start, i - start}, i - start);
		if (i == in.len || in.ptr[i] == '>') {
			return i;
		}
		h->quote = h->last == '=' ? in.ptr[i] : 0;
		h->last = in.ptr[i];
		i++;
	}
	return i;
}

static void tag_run(struct html *h, struct str *in)
{
	size_t n = tag_scan(h, *in);
	bool is_whole = n < in->len;
	struct str piece = str_take(in, n);

	if (!is_whole) {
		tag_keep(h, piece);
		return;
	}
	*in = str_skip(*in, 1);
	if (h->tag_len == 0) {
		tag_end(h, str_head(piece, HTML_TAG_MAX));
		return;
	}
	tag_keep(h, piece);
	tag_end(h, (struct str){h->tag, h->tag_len});
}

static void bang_run(struct html *h, struct str *in)
{
	while (in->len > 0) {
		char c = in->ptr[0];
		*in = str_skip(*in, 1);
		if (c == '>') {
			h->at = HTML_AT_TEXT;
			return;
		}
		if (c == '-' && h->dashes < 2) {
			h->dashes++;
			if (h->dashes == 2) {
				h->at = HTML_AT_COMMENT;
				h->page.facts.comments++;
				return;
			}
		} else {
			h->dashes = 3; /* no comment any more */
		}
	}
}

/* h->dashes: 2 right after "<!--", so that "<!-->" ends too. */
static void comment_run(struct html *h, struct str *in)
{
	while (in->len > 0) {
		if (h->dashes == 0) {
			*in = str_skip(*in, str_find_char(*in, '-'));
			if (in->len == 0) {
				return;
			}
		}
		char c = in->ptr[0];
		*in = str_skip(*in, 1);
		if (c == '>' && h->dashes >= 2) {
			h->at = HTML_AT_TEXT;
			return;
		}
		if (c == '-') {
			h->dashes = h->dashes < 2 ? (uint8_t)(h->dashes + 1) : 2;
		} else {
			h->dashes = 0;
		}
	}
}

/* Looks for "</name": h->name_len octets of it have matched. The rest of the end tag is read as
 * a tag. */
static void raw_run(struct html *h, struct str *in)
{
	struct str name = html_page_raw_name(&h->page);

	while (in->len > 0) {
		if (h->name_len == 0) {
			*in = str_skip(*in, str_find_char(*in, '<'));
			if (in->len == 0) {
				return;
			}
		}
		char c = in->ptr[0];
		char want = h->name_len == 0 ? '<' : h->name_len == 1 ? '/' : 0;
		if (want == 0 && h->name_len - 2U < name.len) {
			want = name.ptr[h->name_len - 2];
		}
		if (want == 0) {
			bool is_end = char_is_space(c) || c == '>' || c == '/';
			h->name_len = 0;
			if (is_end) {
				h->at = HTML_AT_TAG;
				h->tag_len = 0;
				h->last = 0;
				h->quote = 0;
				tag_keep(h, STR("/"));
				tag_keep(h, name);
				return;
			}
			continue;
		}
		if (char_lower(c) != want) {
			h->name_len = 0;
			if (c == '<') {
				continue;
			}
		} else {
			h->name_len++;
		}
		*in = str_skip(*in, 1);
	}
}

static void entity_end(struct html *h, bool is_closed)
{
	struct str name = {h->name, h->name_len};
	uint32_t cp = html_entity_find(name);
	char utf8[UTF8_MAX];

	h->at = HTML_AT_TEXT;
	if (cp == 0) {
		literal_add(h, '&');
		html_page_word(&h->page, name);
		if (is_closed) {
			literal_add(h, ';');
		}
	} else if (cp == 0xa0 || cp == ' ' || cp == '\t' || cp == '\n' || cp == '\r') {
		html_page_blank(&h->page);
	} else {
		size_t n = utf8_write(cp, utf8);
		html_page_word(&h->page, (struct str){utf8, n});
	}
}

static void entity_run(struct html *h, struct str *in)
{
	while (in->len > 0) {
		char c = in->ptr[0];
		if (c == ';') {
			*in = str_skip(*in, 1);
			entity_end(h, true);
			return;
		}
		bool is_name = char_is_alpha(c) || char_is_digit(c) ||
			       (c == '#' && h->name_len == 0);
		if (!is_name || h->name_len == HTML_ENTITY_MAX) {
			entity_end(h, false);
			return;
		}
		h->name[h->name_len++] = c;
		*in = str_skip(*in, 1);
	}
}

void html_step(struct html *h, struct str in)
{
	while (in.len > 0) {
		switch (h->at) {
		case HTML_AT_TEXT:
			text_run(h, &in);
			break;
		case HTML_AT_OPEN:
			open_run(h, &in);
			break;
		case HTML_AT_TAG:
			tag_run(h, &in);
			break;
		case HTML_AT_BANG:
			bang_run(h, &in);
			break;
		case HTML_AT_COMMENT:
			comment_run(h, &in);
			break;
		case HTML_AT_RAW:
			raw_run(h, &in);
			break;
		case HTML_AT_ENTITY:
			entity_run(h, &in);
			break;
		}
	}
}

void html_end(struct html *h)
{
	if (h->at == HTML_AT_ENTITY) {
		entity_end(h, false);
	} else if (h->at == HTML_AT_OPEN) {
		literal_add(h, '<');
	}
	html_page_end(&h->page);
	h->at = HTML_AT_TEXT;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_leaf: from a part's octets to text and links: transfer encoding, charset, HTML.
 * Layer: proto (pure).
 */
#include "base/utf8.h"
#include "proto/mail_walk.h"
#include "proto/url.h"

#include <string.h>

#include "base/poison.h"

/* Octets that go through the chain at a time. */
#define PIECE 4096

static struct mail_part *part_of(struct mail *m)
{
	return &m->parts[m->current];
}

static int link_add(struct mail *m, enum mail_link_from from, struct str raw, bool is_hidden)
{
	struct mail_view *v = &m->view;

	if (v->link_count == MAIL_LINKS_MAX) {
		v->flags |= MAIL_FLAG_LINKS_CUT;
		return -1;
	}
	raw = str_trim(raw);
	struct url raw_pieces = url_split(raw);
	if (str_is_equal_nocase(raw_pieces.scheme, STR("data"))) {
		raw = str_head(raw, 32); /* a picture, not a place */
	}
	char *text = arena_alloc(m->arena, raw.len);
	if (text == NULL) {
		v->flags |= MAIL_FLAG_MEMORY;
		return -1;
	}
	if (raw.len > 0) {
		memcpy(text, raw.ptr, raw.len);
	}
	struct str url = {text, raw.len};
	struct url u = url_split(url);
	if (from == MAIL_LINK_TEXT && u.scheme.len == 0 && u.host.len == 0) {
		/* "www.example.com/x" */
		size_t n = str_find_char(url, '/');
		u.host = str_head(url, str_find_char(str_head(url, n), ':'));
		u.path = str_skip(url, n);
	}
	for (size_t i = 0; i < u.scheme.len; i++) {
		text[u.scheme.ptr - text + (ptrdiff_t)i] = char_lower(u.scheme.ptr[i]);
	}
	for (size_t i = 0; i < u.host.len; i++) {
		text[u.host.ptr - text + (ptrdiff_t)i] = char_lower(u.host.ptr[i]);
	}
	m->links[v->link_count] = (struct mail_link){
		.from = from,
		.url = url,
		.scheme = u.scheme,
		.host = u.host,
		.path = u.path,
		.has_user = u.has_user,
		.has_port = u.has_port,
		.is_address = u.is_address,
		.is_hidden = is_hidden,
	};
	return (int)v->link_count++;
}

static int html_link(void *ctx, enum html_link_kind kind, struct str url, bool is_hidden)
{
	return link_add(ctx, kind == HTML_LINK_HREF ? MAIL_LINK_HREF : MAIL_LINK_IMAGE, url,
			is_hidden);
}

/* The host that a link's text shows, if it shows one: "https://bank.example" or "bank.example". */
static struct str shown_host(struct str text)
{
	struct url_finder f = url_finder_start(text);
	struct str url = url_find(&f);

	if (url.ptr != NULL && url.len > 0) {
		struct url u = url_split(url);
		return u.scheme.len > 0 ? u.host : str_head(url, str_find_char(url, '/'));
	}
	struct str name = str_head(text, str_find_char(text, '/'));
	size_t dots = 0;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		dots += c == '.';
		if (!char_is_alpha(c) && !char_is_digit(c) && c != '.' && c != '-') {
			return STR_EMPTY;
		}
	}
	bool is_name = dots > 0 && name.ptr[0] != '.' && char_is_alpha(name.ptr[name.len - 1]);
	return is_name ? name : STR_EMPTY;
}

static void html_link_text(void *ctx, int number, struct str text)
{
	struct mail *m = ctx;
	struct mail_link *link = &m->links[number];

	link->text = arena_copy(m->arena, text);
	struct str shown = shown_host(text);
	link->is_disguised = shown.len > 0 && link->host.len > 0 &&
			     !url_is_same_site(shown, link->host);
}

void mail_leaf_begin(struct mail *m)
{
	struct mail_part *p = part_of(m);
	const struct charset *charset = charset_find(p->charset);

	m->qp = (struct mail_qp){0};
	m->base64 = (struct mail_base64){0};
	m->base64_dark = 0;
	m->base64_pads = 0;
	m->is_after_cr = false;
	if (charset == NULL && p->charset.len > 0) {
		m->view.flags |= MAIL_FLAG_CHARSET_UNKNOWN;
	}
	m->decoder = charset_start(charset == NULL ? charset_utf8() : charset);
	if (p->kind == MAIL_KIND_OTHER) {
		return;
	}
	if (m->text.len > 0 && m->text.ptr[m->text.len - 1] != '\n') {
		(void)buf_add_utf8(&m->text, STR("\n"));
	}
	p->text_at = m->text.len;
	if (p->kind == MAIL_KIND_HTML) {
		struct html_out out = {.text = &m->text,
				       .hidden = &m->hidden,
				       .ctx = m,
				       .link = html_link,
				       .link_text = html_link_text};
		if (m->html == NULL) {
			m->html = html_new(&out);
		} else {
			html_reset(m->html, &out);
		}
		m->view.flags |= m->html == NULL ? MAIL_FLAG_MEMORY : MAIL_FLAG_HTML;
	}
}

static void plain_add(struct mail *m, struct str s)
{
	bool is_all = true;

	while (s.len > 0 && is_all) {
		if (m->is_after_cr) {
			m->is_after_cr = false;
			if (s.ptr[0] != '\n') {
				is_all = buf_add_utf8(&m->text, STR("\n"));
				continue;
			}
		}
		size_t n = str_find_char(s, '\r');
		is_all = buf_add_utf8(&m->text, str_head(s, n));
		m->is_after_cr = n < s.len;
		s = str_skip(s, n + 1);
	}
	if (!is_all) {
		m->view.flags |= MAIL_FLAG_TEXT_CUT;
	}
}

/* UTF-8 of a text part. */
static void text_add(struct mail *m, struct str utf8)
{
	if (part_of(m)->kind == MAIL_KIND_TEXT) {
		plain_add(m, utf8);
	} else if (m->html != NULL) {
		html_step(m->html, utf8);
	}
}

/* Text that would not be kept is only measured. */
static bool is_full(const struct mail *m)
{
	return m->text.len + UTF8_MAX > m->text.max;
}

/* Decoded octets of a text part. */
static void octets_add(struct mail *m, struct str octets)
{
	char utf8[CHARSET_OUT_MAX(MAIL_DECODE_OUT_MAX(PIECE))] UNINITIALIZED;

	part_of(m)->size_bytes += octets.len;
	if (part_of(m)->kind == MAIL_KIND_HTML) {
		m->view.html_bytes += octets.len;
	}
	if (is_full(m)) {
		m->view.flags |= octets.len > 0 ? MAIL_FLAG_TEXT_CUT : 0;
		return;
	}
	size_t n = charset_step(&m->decoder, octets, utf8);
	text_add(m, (struct str){utf8, n});
}

static void text_step(struct mail *m, struct str in)
{
	char octets[MAIL_DECODE_OUT_MAX(PIECE)] UNINITIALIZED;
	struct mail_part *p = part_of(m);

	while (in.len > 0) {
		struct str piece = str_take(&in, in.len < PIECE ? in.len : PIECE);
		if (p->encoding == MAIL_ENCODING_QP) {
			piece = (struct str){octets, mail_qp_step(&m->qp, piece, octets)};
		} else if (p->encoding == MAIL_ENCODING_BASE64) {
			piece = (struct str){octets, mail_base64_step(&m->base64, piece, octets)};
		}
		octets_add(m, piece);
	}
}

static void magic_add(struct mail_part *p, struct str s)
{
	for (size_t i = 0; i < s.len && p->magic_len < sizeof(p->magic); i++) {
		p->magic[p->magic_len++] = (uint8_t)s.ptr[i];
	}
}

/* Octets of base64 are counted, not decoded, but for the first few. */
static void base64_measure(struct mail *m, struct str in)
{
	char octets[MAIL_DECODE_OUT_MAX(1)];
	struct mail_part *p = part_of(m);
	struct str rest = in;

	/* One by one, so that cuts do not change how far it is looked at. */
	while (p->magic_len < sizeof(p->magic) && rest.len > 0) {
		size_t n = mail_base64_step(&m->base64, str_take(&rest, 1), octets);
		magic_add(p, (struct str){octets, n});
	}
	m->base64_dark += mail_count_dark(in);
	while (in.len > 0) {
		in = str_skip(in, str_find_char(in, '='));
		m->base64_pads += in.len > 0;
		in = str_skip(in, 1);
	}
}

static void other_step(struct mail *m, struct str in)
{
	char octets[MAIL_DECODE_OUT_MAX(PIECE)] UNINITIALIZED;
	struct mail_part *p = part_of(m);

	if (p->encoding == MAIL_ENCODING_BASE64) {
		base64_measure(m, in);
		return;
	}
	if (p->encoding != MAIL_ENCODING_QP) {
		magic_add(p, in);
		p->size_bytes += in.len;
		return;
	}
	while (in.len > 0) {
		struct str piece = str_take(&in, in.len < PIECE ? in.len : PIECE);
		size_t n = mail_qp_step(&m->qp, piece, octets);
		magic_add(p, (struct str){octets, n});
		p->size_bytes += n;
	}
}

void mail_leaf_step(struct mail *m, struct str in)
{
	if (part_of(m)->kind == MAIL_KIND_OTHER) {
		other_step(m, in);
	} else {
		text_step(m, in);
	}
}

void mail_leaf_gap(struct mail *m)
{
	m->qp = (struct mail_qp){0};
	m->base64 = (struct mail_base64){0};
}

/* URLs that stand in the text of a part. */
static void text_links(struct mail *m, const struct mail_part *p)
{
	struct str text = str_head(str_skip(buf_str(&m->text), p->text_at), p->text_len);
	struct url_finder f = url_finder_start(text);
	struct str url = url_find(&f);

	while (url.ptr != NULL && m->view.link_count < MAIL_LINKS_MAX) {
		(void)link_add(m, MAIL_LINK_TEXT, str_head(url, MAIL_STRING_MAX), false);
		url = url_find(&f);
	}
	if (url.ptr != NULL) {
		m->view.flags |= MAIL_FLAG_LINKS_CUT;
	}
}

static void html_note(struct mail *m)
{
	const struct html_facts *f = html_facts(m->html);
	struct mail_view *v = &m->view;

	v->html_text_chars += f->text_chars;
	v->html_hidden_chars += f->hidden_chars;
	v->html_tags += f->tags;
	v->html_comments += f->comments;
	v->images += f->images;
	v->zero_images += f->zero_images;
	v->flags |= f->has_form ? MAIL_FLAG_FORM : 0;
	v->flags |= f->has_script ? MAIL_FLAG_SCRIPT : 0;
	v->flags |= f->has_frame ? MAIL_FLAG_FRAME : 0;
	v->flags |= f->has_refresh ? MAIL_FLAG_META_REFRESH : 0;
	v->flags |= f->is_text_cut ? MAIL_FLAG_TEXT_CUT : 0;
}

static void text_end(struct mail *m, struct mail_part *p)
{
	char octets[MAIL_DECODE_OUT_MAX(8)];
	char utf8[CHARSET_OUT_MAX(0)];
	size_t n = 0;

	if (p->encoding == MAIL_ENCODING_QP) {
		n = mail_qp_end(&m->qp, octets);
	} else if (p->encoding == MAIL_ENCODING_BASE64) {
		n = mail_base64_end(&m->base64, octets);
	}
	octets_add(m, (struct str){octets, n});
	n = charset_end(&m->decoder, utf8);
	text_add(m, (struct str){utf8, n});
	if (m->is_after_cr) {
		(void)buf_add_utf8(&m->text, STR("\n"));
		m->is_after_cr = false;
	}
	if (p->kind == MAIL_KIND_HTML && m->html != NULL) {
		html_end(m->html);
		html_note(m);
	}
	m->view.flags |= m->decoder.is_broken ? MAIL_FLAG_CHARSET_BROKEN : 0;
	m->view.flags |= m->decoder.has_nul ? MAIL_FLAG_NUL : 0;
	p->text_len = m->text.len - p->text_at;
	text_links(m, p);
}

void mail_leaf_end(struct mail *m)
{
	struct mail_part *p = part_of(m);

	if (p->kind != MAIL_KIND_OTHER) {
		text_end(m, p);
	} else if (p->encoding == MAIL_ENCODING_BASE64) {
		char octets[MAIL_DECODE_OUT_MAX(8)];
		size_t n = mail_base64_end(&m->base64, octets);
		magic_add(p, (struct str){octets, n});
		p->size_bytes = (m->base64_dark - m->base64_pads) * 3 / 4;
	}
	m->view.flags |= m->qp.is_broken ? MAIL_FLAG_QP_BROKEN : 0;
	m->view.flags |= m->base64.is_broken ? MAIL_FLAG_BASE64_BROKEN : 0;
}

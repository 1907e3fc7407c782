/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_element: tags. Layer: proto (pure).
 */
#include "proto/html_element.h"

#include "base/num.h"
#include "base/utf8.h"
#include "proto/html_entity.h"

#include <string.h>

#include "base/poison.h"

/* Octets of a link's visible text that are handed on. */
#define LINK_TEXT_MAX 128
/* Attributes of one tag that are looked at. */
#define ATTRS_MAX 64

enum {
	ELEMENT_BLOCK = 1 << 0,   /* begins and ends a line */
	ELEMENT_VOID = 1 << 1,    /* has no end tag */
	ELEMENT_RAW = 1 << 2,     /* its content is no markup and not shown */
	ELEMENT_IMPLIED = 1 << 3, /* another of its name ends it */
	ELEMENT_CELL = 1 << 4,    /* end tags of what is outside do not reach in */
	ELEMENT_LINK = 1 << 5,
	ELEMENT_IMAGE = 1 << 6,
	ELEMENT_FORM = 1 << 7,
	ELEMENT_SCRIPT = 1 << 8,
	ELEMENT_FRAME = 1 << 9,
	ELEMENT_META = 1 << 10,
	ELEMENT_STYLE = 1 << 11,
	ELEMENT_SPACE = 1 << 12, /* separates words */
	ELEMENT_HIDDEN = 1 << 13,
};

static const struct element_kind {
	char name[11];
	unsigned flags;
} kinds[] = {
	/* the most frequent first */
	{"td", ELEMENT_SPACE | ELEMENT_IMPLIED | ELEMENT_CELL},
	{"tr", ELEMENT_BLOCK | ELEMENT_IMPLIED | ELEMENT_CELL},
	{"span", 0},
	{"a", ELEMENT_LINK},
	{"div", ELEMENT_BLOCK},
	{"p", ELEMENT_BLOCK | ELEMENT_IMPLIED},
	{"br", ELEMENT_BLOCK | ELEMENT_VOID},
	{"table", ELEMENT_BLOCK | ELEMENT_CELL},
	{"img", ELEMENT_IMAGE | ELEMENT_VOID},
	{"font", 0},
	{"tbody", ELEMENT_BLOCK},
	{"b", 0},
	{"strong", 0},
	{"li", ELEMENT_BLOCK | ELEMENT_IMPLIED},
	{"center", ELEMENT_BLOCK},
	{"hr", ELEMENT_BLOCK | ELEMENT_VOID},
	{"ul", ELEMENT_BLOCK},
	{"ol", ELEMENT_BLOCK},
	{"th", ELEMENT_SPACE | ELEMENT_IMPLIED | ELEMENT_CELL},
	{"h1", ELEMENT_BLOCK},
	{"h2", ELEMENT_BLOCK},
	{"h3", ELEMENT_BLOCK},
	{"h4", ELEMENT_BLOCK},
	{"h5", ELEMENT_BLOCK},
	{"h6", ELEMENT_BLOCK},
	{"blockquote", ELEMENT_BLOCK},
	{"pre", ELEMENT_BLOCK},
	{"dl", ELEMENT_BLOCK},
	{"dt", ELEMENT_BLOCK | ELEMENT_IMPLIED},
	{"dd", ELEMENT_BLOCK | ELEMENT_IMPLIED},
	{"body", ELEMENT_BLOCK},
	{"html", ELEMENT_BLOCK},
	{"head", ELEMENT_BLOCK},
	{"meta", ELEMENT_META | ELEMENT_VOID},
	{"link", ELEMENT_VOID},
	{"style", ELEMENT_STYLE | ELEMENT_RAW},
	{"script", ELEMENT_SCRIPT | ELEMENT_RAW},
	{"title", ELEMENT_RAW},
	{"form", ELEMENT_FORM | ELEMENT_BLOCK | ELEMENT_LINK},
	{"input", ELEMENT_VOID | ELEMENT_SPACE},
	{"option", ELEMENT_BLOCK | ELEMENT_IMPLIED},
	{"area", ELEMENT_LINK | ELEMENT_VOID},
	{"base", ELEMENT_VOID},
	{"col", ELEMENT_VOID},
	{"wbr", ELEMENT_VOID},
	{"iframe", ELEMENT_FRAME | ELEMENT_RAW | ELEMENT_IMAGE},
	{"embed", ELEMENT_FRAME | ELEMENT_VOID | ELEMENT_IMAGE},
	{"object", ELEMENT_FRAME},
	{"param", ELEMENT_VOID},
	{"source", ELEMENT_VOID},
	{"track", ELEMENT_VOID},
	{"address", ELEMENT_BLOCK},
	{"article", ELEMENT_BLOCK},
	{"section", ELEMENT_BLOCK},
	{"header", ELEMENT_BLOCK},
	{"footer", ELEMENT_BLOCK},
	{"main", ELEMENT_BLOCK},
	{"noembed", ELEMENT_RAW},
	{"noframes", ELEMENT_RAW},
	{"xmp", ELEMENT_RAW},
	{"template", ELEMENT_HIDDEN},
};

struct attrs {
	struct str style;
	struct str target; /* href, src, action */
	struct str width;
	struct str height;
	struct str color; /* of <font>; text of <body> */
	struct str background;
	struct str image; /* background="…" */
	bool is_hidden;
	bool is_refresh;
};

static void look_take(struct html_page *p, const struct html_look *look)
{
	p->look = *look;
	p->is_visible = html_look_is_visible(&p->look);
}

void html_page_init(struct html_page *p, const struct html_out *out)
{
	p->out = *out;
	p->facts = (struct html_facts){0};
	p->depth = 0;
	p->over = 0;
	p->blank = 0;
	p->has_text = false;
	p->is_hidden_blank = false;
	p->is_hidden_cut = out->hidden->len == out->hidden->max;
	p->raw = STR_EMPTY;
	p->link = -1;
	p->link_text_at = 0;
	p->base = html_look_start();
	look_take(p, &p->base);
}

/* Characters that are no blanks, eight octets at a time. */
static size_t chars_count(struct str s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const uint64_t high = ones << 7;
	size_t i = 0;
	size_t n = 0;
	uint64_t v;

	for (; i + 8 <= s.len; i += 8) {
		memcpy(&v, s.ptr + i, 8);
		uint64_t is_dark = ((v | high) - ones * 0x21) | v;
		uint64_t is_later = v & ~(v << 1); /* second to fourth octet of a character */
		uint64_t is_char = is_dark & high & ~is_later;
		n += (size_t)(((is_char >> 7) * ones) >> 56);
	}
	for (; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		n += c > 0x20 && (c & 0xc0) != 0x80;
	}
	return n;
}

/* Nothing is added behind what did not fit, or the text would depend on how words were cut. */
static void text_add(struct buf *to, struct str s, bool *is_cut)
{
	if (!*is_cut) {
		*is_cut = !buf_add_utf8(to, s);
	}
}

void html_page_word(struct html_page *p, struct str word)
{
	if (!p->is_visible) {
		p->facts.hidden_chars += chars_count(word);
		if (p->is_hidden_blank && p->out.hidden->len > 0) {
			text_add(p->out.hidden, STR(" "), &p->is_hidden_cut);
		}
		p->is_hidden_blank = false;
		text_add(p->out.hidden, word, &p->is_hidden_cut);
		return;
	}
	p->facts.text_chars += chars_count(word);
	if (p->blank != 0 && p->has_text) {
		text_add(p->out.text, (struct str){&p->blank, 1}, &p->facts.is_text_cut);
	}
	p->blank = 0;
	p->has_text = true;
	text_add(p->out.text, word, &p->facts.is_text_cut);
}

void html_page_blank(struct html_page *p)
{
	if (!p->is_visible) {
		p->is_hidden_blank = true;
	} else if (p->blank == 0) {
		p->blank = ' ';
	}
}

static void line_break(struct html_page *p)
{
	p->blank = '\n';
	p->is_hidden_blank = true;
}

static uint64_t name_key(struct str name)
{
	uint64_t key = 0;

	for (size_t i = 0; i < name.len && i < 8; i++) {
		key = key << 8 | (unsigned char)char_lower(name.ptr[i]);
	}
	return key;
}

static const struct element_kind *kind_find(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (char_lower(name.ptr[0]) == kinds[i].name[0] &&
		    str_is_equal_nocase(name, str_of(kinds[i].name))) {
			return &kinds[i];
		}
	}
	return NULL;
}

static struct str name_take(struct str *s)
{
	size_t n = 0;

	while (n < s->len && !char_is_space(s->ptr[n]) && s->ptr[n] != '/') {
		n++;
	}
	return str_take(s, n);
}

static bool attr_take(struct str *s, struct str *ret_name, struct str *ret_value)
{
	size_t n = 0;

	while (n < s->len && (char_is_space(s->ptr[n]) || s->ptr[n] == '/')) {
		n++;
	}
	*s = str_skip(*s, n);
	if (s->len == 0) {
		return false;
	}
	n = 1; /* "=" may begin a name */
	while (n < s->len && !char_is_space(s->ptr[n]) && s->ptr[n] != '/' && s->ptr[n] != '=') {
		n++;
	}
	*ret_name = str_take(s, n);
	*ret_value = STR_EMPTY;
	n = 0;
	while (n < s->len && char_is_space(s->ptr[n])) {
		n++;
	}
	if (n == s->len || s->ptr[n] != '=') {
		return true;
	}
	n++;
	while (n < s->len && char_is_space(s->ptr[n])) {
		n++;
	}
	*s = str_skip(*s, n);
	if (s->len > 0 && (s->ptr[0] == '"' || s->ptr[0] == '\'')) {
		char quote = s->ptr[0];
		*s = str_skip(*s, 1);
		*ret_value = str_take_until(s, quote);
		return true;
	}
	n = 0;
	while (n < s->len && !char_is_space(s->ptr[n])) {
		n++;
	}
	*ret_value = str_take(s, n);
	return true;
}

static void attr_note(struct attrs *a, struct str name, struct str value)
{
	switch (char_lower(name.ptr[0])) {
	case 'a':
		a->target = str_is_equal_nocase(name, STR("action")) ? value : a->target;
		break;
	case 'b':
		if (str_is_equal_nocase(name, STR("bgcolor"))) {
			a->background = value;
		} else if (str_is_equal_nocase(name, STR("background"))) {
			a->image = value;
		}
		break;
	case 'c':
		a->color = str_is_equal_nocase(name, STR("color")) ? value : a->color;
		break;
	case 'h':
		if (str_is_equal_nocase(name, STR("href"))) {
			a->target = value;
		} else if (str_is_equal_nocase(name, STR("height"))) {
			a->height = value;
		} else if (str_is_equal_nocase(name, STR("hidden"))) {
			a->is_hidden = true;
		} else if (str_is_equal_nocase(name, STR("http-equiv"))) {
			a->is_refresh = str_is_equal_nocase(str_trim(value), STR("refresh"));
		}
		break;
	case 's':
		if (str_is_equal_nocase(name, STR("style"))) {
			a->style = value;
		} else if (str_is_equal_nocase(name, STR("src"))) {
			a->target = value;
		}
		break;
	case 't':
		a->color = str_is_equal_nocase(name, STR("text")) ? value : a->color;
		break;
	case 'w':
		a->width = str_is_equal_nocase(name, STR("width")) ? value : a->width;
		break;
	default:
		break;
	}
}

static void attrs_read(struct attrs *a, struct str s)
{
	struct str name;
	struct str value;

	for (size_t i = 0; i < ATTRS_MAX && attr_take(&s, &name, &value); i++) {
		attr_note(a, name, value);
	}
}

/* URLs may hold line ends, which browsers drop. */
static size_t url_clean(struct str raw, char url[static HTML_URL_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < raw.len && n < HTML_URL_MAX; i++) {
		char c = raw.ptr[i];
		if (c != '\r' && c != '\n' && c != '\t') {
			url[n++] = c;
		}
	}
	return n;
}

static void link_emit(struct html_page *p, enum html_link_kind kind, struct str raw, bool is_open)
{
	char url[HTML_URL_MAX] UNINITIALIZED;
	struct buf decoded;

	raw = utf8_head(str_trim(raw), HTML_URL_MAX);
	buf_init(&decoded, HTML_URL_MAX);
	if (str_find_char(raw, '&') < raw.len) {
		html_entity_decode(raw, &decoded);
		raw = buf_str(&decoded);
	}
	size_t n = url_clean(raw, url);
	buf_done(&decoded);
	int number = p->out.link(p->out.ctx, kind, (struct str){url, n}, !p->is_visible);
	if (is_open) {
		p->link = number;
		p->link_text_at = p->out.text->len;
	}
}

static void link_close(struct html_page *p)
{
	if (p->link < 0) {
		return;
	}
	struct str text = str_skip(buf_str(p->out.text), p->link_text_at);

	p->out.link_text(p->out.ctx, p->link, utf8_head(str_trim(text), LINK_TEXT_MAX));
	p->link = -1;
}

static bool is_dot(struct str size)
{
	size_t n = 0;
	uint64_t v;

	size = str_trim(size);
	while (n < size.len && char_is_digit(size.ptr[n])) {
		n++;
	}
	return n > 0 && num_parse_u64(str_head(size, n), UINT32_MAX, &v) == 0 && v <= 1;
}

static void look_of(const struct html_page *p, unsigned flags, const struct attrs *a,
		    struct html_look *look)
{
	*look = p->look;
	if ((flags & ELEMENT_LINK) != 0) {
		look->color = HTML_COLOR_NONE; /* readers give links a colour of their own */
	}
	look->is_hidden |= a->is_hidden || (flags & ELEMENT_HIDDEN) != 0;
	if (a->image.ptr != NULL) {
		look->background = HTML_COLOR_NONE;
	}
	if (a->background.ptr != NULL) {
		look->background = html_color_parse(a->background);
	}
	if (a->color.ptr != NULL) {
		look->color = html_color_parse(a->color);
	}
	if (a->style.len > 0) {
		html_look_add_style(look, a->style);
	}
}

static void element_pop(struct html_page *p)
{
	p->depth--;
	look_take(p, p->depth == 0 ? &p->base : &p->stack[p->depth - 1].look);
}

static void element_push(struct html_page *p, uint64_t name, const struct html_look *look)
{
	if (p->depth == HTML_DEPTH_MAX) {
		p->over++;
		return;
	}
	p->stack[p->depth++] = (struct html_element){.name = name, .look = *look};
	look_take(p, look);
}

/* A style sheet: the page's own background is not known any more. */
static void sheet_note(struct html_page *p)
{
	p->base.background = HTML_COLOR_NONE;
	for (size_t i = 0; i < p->depth; i++) {
		if (p->stack[i].look.background == 0xffffff) {
			p->stack[i].look.background = HTML_COLOR_NONE;
		}
	}
	look_take(p, p->depth == 0 ? &p->base : &p->stack[p->depth - 1].look);
}

static void tag_note(struct html_page *p, unsigned flags, const struct attrs *a)
{
	p->facts.has_form |= (flags & ELEMENT_FORM) != 0;
	p->facts.has_script |= (flags & ELEMENT_SCRIPT) != 0;
	p->facts.has_frame |= (flags & ELEMENT_FRAME) != 0;
	p->facts.has_refresh |= (flags & ELEMENT_META) != 0 && a->is_refresh;
	if ((flags & ELEMENT_STYLE) != 0) {
		sheet_note(p);
	}
	if ((flags & ELEMENT_IMAGE) != 0) {
		p->facts.images++;
		p->facts.zero_images += is_dot(a->width) && is_dot(a->height);
		if (a->target.len > 0) {
			link_emit(p, HTML_LINK_IMAGE, a->target, false);
		}
	}
}

static void start_tag(struct html_page *p, struct str name, struct str rest)
{
	const struct element_kind *kind = kind_find(name);
	unsigned flags = kind == NULL ? 0 : kind->flags;
	bool is_closed = rest.len > 0 && rest.ptr[rest.len - 1] == '/';
	struct attrs a = {.style = STR_EMPTY};

	if (rest.len > 1) {
		attrs_read(&a, rest);
	}
	if ((flags & ELEMENT_BLOCK) != 0) {
		line_break(p);
	} else if ((flags & ELEMENT_SPACE) != 0) {
		html_page_blank(p);
	}
	uint64_t key = name_key(name);
	if ((flags & ELEMENT_IMPLIED) != 0 && p->depth > 0 && p->stack[p->depth - 1].name == key) {
		element_pop(p);
	}
	struct html_look look;
	look_of(p, flags, &a, &look);
	tag_note(p, flags, &a);
	if ((flags & ELEMENT_LINK) != 0 && a.target.len > 0) {
		bool is_anchor = str_is_equal_nocase(name, STR("a"));
		link_close(p);
		link_emit(p, HTML_LINK_HREF, a.target, is_anchor);
	}
	if ((flags & (ELEMENT_VOID | ELEMENT_RAW)) == 0 && !is_closed) {
		element_push(p, key, &look);
	}
	p->raw = (flags & ELEMENT_RAW) != 0 && !is_closed ? str_of(kind->name) : STR_EMPTY;
}

static bool is_cell(uint64_t name)
{
	return name == name_key(STR("td")) || name == name_key(STR("th"));
}

static void end_tag(struct html_page *p, struct str name)
{
	if (name.len == 0) {
		return;
	}
	const struct element_kind *kind = kind_find(name);
	unsigned flags = kind == NULL ? 0 : kind->flags;
	uint64_t key = name_key(name);

	if ((flags & ELEMENT_BLOCK) != 0) {
		line_break(p);
	} else if ((flags & ELEMENT_SPACE) != 0) {
		html_page_blank(p);
	}
	if ((flags & ELEMENT_LINK) != 0) {
		link_close(p);
	}
	if ((flags & (ELEMENT_VOID | ELEMENT_RAW)) != 0) {
		return;
	}
	if (p->over > 0) {
		p->over--;
		return;
	}
	for (size_t i = p->depth; i > 0; i--) {
		if (p->stack[i - 1].name == key) {
			p->depth = i;
			element_pop(p);
			return;
		}
		if (is_cell(p->stack[i - 1].name) && (flags & ELEMENT_CELL) == 0) {
			return;
		}
	}
}

bool html_page_tag(struct html_page *p, struct str tag)
{
	p->facts.tags++;
	p->raw = STR_EMPTY;
	if (tag.len > 0 && tag.ptr[0] == '/') {
		tag = str_skip(tag, 1);
		end_tag(p, name_take(&tag));
		return false;
	}
	struct str name = name_take(&tag);
	if (name.len > 0) {
		start_tag(p, name, tag);
	}
	return p->raw.len > 0;
}

struct str html_page_raw_name(const struct html_page *p)
{
	return p->raw;
}

void html_page_end(struct html_page *p)
{
	link_close(p);
}

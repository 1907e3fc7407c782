/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail: cuts a message into header fields and the octets of its parts. Layer: proto (pure).
 *
 * A line end is held until the next line is known not to be a boundary, because it belongs to
 * the boundary (RFC 2046, 5.1.1). A line that begins with "-" is gathered while a multipart is
 * open; all else goes on in spans as long as the cut.
 */
#include "proto/mail_walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* What the walker takes besides its arena: two texts, three fields, the HTML machine. */
#define ARENA_MAX (MAIL_BYTES_MAX - MAIL_TEXT_MAX - MAIL_HIDDEN_MAX - 3 * MAIL_FIELD_MAX)

static void walk_start(struct mail *m)
{
	m->view = (struct mail_view){.parts = m->parts, .links = m->links, .part_count = 1};
	m->parts[0] = (struct mail_part){.type = STR("text/plain")};
	m->at = MAIL_AT_HEADER;
	m->is_line_start = true;
	m->eol = MAIL_EOL_NONE;
	m->dashes_len = 0;
	m->level_count = 0;
	m->is_field_open = false;
	m->is_first_line = true;
	m->has_type = false;
	m->encoding = MAIL_ENCODING_IDENTITY;
	m->is_digest_child = false;
	m->current = 0;
	m->depth = 0;
	m->is_nested = false;
}

struct mail *mail_new(mail_field_fn *on_field, void *ctx)
{
	struct mail *m = calloc(1, sizeof(*m));

	static_assert(sizeof(struct mail) < 64 * 1024, "room for itself");
	if (m == NULL) {
		return NULL;
	}
	m->arena = arena_new(ARENA_MAX);
	if (m->arena == NULL) {
		free(m);
		return NULL;
	}
	m->on_field = on_field;
	m->ctx = ctx;
	buf_init(&m->field, MAIL_FIELD_MAX);
	buf_init(&m->type, MAIL_FIELD_MAX);
	buf_init(&m->disposition, MAIL_FIELD_MAX);
	buf_init(&m->text, MAIL_TEXT_MAX);
	buf_init(&m->hidden, MAIL_HIDDEN_MAX);
	walk_start(m);
	return m;
}

void mail_free(struct mail *m)
{
	if (m == NULL) {
		return;
	}
	buf_done(&m->field);
	buf_done(&m->type);
	buf_done(&m->disposition);
	buf_done(&m->text);
	buf_done(&m->hidden);
	html_free(m->html);
	arena_free(m->arena);
	free(m);
}

void mail_reset(struct mail *m)
{
	arena_clear(m->arena);
	buf_clear(&m->field);
	buf_clear(&m->type);
	buf_clear(&m->disposition);
	buf_clear(&m->text);
	buf_clear(&m->hidden);
	walk_start(m);
}

/* Octets that belong to the part being read. */
static void data_add(struct mail *m, struct str s)
{
	if (m->at == MAIL_AT_LEAF && s.len > 0) {
		mail_leaf_step(m, s);
	}
}

static void eol_flush(struct mail *m)
{
	static const struct str ends[] = {
		[MAIL_EOL_NONE] = {"", 0},
		[MAIL_EOL_LF] = {"\n", 1},
		[MAIL_EOL_CRLF] = {"\r\n", 2},
		[MAIL_EOL_CR] = {"\r", 1},
	};
	enum mail_eol eol = m->eol;

	m->eol = MAIL_EOL_NONE;
	data_add(m, ends[eol]);
}

/* Begin the header of a new part under `parent`. @return false: beyond the limits. */
static bool part_begin(struct mail *m, uint32_t parent)
{
	struct mail_view *v = &m->view;
	struct mail_part *above = &m->parts[parent];

	if (v->part_count == MAIL_PARTS_MAX || above->depth == MAIL_DEPTH_MAX) {
		v->flags |= MAIL_FLAG_PARTS_CUT;
		m->at = MAIL_AT_SKIP;
		return false;
	}
	m->current = (uint32_t)v->part_count++;
	m->parts[m->current] = (struct mail_part){
		.type = STR("text/plain"),
		.parent = parent,
		.depth = (uint8_t)(above->depth + 1),
		.is_nested = above->is_nested || above->kind == MAIL_KIND_MESSAGE,
	};
	m->at = MAIL_AT_HEADER;
	m->is_field_open = false;
	m->is_first_line = true;
	m->has_type = false;
	m->encoding = MAIL_ENCODING_IDENTITY;
	m->is_digest_child = false;
	m->eol = MAIL_EOL_NONE;
	buf_clear(&m->type);
	buf_clear(&m->disposition);
	return true;
}

static void header_end(struct mail *m)
{
	if (m->is_field_open) {
		mail_field_end(m);
	}
	mail_header_end(m);
	m->is_line_start = true;
	if (m->parts[m->current].kind == MAIL_KIND_MESSAGE) {
		(void)part_begin(m, m->current);
	}
}

/* Whatever is being read ends here. */
static void part_end(struct mail *m)
{
	if (m->at == MAIL_AT_HEADER) {
		header_end(m);
		if (m->at == MAIL_AT_HEADER) {
			header_end(m); /* of an empty message inside */
		}
	}
	if (m->at == MAIL_AT_LEAF) {
		mail_leaf_end(m);
	}
	m->at = MAIL_AT_SKIP;
	m->eol = MAIL_EOL_NONE;
}

/* @return The level whose boundary the line is, or level_count. */
static size_t boundary_find(const struct mail *m, struct str line, bool *ret_is_close)
{
	while (line.len > 0 && char_is_space(line.ptr[line.len - 1])) {
		line.len--;
	}
	if (!str_has_prefix(line, STR("--"))) {
		return m->level_count;
	}
	line = str_skip(line, 2);
	for (size_t i = m->level_count; i > 0; i--) {
		struct str boundary = m->levels[i - 1].boundary;
		if (str_has_prefix(line, boundary)) {
			struct str rest = str_skip(line, boundary.len);
			*ret_is_close = str_is_equal(rest, STR("--"));
			if (rest.len == 0 || *ret_is_close) {
				return i - 1;
			}
		}
	}
	return m->level_count;
}

static void boundary_take(struct mail *m, size_t i, bool is_close)
{
	part_end(m);
	if (i + 1 < m->level_count) {
		m->view.flags |= MAIL_FLAG_BOUNDARY_OPEN;
	}
	m->level_count = is_close ? i : i + 1;
	m->is_line_start = true;
	if (!is_close && part_begin(m, m->levels[i].part)) {
		struct mail_part *p = &m->parts[m->current];
		p->is_alternative = m->levels[i].is_alternative;
		m->is_digest_child = m->levels[i].is_digest;
	}
}

static void field_add(struct mail *m, struct str s)
{
	buf_add(&m->field, str_head(s, MAIL_FIELD_MAX - m->field.len));
}

/* The start of a header line that does not end the header and goes on nowhere. */
static void field_begin(struct mail *m)
{
	if (m->is_field_open) {
		mail_field_end(m);
	}
	buf_clear(&m->field);
	m->is_field_open = true;
}

static void field_line_end(struct mail *m)
{
	if (m->field.len > 0 && m->field.ptr[m->field.len - 1] == '\r') {
		m->field.len--;
	}
	m->is_line_start = true;
}

/* The gathered line is complete, or too long to be a boundary. */
static void dashes_end(struct mail *m, bool is_ended)
{
	struct str line = {m->dashes, m->dashes_len};
	bool is_close = false;
	size_t i = is_ended ? boundary_find(m, line, &is_close) : m->level_count;

	m->dashes_len = 0;
	if (i < m->level_count) {
		boundary_take(m, i, is_close);
		return;
	}
	m->is_line_start = false;
	if (m->at == MAIL_AT_HEADER) {
		field_begin(m);
		field_add(m, line);
		if (is_ended) {
			field_line_end(m);
		}
		return;
	}
	eol_flush(m);
	bool is_crlf = line.len > 0 && line.ptr[line.len - 1] == '\r';
	line.len -= is_crlf;
	data_add(m, line);
	if (is_ended) {
		m->eol = is_crlf ? MAIL_EOL_CRLF : MAIL_EOL_LF;
		m->is_line_start = true;
	} else if (is_crlf) {
		m->eol = MAIL_EOL_CR;
	}
}

static void dashes_run(struct mail *m, struct str *in)
{
	size_t n = str_find_char(*in, '\n');
	size_t room = MAIL_DASHES_MAX - m->dashes_len;
	bool is_ended = n < in->len && n <= room;

	n = n < room ? n : room;
	memcpy(m->dashes + m->dashes_len, in->ptr, n);
	m->dashes_len += n;
	*in = str_skip(*in, is_ended ? n + 1 : n);
	bool is_other = m->dashes_len >= 2 && m->dashes[1] != '-';
	if (is_ended || is_other || m->dashes_len == MAIL_DASHES_MAX) {
		dashes_end(m, is_ended);
	}
}

static bool dashes_may_begin(const struct mail *m, struct str in)
{
	return m->is_line_start && m->level_count > 0 && m->eol != MAIL_EOL_CR && in.ptr[0] == '-';
}

/* At the start of a header line. @return false: it is the header's end. */
static bool header_line_begin(struct mail *m, struct str *in)
{
	char c = in->ptr[0];

	if (m->eol == MAIL_EOL_CR) {
		m->eol = MAIL_EOL_NONE;
		if (c == '\n') {
			*in = str_skip(*in, 1);
			return false;
		}
		field_begin(m);
		field_add(m, STR("\r"));
		m->is_line_start = false;
		return true;
	}
	if (c == '\n') {
		*in = str_skip(*in, 1);
		return false;
	}
	if (c == '\r') {
		*in = str_skip(*in, 1);
		m->eol = MAIL_EOL_CR;
		return true;
	}
	if ((c == ' ' || c == '\t') && m->is_field_open) {
		*in = str_skip(*in, 1);
		field_add(m, STR(" "));
	} else {
		field_begin(m);
	}
	m->is_line_start = false;
	return true;
}

static void header_run(struct mail *m, struct str *in)
{
	while (in->len > 0 && m->at == MAIL_AT_HEADER) {
		if (m->dashes_len > 0 || dashes_may_begin(m, *in)) {
			dashes_run(m, in);
			continue;
		}
		if (m->is_line_start) {
			if (!header_line_begin(m, in)) {
				header_end(m);
			}
			continue;
		}
		size_t n = str_find_char(*in, '\n');
		field_add(m, str_head(*in, n));
		if (n < in->len) {
			field_line_end(m);
			n++;
		}
		*in = str_skip(*in, n);
	}
}

/* A span from the start of `in` up to a line that may be a boundary, or to the end. */
static void span_take(struct mail *m, struct str *in)
{
	const char *start = in->ptr;
	const char *end = in->ptr + in->len;
	const char *at = start;

	eol_flush(m);
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));
		if (lf == NULL) {
			bool is_cr = end[-1] == '\r';
			data_add(m, (struct str){start, (size_t)(end - start) - is_cr});
			m->eol = is_cr ? MAIL_EOL_CR : MAIL_EOL_NONE;
			m->is_line_start = false;
			*in = STR_EMPTY;
			return;
		}
		at = lf + 1;
		if (at == end || *at == '-') {
			bool is_crlf = lf > start && lf[-1] == '\r';
			data_add(m, (struct str){start, (size_t)(lf - start) - is_crlf});
			m->eol = is_crlf ? MAIL_EOL_CRLF : MAIL_EOL_LF;
			m->is_line_start = true;
			*in = str_skip(*in, (size_t)(at - start));
			return;
		}
	}
}

static void body_run(struct mail *m, struct str *in)
{
	while (in->len > 0 && m->at != MAIL_AT_HEADER) {
		if (m->level_count == 0) {
			data_add(m, *in);
			*in = STR_EMPTY;
		} else if (m->dashes_len > 0 || dashes_may_begin(m, *in)) {
			dashes_run(m, in);
		} else if (m->eol == MAIL_EOL_CR && in->ptr[0] == '\n') {
			m->eol = MAIL_EOL_CRLF;
			m->is_line_start = true;
			*in = str_skip(*in, 1);
		} else {
			span_take(m, in);
		}
	}
}

void mail_step(struct mail *m, struct str octets)
{
	m->view.size_bytes += octets.len;
	while (octets.len > 0) {
		if (m->at == MAIL_AT_HEADER) {
			uint32_t part = m->current;
			size_t before = octets.len;
			header_run(m, &octets);
			if (part == 0) {
				m->view.header_bytes += before - octets.len;
			}
		} else {
			body_run(m, &octets);
		}
	}
}

void mail_gap(struct mail *m, uint64_t n)
{
	m->view.lost_bytes += n;
	m->view.flags |= n > 0 ? MAIL_FLAG_GAP : 0;
	if (m->dashes_len > 0) {
		dashes_end(m, false);
	}
	if (m->at == MAIL_AT_LEAF) {
		eol_flush(m);
		mail_leaf_gap(m);
	}
	m->eol = MAIL_EOL_NONE;
	m->is_line_start = false;
	if (m->at == MAIL_AT_HEADER && !m->is_field_open) {
		field_begin(m);
	}
}

const struct mail_view *mail_end(struct mail *m)
{
	struct mail_view *v = &m->view;

	if (m->dashes_len > 0) {
		/* A last line without an end may still be a boundary. */
		dashes_end(m, true);
	}
	if (m->at == MAIL_AT_HEADER && m->current == 0) {
		v->flags |= MAIL_FLAG_BODY_NONE;
	}
	eol_flush(m);
	part_end(m);
	if (m->level_count > 0) {
		v->flags |= MAIL_FLAG_BOUNDARY_OPEN;
	}
	v->text = buf_str(&m->text);
	v->hidden = buf_str(&m->hidden);
	return v;
}

size_t mail_size(const struct mail *m)
{
	return sizeof(*m) + arena_size(m->arena) + m->field.size + m->type.size +
	       m->disposition.size + m->text.size + m->hidden.size +
	       (m->html == NULL ? 0 : html_size());
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show: tables and lines. Layer: cli.
 */
#include "cli/show.h"

#include "base/assert.h"
#include "base/utf8.h"

#include <stdio.h>

#include "base/poison.h"

#define CELL_MAX 512
#define TITLE_WIDTH 18

size_t show_width(struct str s)
{
	size_t width = 0;
	uint32_t cp;

	while (s.len > 0) {
		size_t n = utf8_decode(s, &cp);
		s = str_skip(s, n > 0 ? n : 1);
		width++;
	}
	return width;
}

/* C0, DEL and C1, and what turns the direction of a line around. */
static bool is_unsafe(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e || cp == 0x200f;
}

void show_safely(struct buf *out, struct str s)
{
	uint32_t cp;

	while (s.len > 0) {
		size_t n = utf8_decode(s, &cp);
		if (n == 0) {
			buf_printf(out, "\\x%02x", (unsigned char)s.ptr[0]);
			n = 1;
		} else if (cp == '\n') {
			buf_add_cstr(out, "\\n");
		} else if (cp == '\t') {
			buf_add_char(out, ' ');
		} else if (is_unsafe(cp)) {
			buf_printf(out, "\\u%04x", (unsigned)cp);
		} else {
			buf_add(out, str_head(s, n));
		}
		s = str_skip(s, n);
	}
}

/* "2026-11-24T07:12:03.123456Z" is long for a table. */
static bool is_time(struct str s)
{
	return s.len == 27 && s.ptr[10] == 'T' && s.ptr[26] == 'Z' && s.ptr[4] == '-';
}

void show_text(struct buf *out, const struct jsonr *v)
{
	struct str s;

	switch (jsonr_type(v)) {
	case JSONR_TEXT:
		s = jsonr_str(v);
		if (is_time(s)) {
			buf_add(out, str_head(s, 10));
			buf_add_char(out, ' ');
			buf_add(out, (struct str){s.ptr + 11, 8});
		} else {
			show_safely(out, s);
		}
		break;
	case JSONR_BOOL:
		buf_add_cstr(out, jsonr_bool(v) ? "yes" : "no");
		break;
	case JSONR_INT:
		buf_printf(out, "%lld", (long long)jsonr_i64(v));
		break;
	case JSONR_REAL:
		buf_printf(out, "%.3f", jsonr_real(v));
		break;
	case JSONR_ARRAY:
		for (size_t i = 0; i < jsonr_count(v); i++) {
			buf_add_cstr(out, i > 0 ? " " : "");
			show_safely(out, jsonr_str(jsonr_at(v, i)));
		}
		buf_add_cstr(out, jsonr_count(v) == 0 ? "-" : "");
		break;
	case JSONR_NONE:
	case JSONR_NULL:
	case JSONR_OBJECT:
		buf_add_char(out, '-');
		break;
	}
}

static void print_cell(struct str s, size_t width, bool is_last)
{
	size_t is = show_width(s);

	printf("%.*s", STR_ARG(s));
	for (size_t i = is; !is_last && i < width + 2; i++) {
		putchar(' ');
	}
}

void show_table(const struct jsonr *items, const struct column *columns, size_t n, const char *none)
{
	size_t widths[TABLE_COLUMNS_MAX];
	struct buf cell;

	ASSERT(n <= TABLE_COLUMNS_MAX);
	if (jsonr_count(items) == 0) {
		printf("%s\n", none);
		return;
	}
	buf_init(&cell, CELL_MAX * 8);
	for (size_t k = 0; k < n; k++) {
		widths[k] = show_width(str_of(columns[k].title));
		for (size_t i = 0; i < jsonr_count(items); i++) {
			buf_clear(&cell);
			show_text(&cell, jsonr_get(jsonr_at(items, i), columns[k].key));
			size_t width = show_width(buf_str(&cell));
			widths[k] = width > widths[k] ? width : widths[k];
		}
		print_cell(str_of(columns[k].title), widths[k], k + 1 == n);
	}
	printf("\n");
	for (size_t i = 0; i < jsonr_count(items); i++) {
		for (size_t k = 0; k < n; k++) {
			buf_clear(&cell);
			show_text(&cell, jsonr_get(jsonr_at(items, i), columns[k].key));
			print_cell(buf_str(&cell), widths[k], k + 1 == n);
		}
		printf("\n");
	}
	buf_done(&cell);
}

void show_line(const char *title, const struct jsonr *v)
{
	struct buf text;

	if (jsonr_type(v) == JSONR_NULL || jsonr_type(v) == JSONR_NONE) {
		return;
	}
	buf_init(&text, (size_t)1 << 20);
	show_text(&text, v);
	printf("%-*s%.*s\n", TITLE_WIDTH, title, STR_ARG(buf_str(&text)));
	buf_done(&text);
}

void show_block(const char *lead, struct str s)
{
	struct buf line;

	buf_init(&line, (size_t)1 << 20);
	while (s.len > 0) {
		struct str l = str_take_until(&s, '\n');
		if (l.len > 0 && l.ptr[l.len - 1] == '\r') {
			l.len--;
		}
		buf_clear(&line);
		show_safely(&line, l);
		printf("%s%.*s\n", lead, STR_ARG(buf_str(&line)));
	}
	buf_done(&line);
}

bool show_json(const struct cli *cli, const struct reply *r)
{
	if (cli->json) {
		printf("%.*s\n", STR_ARG(buf_str(&r->text)));
	}
	return cli->json;
}

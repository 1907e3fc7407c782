/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doc: the sample file and the settings section of the man page, by the schema. Layer: conf.
 */
#include "conf/conf.h"

#include "base/assert.h"
#include "conf/schema.h"
#include "conf/value.h"

#include <stdio.h>

#include "base/poison.h"

#define SAMPLE_COLUMNS 90

struct doc_frame {
	const struct conf_map *map;
	size_t next;
	unsigned indent;
	bool is_item;
	bool is_off; /* commented out: a list of maps has no default */
};

typedef void doc_fn(struct buf *out, const struct doc_frame *f, const struct conf_row *row,
		    const char *path);

/* Each row of the schema, outer ones first. `path` is "networks[].throttle.rate". */
static void walk(struct buf *out, doc_fn *fn)
{
	struct doc_frame stack[CONF_DEPTH_MAX] = {{.map = &conf_root}};
	char path[CONF_DEPTH_MAX][128] = {""};
	size_t depth = 1;

	while (depth > 0) {
		struct doc_frame *f = &stack[depth - 1];
		if (f->next == f->map->row_count) {
			depth--;
			continue;
		}
		const struct conf_row *row = &f->map->rows[f->next];
		char full[160];
		snprintf(full, sizeof(full), "%s%s", path[depth - 1], row->key);
		fn(out, f, row, full);
		f->next++;
		if (row->type == CONF_MAP) {
			ASSERT(depth < CONF_DEPTH_MAX);
			bool many = row->many != CONF_ONE;
			snprintf(path[depth], sizeof(path[depth]), "%.120s%s.", full,
				 many ? "[]" : "");
			stack[depth] = (struct doc_frame){.map = row->map,
							  .indent = f->indent + (many ? 4 : 2),
							  .is_item = many,
							  .is_off = f->is_off || many};
			depth++;
		}
	}
}

static void add_words(struct buf *out, const struct conf_words *w, const char *between)
{
	for (unsigned i = 0; i < w->count; i++) {
		buf_add_cstr(out, i > 0 ? between : "");
		buf_add_cstr(out, w->name(i));
	}
}

static void start_line(struct buf *out, const struct doc_frame *f)
{
	if (f->is_off) {
		buf_add_char(out, '#');
	}
	for (unsigned i = 0; i < f->indent; i++) {
		buf_add_char(out, ' ');
	}
}

/* The help as comment lines of bounded width. */
static void add_comment(struct buf *out, const struct doc_frame *f, struct str text)
{
	size_t used = SIZE_MAX / 2;

	while (text.len > 0) {
		struct str word = str_take_until(&text, ' ');
		if (used + word.len + 1 > SAMPLE_COLUMNS) {
			buf_add_cstr(out, used < SIZE_MAX / 2 ? "\n" : "");
			start_line(out, f);
			buf_add_char(out, '#');
			used = f->indent + 4;
		}
		buf_add_char(out, ' ');
		buf_add(out, word);
		used += word.len + 1;
	}
	buf_add_char(out, '\n');
}

static const char *sample_value(const struct conf_row *row)
{
	return row->dflt != NULL ? row->dflt : row->sample;
}

/* A text that YAML would take for something else stands in quotes. */
static void add_value(struct buf *out, const char *value)
{
	struct str s = str_of(value);
	bool quote = s.ptr[0] != '[' && s.ptr[0] != '"' && str_find_char(s, ':') < s.len;

	buf_printf(out, quote ? "\"%s\"" : "%s", value);
}

static void sample_row(struct buf *out, const struct doc_frame *f, const struct conf_row *row,
		       const char *path)
{
	struct doc_frame shown = *f;

	(void)path;
	if (f->indent == 0) {
		buf_add_char(out, '\n');
	}
	/* What has no default is shown commented out, with an example. */
	shown.is_off = f->is_off || row->many == CONF_MANY || row->dflt == NULL;
	if (row->type == CONF_MAP && row->many == CONF_ONE) {
		shown.is_off = f->is_off;
	}
	add_comment(out, &(struct doc_frame){.indent = f->indent, .is_off = f->is_off},
		    str_of(row->help));
	if (row->type == CONF_WORD) {
		start_line(out, f);
		buf_add_cstr(out, "# ");
		add_words(out, row->words, " | ");
		buf_add_char(out, '\n');
	}
	if (f->is_item && f->next == 0) {
		shown.indent -= 2;
		start_line(out, &shown);
		buf_add_cstr(out, "- ");
	} else {
		start_line(out, &shown);
	}
	buf_printf(out, "%s:", row->key);
	if (row->type != CONF_MAP) {
		buf_add_char(out, ' ');
		add_value(out, sample_value(row));
	}
	buf_add_char(out, '\n');
}

void conf_sample(struct buf *out)
{
	buf_add_cstr(
		out,
		"# The configuration of posternd: every setting with its default. What has no\n"
		"# default is an example: take the first # of its line away to use it.\n"
		"# Check it with: postern config check\n"
		"# More: postern.yaml(5)\n");
	walk(out, sample_row);
}

/* scdoc takes _ and * for markup. */
static void add_scdoc(struct buf *out, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '_' || *c == '*' || *c == '\\' || *c == '#' || *c == '<' || *c == '~') {
			buf_add_char(out, '\\');
		}
		buf_add_char(out, *c);
	}
}

static void manual_range(struct buf *out, const struct conf_row *row)
{
	switch (row->type) {
	case CONF_WORD:
		buf_add_cstr(out, "*");
		add_words(out, row->words, "* | *");
		buf_add_cstr(out, "*.");
		break;
	case CONF_UINT:
		buf_printf(out, "A whole number from %llu to %llu.", (unsigned long long)row->min,
			   (unsigned long long)row->max);
		break;
	case CONF_TEXT:
	case CONF_NAME:
	case CONF_PATH:
	case CONF_ENDPOINT:
	case CONF_MAIL:
	case CONF_URL:
	case CONF_BOOL:
	case CONF_DURATION:
	case CONF_RATE:
	case CONF_PERCENT:
	case CONF_MICRO:
	case CONF_PREFIX:
	case CONF_MAP:
	case CONF_TYPE_COUNT:
		buf_add_char(out, (char)(conf_type_wants(row->type)[0] - 'a' + 'A'));
		add_scdoc(out, conf_type_wants(row->type) + 1);
		buf_add_char(out, '.');
		break;
	}
}

static void manual_row(struct buf *out, const struct doc_frame *f, const struct conf_row *row,
		       const char *path)
{
	(void)f;
	buf_add_char(out, '*');
	add_scdoc(out, path);
	buf_add_cstr(out, "*\n\t");
	add_scdoc(out, row->help);
	if (row->type != CONF_MAP) {
		buf_add_char(out, ' ');
		if (row->many != CONF_ONE) {
			buf_add_cstr(out, "A list, each: ");
		}
		manual_range(out, row);
		if (row->nullable) {
			buf_add_cstr(out, " Or null.");
		}
	}
	if (row->required) {
		buf_add_cstr(out, " Required.");
	}
	if (row->dflt != NULL) {
		buf_add_cstr(out, " Default: ");
		add_scdoc(out, row->dflt);
		buf_add_char(out, '.');
	}
	buf_add_cstr(out, "\n\n");
}

void conf_manual(struct buf *out)
{
	walk(out, manual_row);
}

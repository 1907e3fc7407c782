/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show: a policy back into text, by the schema. Layer: conf.
 */
#include "conf/conf.h"

#include "base/assert.h"
#include "conf/schema.h"
#include "conf/value.h"

#include <string.h>

#include "base/poison.h"

enum show_event {
	SHOW_MAP,
	SHOW_MAP_END,
	SHOW_LIST,
	SHOW_LIST_END,
	SHOW_VALUE,
	SHOW_NULL,
};

struct show_item {
	enum show_event what;
	const struct conf_row *row; /* of a value or list; NULL: the root or the end of a map */
	const char *key;            /* NULL in a list */
	const void *at;             /* of a value */
	unsigned indent;            /* columns in YAML */
	bool is_first;              /* the first key of a map in a list */
};

typedef void show_fn(void *ctx, const struct show_item *item);

struct show_frame {
	const struct conf_map *map; /* NULL: a list */
	const struct conf_row *row; /* of the list */
	const char *base;           /* of the map's struct, or the list's first item */
	size_t next;                /* row or item */
	size_t count;               /* items of a list */
	unsigned indent;            /* of its keys */
	bool is_item;               /* a map in a list */
};

static struct show_frame list_frame(const struct conf_row *row, const char *base)
{
	struct show_frame f = {.row = row, .count = row->items_max};

	if (row->count_offset != NO_COUNT) {
		memcpy(&f.count, base + row->count_offset, sizeof(f.count));
	}
	if (row->many == CONF_FEW) {
		f.base = base + row->offset;
	} else {
		memcpy(&f.base, base + row->offset, sizeof(f.base));
	}
	return f;
}

/* Walk the policy by the schema, without recursion: the stack is as deep as the schema. */
static void walk(const struct policy *p, show_fn *fn, void *ctx)
{
	struct show_frame stack[CONF_DEPTH_MAX];
	size_t depth = 0;

	stack[depth++] = (struct show_frame){.map = &conf_root, .base = (const char *)p};
	fn(ctx, &(struct show_item){.what = SHOW_MAP});
	while (depth > 0) {
		struct show_frame *f = &stack[depth - 1];
		bool is_list = f->map == NULL;
		size_t end = is_list ? f->count : f->map->row_count;
		struct show_item item = {.indent = f->indent, .row = f->row};
		if (f->next == end) {
			item.what = is_list ? SHOW_LIST_END : SHOW_MAP_END;
			fn(ctx, &item);
			depth--;
			continue;
		}
		size_t i = f->next++;
		item.is_first = f->is_item && i == 0;
		item.row = is_list ? f->row : &f->map->rows[i];
		item.key = is_list ? NULL : item.row->key;
		const char *at = is_list ? f->base + i * item.row->width
					 : f->base + item.row->offset;
		item.at = at;
		ASSERT(depth < CONF_DEPTH_MAX);
		struct show_frame inner = {.map = item.row->map, .indent = f->indent + 2};
		if (!is_list && item.row->many != CONF_ONE) {
			item.what = SHOW_LIST;
			inner = list_frame(item.row, f->base);
			inner.indent = f->indent + 2;
			stack[depth++] = inner;
		} else if (item.row->type == CONF_MAP) {
			item.what = SHOW_MAP;
			inner.is_item = is_list;
			inner.base = is_list ? at : f->base;
			stack[depth++] = inner;
		} else {
			item.what = conf_value_is_set(item.row, at) ? SHOW_VALUE : SHOW_NULL;
		}
		fn(ctx, &item);
	}
}

static void show_json(void *ctx, const struct show_item *item)
{
	struct jsonw *w = ctx;
	struct buf text;

	switch (item->what) {
	case SHOW_MAP:
		jsonw_object(w, item->key);
		break;
	case SHOW_MAP_END:
		jsonw_object_end(w);
		break;
	case SHOW_LIST:
		jsonw_array(w, item->key);
		break;
	case SHOW_LIST_END:
		jsonw_array_end(w);
		break;
	case SHOW_NULL:
		jsonw_null(w, item->key);
		break;
	case SHOW_VALUE:
		buf_init(&text, CONF_SCALAR_MAX + 64);
		conf_value_format(item->row, item->at, &text);
		if (conf_type_is_bare(item->row->type)) {
			jsonw_raw(w, item->key, buf_str(&text));
		} else {
			jsonw_str(w, item->key, buf_str(&text));
		}
		buf_done(&text);
		break;
	}
}

void conf_show_json(const struct policy *p, struct jsonw *w)
{
	walk(p, show_json, w);
}

struct yaml_out {
	struct buf *out;
	bool in_line; /* inside [ ] */
	bool comma;   /* and something stands in it */
};

static void yaml_key(struct yaml_out *y, const struct show_item *item)
{
	unsigned indent = item->is_first ? item->indent - 2 : item->indent;

	for (unsigned i = 0; i < indent; i++) {
		buf_add_char(y->out, ' ');
	}
	buf_printf(y->out, "%s%s:", item->is_first ? "- " : "", item->key);
}

/* Quotes whatever could be anything but the plain word it is. */
static void yaml_text(struct buf *out, struct str s)
{
	bool plain = s.len > 0 &&
		     (char_is_alpha(s.ptr[0]) || char_is_digit(s.ptr[0]) || s.ptr[0] == '/');

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		plain = plain && (char_is_alpha(c) || char_is_digit(c) || c == '.' || c == '/' ||
				  c == '_' || c == '-' || c == '@' || c == '%');
	}
	static const char *const words[] = {"null", "true", "false", "yes", "no", "on", "off"};
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		plain = plain && !str_is_equal_nocase(s, str_of(words[i]));
	}
	if (plain) {
		buf_add(out, s);
		return;
	}
	struct jsonw w = jsonw_of(out); /* a JSON text is a YAML text */
	jsonw_str(&w, NULL, s);
}

static void yaml_value(struct yaml_out *y, const struct show_item *item)
{
	struct buf text;

	if (y->in_line) {
		buf_add_cstr(y->out, y->comma ? ", " : "");
		y->comma = true;
	} else {
		yaml_key(y, item);
		buf_add_char(y->out, ' ');
	}
	buf_init(&text, CONF_SCALAR_MAX + 64);
	if (item->what == SHOW_NULL) {
		buf_add_cstr(y->out, "null");
	} else {
		conf_value_format(item->row, item->at, &text);
		if (conf_type_is_bare(item->row->type)) {
			buf_add(y->out, buf_str(&text));
		} else {
			yaml_text(y->out, buf_str(&text));
		}
	}
	buf_done(&text);
	buf_add_cstr(y->out, y->in_line ? "" : "\n");
}

static void show_yaml(void *ctx, const struct show_item *item)
{
	struct yaml_out *y = ctx;

	switch (item->what) {
	case SHOW_MAP:
		if (item->key != NULL) {
			yaml_key(y, item);
			buf_add_char(y->out, '\n');
		}
		break;
	case SHOW_MAP_END:
		break;
	case SHOW_LIST:
		yaml_key(y, item);
		y->in_line = item->row->type != CONF_MAP;
		y->comma = false;
		buf_add_cstr(y->out, y->in_line ? " [" : "\n");
		break;
	case SHOW_LIST_END:
		buf_add_cstr(y->out, y->in_line ? "]\n" : "");
		y->in_line = false;
		break;
	case SHOW_VALUE:
	case SHOW_NULL:
		yaml_value(y, item);
		break;
	}
}

void conf_show_yaml(const struct policy *p, struct buf *out)
{
	struct yaml_out y = {.out = out};

	walk(p, show_yaml, &y);
}

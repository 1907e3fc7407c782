/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: libyaml's events against the schema, with a stack of open maps and lists. Layer: conf.
 *
 * Each value goes straight into its field. After an error in a value the rest is still read, so
 * that one run shows all that is wrong; only broken YAML ends a file early.
 */
#include "conf/load.h"

#include "base/assert.h"
#include "conf/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/poison.h"

/* Values whose place is kept; more is "too large". */
#define MARKS_MAX ((size_t)1 << 24)

/* Maps and lists inside a value that is passed over; deeper ones end the file. */
#define NESTED_MAX 64

struct frame {
	const struct conf_map *map; /* of an open map; NULL: an open list */
	const struct conf_row *row; /* the key whose value comes next, or the list's own */
	char *base;                 /* the struct of the map, or the one that has the list */
	bool skip_next;             /* the key was bad: its value is passed over */
	uint32_t seen;              /* keys so far, a bit each */
	uint32_t index;             /* of the list's next item */
	bool has_bad;               /* an item of the list was refused */
	struct conf_place at;
	struct conf_place seen_at[CONF_ROWS_MAX];
};

struct walk {
	struct conf_loader *l;
	const char *file;
	struct frame stack[CONF_DEPTH_MAX];
	size_t depth;
	unsigned skipped; /* open maps and lists inside a value that is passed over */
	bool is_stopped;
};

static struct conf_place place_of(const struct walk *w, const yaml_mark_t *mark)
{
	return (struct conf_place){w->file, (unsigned)mark->line + 1, (unsigned)mark->column + 1};
}

static struct frame *top(struct walk *w)
{
	return w->depth > 0 ? &w->stack[w->depth - 1] : NULL;
}

static size_t get_count(const struct frame *f)
{
	size_t n = 0;

	if (f->row->count_offset != NO_COUNT) {
		memcpy(&n, f->base + f->row->count_offset, sizeof(n));
	}
	return n;
}

static void set_count(const struct frame *f, size_t n)
{
	if (f->row->count_offset != NO_COUNT) {
		memcpy(f->base + f->row->count_offset, &n, sizeof(n));
	}
}

/* Where the list's next item goes; NULL when there is no more room (said). */
static void *list_slot(struct walk *w, struct frame *f, struct conf_place at)
{
	const struct conf_row *row = f->row;

	if (row->many == CONF_FEW) {
		if (f->index >= row->items_max) {
			conf_error(w->l->report, at, "'%s' takes %zu items at most", row->key,
				   row->items_max);
			return NULL;
		}
		return f->base + row->offset + f->index * row->width;
	}
	size_t count = get_count(f);
	char *items;
	memcpy(&items, f->base + row->offset, sizeof(items));
	if (count == 0 || (count >= 4 && (count & (count - 1)) == 0)) {
		size_t room = count == 0 ? 4 : count * 2;
		char *more = arena_alloc(w->l->policy->arena, room * row->width);
		if (more == NULL) {
			conf_error(w->l->report, at, "the configuration is too large");
			w->is_stopped = true;
			return NULL;
		}
		if (count > 0) {
			memcpy(more, items, count * row->width);
		}
		memcpy(f->base + row->offset, &more, sizeof(more));
		items = more;
	}
	return items + count * row->width;
}

static void item_done(struct frame *f)
{
	f->index++;
	if (f->row->many == CONF_MANY) {
		set_count(f, get_count(f) + 1);
	} else {
		set_count(f, f->index);
	}
}

static void keep_mark(struct walk *w, const struct conf_row *row, struct conf_place at)
{
	struct conf_loader *l = w->l;

	if (l->mark_count == l->mark_size) {
		size_t room = l->mark_size == 0 ? 256 : l->mark_size * 2;
		struct conf_mark *more = room > MARKS_MAX ? NULL
							  : realloc(l->marks, room * sizeof(*more));
		if (more == NULL) {
			conf_error(l->report, at, "the configuration is too large");
			w->is_stopped = true;
			return;
		}
		l->marks = more;
		l->mark_size = room;
	}
	struct conf_mark m = {.row = row, .at = at};
	size_t n = 0;
	for (size_t i = 0; i < w->depth; i++) {
		const struct frame *f = &w->stack[i];
		if (f->map != NULL) {
			continue;
		}
		ASSERT(n < COUNT_OF(m.index));
		/* Lists in conf.d/ go on where the main file's ended: count, not place. */
		m.index[n++] = (uint32_t)(f->row->many == CONF_MANY ? get_count(f) : f->index);
	}
	l->marks[l->mark_count++] = m;
}

static void take_key(struct walk *w, struct frame *f, struct str key, struct conf_place at)
{
	const struct conf_row *row = conf_find_row(f->map, key);
	struct str shown = str_head(key, 64);

	if (row == NULL) {
		const struct conf_row *near = conf_near_row(f->map, key);
		conf_error(w->l->report, at, "unknown key '%.*s' in the %s%s%s%s", STR_ARG(shown),
			   f->map->what, near != NULL ? "; did you mean '" : "",
			   near != NULL ? near->key : "", near != NULL ? "'?" : "");
		f->skip_next = true;
		return;
	}
	size_t bit = (size_t)(row - f->map->rows);
	if ((f->seen & (1U << bit)) != 0) {
		conf_error(w->l->report, at, "'%s' is here twice; first at %s:%u:%u", row->key,
			   f->seen_at[bit].file, f->seen_at[bit].line, f->seen_at[bit].column);
		f->skip_next = true;
		return;
	}
	f->seen |= 1U << bit;
	f->seen_at[bit] = at;
	f->row = row;
}

static bool is_null(const struct conf_scalar *s)
{
	return !s->is_quoted && (s->text.len == 0 || str_is_equal(s->text, STR("null")) ||
				 str_is_equal(s->text, STR("~")));
}

static void take_one(struct walk *w, struct frame *f, const struct conf_scalar *s,
		     struct conf_place at)
{
	const struct conf_row *row = f->row;
	struct errmsg err;
	void *field = f->base + row->offset;

	if (row->many != CONF_ONE) {
		if (is_null(s) && s->text.len == 0) {
			return; /* "tenants:" with nothing under it is an empty list */
		}
		conf_error(w->l->report, at, "'%s' wants a list: [a, b]", row->key);
	} else if (row->type == CONF_MAP) {
		if (!is_null(s)) {
			conf_error(w->l->report, at, "'%s' wants %s", row->key,
				   conf_type_wants(CONF_MAP));
		}
	} else if (row->nullable && is_null(s)) {
		memset(field, 0, row->width);
	} else if (is_null(s)) {
		conf_error(w->l->report, at, "'%s' has no value; it wants %s", row->key,
			   conf_type_wants(row->type));
	} else if (conf_value_parse(row, s, field, w->l->policy->arena, &err) < 0) {
		conf_error(w->l->report, at, "'%s' %s, not '%.*s'", row->key, err.text,
			   STR_ARG(str_head(s->text, 64)));
	} else {
		keep_mark(w, row, at);
	}
}

static void take_item(struct walk *w, struct frame *f, const struct conf_scalar *s,
		      struct conf_place at)
{
	const struct conf_row *row = f->row;
	struct errmsg err;

	if (row->type == CONF_MAP) {
		conf_error(w->l->report, at, "'%s' wants a list of maps: - name: …", row->key);
		return;
	}
	void *slot = list_slot(w, f, at);
	f->has_bad = f->has_bad || slot == NULL;
	if (slot == NULL) {
		return;
	}
	if (conf_value_parse(row, s, slot, w->l->policy->arena, &err) < 0) {
		conf_error(w->l->report, at, "'%s' %s, not '%.*s'", row->key, err.text,
			   STR_ARG(str_head(s->text, 64)));
		f->has_bad = true;
		return;
	}
	keep_mark(w, row, at);
	item_done(f);
}

static void take_scalar(struct walk *w, const struct conf_scalar *s, struct conf_place at)
{
	struct frame *f = top(w);

	if (f == NULL) {
		if (!is_null(s)) {
			conf_error(w->l->report, at, "the file wants settings: key: value");
		}
	} else if (f->map == NULL) {
		take_item(w, f, s, at);
	} else if (f->skip_next) {
		f->skip_next = false;
	} else if (f->row == NULL) {
		take_key(w, f, s->text, at);
	} else {
		take_one(w, f, s, at);
		f->row = NULL;
	}
}

static struct frame *push(struct walk *w, struct conf_place at)
{
	ASSERT(w->depth < CONF_DEPTH_MAX);
	struct frame *f = &w->stack[w->depth++];

	*f = (struct frame){.at = at};
	return f;
}

/* A default that does not load is our own mistake, not the operator's. */
static void set_default(struct conf_loader *l, const struct conf_row *row, char *base)
{
	struct errmsg err;

	if (row->dflt == NULL) {
		return;
	}
	if (row->many == CONF_ONE) {
		struct conf_scalar s = {.text = str_of(row->dflt)};
		int r = conf_value_parse(row, &s, base + row->offset, l->policy->arena, &err);
		ASSERT(r == 0 || r == -ENOMEM);
		return;
	}
	struct frame f = {.row = row, .base = base};
	struct str list = str_of(row->dflt);
	ASSERT(row->many == CONF_FEW && list.len > 2);
	list = (struct str){list.ptr + 1, list.len - 2};
	while (list.len > 0) {
		struct conf_scalar s = {.text = str_trim(str_take_until(&list, ','))};
		int r = conf_value_parse(row, &s, base + row->offset + f.index * row->width,
					 l->policy->arena, &err);
		ASSERT(r == 0);
		item_done(&f);
	}
}

/* Fill a new struct with what its rows say, the rows of maps inside it too (one level). */
static void set_defaults(struct conf_loader *l, const struct conf_map *map, char *base)
{
	for (size_t i = 0; i < map->row_count; i++) {
		const struct conf_row *row = &map->rows[i];
		if (row->type == CONF_MAP && row->many == CONF_ONE) {
			for (size_t k = 0; k < row->map->row_count; k++) {
				set_default(l, &row->map->rows[k], base);
			}
		} else {
			set_default(l, row, base);
		}
	}
}

static void skip_value(struct walk *w, struct frame *f)
{
	w->skipped = 1;
	if (f != NULL && f->map != NULL) {
		f->skip_next = false;
		f->row = NULL;
	}
}

static void open_map(struct walk *w, struct conf_place at)
{
	struct frame *f = top(w);

	if (f == NULL) {
		f = push(w, at);
		f->map = &conf_root;
		f->base = (char *)w->l->policy;
		return;
	}
	if (f->map != NULL && (f->skip_next || f->row == NULL)) {
		if (!f->skip_next) {
			conf_error(w->l->report, at, "a key is a word, not a map");
		}
		skip_value(w, f);
		return;
	}
	const struct conf_row *row = f->row;
	if (row->type != CONF_MAP || (row->many != CONF_ONE) != (f->map == NULL)) {
		conf_error(w->l->report, at, "'%s' wants %s%s", row->key,
			   row->many != CONF_ONE ? "a list of " : "",
			   row->type == CONF_MAP ? "maps: - name: …" : conf_type_wants(row->type));
		skip_value(w, f);
		return;
	}
	char *base = f->base;
	if (f->map == NULL) {
		base = list_slot(w, f, at);
		if (base == NULL) {
			skip_value(w, f);
			return;
		}
		memset(base, 0, row->map->size);
		set_defaults(w->l, row->map, base);
	}
	f = push(w, at);
	f->map = row->map;
	f->base = base;
}

static void open_list(struct walk *w, struct conf_place at)
{
	struct frame *f = top(w);

	if (f == NULL) {
		conf_error(w->l->report, at, "the file wants settings: key: value, not a list");
		skip_value(w, f);
		return;
	}
	if (f->map != NULL && (f->skip_next || f->row == NULL)) {
		if (!f->skip_next) {
			conf_error(w->l->report, at, "a key is a word, not a list");
		}
		skip_value(w, f);
		return;
	}
	if (f->map == NULL || f->row->many == CONF_ONE) {
		conf_error(w->l->report, at, "'%s' wants %s, not a list%s", f->row->key,
			   conf_type_wants(f->row->type), f->map == NULL ? " in a list" : "");
		skip_value(w, f);
		return;
	}
	struct frame *list = push(w, at);
	list->row = f->row;
	list->base = f->base;
	if (list->row->many == CONF_FEW) {
		set_count(list, 0); /* what was there is replaced */
	}
}

static void close_map(struct walk *w)
{
	struct frame *f = top(w);

	for (size_t i = 0; i < f->map->row_count; i++) {
		if (f->map->rows[i].required && (f->seen & (1U << i)) == 0) {
			conf_error(w->l->report, f->at, "the %s has no '%s'", f->map->what,
				   f->map->rows[i].key);
		}
	}
	w->depth--;
	f = top(w);
	if (f != NULL && f->map == NULL) {
		item_done(f);
	} else if (f != NULL) {
		f->row = NULL;
	}
}

static void close_list(struct walk *w)
{
	const struct frame *f = top(w);

	if (f->row->many == CONF_FEW && f->row->count_offset == NO_COUNT &&
	    f->index != f->row->items_max && !f->has_bad) {
		conf_error(w->l->report, f->at, "'%s' wants exactly %zu items", f->row->key,
			   f->row->items_max);
	}
	if (f->row->required && f->index == 0 && !f->has_bad) {
		conf_error(w->l->report, f->at, "'%s' is empty", f->row->key);
	}
	w->depth--;
	top(w)->row = NULL;
}

static void refuse_fancy(struct walk *w, const yaml_event_t *e)
{
	struct conf_place at = place_of(w, &e->start_mark);
	const void *anchor = NULL;
	const void *tag = NULL;

	if (e->type == YAML_SCALAR_EVENT) {
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
	}
	if (e->type == YAML_ALIAS_EVENT || anchor != NULL) {
		conf_error(w->l->report, at, "anchors and aliases (& and *) are not used here");
		w->is_stopped = e->type == YAML_ALIAS_EVENT;
	}
	if (tag != NULL) {
		conf_error(w->l->report, at, "tags (!) are not used here");
	}
}

static void take_event(struct walk *w, const yaml_event_t *e)
{
	struct conf_place at = place_of(w, &e->start_mark);
	bool opens = e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT;
	bool closes = e->type == YAML_SEQUENCE_END_EVENT || e->type == YAML_MAPPING_END_EVENT;

	refuse_fancy(w, e);
	if (w->is_stopped) {
		return;
	}
	if (w->skipped > 0) {
		w->skipped += opens ? 1 : 0;
		if (w->skipped > NESTED_MAX) {
			conf_error(w->l->report, at, "nested too deeply");
			w->is_stopped = true;
		}
		w->skipped -= closes ? 1 : 0;
	} else if (e->type == YAML_SCALAR_EVENT) {
		struct conf_scalar s = {
			.text = {(const char *)e->data.scalar.value, e->data.scalar.length},
			.is_quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE,
		};
		take_scalar(w, &s, at);
	} else if (e->type == YAML_MAPPING_START_EVENT) {
		open_map(w, at);
	} else if (e->type == YAML_SEQUENCE_START_EVENT) {
		open_list(w, at);
	} else if (e->type == YAML_MAPPING_END_EVENT) {
		close_map(w);
	} else if (e->type == YAML_SEQUENCE_END_EVENT) {
		close_list(w);
	}
}

static void say_broken(struct walk *w, const yaml_parser_t *parser)
{
	struct conf_place at = place_of(w, &parser->problem_mark);
	const char *what = parser->problem != NULL ? parser->problem : "not YAML";

	if (parser->error == YAML_MEMORY_ERROR) {
		what = "out of memory";
	} else if (parser->error == YAML_READER_ERROR) {
		at.line = 0; /* the reader knows an offset only */
		conf_error(w->l->report, at, "%s at octet %zu", what, parser->problem_offset);
		return;
	}
	conf_error(w->l->report, at, "%s%s%s", what, parser->context != NULL ? " " : "",
		   parser->context != NULL ? parser->context : "");
}

/* YAML has no tabs in front of a line; libyaml's own word for it helps nobody. */
static bool has_tabs(struct walk *w, struct str text)
{
	bool found = false;

	for (unsigned line = 1; text.len > 0; line++) {
		struct str l = str_take_until(&text, '\n');
		size_t i = 0;
		while (i < l.len && l.ptr[i] == ' ') {
			i++;
		}
		if (i < l.len && l.ptr[i] == '\t' && str_trim(l).len > 0) {
			conf_error(w->l->report,
				   (struct conf_place){w->file, line, (unsigned)i + 1},
				   "a tab in front of the line: YAML wants spaces");
			found = true;
		}
	}
	return found;
}

void conf_load_file_text(struct conf_loader *l, struct str text, const char *file)
{
	struct walk w = {.l = l, .file = conf_report_file(l->report, file)};
	yaml_parser_t parser;
	unsigned documents = 0;
	bool is_over = false;

	if (has_tabs(&w, text)) {
		return;
	}
	if (yaml_parser_initialize(&parser) == 0) {
		conf_error(l->report, (struct conf_place){w.file, 0, 0}, "out of memory");
		return;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);
	while (!is_over && !w.is_stopped) {
		yaml_event_t e;
		if (yaml_parser_parse(&parser, &e) == 0) {
			say_broken(&w, &parser);
			break;
		}
		is_over = e.type == YAML_STREAM_END_EVENT;
		if (e.type == YAML_DOCUMENT_START_EVENT && ++documents == 2) {
			conf_error(l->report, place_of(&w, &e.start_mark),
				   "a second document (---) in one file");
			is_over = true;
		} else {
			take_event(&w, &e);
		}
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template: filling holes, and where the texts come from. Layer: notify.
 */
#include "notify/template.h"

#include "base/assert.h"
#include "notify/texts.h"
#include "sys/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define PATH_SIZE 1024

void template_set(struct template_vars *v, const char *name, struct str value)
{
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->items[i].name, name) == 0) {
			v->items[i].value = value;
			return;
		}
	}
	ASSERT(v->count < TEMPLATE_VARS_MAX);
	v->items[v->count].name = name;
	v->items[v->count++].value = value;
}

static const struct str *find_var(const struct template_vars *v, struct str name)
{
	for (size_t i = 0; i < v->count; i++) {
		if (str_is_equal(str_of(v->items[i].name), name)) {
			return &v->items[i].value;
		}
	}
	return NULL;
}

/* Where filling stands. */
struct filling {
	const struct template_vars *vars;
	struct str section; /* name of the open one; NULL view: none */
	bool hides;         /* it is not shown */
	unsigned line;
};

/* One mark, without its braces. @return 0, or -EINVAL. */
static int mark(struct filling *f, struct str name, struct buf *out, struct errmsg *reterr)
{
	char kind = name.len > 0 ? name.ptr[0] : '\0';
	bool is_section = kind == '#' || kind == '^' || kind == '/';

	name = str_skip(name, is_section ? 1 : 0);
	const struct str *value = find_var(f->vars, name);
	if (value == NULL) {
		return err_set(reterr, -EINVAL, "line %u: nothing is called '%.*s'", f->line,
			       STR_ARG(str_head(name, 40)));
	}
	if (kind == '/') {
		if (!str_is_equal(f->section, name)) {
			return err_set(reterr, -EINVAL, "line %u: '%.*s' is not open", f->line,
				       STR_ARG(name));
		}
		f->section = STR_EMPTY;
		f->hides = false;
	} else if (is_section) {
		if (f->section.ptr != NULL) {
			return err_set(reterr, -EINVAL, "line %u: sections do not nest", f->line);
		}
		f->section = name;
		f->hides = (value->len > 0) != (kind == '#');
	} else if (!f->hides) {
		buf_add(out, *value);
	}
	return 0;
}

static bool is_lone_section(struct str line)
{
	struct str s = str_trim(line);

	return s.len > 5 && str_has_prefix(s, STR("{{")) && str_has_suffix(s, STR("}}")) &&
	       (s.ptr[2] == '#' || s.ptr[2] == '^' || s.ptr[2] == '/') &&
	       str_find(str_skip(s, 2), STR("{{")) == s.len - 2;
}

static int fill_line(struct filling *f, struct str line, struct buf *out, struct errmsg *reterr)
{
	bool lone = is_lone_section(line);

	while (line.len > 0) {
		size_t open = str_find(line, STR("{{"));
		struct str plain = str_take(&line, open);
		if (!f->hides && !lone) {
			buf_add(out, plain);
		}
		if (line.len == 0) {
			break;
		}
		line = str_skip(line, 2);
		size_t close = str_find(line, STR("}}"));
		if (close == line.len) {
			return err_set(reterr, -EINVAL, "line %u: '{{' without '}}'", f->line);
		}
		int r = mark(f, str_take(&line, close), out, reterr);
		if (r < 0) {
			return r;
		}
		line = str_skip(line, 2);
	}
	if (!lone && !f->hides) { /* else the line's end is within what is hidden */
		buf_add_char(out, '\n');
	}
	return 0;
}

int template_fill(struct str text, const struct template_vars *v, struct buf *out,
		  struct errmsg *reterr)
{
	struct filling f = {.vars = v};

	while (text.len > 0) {
		f.line++;
		int r = fill_line(&f, str_take_until(&text, '\n'), out, reterr);
		if (r < 0) {
			return r;
		}
	}
	if (f.section.ptr != NULL) {
		return err_set(reterr, -EINVAL, "'%.*s' is never closed", STR_ARG(f.section));
	}
	int r = buf_end(out);
	return r < 0 ? err_set(reterr, r, "the text is too long") : 0;
}

/* ---- where they come from ---- */

struct language {
	char *name;
	struct buf texts[TEMPLATE_COUNT]; /* empty: ours */
};

struct templates {
	struct language *languages;
	size_t count;
};

static const char *const names[] = {"block", "reblock", "refused", "unblock", "case", "example"};
static_assert(COUNT_OF(names) == TEMPLATE_COUNT, "a name for every template");

const char *template_name(enum template_id id)
{
	ASSERT((unsigned)id < TEMPLATE_COUNT);
	return names[id];
}

static int load_one(const char *dir, const char *language, enum template_id id, struct buf *ret,
		    struct errmsg *reterr)
{
	char path[PATH_SIZE];

	buf_init(ret, TEMPLATE_MAX);
	if (snprintf(path, sizeof(path), "%s/%s/%s.txt", dir, language, template_name(id)) >=
	    (int)sizeof(path)) {
		return err_set(reterr, -ENAMETOOLONG, "%s: name too long", dir);
	}
	int r = file_read(path, ret, reterr);
	return r == -ENOENT ? 0 : r;
}

int templates_load(const char *dir, const char *const *languages, size_t count,
		   struct templates **ret, struct errmsg *reterr)
{
	struct templates *t = calloc(1, sizeof(*t));
	int r = 0;

	if (t != NULL) {
		t->languages = calloc(count + 1, sizeof(*t->languages));
	}
	if (t == NULL || t->languages == NULL) {
		templates_free(t);
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; dir != NULL && i < count && r == 0; i++) {
		struct language *l = &t->languages[t->count++];
		l->name = strdup(languages[i]);
		if (l->name == NULL) {
			r = err_set(reterr, -ENOMEM, "out of memory");
		}
		for (unsigned id = 0; id < TEMPLATE_COUNT && r == 0; id++) {
			r = load_one(dir, languages[i], (enum template_id)id, &l->texts[id],
				     reterr);
		}
	}
	if (r < 0) {
		templates_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void templates_free(struct templates *t)
{
	if (t == NULL) {
		return;
	}
	for (size_t i = 0; i < t->count; i++) {
		free(t->languages[i].name);
		for (size_t id = 0; id < TEMPLATE_COUNT; id++) {
			buf_done(&t->languages[i].texts[id]);
		}
	}
	free(t->languages);
	free(t);
}

static struct str find_text(const struct templates *t, const char *language, enum template_id id)
{
	for (size_t i = 0; t != NULL && i < t->count; i++) {
		if (strcmp(t->languages[i].name, language) == 0 &&
		    t->languages[i].texts[id].len > 0) {
			return buf_str(&t->languages[i].texts[id]);
		}
	}
	for (size_t i = 0; i < text_count; i++) {
		if (strcmp(texts[i].language, language) == 0 &&
		    strcmp(texts[i].name, template_name(id)) == 0) {
			return texts[i].text;
		}
	}
	return STR_EMPTY;
}

struct str templates_get(const struct templates *t, const char *language, enum template_id id)
{
	struct str text = find_text(t, language, id);

	if (text.len == 0) {
		text = find_text(t, "en", id);
	}
	ASSERT(text.len > 0);
	return text;
}

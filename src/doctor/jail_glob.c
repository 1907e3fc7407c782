/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail_glob: a walk over folders, as deep as the pattern has stars. Layer: doctor.
 */
#include "doctor/jail_glob.h"

#include "sys/fd.h"

#include <dirent.h>
#include <string.h>

#include "base/poison.h"

/* A folder whose names are looked at. */
struct level {
	DIR *dir;        /* owned */
	size_t len;      /* of its path, with the slash */
	struct str part; /* of the pattern, which a name must fit */
	struct str rest; /* of the pattern, behind that part */
};

struct walk {
	const struct jail *jail;
	jail_glob_fn *fn;
	void *ctx;
	char path[JAIL_PATH_MAX];
	struct level levels[JAIL_GLOB_STARS_MAX];
	size_t depth;
};

/* Write behind the first `len` octets of the path. @return false: it is too long */
static bool set_path(struct walk *w, size_t len, struct str text)
{
	return str_copy(w->path + len, sizeof(w->path) - len, text);
}

static bool fits(struct str name, struct str part)
{
	size_t star = str_find_char(part, '*');

	return name.ptr[0] != '.' && name.len + 1 >= part.len &&
	       str_has_prefix(name, str_head(part, star)) &&
	       str_has_suffix(name, str_skip(part, star + 1));
}

/* The path is known up to `len`; the pattern goes on with `rest`. */
static int go_on(struct walk *w, size_t len, struct str rest)
{
	size_t star = str_find_char(rest, '*');
	size_t begin = star;

	if (star == rest.len) {
		return set_path(w, len, rest) ? w->fn(w->ctx, w->path) : 0;
	}
	while (begin > 0 && rest.ptr[begin - 1] != '/') {
		begin--;
	}
	if (w->depth == JAIL_GLOB_STARS_MAX || !set_path(w, len, str_head(rest, begin))) {
		return 0;
	}
	int fd = jail_open_dir(w->jail, w->path);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		fd_close(&fd);
		return 0;
	}
	struct level *l = &w->levels[w->depth++];
	l->dir = dir;
	l->len = len + begin;
	l->rest = str_skip(rest, begin);
	l->part = str_head(l->rest, str_find_char(l->rest, '/'));
	l->rest = str_skip(l->rest, l->part.len);
	return 0;
}

int jail_glob(const struct jail *j, const char *pattern, jail_glob_fn *fn, void *ctx)
{
	struct walk w = {.jail = j, .fn = fn, .ctx = ctx};
	int r = go_on(&w, 0, str_of(pattern));

	while (w.depth > 0) {
		struct level *l = &w.levels[w.depth - 1];
		const struct dirent *e = r == 0 ? readdir(l->dir) : NULL;
		if (e == NULL) {
			closedir(l->dir);
			w.depth--;
			continue;
		}
		struct str name = str_of(e->d_name);
		if (fits(name, l->part) && set_path(&w, l->len, name)) {
			r = go_on(&w, l->len + name.len, l->rest);
		}
	}
	return r;
}

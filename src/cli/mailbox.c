/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox: files mapped into memory, folders sorted. Layer: cli.
 */
#include "cli/mailbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

#define FROM STR("From ")

/* "From ADDRESS Wed Jun  5 …": the only kind of line that begins another message. */
static bool is_separator(struct str line)
{
	static const char days[] = "Mon Tue Wed Thu Fri Sat Sun ";
	static const char months[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
	struct str rest = str_skip(line, FROM.len);
	struct str address = str_take_until(&rest, ' ');

	while (rest.len > 0 && rest.ptr[0] == ' ') {
		rest = str_skip(rest, 1);
	}
	return str_has_prefix(line, FROM) && address.len > 0 && rest.len >= 8 &&
	       str_find((struct str){days, sizeof(days) - 1}, str_head(rest, 4)) <
		       sizeof(days) - 1 &&
	       str_find((struct str){months, sizeof(months) - 1}, str_head(str_skip(rest, 4), 4)) <
		       sizeof(months) - 1;
}

/* The line that begins at `at`, with its ending. */
static struct str line_at(struct str s, size_t at)
{
	struct str rest = str_skip(s, at);
	size_t n = str_find_char(rest, '\n');

	return str_head(rest, n < rest.len ? n + 1 : n);
}

struct str mailbox_take(struct str *rest, bool is_first)
{
	if (is_first && !str_has_prefix(*rest, FROM)) {
		return str_take(rest, rest->len);
	}
	(void)str_take(rest, line_at(*rest, 0).len);

	bool was_empty = false;
	size_t at = 0;

	while (at < rest->len) {
		struct str line = line_at(*rest, at);

		if (was_empty && is_separator(line)) {
			return str_take(rest, at);
		}
		was_empty = str_trim(line).len == 0;
		at += line.len;
	}
	return str_take(rest, at);
}

/* A file whose lines end in CR alone, as old systems wrote them: lines that mail has (a message on
 * the wire can't look so, SMTP's lines end in CR LF). */
static void mend_lines(char *octets, size_t len)
{
	if (memchr(octets, '\n', len) != NULL) {
		return;
	}
	char *end = octets + len;

	for (char *at = octets; (at = memchr(at, '\r', (size_t)(end - at))) != NULL; at++) {
		*at = '\n';
	}
}

static int walk_octets(const char *path, struct str octets, mailbox_fn *visit, void *ctx)
{
	uint64_t index = 0;
	int r = 0;

	while (r == 0 && octets.len > 0) {
		struct str message = mailbox_take(&octets, index == 0);

		r = visit(ctx, path, index++, message);
	}
	return r;
}

static int walk_file(const char *path, mailbox_fn *visit, void *ctx, struct errmsg *reterr)
{
	struct stat st;
	void *map = MAP_FAILED;
	int r = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = err_set(reterr, -errno, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		r = err_set(reterr, -EINVAL, "%s: not a file and not a folder", path);
		goto out;
	}
	if (st.st_size == 0) {
		r = visit(ctx, path, 0, STR_EMPTY);
		goto out;
	}
	/* Private: what is mended is mended in memory only. */
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED) {
		r = err_set(reterr, -errno, "%s: %s", path, strerror(errno));
		goto out;
	}
	mend_lines(map, (size_t)st.st_size);
	r = walk_octets(path, (struct str){map, (size_t)st.st_size}, visit, ctx);
	munmap(map, (size_t)st.st_size);
out:
	if (fd >= 0) {
		close(fd);
	}
	return r;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* The entries of folders that are being walked, the innermost last. */
struct level {
	char path[PATH_MAX];
	struct dirent **names;
	int count;
	int at;
};

static int open_level(struct level *l, const char *path, struct errmsg *reterr)
{
	snprintf(l->path, sizeof(l->path), "%s", path);
	l->at = 0;
	l->count = scandir(path, &l->names, not_hidden, by_name);
	return l->count >= 0 ? 0 : err_set(reterr, -errno, "%s: %s", path, strerror(errno));
}

static int walk_folder(const char *path, mailbox_fn *visit, void *ctx, struct errmsg *reterr)
{
	struct level *levels = calloc(MAILBOX_DEPTH_MAX, sizeof(*levels));
	size_t depth = 1;
	int r = levels != NULL ? open_level(&levels[0], path, reterr)
			       : err_set(reterr, -ENOMEM, "no memory for the folder");

	while (r == 0 && depth > 0) {
		struct level *l = &levels[depth - 1];
		char next[PATH_MAX];
		struct stat st;

		if (l->at == l->count) {
			free(l->names);
			depth--;
			continue;
		}
		int n = snprintf(next, sizeof(next), "%s/%s", l->path, l->names[l->at]->d_name);

		free(l->names[l->at++]);
		if (n < 0 || (size_t)n >= sizeof(next) || stat(next, &st) < 0) {
			r = err_set(reterr, -ENOENT, "%s: it has gone, or its path is too long",
				    next);
		} else if (!S_ISDIR(st.st_mode)) {
			r = walk_file(next, visit, ctx, reterr);
		} else if (depth == MAILBOX_DEPTH_MAX) {
			r = err_set(reterr, -ELOOP, "%s: too many folders in folders", next);
		} else {
			r = open_level(&levels[depth], next, reterr);
			depth += r == 0 ? 1 : 0;
		}
	}
	while (depth > 0 && levels != NULL) {
		struct level *l = &levels[--depth];

		while (l->at < l->count) {
			free(l->names[l->at++]);
		}
		free(l->names);
	}
	free(levels);
	return r;
}

int mailbox_walk(const char *path, mailbox_fn *visit, void *ctx, struct errmsg *reterr)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		return err_set(reterr, -errno, "%s: %s", path, strerror(errno));
	}
	return S_ISDIR(st.st_mode) ? walk_folder(path, visit, ctx, reterr)
				   : walk_file(path, visit, ctx, reterr);
}

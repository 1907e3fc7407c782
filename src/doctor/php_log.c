/* SPDX-License-Identifier: Apache-2.0 */
/*
 * php_log: PHP's mail.log. Layer: doctor.
 */
#include "doctor/php_log.h"

#include "doctor/path_inside.h"
#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

struct settings {
	struct path_look look; /* first: the files are read through it */
	char *paths[PHP_LOG_SETTINGS_MAX];
	size_t count;
	bool is_short; /* of memory */
};

/* A value without its quotes and the comment behind it. */
static struct str plain_value(struct str value)
{
	if (value.len > 0 && (value.ptr[0] == '"' || value.ptr[0] == '\'')) {
		char quote = value.ptr[0];
		value = str_skip(value, 1);
		return str_take_until(&value, quote);
	}
	return str_trim(str_take_until(&value, ';'));
}

static void take_setting(struct path_look *l, const char *file, struct str text)
{
	struct settings *s = (struct settings *)l;
	struct str value = plain_value(path_php_setting(text, "mail.log"));

	(void)file;
	/* "syslog" is heard in syslog. A folder or a root alone is no log. */
	if (value.len < 2 || value.len >= JAIL_PATH_MAX || value.ptr[0] != '/' ||
	    value.ptr[value.len - 1] == '/' || memchr(value.ptr, '\0', value.len) != NULL) {
		return;
	}
	for (size_t i = 0; i < s->count; i++) {
		if (str_is_equal(str_of(s->paths[i]), value)) {
			return;
		}
	}
	if (s->count == PHP_LOG_SETTINGS_MAX) {
		return;
	}
	char *path = strndup(value.ptr, value.len);
	s->is_short = s->is_short || path == NULL;
	if (path != NULL) {
		s->paths[s->count++] = path;
	}
}

/* The log itself, or "mail.log.1.gz", "mail.log-20260101" beside it. */
static bool is_log(const char *name, const char *wanted)
{
	size_t len = strlen(wanted);

	return strncmp(name, wanted, len) == 0 &&
	       (name[len] == '\0' || name[len] == '.' || name[len] == '-');
}

/* Tell where a file is, now that all links on the way to it were followed inside. */
static int tell(const struct jail *jail, const char *inside, php_log_fn *fn, void *ctx,
		struct errmsg *reterr)
{
	char link[64];
	char real[PATH_MAX];
	int fd = jail_open_file(jail, inside);

	if (fd < 0) {
		return 0; /* gone, or no file */
	}
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, real, sizeof(real) - 1);
	fd_close(&fd);
	if (n <= 0 || real[0] != '/') {
		return 0;
	}
	real[n] = '\0';
	return fn(ctx, real, reterr);
}

/* A log and those that were rotated away. */
static int follow(const struct jail *jail, const char *path, php_log_fn *fn, void *ctx,
		  struct errmsg *reterr)
{
	char folder[JAIL_PATH_MAX];
	char inside[JAIL_PATH_MAX];
	const char *name = strrchr(path, '/') + 1;
	int r = 0;

	(void)str_copy(folder, sizeof(folder), (struct str){path, (size_t)(name - path)});
	int fd = jail_open_dir(jail, folder);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	if (d == NULL) {
		fd_close(&fd);
		return 0;
	}
	const struct dirent *e;
	size_t seen = 0;
	size_t told = 0;
	while (r == 0 && told < PHP_LOG_FILES_MAX && seen++ < PATH_NAMES_MAX &&
	       (e = readdir(d)) != NULL) {
		int n = snprintf(inside, sizeof(inside), "%s%s", folder, e->d_name);
		if (is_log(e->d_name, name) && n > 0 && (size_t)n < sizeof(inside)) {
			r = tell(jail, inside, fn, ctx, reterr);
			told++;
		}
	}
	closedir(d);
	return r;
}

int php_log_find(const char *root, php_log_fn *fn, void *ctx, struct errmsg *reterr)
{
	struct path_report counts = {.count = 0}; /* no items: only what could not be read */
	struct settings s = {.look = {.report = &counts}, .count = 0};
	int r = jail_open(&s.look.jail, root);

	if (r < 0) {
		return 0; /* whoever looks for other logs there says it */
	}
	path_each_php(&s.look, take_setting);
	r = s.is_short ? err_set(reterr, -ENOMEM, "no memory") : 0;
	for (size_t i = 0; i < s.count && r == 0; i++) {
		r = follow(&s.look.jail, s.paths[i], fn, ctx, reterr);
	}
	for (size_t i = 0; i < s.count; i++) {
		free(s.paths[i]);
	}
	jail_close(&s.look.jail);
	return r;
}

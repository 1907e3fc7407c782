/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_set: access logs of a machine. Layer: doctor.
 */
#include "doctor/web_set.h"

#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

/* Where web servers and panels write, on every system that we know; "*" is any folder. In some
 * places every file is a site's log, in others its name says "access". */
static const struct {
	const char *folder;
	bool is_any;
} places[] = {
	{"/var/log/apache2", false},
	{"/var/log/apache2/domains", true},
	{"/var/log/httpd", false},
	{"/var/log/httpd/domains", true},
	{"/var/log/nginx", false},
	{"/var/log/nginx/domains", true},
	{"/var/log/lighttpd", false},
	{"/var/log/virtualmin", false},
	{"/var/log/ispconfig/httpd/*", false},
	{"/usr/local/lsws/logs", false},
	{"/etc/apache2/logs/domlogs", true},
	{"/etc/apache2/logs/domlogs/*", true},
	{"/usr/local/apache/domlogs", true},
	{"/usr/local/apache/domlogs/*", true},
	{"/var/www/vhosts/system/*/logs", false},
	{"/var/www/vhosts/*/logs", false},
	{"/var/www/vhosts/*/statistics/logs", false},
	{"/home/*/access-logs", true},
	{"/home/*/logs", false},
	{"/var/www/*/logs", false},
};

int web_set_init(struct web_set *set, const char *root, struct errmsg *reterr)
{
	*set = (struct web_set){.count = 0};
	int r = jail_open(&set->jail, root);

	return r < 0 ? err_set(reterr, r, "cannot open %s: %s", root, strerror(-r)) : 0;
}

void web_set_done(struct web_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->files[i].path);
		free(set->files[i].inside);
		free(set->files[i].site);
	}
	free(set->files);
	jail_close(&set->jail);
	*set = (struct web_set){.jail = {.root = -1}};
}

/* ---- names ---- */

static struct str base_of(struct str path)
{
	size_t begin = path.len;

	while (begin > 0 && path.ptr[begin - 1] != '/') {
		begin--;
	}
	return str_skip(path, begin);
}

static bool cut_end(struct str *name, struct str end)
{
	if (name->len > end.len && str_is_equal_nocase(str_skip(*name, name->len - end.len), end)) {
		name->len -= end.len;
		return true;
	}
	return false;
}

/* "access.log" of "access.log.3.gz", "access.log-20261121" and "access.log-20261121.xz". */
static struct str without_age(struct str path)
{
	static const char *const packs[] = {".gz", ".xz", ".zst", ".bz2"};

	for (size_t i = 0; i < COUNT_OF(packs); i++) {
		(void)cut_end(&path, str_of(packs[i]));
	}
	size_t digits = 0;
	while (digits < path.len && char_is_digit(path.ptr[path.len - 1 - digits])) {
		digits++;
	}
	if (digits > 0 && digits < path.len &&
	    (path.ptr[path.len - 1 - digits] == '.' ||
	     (path.ptr[path.len - 1 - digits] == '-' && digits >= 8))) {
		path.len -= digits + 1;
	}
	/* Plesk: "access_log.processed". */
	(void)cut_end(&path, STR(".processed"));
	return path;
}

/* "s.example" of "s.example-ssl_log"; of "/var/www/vhosts/system/s.example/logs/access_log" too.
 * Empty: the name says no site. */
static struct str site_of(struct str path)
{
	static const char *const ends[] = {".log",   "_log", "_ssl", "-ssl",   ".ssl",
					   "access", "_",    "-",    ".proxy", "."};
	struct str name = base_of(path);
	struct str folder = str_head(path, path.len - name.len);

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		(void)cut_end(&name, str_of(ends[i]));
	}
	if (str_find_char(name, '.') < name.len) {
		return name;
	}
	if (cut_end(&folder, STR("/statistics/logs/")) || cut_end(&folder, STR("/logs/"))) {
		name = base_of(folder);
		return str_find_char(name, '.') < name.len ? name : STR_EMPTY;
	}
	return STR_EMPTY;
}

static bool is_access_log(struct str name, bool is_any)
{
	static const char *const others[] = {"error",  "bytes", "offset", "ssl_request",
					     "suexec", "ftp",   ".tar",   "php"};

	for (size_t i = 0; i < COUNT_OF(others); i++) {
		if (str_find_nocase(name, str_of(others[i])) < name.len) {
			return false;
		}
	}
	return is_any || str_find_nocase(name, STR("access")) < name.len;
}

/* ---- files ---- */

static int make_room(struct web_set *set)
{
	if (set->count < set->size) {
		return 0;
	}
	size_t size = set->size == 0 ? 16 : set->size * 2;
	struct web_set_file *grown = realloc(set->files, size * sizeof(*grown));
	if (grown == NULL) {
		return -ENOMEM;
	}
	set->files = grown;
	set->size = size;
	return 0;
}

static char *text_of(struct str s)
{
	char *text = malloc(s.len + 1);

	if (text != NULL) {
		(void)str_copy(text, s.len + 1, s);
	}
	return text;
}

/* The number of the log that a file was rotated from. */
static uint32_t log_of(struct web_set *set, struct str path)
{
	struct str name = without_age(path);

	for (size_t i = 0; i < set->count; i++) {
		if (str_is_equal(without_age(str_of(set->files[i].path)), name)) {
			return set->files[i].log;
		}
	}
	return set->logs++;
}

/* Takes no descriptor over. The same file over two ways (access-logs of cPanel) is one. */
static int add(struct web_set *set, const struct stat *st, const char *path, const char *inside)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->files[i].dev == st->st_dev && set->files[i].ino == st->st_ino) {
			return 0;
		}
	}
	if (set->count == WEB_SET_MAX) {
		set->left_out++;
		return 0;
	}
	if (make_room(set) < 0) {
		return -ENOMEM;
	}
	struct web_set_file f = {
		.path = text_of(str_of(path)),
		.inside = inside == NULL ? NULL : text_of(str_of(inside)),
		.site = text_of(site_of(without_age(str_of(path)))),
		.log = log_of(set, str_of(path)),
		.dev = st->st_dev,
		.ino = st->st_ino,
	};
	if (f.path == NULL || f.site == NULL || (inside != NULL && f.inside == NULL)) {
		free(f.path);
		free(f.inside);
		free(f.site);
		return -ENOMEM;
	}
	set->files[set->count++] = f;
	return 0;
}

int web_set_add(struct web_set *set, const char *path, struct errmsg *reterr)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		int r = -errno;
		return err_set(reterr, r, "cannot open %s: %s", path, strerror(-r));
	}
	if (!S_ISREG(st.st_mode)) {
		return err_set(reterr, -EINVAL, "%s is not a file", path);
	}
	int r = add(set, &st, path, NULL);
	return r < 0 ? err_set(reterr, r, "no memory") : 0;
}

int web_set_open(const struct web_set *set, size_t file)
{
	const struct web_set_file *f = &set->files[file];

	if (f->inside != NULL) {
		return jail_open_file(&set->jail, f->inside);
	}
	int fd = open(f->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* ---- folders ---- */

struct walk {
	struct web_set *set;
	struct str root;
	bool is_any;
	char *open[WEB_FOLDERS_MAX]; /* owned; folders to be listed, "*" in some */
	size_t count;
};

static int push(struct walk *w, struct str head, struct str name, struct str rest)
{
	struct buf path;
	int r = 0;

	if (w->count == WEB_FOLDERS_MAX) {
		w->set->left_out++;
		return 0;
	}
	buf_init(&path, JAIL_PATH_MAX - 1);
	buf_add(&path, head);
	buf_add(&path, name);
	buf_add(&path, rest);
	if (buf_end(&path) == 0) {
		w->open[w->count] = text_of(buf_str(&path));
		r = w->open[w->count] == NULL ? -ENOMEM : 0;
		w->count += r == 0 ? 1 : 0;
	}
	buf_done(&path);
	return r;
}

static int take_file(struct walk *w, struct str folder, struct str name)
{
	struct buf path;
	struct stat st;
	int r = 0;

	if (!is_access_log(name, w->is_any)) {
		return 0;
	}
	buf_init(&path, 2 * JAIL_PATH_MAX);
	buf_add(&path, w->root);
	buf_add(&path, folder);
	buf_add_char(&path, '/');
	buf_add(&path, name);
	const char *text = buf_cstr(&path);
	int fd = text == NULL ? -1 : jail_open_file(&w->set->jail, text + w->root.len);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
		r = add(w->set, &st, text, text + w->root.len);
	}
	fd_close(&fd);
	buf_done(&path);
	return r;
}

/* Names of a folder: of one with "*" in it the folders that it may mean, else its logs. */
static int look_into(struct walk *w, struct str path)
{
	size_t star = str_find_char(path, '*');
	bool has_star = star < path.len;
	struct str head = str_head(path, star);
	char folder[JAIL_PATH_MAX];
	const struct dirent *e;
	int r = 0;

	(void)str_copy(folder, sizeof(folder), head);
	int fd = jail_open_dir(&w->set->jail, folder);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	for (size_t n = 0; d != NULL && r == 0 && n < WEB_SET_MAX && (e = readdir(d)) != NULL;
	     n++) {
		struct str name = str_of(e->d_name);
		if (name.ptr[0] == '.') {
			continue;
		}
		r = has_star ? push(w, head, name, str_skip(path, star + 1))
			     : take_file(w, path, name);
	}
	if (d != NULL) {
		closedir(d);
	} else {
		fd_close(&fd);
	}
	return r;
}

int web_set_find(struct web_set *set, const char *root, struct errmsg *reterr)
{
	struct walk *w = calloc(1, sizeof(*w));
	int r = w == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < COUNT_OF(places) && r == 0; i++) {
		w->set = set;
		w->root = str_of(root);
		w->is_any = places[i].is_any;
		r = push(w, str_of(places[i].folder), STR_EMPTY, STR_EMPTY);
		while (w->count > 0) {
			char *path = w->open[--w->count];
			r = r < 0 ? r : look_into(w, str_of(path));
			free(path);
		}
	}
	free(w);
	return r < 0 ? err_set(reterr, r, "no memory") : 0;
}

/* ---- whose ---- */

static bool has_part(struct str path, struct str part)
{
	while (path.len > 0) {
		if (str_is_equal(str_take_until(&path, '/'), part)) {
			return true;
		}
	}
	return false;
}

bool web_set_is_of(const struct web_set_file *f, const struct attribution_sender *s)
{
	struct str site = str_of(f->site);
	struct str script = str_of(s->script);

	if (str_has_prefix(site, STR("www."))) {
		site = str_skip(site, 4);
	}
	/* The folder of a site has its name; a path that is made of users' folders has theirs. */
	return (site.len > 0 && has_part(script, site)) ||
	       (s->kind == SOURCE_USER && has_part(str_of(f->path), str_of(s->name)));
}

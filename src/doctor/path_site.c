/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_site: sites and what their settings say of mail. Folders come from the web servers'
 * configurations and from where panels keep them. Below them no link is followed at all: what
 * lies there is the customers'. Layer: doctor.
 */
#include "doctor/path_inside.h"

#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

#define ROOTS_MAX 4096
/* Slots for what was seen: half of them stay free. */
#define SEEN_SIZE (2 * PATH_FOLDERS_MAX)

/* ---- the folders of sites ---- */

struct roots {
	char **paths; /* owned, sorted and single after `settle` */
	size_t count;
};

/* Where the callbacks of path_each put what they find; there is one walk at a time. */
struct site_look {
	struct path_look look; /* first: the callbacks get it */
	struct roots roots;
};

static void add_root(struct path_look *l, struct str path)
{
	struct site_look *s = (struct site_look *)(void *)l;

	while (path.len > 1 && path.ptr[path.len - 1] == '/') {
		path.len--;
	}
	if (path.len < 2 || path.ptr[0] != '/' || path.len >= JAIL_PATH_MAX) {
		return;
	}
	char *copy = s->roots.count < ROOTS_MAX ? malloc(path.len + 1) : NULL;
	if (copy == NULL) {
		l->report->left_out++;
		return;
	}
	(void)str_copy(copy, path.len + 1, path);
	s->roots.paths[s->roots.count++] = copy;
}

/* "DocumentRoot /srv/a", "root /srv/a;" */
static void take_vhost(struct path_look *l, const char *file, struct str text)
{
	(void)file;
	while (text.len > 0) {
		struct str line = str_trim(str_take_until(&text, '\n'));
		bool is_apache = str_has_prefix_nocase(line, STR("DocumentRoot"));
		bool is_nginx = str_has_prefix(line, STR("root"));
		struct str path = str_skip(line, is_apache ? 12 : 4);
		if ((!is_apache && !is_nginx) || path.len == 0 || !char_is_space(path.ptr[0])) {
			continue;
		}
		path = str_trim(path);
		if (is_nginx) {
			path = str_trim(str_take_until(&path, ';'));
		}
		if (path.len > 2 && (path.ptr[0] == '"' || path.ptr[0] == '\'')) {
			path = (struct str){path.ptr + 1, path.len - 2};
		}
		add_root(l, path);
	}
}

static void take_folder(struct path_look *l, const char *path)
{
	add_root(l, str_of(path));
}

static void take_home(struct path_look *l, const char *path)
{
	char below[JAIL_PATH_MAX];

	(void)snprintf(below, sizeof(below), "%.3000s/public_html", path);
	if (jail_has(&l->jail, below)) {
		add_root(l, str_of(below));
	}
	(void)snprintf(below, sizeof(below), "%.3000s/domains", path);
	path_each_dir(l, below, take_folder);
}

static void take_plesk_conf(struct path_look *l, const char *path)
{
	char below[JAIL_PATH_MAX];

	(void)snprintf(below, sizeof(below), "%.3000s/conf", path);
	path_each(l, below, "*.conf", take_vhost);
}

static void take_plesk(struct path_look *l, const char *path)
{
	if (str_has_suffix(str_of(path), STR("/vhosts/system"))) {
		path_each_dir(l, path, take_plesk_conf);
	} else {
		add_root(l, str_of(path));
	}
}

static void find_roots(struct path_look *l)
{
	static const char *const confs[][2] = {
		{"/etc/apache2/sites-enabled", "*"}, {"/etc/apache2/conf-enabled", "*.conf"},
		{"/etc/apache2/conf", "httpd.conf"}, {"/etc/httpd/conf", "httpd.conf"},
		{"/etc/httpd/conf.d", "*.conf"},     {"/usr/local/apache/conf", "httpd.conf"},
		{"/etc/nginx", "nginx.conf"},        {"/etc/nginx/conf.d", "*.conf"},
		{"/etc/nginx/sites-enabled", "*"}};

	for (size_t i = 0; i < COUNT_OF(confs); i++) {
		path_each(l, confs[i][0], confs[i][1], take_vhost);
	}
	path_each_dir(l, "/var/www/vhosts", take_plesk);
	path_each_dir(l, "/home", take_home);
	path_each_dir(l, "/srv/www", take_folder);
	add_root(l, STR("/var/www"));
	add_root(l, STR("/srv/www"));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- the walk ---- */

/* Ends of the paths of settings files. */
static const char *const settings[] = {
	"/wp-config.php",
	"/configuration.php",      /* Joomla */
	"/settings.php",           /* Drupal, TYPO3 */
	"/LocalConfiguration.php", /* TYPO3 */
	"/.env",                   /* Laravel, Symfony */
	"/config/config.php",      /* Nextcloud */
	"/config/parameters.php",  /* PrestaShop */
	"/.user.ini",
};

static bool is_settings(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		if (str_has_suffix(str_of(path), str_of(settings[i]))) {
			return true;
		}
	}
	return false;
}

/* Folders that hold no settings, and much else. */
static bool is_dull(const char *name)
{
	static const char *const names[] = {"node_modules", "vendor",  "wp-includes", "wp-content",
					    "wp-admin",     "uploads", "cache",       "images",
					    "media",        "assets",  "tmp"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			return true;
		}
	}
	return name[0] == '.';
}

/* A folder still to be looked into, by its path below the site's, opened part by part without
 * following a link: so many descriptors would be too many. */
struct folder {
	char *path;
	unsigned depth;
};

struct site_walk {
	struct path_look *l;
	struct jail jail;    /* the folder of the site */
	const char *root;    /* its path */
	struct folder *open; /* PATH_FOLDERS_MAX */
	size_t count;
	uint64_t *seen; /* device and number of what was looked into; SEEN_SIZE, 0 is free */
	size_t seen_count;
};

static void push(struct site_walk *w, const char *dir, const char *name, unsigned depth)
{
	char path[JAIL_PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s%s%s", dir, dir[0] != '\0' ? "/" : "", name);
	bool fits = n >= 0 && (size_t)n < sizeof(path) && w->count < PATH_FOLDERS_MAX;
	char *copy = fits ? strdup(path) : NULL;

	if (copy == NULL) {
		w->l->report->left_out++;
		return;
	}
	w->open[w->count++] = (struct folder){.path = copy, .depth = depth};
}

/* @return false: it was there before, or there is no room for more. */
static bool is_new(struct site_walk *w, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return false;
	}
	uint64_t key = (uint64_t)st.st_dev * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)st.st_ino;
	key = key == 0 ? 1 : key;
	size_t at = (size_t)(key * UINT64_C(0xd6e8feb86659fd93) >> 32) % SEEN_SIZE;
	while (w->seen[at] != 0 && w->seen[at] != key) {
		at = (at + 1) % SEEN_SIZE;
	}
	if (w->seen[at] == key) {
		return false;
	}
	if (w->seen_count == PATH_FOLDERS_MAX) {
		w->l->report->left_out++;
		return false;
	}
	w->seen[at] = key;
	w->seen_count++;
	return true;
}

static void take_name(struct site_walk *w, int fd, const struct folder *f, const struct dirent *e)
{
	char path[JAIL_PATH_MAX];
	struct buf text;

	int n = snprintf(path, sizeof(path), "%s%s%s/%s", w->root, f->path[0] != '\0' ? "/" : "",
			 f->path, e->d_name);
	bool fits = n > 0 && (size_t)n < sizeof(path);
	if (e->d_type == DT_DIR && f->depth < PATH_DEPTH_MAX && !is_dull(e->d_name)) {
		push(w, f->path, e->d_name, f->depth + 1);
	}
	if (e->d_type == DT_DIR || e->d_type == DT_LNK || !fits || !is_settings(path)) {
		return;
	}
	buf_init(&text, PATH_FILE_MAX);
	if (jail_read_at(fd, e->d_name, &text) < 0) {
		w->l->report->unread++;
	} else {
		path_take_site_file(w->l, e->d_name, path, buf_str(&text));
	}
	buf_done(&text);
}

static void look_into(struct site_walk *w, const struct folder *f)
{
	int fd = jail_open_dir_plain(&w->jail, f->path);
	/* readdir's own descriptor; `fd` stays for opening files. */
	int copy = fd < 0 || !is_new(w, fd) ? -1
					    : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;

	w->l->report->folders += d != NULL ? 1 : 0;
	for (size_t n = 0; d != NULL && (e = readdir(d)) != NULL; n++) {
		if (n == PATH_NAMES_MAX) {
			w->l->report->left_out++;
			break;
		}
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			take_name(w, fd, f, e);
		}
	}
	if (d != NULL) {
		closedir(d);
	} else {
		fd_close(&copy);
	}
	fd_close(&fd);
}

/* A site's folder itself may be reached over links; what is in it is not. */
static void look_at_site(struct site_walk *w, const char *root, unsigned depth)
{
	w->root = root;
	w->jail.root = jail_open_dir(&w->l->jail, root);
	if (w->jail.root < 0) {
		return;
	}
	push(w, "", "", depth);
	while (w->count > 0) {
		struct folder f = w->open[--w->count];
		look_into(w, &f);
		free(f.path);
	}
	jail_close(&w->jail);
}

/* WordPress and Laravel keep their settings beside the folder that the web server shows. */
static void look_above(struct site_walk *w, const char *root)
{
	char path[JAIL_PATH_MAX];

	(void)str_copy(path, sizeof(path), str_of(root));
	char *slash = strrchr(path, '/');
	if (slash != NULL && slash > path) {
		*slash = '\0';
		look_at_site(w, path, PATH_DEPTH_MAX);
	}
}

void path_look_sites(struct path_look *l)
{
	struct site_look s = {.look = *l};
	struct site_walk w = {
		.l = l,
		.open = calloc(PATH_FOLDERS_MAX, sizeof(*w.open)),
		.seen = calloc(SEEN_SIZE, sizeof(*w.seen)),
	};

	s.roots.paths = calloc(ROOTS_MAX, sizeof(*s.roots.paths));
	if (s.roots.paths != NULL && w.open != NULL && w.seen != NULL) {
		find_roots(&s.look);
		if (s.roots.count > 1) {
			qsort(s.roots.paths, s.roots.count, sizeof(s.roots.paths[0]), by_text);
		}
		/* The inner ones first: a folder is looked into once, from the nearest site. */
		for (size_t i = s.roots.count; i > 0; i--) {
			look_at_site(&w, s.roots.paths[i - 1], 0);
		}
		for (size_t i = s.roots.count; i > 0; i--) {
			look_above(&w, s.roots.paths[i - 1]);
		}
	}
	for (size_t i = 0; i < s.roots.count; i++) {
		free(s.roots.paths[i]);
	}
	free(s.roots.paths);
	free(w.open);
	free(w.seen);
}

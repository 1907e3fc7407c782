/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path: what the parts share, and what a finding means. Layer: doctor.
 */
#include "doctor/path_inside.h"

#include "base/assert.h"
#include "base/num.h"
#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

struct path_item *path_item_add(struct path_look *l, const char *what, const char *file,
				enum path_way way)
{
	struct path_report *r = l->report;

	if (r->count == PATH_ITEMS_MAX) {
		r->left_out++;
		return NULL;
	}
	struct path_item *i = &r->items[r->count++];
	*i = (struct path_item){.what = what, .way = way, .login = -1};
	(void)str_copy(i->file, sizeof(i->file), str_of(file));
	return i;
}

uint16_t path_port(struct str text, uint16_t other)
{
	uint64_t v = 0;

	return num_parse_u64(str_trim(text), 65535, &v) == 0 && v > 0 ? (uint16_t)v : other;
}

static bool is_this_machine(struct str host)
{
	return host.len == 0 || str_is_equal_nocase(host, STR("localhost")) ||
	       str_has_prefix(host, STR("127.")) || str_is_equal(host, STR("::1"));
}

/* Only what a host's name is made of: a password that stands there by mistake is not shown. */
static void keep_host(struct path_item *i, struct str host)
{
	for (size_t k = 0; k < host.len; k++) {
		char c = host.ptr[k];
		bool fits = char_is_alpha(c) || char_is_digit(c) || strchr(".-_:", c) != NULL;
		if (!fits || c == '\0') {
			i->note = "the host's name could not be read";
			return;
		}
	}
	(void)str_copy(i->host, sizeof(i->host), host);
}

void path_set_relay(struct path_item *i, struct str text, uint16_t port)
{
	struct str host = str_trim(text);
	size_t scheme = str_find(host, STR("://"));

	if (i == NULL) {
		return;
	}
	if (scheme < host.len) {
		bool is_tls = str_has_prefix_nocase(host, STR("ssl://")) ||
			      str_has_prefix_nocase(host, STR("smtps://"));
		port = is_tls && port == 25 ? 465 : port;
		host = str_skip(host, scheme + 3);
	}
	size_t at = host.len;
	for (size_t k = 0; k < host.len; k++) {
		at = host.ptr[k] == '@' ? k : at; /* user:password@host */
	}
	if (at < host.len) {
		i->login = 1;
		host = str_skip(host, at + 1);
	}
	host = str_take_until(&host, '/');
	if (host.len > 0 && host.ptr[0] == '[') {
		host = str_skip(host, 1);
		struct str inner = str_take_until(&host, ']');
		port = host.len > 1 && host.ptr[0] == ':' ? path_port(str_skip(host, 1), port)
							  : port;
		host = inner;
	} else if (str_find_char(host, ':') < host.len) {
		struct str rest = host;
		struct str name = str_take_until(&rest, ':');
		if (str_find_char(rest, ':') == rest.len) { /* else an IPv6 address */
			port = path_port(rest, port);
			host = name;
		}
	}
	i->port = port;
	i->way = is_this_machine(host) ? PATH_WAY_LOCAL : PATH_WAY_RELAY;
	keep_host(i, host);
}

bool path_read(struct path_look *l, const char *file, struct buf *ret)
{
	buf_init(ret, PATH_FILE_MAX);
	int r = jail_read(&l->jail, file, ret);

	if (r < 0) {
		l->report->unread += r != -ENOENT && r != -ENOTDIR ? 1 : 0;
		buf_done(ret);
	}
	return r == 0;
}

void path_each(struct path_look *l, const char *dir, const char *pattern, path_file_fn *fn)
{
	char path[JAIL_PATH_MAX];
	int fd = jail_open_dir(&l->jail, dir);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct buf text;

	if (d == NULL) {
		fd_close(&fd);
		return;
	}
	for (size_t n = 0; (e = readdir(d)) != NULL; n++) {
		if (n == PATH_NAMES_MAX) {
			l->report->left_out++;
			break;
		}
		int len = snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] == '.' || fnmatch(pattern, e->d_name, 0) != 0 || len < 0 ||
		    (size_t)len >= sizeof(path) || !path_read(l, path, &text)) {
			continue;
		}
		fn(l, path, buf_str(&text));
		buf_done(&text);
	}
	closedir(d);
}

void path_each_dir(struct path_look *l, const char *dir, path_name_fn *fn)
{
	char path[JAIL_PATH_MAX];
	int fd = jail_open_dir(&l->jail, dir);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (d == NULL) {
		fd_close(&fd);
		return;
	}
	for (size_t n = 0; (e = readdir(d)) != NULL; n++) {
		if (n == PATH_NAMES_MAX) {
			l->report->left_out++;
			break;
		}
		int len = snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		bool is_dir = e->d_type == DT_DIR || e->d_type == DT_LNK || e->d_type == DT_UNKNOWN;
		if (e->d_name[0] != '.' && is_dir && len > 0 && (size_t)len < sizeof(path)) {
			fn(l, path);
		}
	}
	closedir(d);
}

struct str path_setting(struct str text, struct str key)
{
	struct str found = STR_EMPTY;

	while (text.len > 0) {
		struct str line = str_trim(str_take_until(&text, '\n'));
		if (!str_has_prefix_nocase(line, key)) {
			continue;
		}
		struct str value = str_skip(line, key.len);
		if (value.len > 0 && value.ptr[0] != ' ' && value.ptr[0] != '\t' &&
		    value.ptr[0] != '=') {
			continue; /* a longer key */
		}
		value = str_trim(value);
		if (value.len > 0 && value.ptr[0] == '=') {
			value = str_trim(str_skip(value, 1));
		}
		if (value.len >= 2 && (value.ptr[0] == '"' || value.ptr[0] == '\'') &&
		    value.ptr[value.len - 1] == value.ptr[0]) {
			value = (struct str){value.ptr + 1, value.len - 2};
		}
		found = value.ptr != NULL ? value : STR("");
	}
	return found;
}

int path_look(const char *root, struct path_report *ret)
{
	struct path_look l = {.report = ret};
	int r = jail_open(&l.jail, root);

	*ret = (struct path_report){.count = 0};
	if (r < 0) {
		return r;
	}
	ret->items = calloc(PATH_ITEMS_MAX, sizeof(*ret->items));
	if (ret->items == NULL) {
		jail_close(&l.jail);
		return -ENOMEM;
	}
	path_look_mta(&l);
	path_look_php(&l);
	path_look_sites(&l);
	jail_close(&l.jail);
	return 0;
}

void path_done(struct path_report *r)
{
	free(r->items);
	*r = (struct path_report){0};
}

int path_breaks(const struct path_item *i)
{
	switch (i->way) {
	case PATH_WAY_DIRECT:
		return 1;
	case PATH_WAY_RELAY:
		return i->port == 25 ? 1 : 0;
	case PATH_WAY_LOCAL:
	case PATH_WAY_NONE:
		return 0;
	case PATH_WAY_UNKNOWN:
	case PATH_WAY_COUNT:
		return -1;
	}
	return -1;
}

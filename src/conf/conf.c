/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf: files in, policy out. Layer: conf.
 */
#include "conf/conf.h"

#include "base/assert.h"
#include "conf/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

#define CONF_D "conf.d"

static int read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0) {
		return -errno;
	}
	for (;;) {
		char *at = buf_reserve(out, 65536);
		if (at == NULL) {
			r = -EFBIG;
			break;
		}
		ssize_t n = read(fd, at, 65536);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			r = n < 0 ? -errno : 0;
			break;
		}
		out->len += (size_t)n;
	}
	close(fd);
	return r;
}

/* @return 0 also when the file was read and is bad; all that is wrong is in the report. */
static int load_file(struct conf_loader *l, const char *path)
{
	struct buf text;

	buf_init(&text, CONF_FILE_BYTES_MAX);
	int r = read_file(path, &text);
	if (r < 0) {
		struct conf_place at = {conf_report_file(l->report, path), 0, 0};
		conf_error(l->report, at, "cannot be read: %s",
			   r == -EFBIG ? "too large" : strerror(-r));
	} else {
		conf_load_file_text(l, buf_str(&text), path);
	}
	buf_done(&text);
	return r;
}

static int is_yaml(const struct dirent *e)
{
	return e->d_name[0] != '.' && str_has_suffix(str_of(e->d_name), STR(".yaml")) ? 1 : 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_conf_d(struct conf_loader *l, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct dirent **names = NULL;
	struct buf dir;

	buf_init(&dir, 4096);
	if (slash != NULL) {
		buf_add(&dir, (struct str){path, (size_t)(slash - path) + 1});
	}
	buf_add_cstr(&dir, CONF_D);
	const char *dir_text = buf_cstr(&dir);
	int n = dir_text == NULL ? -1 : scandir(dir_text, &names, is_yaml, by_bytes);
	if (n < 0 && errno != ENOENT && errno != ENOTDIR) {
		struct conf_place at = {
			conf_report_file(l->report, dir_text != NULL ? dir_text : path), 0, 0};
		conf_error(l->report, at, "cannot be read: %s", strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		struct buf shown;
		buf_init(&shown, 8192);
		buf_printf(&shown, "%s/%s", dir_text, names[i]->d_name);
		const char *file = buf_cstr(&shown);
		if (file != NULL) {
			load_file(l, file); /* a bad one is in the report; go on with the others */
		}
		buf_done(&shown);
		free(names[i]);
	}
	free(names);
	buf_done(&dir);
}

/* What this machine lacks: the daemon starts without it, and says so. */
static void check_machine(const struct conf_loader *l)
{
	const struct policy *p = l->policy;
	const struct conf_row *interfaces = conf_find_row(&conf_network_map, STR("interfaces"));

	if (p->network_count == 0) {
		conf_warn(l->report, (struct conf_place){0}, "no networks: nothing is watched");
	}
	for (size_t i = 0; i < l->mark_count; i++) {
		const struct conf_mark *m = &l->marks[i];
		if (m->row != interfaces || m->index[0] >= p->network_count ||
		    m->index[1] >= p->networks[m->index[0]].interface_count) {
			continue;
		}
		const char *name = p->networks[m->index[0]].interfaces[m->index[1]];
		if (if_nametoindex(name) == 0) {
			conf_warn(l->report, m->at, "this machine has no interface '%s'", name);
		}
	}
}

static int finish(struct conf_loader *l, int r, struct policy **ret_policy)
{
	if (r == 0) {
		conf_check(l);
	}
	free(l->marks);
	if (r == 0 && conf_report_errors(l->report) > 0) {
		r = -EINVAL;
	}
	if (r < 0) {
		policy_free(l->policy);
		return r;
	}
	*ret_policy = l->policy;
	return 0;
}

static int start(struct conf_loader *l, struct conf_report *report)
{
	*l = (struct conf_loader){.policy = policy_new(), .report = report};
	if (l->policy == NULL) {
		conf_error(report, (struct conf_place){0}, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

int conf_load(const char *path, struct conf_report *report, struct policy **ret_policy)
{
	struct conf_loader l;
	int r = start(&l, report);

	if (r == 0) {
		r = load_file(&l, path);
	}
	if (r == 0) {
		load_conf_d(&l, path);
		check_machine(&l);
	}
	return finish(&l, r, ret_policy);
}

int conf_load_text(struct str text, const char *name, struct conf_report *report,
		   struct policy **ret_policy)
{
	struct conf_loader l;
	int r = start(&l, report);

	if (r == 0) {
		conf_load_file_text(&l, text, name);
	}
	return finish(&l, r, ret_policy);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folders: where each process keeps its files. Layer: daemon.
 */
#include "daemon/parent/folders.h"

#include "base/str.h"
#include "daemon/child.h"
#include "sys/files.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

int folders_make_state(const struct policy *p, struct errmsg *reterr)
{
	return file_make_path(p->state_dir, reterr);
}

static int make_for(const struct policy *p, const struct child_spec *spec, struct errmsg *reterr)
{
	char path[PATH_MAX];
	const struct passwd *pw = getpwnam(spec->user);

	if (pw == NULL) {
		return err_set(reterr, -ENOENT,
			       "no system user '%s': run systemd-sysusers with "
			       "etc/sysusers.d/postern.conf, or "
			       "'useradd --system --user-group --no-create-home --shell "
			       "/usr/sbin/nologin %s'",
			       spec->user, spec->user);
	}
	int n = snprintf(path, sizeof(path), "%s/%s", p->state_dir, spec->name);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return err_set(reterr, -ENAMETOOLONG, "state_dir is too long");
	}
	return file_make_dir(path, pw->pw_uid, pw->pw_gid, 0700, reterr);
}

/* The socket itself has the owner and mode that count: its folder may be somebody else's. */
static int make_socket_folder(const struct policy *p, struct errmsg *reterr)
{
	char path[PATH_MAX];
	const char *slash = p->listen_socket == NULL ? NULL : strrchr(p->listen_socket, '/');

	if (slash == NULL || slash == p->listen_socket) {
		return 0;
	}
	if (!str_copy(path, sizeof(path),
		      (struct str){p->listen_socket, (size_t)(slash - p->listen_socket)})) {
		return err_set(reterr, -ENAMETOOLONG, "listen.socket is too long");
	}
	return file_make_path(path, reterr);
}

int folders_make(const struct policy *p, struct errmsg *reterr)
{
	static const struct child_spec *const specs[] = {&tap_child, &judge_child, &gate_child,
							 &desk_child};
	int r = 0;

	for (size_t i = 0; i < COUNT_OF(specs) && r == 0; i++) {
		r = make_for(p, specs[i], reterr);
	}
	return r < 0 ? r : make_socket_folder(p, reterr);
}

#define FIRST_TOKEN_MAX 64

int folders_put_first_token(const struct policy *p, struct str text, struct errmsg *reterr)
{
	char path[PATH_MAX];
	char line[FIRST_TOKEN_MAX + 2];

	int n = snprintf(path, sizeof(path), "%s/first-token", p->state_dir);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return err_set(reterr, -ENAMETOOLONG, "state_dir is too long");
	}
	if (text.len == 0) {
		return unlink(path) < 0 && errno != ENOENT
			       ? err_set(reterr, -errno, "cannot remove %s: %s", path,
					 strerror(errno))
			       : 0;
	}
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (text.len > FIRST_TOKEN_MAX ||
		    (!char_is_alpha(c) && !char_is_digit(c) && c != '_' && c != '-')) {
			return err_set(reterr, -EBADMSG, "that is no token");
		}
	}
	n = snprintf(line, sizeof(line), "%.*s\n", STR_ARG(text));
	return file_write(path, (struct str){line, (size_t)n}, 0600, reterr);
}

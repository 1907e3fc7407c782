/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: giving up privileges, layer by layer. Layer: sys.
 */
#include "sys/sandbox.h"

#include "base/assert.h"
#include "sys/fd.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/poison.h"

const char *sandbox_layer_name(enum sandbox_layer layer)
{
	switch (layer) {
	case SANDBOX_USER:
		return "user";
	case SANDBOX_CAPABILITIES:
		return "capabilities";
	case SANDBOX_NO_NEW_PRIVS:
		return "no_new_privs";
	case SANDBOX_LANDLOCK:
		return "landlock";
	case SANDBOX_SECCOMP:
		return "seccomp";
	case SANDBOX_ALL:
		return "all";
	}
	return "unknown";
}

/* Group, user and capabilities in the only order that works: a user without CAP_SETGID could not
 * change its group any more. */
static int drop_user(const struct sandbox *s, struct errmsg *reterr)
{
	const struct passwd *pw = getpwnam(s->user);

	if (pw == NULL) {
		return err_set(reterr, -ENOENT,
			       "no system user '%s': create it as etc/sysusers.d/postern.conf says",
			       s->user);
	}
	capng_clear(CAPNG_SELECT_BOTH);
	unsigned types = CAPNG_EFFECTIVE | CAPNG_PERMITTED;
	if ((s->caps & SANDBOX_CAP_NET_ADMIN) != 0) {
		(void)capng_update(CAPNG_ADD, (capng_type_t)types, CAP_NET_ADMIN);
	}
	if ((s->caps & SANDBOX_CAP_NET_RAW) != 0) {
		(void)capng_update(CAPNG_ADD, (capng_type_t)types, CAP_NET_RAW);
	}
	int r = capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
				(capng_flags_t)(CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
	if (r != 0) {
		return err_set(reterr, -EPERM, "cannot become user '%s' (step %d): start as root",
			       s->user, r);
	}
	return 0;
}

static int add_rule(int ruleset, const char *path, uint64_t access, bool must_exist)
{
	struct stat st;
	int r = 0;
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0) {
		return must_exist ? -errno : 0;
	}
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode)) {
		/* The rights about folders do not go with a file. */
		access &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE;
	}
	struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0) {
		r = -errno;
	}
	fd_close(&fd);
	return r;
}

/* All rights of the first ABI: every file access that is not named below is refused. */
#define ACCESS_ALL UINT64_C(0x1FFF)
#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define ACCESS_WRITE                                                                               \
	(ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |            \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                             \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK)

static int enter_landlock(const struct sandbox *s)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = ACCESS_ALL};
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	int r = 0;

	if (ruleset < 0) {
		return -errno;
	}
	for (size_t i = 0; i < SANDBOX_PATHS_MAX && s->writable[i] != NULL && r == 0; i++) {
		r = add_rule(ruleset, s->writable[i], ACCESS_WRITE, true);
	}
	for (size_t i = 0; i < SANDBOX_PATHS_MAX && s->readable[i] != NULL && r == 0; i++) {
		r = add_rule(ruleset, s->readable[i], ACCESS_READ, false);
	}
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0) {
		r = -errno;
	}
	fd_close(&ruleset);
	return r;
}

/* A layer that failed: the end, or a gap that is reported. */
static int settle(const struct sandbox *s, enum sandbox_layer layer, int r, unsigned *layers,
		  struct errmsg *reterr)
{
	if (r == 0) {
		*layers |= layer;
		return 0;
	}
	if (!s->required) {
		return 0;
	}
	return err_set(reterr, r,
		       "the sandbox layer %s cannot be had (%s); 'sandbox: best' in the "
		       "configuration does without",
		       sandbox_layer_name(layer), strerror(-r));
}

int sandbox_enter(const struct sandbox *s, unsigned *ret_layers, struct errmsg *reterr)
{
	unsigned layers = 0;
	int r = drop_user(s, reterr);

	if (r < 0) {
		return r;
	}
	layers |= SANDBOX_USER | SANDBOX_CAPABILITIES;
	r = settle(s, SANDBOX_NO_NEW_PRIVS, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0,
		   &layers, reterr);
	if (r == 0) {
		r = settle(s, SANDBOX_LANDLOCK, enter_landlock(s), &layers, reterr);
	}
	if (r == 0) {
		r = settle(s, SANDBOX_SECCOMP, sandbox_filter_syscalls(s->profile), &layers,
			   reterr);
	}
	if (r == 0) {
		*ret_layers = layers;
	}
	return r;
}

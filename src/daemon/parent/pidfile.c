/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pidfile: the lock of a state folder. Layer: daemon.
 */
#include "daemon/parent/pidfile.h"

#include "base/str.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/poison.h"

static int refuse_second(int fd, const char *path, struct errmsg *reterr)
{
	char number[32];
	ssize_t n = pread(fd, number, sizeof(number), 0);
	struct str pid = str_trim((struct str){number, n > 0 ? (size_t)n : 0});

	return err_set(reterr, -EEXIST, "posternd runs already (process %.*s holds %s)",
		       STR_ARG(pid), path);
}

int pidfile_take(const char *state_dir, int *ret_fd, struct errmsg *reterr)
{
	char path[PATH_MAX];
	int r;

	int n = snprintf(path, sizeof(path), "%s/posternd.pid", state_dir);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		return err_set(reterr, -ENAMETOOLONG, "state_dir is too long");
	}
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		r = -errno;
		return err_set(reterr, r, "cannot write %s: %s", path, strerror(-r));
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = refuse_second(fd, path, reterr);
		goto out;
	}
	r = pidfile_update(fd);
	if (r < 0) {
		err_set(reterr, r, "cannot write %s: %s", path, strerror(-r));
		goto out;
	}
	*ret_fd = fd_move(&fd);
out:
	fd_close(&fd);
	return r;
}

int pidfile_update(int fd)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		return -errno;
	}
	return file_write_all(fd, (struct str){text, (size_t)n});
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files: whole files. Layer: sys.
 */
#include "sys/files.h"

#include "base/assert.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

#define READ_PIECE 65536

int file_read(const char *path, struct buf *ret, struct errmsg *reterr)
{
	int r = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		r = -errno;
		return err_set(reterr, r, "cannot open %s: %s", path, strerror(-r));
	}
	do {
		size_t room = ret->max - ret->len;
		char *at = buf_reserve(ret, room < READ_PIECE ? room : READ_PIECE);
		if (room == 0 || at == NULL) {
			char one;
			bool at_end = ret->err == 0 && read(fd, &one, 1) == 0;
			r = at_end ? 0
				   : err_set(reterr, ret->err != 0 ? ret->err : -EMSGSIZE,
					     "%s is larger than %zu octets", path, ret->max);
			break;
		}
		n = read(fd, at, room < READ_PIECE ? room : READ_PIECE);
		if (n > 0) {
			ret->len += (size_t)n;
		} else if (n < 0 && errno != EINTR) {
			r = -errno;
			err_set(reterr, r, "cannot read %s: %s", path, strerror(-r));
		}
	} while (r == 0 && n != 0);
	fd_close(&fd);
	return r;
}

int file_write_all(int fd, struct str content)
{
	while (content.len > 0) {
		ssize_t n = write(fd, content.ptr, content.len);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		content = str_skip(content, (size_t)n);
	}
	return 0;
}

static int sync_folder_of(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct str name = slash == NULL ? STR(".") : (struct str){path, (size_t)(slash - path)};

	if (slash == path) {
		name = STR("/");
	}
	if (!str_copy(folder, sizeof(folder), name)) {
		return -ENAMETOOLONG;
	}
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	int r = fsync(fd) < 0 ? -errno : 0;
	fd_close(&fd);
	return r;
}

int file_write(const char *path, struct str content, mode_t mode, struct errmsg *reterr)
{
	char temporary[PATH_MAX];
	int r;

	int n = snprintf(temporary, sizeof(temporary), "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof(temporary)) {
		return err_set(reterr, -ENAMETOOLONG, "the path %s is too long", path);
	}
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0) {
		r = -errno;
		return err_set(reterr, r, "cannot write %s: %s", temporary, strerror(-r));
	}
	r = fchmod(fd, mode) < 0 ? -errno : file_write_all(fd, content);
	if (r == 0 && fsync(fd) < 0) {
		r = -errno;
	}
	fd_close(&fd);
	if (r == 0 && rename(temporary, path) < 0) {
		r = -errno;
	}
	if (r == 0) {
		r = sync_folder_of(path);
	}
	if (r < 0) {
		err_set(reterr, r, "cannot write %s: %s", path, strerror(-r));
		(void)unlink(temporary);
	}
	return r;
}

int file_make_dir(const char *path, uid_t uid, gid_t gid, mode_t mode, struct errmsg *reterr)
{
	int r = 0;
	int fd = -1;

	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		r = -errno;
	}
	if (r == 0) {
		/* By descriptor, and no link: the folder above may not be ours alone. */
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0) {
			r = -errno;
		}
		fd_close(&fd);
	}
	return r == 0 ? 0 : err_set(reterr, r, "cannot make the folder %s: %s", path, strerror(-r));
}

int file_make_path(const char *path, struct errmsg *reterr)
{
	char partial[PATH_MAX];

	if (!str_copy(partial, sizeof(partial), str_of(path))) {
		return err_set(reterr, -ENAMETOOLONG, "the path %s is too long", path);
	}
	for (char *at = partial + 1; at[-1] != '\0'; at++) {
		if (*at != '/' && *at != '\0') {
			continue;
		}
		char kept = *at;
		*at = '\0';
		if (mkdir(partial, 0755) < 0 && errno != EEXIST) {
			int r = -errno;
			return err_set(reterr, r, "cannot make the folder %s: %s", partial,
				       strerror(-r));
		}
		*at = kept;
		if (kept == '\0') {
			break;
		}
	}
	return 0;
}

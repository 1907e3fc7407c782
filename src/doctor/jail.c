/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail: paths resolved by the kernel (openat2, since Linux 5.6), or by hand, a part at a time, each
 * opened without following it: EL8 has 4.18. Layer: doctor.
 */
#include "doctor/jail.h"

#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/poison.h"

#define PIECE ((size_t)64 << 10)

int jail_open(struct jail *j, const char *root)
{
	j->is_by_hand = false;
	j->root = open(root[0] == '\0' ? "/" : root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return j->root < 0 ? -errno : 0;
}

void jail_close(struct jail *j)
{
	fd_close(&j->root);
}

/* What is left to be walked, and what was walked: names without a link among them. */
struct walk {
	char left[JAIL_PATH_MAX];
	char done[JAIL_PATH_MAX];
	size_t ends[JAIL_PARTS_MAX]; /* length of `done` before each part */
	size_t parts;
	unsigned links;
};

/* Open what was walked. @return A descriptor, or a negative errno. */
static int open_done(const struct jail *j, const char *done, int flags)
{
	char part[NAME_MAX + 1];
	struct str rest = str_of(done);
	int fd = openat(j->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && rest.len > 0) {
		bool fits = str_copy(part, sizeof(part), str_take_until(&rest, '/'));
		int how = rest.len > 0 ? O_PATH | O_DIRECTORY : flags;
		int next = fits ? openat(fd, part, how | O_NOFOLLOW | O_CLOEXEC) : -1;
		int r = fits ? -errno : -ENAMETOOLONG;
		fd_close(&fd);
		if (next < 0) {
			return r;
		}
		fd = next;
	}
	if (fd >= 0 && done[0] == '\0' && (flags & O_PATH) == 0) {
		int next = openat(fd, ".", flags | O_CLOEXEC);
		fd_close(&fd);
		fd = next;
	}
	return fd < 0 ? -errno : fd;
}

static void step_up(struct walk *w)
{
	if (w->parts > 0) {
		w->done[w->ends[--w->parts]] = '\0';
	}
}

static int step_down(struct walk *w, struct str part)
{
	size_t len = strlen(w->done);

	if (w->parts == JAIL_PARTS_MAX || len + part.len + 2 > sizeof(w->done)) {
		return -ENAMETOOLONG;
	}
	w->ends[w->parts++] = len;
	if (len > 0) {
		w->done[len++] = '/';
	}
	(void)str_copy(w->done + len, sizeof(w->done) - len, part);
	return 0;
}

/* Put a link's target before what is left. */
static int follow(struct walk *w, struct str target, struct str rest)
{
	struct buf path;

	if (++w->links > JAIL_LINKS_MAX) {
		return -ELOOP;
	}
	while (target.len > 0 && target.ptr[0] == '/' && w->parts > 0) {
		step_up(w);
	}
	buf_init(&path, sizeof(w->left) - 1);
	buf_add(&path, target);
	buf_add_char(&path, '/');
	buf_add(&path, rest);
	int r = buf_end(&path) < 0 ? -ENAMETOOLONG : 0;
	if (r == 0) {
		(void)str_copy(w->left, sizeof(w->left), buf_str(&path));
	}
	buf_done(&path);
	return r;
}

/* One part of the path. @return 1: go on; 0: all is walked; or a negative errno. */
static int step(const struct jail *j, struct walk *w)
{
	char target[JAIL_PATH_MAX];
	char name[NAME_MAX + 1];
	struct str rest = str_of(w->left);
	struct str part = str_take_until(&rest, '/');
	int r = 1;

	if (w->left[0] == '\0') {
		return 0;
	}
	if (str_is_equal(part, STR(".."))) {
		step_up(w);
	} else if (part.len > 0 && !str_is_equal(part, STR("."))) {
		if (!str_copy(name, sizeof(name), part)) {
			return -ENAMETOOLONG;
		}
		int dir = open_done(j, w->done, O_PATH | O_DIRECTORY);
		if (dir < 0) {
			return dir;
		}
		ssize_t n = readlinkat(dir, name, target, sizeof(target));
		int e = errno;
		fd_close(&dir);
		if (n >= 0) {
			r = follow(w, (struct str){target, (size_t)n}, rest);
			return r < 0 ? r : 1;
		}
		if (e != EINVAL) {
			return -e;
		}
		r = step_down(w, part);
	}
	if (r < 0) {
		return r;
	}
	memmove(w->left, w->left + (strlen(w->left) - rest.len), rest.len + 1);
	return 1;
}

static int open_by_hand(const struct jail *j, const char *path, int flags)
{
	struct walk w = {.parts = 0};
	int r;

	if (!str_copy(w.left, sizeof(w.left), str_of(path))) {
		return -ENAMETOOLONG;
	}
	do {
		r = step(j, &w);
	} while (r > 0);
	return r < 0 ? r : open_done(j, w.done, flags);
}

/* As in linux/openat2.h, which older systems do not have. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define IN_ROOT UINT64_C(0x10)

struct how {
	uint64_t flags;
	uint64_t mode;
	uint64_t resolve;
};

/* @return A descriptor; -ENOSYS: not by the kernel; or another negative errno. */
static int open_by_kernel(const struct jail *j, const char *path, int flags)
{
	struct how how = {.flags = (uint64_t)(unsigned)flags | O_CLOEXEC, .resolve = IN_ROOT};
	int fd = (int)syscall(SYS_openat2, j->root, path[0] == '\0' ? "." : path, &how,
			      sizeof(how));

	if (fd >= 0) {
		return fd;
	}
	/* An older kernel; a filter of system calls around us; a rename on the way. */
	return errno == EPERM || errno == EAGAIN ? -ENOSYS : -errno;
}

static int open_path(const struct jail *j, const char *path, int flags)
{
	int fd = j->is_by_hand ? -ENOSYS : open_by_kernel(j, path, flags);

	return fd == -ENOSYS ? open_by_hand(j, path, flags) : fd;
}

int jail_open_dir(const struct jail *j, const char *path)
{
	return open_path(j, path, O_RDONLY | O_DIRECTORY);
}

int jail_open_dir_plain(const struct jail *j, const char *path)
{
	return open_done(j, path, O_RDONLY | O_DIRECTORY);
}

/* Takes the descriptor over. */
static int read_all(int fd, struct buf *ret)
{
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? 1 : -EINVAL;

	while (r > 0) {
		size_t room = ret->max - ret->len;
		char last; /* when all is full: is there more? */
		char *at = room == 0 ? &last : buf_reserve(ret, room < PIECE ? room : PIECE);
		size_t size = room == 0 ? 1 : room < PIECE ? room : PIECE;
		ssize_t n = at == NULL ? -1 : read(fd, at, size);
		if (at == NULL) {
			r = ret->err;
		} else if (n < 0) {
			r = errno == EINTR ? 1 : -errno;
		} else if (n > 0 && room == 0) {
			r = -EMSGSIZE;
		} else {
			ret->len += (size_t)n;
			r = n > 0 ? 1 : 0;
		}
	}
	fd_close(&fd);
	return r;
}

int jail_open_file(const struct jail *j, const char *path)
{
	struct stat st;
	int fd = open_path(j, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		fd_close(&fd);
		return -EINVAL;
	}
	return fd;
}

int jail_read(const struct jail *j, const char *path, struct buf *ret)
{
	int fd = open_path(j, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? fd : read_all(fd, ret);
}

int jail_read_at(int dir, const char *name, struct buf *ret)
{
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : read_all(fd, ret);
}

bool jail_has(const struct jail *j, const char *path)
{
	int fd = open_path(j, path, O_PATH);

	if (fd < 0) {
		return false;
	}
	fd_close(&fd);
	return true;
}

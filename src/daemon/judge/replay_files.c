/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_files: a ring of files. Layer: daemon.
 */
#include "daemon/judge/replay_files.h"

#include "base/num.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

#define SUFFIX ".replay"
#define FILE_MODE 0600

static bool number_of(const char *name, uint64_t *ret)
{
	struct str s = str_of(name);

	return str_has_suffix(s, STR(SUFFIX)) &&
	       num_parse_u64(str_head(s, s.len - sizeof(SUFFIX) + 1), REPLAY_FILES_MAX - 1, ret) ==
		       0;
}

/* After the file that was written last. */
static void find_next(struct replay_files *f, DIR *dir)
{
	struct timespec newest = {.tv_sec = -1};
	struct stat st;
	uint64_t n;

	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		if (!number_of(e->d_name, &n) || fstatat(dirfd(dir), e->d_name, &st, 0) < 0) {
			continue;
		}
		if (st.st_mtim.tv_sec > newest.tv_sec ||
		    (st.st_mtim.tv_sec == newest.tv_sec && st.st_mtim.tv_nsec > newest.tv_nsec)) {
			newest = st.st_mtim;
			f->next = (uint32_t)(n + 1) % REPLAY_FILES_MAX;
		}
	}
}

int replay_files_init(struct replay_files *f, const char *state_dir, struct errmsg *reterr)
{
	int n = snprintf(f->folder, sizeof(f->folder), "%s/replay", state_dir);

	f->next = 0;
	if (n < 0 || (size_t)n >= sizeof(f->folder)) {
		return err_set(reterr, -ENAMETOOLONG, "state_dir is too long");
	}
	if (mkdir(f->folder, 0700) < 0 && errno != EEXIST) {
		int r = -errno;
		return err_set(reterr, r, "cannot make %s: %s", f->folder, strerror(-r));
	}
	DIR *dir = opendir(f->folder);
	if (dir == NULL) {
		int r = -errno;
		return err_set(reterr, r, "cannot read %s: %s", f->folder, strerror(-r));
	}
	find_next(f, dir);
	closedir(dir);
	return 0;
}

int replay_files_add(struct replay_files *f, struct str content)
{
	char path[PATH_MAX];
	char path_new[PATH_MAX];
	int r = 0;

	snprintf(path, sizeof(path), "%.500s/%04u" SUFFIX, f->folder, f->next);
	snprintf(path_new, sizeof(path_new), "%.500s/new", f->folder);
	int fd = open(path_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	if (fd < 0) {
		return -errno;
	}
	r = file_write_all(fd, content);
	fd_close(&fd);
	if (r == 0 && rename(path_new, path) < 0) {
		r = -errno;
	}
	if (r == 0) {
		f->next = (f->next + 1) % REPLAY_FILES_MAX;
	}
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_cache: "STATE/desk/list-NAME": a head, then the block. Layer: daemon.
 *
 * In the machine's own order of octets, as the block is: another machine's is refused.
 */
#include "daemon/desk/list_cache.h"

#include "base/crc32.h"
#include "base/siphash.h"
#include "core/url_set.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

#define PREFIX "list-"
#define FILE_MODE 0600
#define MAGIC UINT64_C(0x316c747372747370)

struct head {
	uint64_t magic; /* with the version of this form */
	uint64_t origin;
	int64_t read_at_ns;
	uint64_t size;
	uint32_t crc;
	uint32_t zero;
};

/* Which file, and how it is read: with another format the same lines are other entries. */
static uint64_t origin_of(const struct list_policy *p)
{
	const struct siphash_key key = {
		((uint64_t)p->format.entries << 32) | (p->format.is_csv ? 2U : 0U) |
			(p->format.has_header ? 1U : 0U),
		p->format.column,
	};
	struct str file = str_of(p->file);

	return siphash(&key, file.ptr, file.len);
}

static int path_of(const char *folder, const char *name, char *ret)
{
	int n = snprintf(ret, PATH_MAX, "%s/" PREFIX "%s", folder, name);

	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* Of the head without it, and the block. */
static uint32_t crc_of(struct head head, struct str block)
{
	struct crc32 c;

	crc32_init(&c);
	head.crc = 0;
	uint32_t crc = crc32_add(&c, 0, (struct str){(const char *)&head, sizeof(head)});
	return crc32_add(&c, crc, block);
}

int list_cache_put(const char *folder, const struct list_policy *p, struct str block,
		   struct wall read_at)
{
	struct head head = {
		.magic = MAGIC,
		.origin = origin_of(p),
		.read_at_ns = read_at.ns,
		.size = block.len,
	};
	char path[PATH_MAX];
	char path_new[PATH_MAX];
	int r = path_of(folder, p->name, path);
	int n = snprintf(path_new, sizeof(path_new), "%.3000s/new-list", folder);

	if (r < 0 || n < 0) {
		return -ENAMETOOLONG;
	}
	int fd = open(path_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	if (fd < 0) {
		return -errno;
	}
	head.crc = crc_of(head, block);
	r = file_write_all(fd, (struct str){(const char *)&head, sizeof(head)});
	if (r == 0) {
		r = file_write_all(fd, block);
	}
	fd_close(&fd);
	if (r == 0 && rename(path_new, path) < 0) {
		r = -errno;
	}
	if (r < 0) {
		(void)unlink(path_new);
	}
	return r;
}

static bool fits(const struct head *head, off_t size, const struct list_policy *p)
{
	return head->magic == MAGIC && head->origin == origin_of(p) && size > 0 &&
	       head->size + sizeof(*head) == (uint64_t)size &&
	       head->size <= url_set_size(URL_SET_MAX);
}

static int read_whole(int fd, void *room, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = read(fd, (char *)room + at, size - at);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -EBADMSG;
		}
		at += (size_t)n;
	}
	return 0;
}

static int read_block(int fd, const struct list_policy *p, struct cached_list *ret)
{
	struct stat st;
	struct head head;
	struct url_set set;

	int r = fstat(fd, &st) < 0 ? -errno : read_whole(fd, &head, sizeof(head));
	if (r == 0 && !fits(&head, st.st_size, p)) {
		r = -EBADMSG;
	}
	if (r < 0) {
		return r;
	}
	char *block = aligned_alloc(16, (size_t)(head.size + 15) / 16 * 16);
	if (block == NULL) {
		return -ENOMEM;
	}
	const struct str whole = {block, (size_t)head.size};
	r = read_whole(fd, block, whole.len);
	if (r == 0 &&
	    (crc_of(head, whole) != head.crc || url_set_open(block, whole.len, &set) < 0)) {
		r = -EBADMSG;
	}
	if (r < 0) {
		free(block);
		return r;
	}
	*ret = (struct cached_list){block, whole.len, set.count, {head.read_at_ns}};
	return 0;
}

int list_cache_get(const char *folder, const struct list_policy *p, struct cached_list *ret)
{
	char path[PATH_MAX];
	int r = path_of(folder, p->name, path);

	if (r < 0) {
		return r;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		return -errno;
	}
	r = read_block(fd, p, ret);
	fd_close(&fd);
	return r;
}

static bool is_of(const char *file, const struct policy *p)
{
	struct str name = str_skip(str_of(file), sizeof(PREFIX) - 1);

	for (size_t i = 0; i < p->list_count; i++) {
		if (str_is_equal(name, str_of(p->lists[i].name))) {
			return true;
		}
	}
	return false;
}

void list_cache_sweep(const char *folder, const struct policy *p)
{
	DIR *dir = opendir(folder);

	if (dir == NULL) {
		return; /* what can't be removed is no harm */
	}
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		if (str_has_prefix(str_of(e->d_name), STR(PREFIX)) && !is_of(e->d_name, p)) {
			(void)unlinkat(dirfd(dir), e->d_name, 0);
		}
	}
	closedir(dir);
}

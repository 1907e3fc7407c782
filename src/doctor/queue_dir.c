/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_dir: folders of queues. Layer: doctor.
 */
#include "doctor/queue_dir.h"

#include "doctor/jail.h"
#include "proto/queue_exim.h"
#include "proto/queue_postfix.h"
#include "sys/fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

/* The queue's part and two levels of hashed folders below it. */
#define DEPTH_MAX 3

static const char *const mta_names[LOG_MTA_COUNT] = {
	[LOG_MTA_NONE] = "none",   [LOG_MTA_POSTFIX] = "postfix",   [LOG_MTA_EXIM] = "exim",
	[LOG_MTA_QMAIL] = "qmail", [LOG_MTA_SENDMAIL] = "sendmail",
};

/* Parts of a queue that hold whole messages. */
static const char *const postfix_parts[] = {"incoming", "active", "deferred", "hold", NULL};
static const char *const exim_parts[] = {"input", NULL};
static const char *const qmail_parts[] = {"mess", NULL};
static const char *const sendmail_parts[] = {".", NULL};

static const struct {
	enum log_mta mta;
	const char *path;
} places[] = {
	{LOG_MTA_POSTFIX, "/var/spool/postfix"}, {LOG_MTA_EXIM, "/var/spool/exim4"},
	{LOG_MTA_EXIM, "/var/spool/exim"},       {LOG_MTA_QMAIL, "/var/qmail/queue"},
	{LOG_MTA_SENDMAIL, "/var/spool/mqueue"},
};

enum log_mta queue_mta_of(struct str name)
{
	for (int i = LOG_MTA_NONE + 1; i < LOG_MTA_COUNT; i++) {
		if (str_is_equal(name, str_of(mta_names[i]))) {
			return (enum log_mta)i;
		}
	}
	return LOG_MTA_NONE;
}

const char *queue_mta_name(enum log_mta mta)
{
	return mta < LOG_MTA_COUNT ? mta_names[mta] : mta_names[LOG_MTA_NONE];
}

static const char *const *parts_of(enum log_mta mta)
{
	switch (mta) {
	case LOG_MTA_EXIM:
		return exim_parts;
	case LOG_MTA_QMAIL:
		return qmail_parts;
	case LOG_MTA_SENDMAIL:
		return sendmail_parts;
	case LOG_MTA_POSTFIX:
	case LOG_MTA_NONE:
	case LOG_MTA_COUNT:
		break;
	}
	return postfix_parts;
}

/* ---- walking ---- */

struct level {
	DIR *dir;     /* owned */
	char hash[8]; /* its name, below the queue's part */
};

/* The id in a file's name. @return false: not a message */
static bool id_of(enum log_mta mta, const char *name, struct str *ret)
{
	struct str s = str_of(name);
	uint64_t number = 0;

	switch (mta) {
	case LOG_MTA_EXIM:
		if (!str_has_suffix(s, STR("-H"))) {
			return false;
		}
		*ret = str_head(s, s.len - 2);
		return queue_exim_is_id(*ret);
	case LOG_MTA_QMAIL:
		*ret = s;
		for (size_t i = 0; i < s.len; i++) {
			number += char_is_digit(s.ptr[i]) ? 0 : 1;
		}
		return number == 0 && s.len > 0 && s.len <= QUEUE_ID_MAX;
	case LOG_MTA_SENDMAIL:
		*ret = str_skip(s, 2);
		return str_has_prefix(s, STR("qf")) && queue_postfix_is_id(*ret);
	case LOG_MTA_POSTFIX:
	case LOG_MTA_NONE:
	case LOG_MTA_COUNT:
		break;
	}
	*ret = s;
	return queue_postfix_is_id(s);
}

static bool is_hash_name(enum log_mta mta, const char *name)
{
	struct str s = str_of(name);

	if (mta == LOG_MTA_QMAIL) {
		return s.len <= 4 && char_is_digit(s.ptr[0]);
	}
	return s.len == 1 && (char_is_digit(s.ptr[0]) || char_is_alpha(s.ptr[0]));
}

static int open_dir(int at, const char *name, DIR **ret)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}
	*ret = fdopendir(fd);
	if (*ret == NULL) {
		int r = -errno;
		close(fd);
		return r;
	}
	return 0;
}

/* A message that is not all there yet has not its last mode: Postfix sets 0700 at the end. */
static int visit_file(const struct queue_dir *q, struct queue_file *f, queue_visit_fn *visit,
		      void *ctx)
{
	int r = 0;

	f->fd = openat(f->dir_fd, f->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (f->fd < 0) {
		/* It was there a moment ago: delivered, or not for us to read. */
		return errno == ENOENT || errno == ELOOP ? 0 : -errno;
	}
	if (fstat(f->fd, &f->st) == 0 && S_ISREG(f->st.st_mode) &&
	    (q->mta != LOG_MTA_POSTFIX || (f->st.st_mode & 07777) == 0700)) {
		r = visit(ctx, f);
	}
	close(f->fd);
	return r;
}

static int walk_part(const struct queue_dir *q, const char *part, queue_visit_fn *visit, void *ctx)
{
	struct level levels[DEPTH_MAX];
	size_t depth = 0;
	int r = open_dir(q->fd, part, &levels[0].dir);

	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	depth = 1;
	levels[0].hash[0] = '\0';
	while (depth > 0 && r == 0) {
		struct queue_file f = {.place = part,
				       .dir_fd = dirfd(levels[depth - 1].dir),
				       .hash = levels[depth - 1].hash};
		const struct dirent *e = readdir(levels[depth - 1].dir);
		if (e == NULL) {
			closedir(levels[--depth].dir);
			continue;
		}
		f.name = e->d_name;
		if (is_hash_name(q->mta, f.name) && depth < DEPTH_MAX &&
		    open_dir(f.dir_fd, f.name, &levels[depth].dir) == 0) {
			(void)str_copy(levels[depth].hash, sizeof(levels[depth].hash),
				       str_of(f.name));
			depth++;
		} else if (id_of(q->mta, f.name, &f.id)) {
			r = visit_file(q, &f, visit, ctx);
		}
	}
	while (depth > 0) {
		closedir(levels[--depth].dir);
	}
	return r;
}

int queue_dir_walk(const struct queue_dir *q, const char *only, queue_visit_fn *visit, void *ctx)
{
	int r = 0;

	for (const char *const *part = parts_of(q->mta); *part != NULL && r == 0; part++) {
		if (only == NULL || strcmp(only, *part) == 0) {
			r = walk_part(q, *part, visit, ctx);
		}
	}
	return r;
}

/* ---- finding ---- */

static enum log_mta look_inside(int fd)
{
	static const struct {
		enum log_mta mta;
		const char *name;
	} signs[] = {
		{LOG_MTA_POSTFIX, "deferred"},
		{LOG_MTA_EXIM, "input"},
		{LOG_MTA_QMAIL, "mess"},
	};
	struct stat st;

	for (size_t i = 0; i < COUNT_OF(signs); i++) {
		if (fstatat(fd, signs[i].name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode)) {
			return signs[i].mta;
		}
	}
	return LOG_MTA_SENDMAIL;
}

/* Below a copy no link leads out of it. @return Its descriptor, or a negative errno. */
static int open_folder(const char *root, const char *path, const char *whole)
{
	struct jail j;

	if (root[0] == '\0') {
		int fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	int r = jail_open(&j, root);
	r = r < 0 ? r : jail_open_dir(&j, path);
	jail_close(&j);
	return r;
}

static int open_at(const char *root, const char *path, enum log_mta mta, struct queue_dir *ret,
		   struct errmsg *reterr)
{
	struct queue_dir q = {.mta = mta};
	int len = snprintf(q.path, sizeof(q.path), "%s%s", root, path);

	if (len < 0 || (size_t)len >= sizeof(q.path)) {
		return err_set(reterr, -ENAMETOOLONG, "the queue's path is too long");
	}
	while (len > 1 && q.path[len - 1] == '/') {
		q.path[--len] = '\0';
	}
	q.fd = open_folder(root, path, q.path);
	if (q.fd < 0) {
		int r = q.fd;
		return err_set(reterr, r, "cannot open the queue %s: %s", q.path, strerror(-r));
	}
	if (q.mta == LOG_MTA_NONE) {
		q.mta = look_inside(q.fd);
	}
	*ret = q;
	return 0;
}

static int first_one(void *ctx, const struct queue_file *f)
{
	(void)ctx;
	(void)f;
	return 1;
}

int queue_dir_open(const char *root, const char *queue, enum log_mta mta, struct queue_dir *ret,
		   struct errmsg *reterr)
{
	struct queue_dir best = {.fd = -1};

	if (queue != NULL) {
		return open_at(root, queue, mta, ret, reterr);
	}
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		struct queue_dir q;
		struct errmsg unused;
		if ((mta != LOG_MTA_NONE && mta != places[i].mta) ||
		    open_at(root, places[i].path, places[i].mta, &q, &unused) < 0) {
			continue;
		}
		if (queue_dir_walk(&q, NULL, first_one, NULL) == 1) {
			queue_dir_close(&best);
			*ret = q;
			return 0;
		}
		if (best.fd < 0) {
			best = q;
		} else {
			queue_dir_close(&q);
		}
	}
	if (best.fd < 0) {
		return err_set(reterr, -ENOENT, "no mail queue found: name one with --queue DIR");
	}
	*ret = best;
	return 0;
}

void queue_dir_close(struct queue_dir *q)
{
	fd_close(&q->fd);
}

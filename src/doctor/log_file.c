/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_file: whole lines out of a plain or compressed log. Layer: doctor.
 */
#include "doctor/log_file.h"

#include "doctor/inflate.h"
#include "doctor/journalctl.h"
#include "proto/journal_export.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

/* Plain octets that are held: few enough to stay in the processor's cache while they are read. */
#define PLAIN_SIZE ((size_t)320 << 10)
#define PACKED_SIZE ((size_t)64 << 10)
static_assert(PLAIN_SIZE > 4 * LOG_FILE_LINE_MAX, "a cut line leaves room");

struct log_file {
	char *path;
	int fd;
	struct inflate *inflate; /* NULL: plain */
	char *plain;
	size_t begin; /* of what was not handed out yet */
	size_t end;
	char *packed;
	struct str packed_left;
	bool at_end;
	bool was_full;                 /* the unpacked octets had just no room */
	bool unfinished;               /* the packed octets so far end within something */
	int failed;                    /* why reading ended early; 0: it did not */
	bool can_tell;                 /* the format says where its end is */
	bool skipping;                 /* the rest of a line that was too long */
	pid_t journalctl;              /* whose output it is; 0: it is a file */
	struct journal_export *export; /* NULL: the lines are in it as they are */
	char *lines;                   /* made of the export */
};

static ssize_t read_some(int fd, char *to, size_t size)
{
	ssize_t n;

	do {
		n = read(fd, to, size);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* The first octets say the format; they stay as the first input. */
static int detect(struct log_file *f, struct errmsg *reterr)
{
	ssize_t n = read_some(f->fd, f->plain, PACKED_SIZE);

	if (n < 0) {
		int r = -errno;
		return err_set(reterr, r, "cannot read %s: %s", f->path, strerror(-r));
	}
	enum inflate_format format = inflate_detect((struct str){f->plain, (size_t)n});
	if (format == INFLATE_PLAIN) {
		f->end = (size_t)n;
		f->at_end = n == 0;
		return 0;
	}
	f->can_tell = format != INFLATE_XZ;
	f->packed = malloc(PACKED_SIZE);
	f->inflate = inflate_new(format);
	if (f->packed == NULL || f->inflate == NULL) {
		return err_set(reterr, -ENOMEM, "no memory to unpack %s", f->path);
	}
	memcpy(f->packed, f->plain, (size_t)n);
	f->packed_left = (struct str){f->packed, (size_t)n};
	return 0;
}

static int fill_plain(struct log_file *f)
{
	ssize_t n = read_some(f->fd, f->plain + f->end, PLAIN_SIZE - f->end);

	if (n < 0) {
		return -errno;
	}
	f->at_end = n == 0;
	f->end += (size_t)n;
	return 0;
}

/* The file is read: what the inflater still holds comes out, then the end is told. */
static int drain(struct log_file *f)
{
	struct str nothing = {f->packed, 0};
	size_t len = 0;
	int r = f->unfinished ? inflate_step(f->inflate, &nothing, f->plain + f->end,
					     PLAIN_SIZE - f->end, &len)
			      : 0;

	f->end += len;
	f->unfinished = r == 1;
	f->at_end = r < 0 || len == 0;
	if (f->at_end && r == 1) {
		return f->can_tell ? -EBADMSG : 0;
	}
	return r < 0 ? r : 0;
}

static int fill_inflated(struct log_file *f)
{
	size_t len = 0;

	/* All was taken in, but what came out may not have had room: then ask again first. */
	if (f->packed_left.len == 0 && !f->was_full) {
		ssize_t n = read_some(f->fd, f->packed, PACKED_SIZE);
		if (n < 0) {
			f->at_end = true;
			return -errno;
		}
		if (n == 0) {
			return drain(f);
		}
		f->packed_left = (struct str){f->packed, (size_t)n};
	}
	int r = inflate_step(f->inflate, &f->packed_left, f->plain + f->end, PLAIN_SIZE - f->end,
			     &len);
	f->end += len;
	f->was_full = f->end == PLAIN_SIZE;
	f->unfinished = r == 1;
	if (r < 0) {
		f->at_end = true;
		return r;
	}
	return 0;
}

static int fill(struct log_file *f, struct errmsg *reterr)
{
	int r = f->inflate != NULL ? fill_inflated(f) : fill_plain(f);

	f->failed = r < 0 ? r : f->failed;
	return r < 0 ? err_set(reterr, r, "cannot read %s further: %s", f->path,
			       r == -EBADMSG ? "damaged" : strerror(-r))
		     : 0;
}

bool log_file_is_journal(const char *path)
{
	return str_has_prefix(str_of(path), STR(LOG_FILE_JOURNAL));
}

/* Is what was unpacked the export of a journal? */
static int detect_export(struct log_file *f, struct errmsg *reterr)
{
	while (f->end < 32 && !f->at_end) {
		int r = fill(f, reterr);
		if (r < 0) {
			return f->end > 0 ? 0 : r; /* said again when it is read */
		}
	}
	if (!journal_export_is((struct str){f->plain, f->end})) {
		return 0;
	}
	f->export = calloc(1, sizeof(*f->export));
	f->lines = malloc(PLAIN_SIZE);
	return f->export == NULL || f->lines == NULL ? err_set(reterr, -ENOMEM, "no memory") : 0;
}

static int open_file(const char *path, int *ret_fd, struct errmsg *reterr)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) < 0) {
		int r = -errno;
		fd_close(&fd);
		return err_set(reterr, r, "cannot open %s: %s", path, strerror(-r));
	}
	if (!S_ISREG(st.st_mode)) {
		fd_close(&fd);
		return err_set(reterr, -EINVAL, "%s is not a file", path);
	}
	*ret_fd = fd;
	return 0;
}

/* Takes the descriptor over. */
static int begin(int *fd, pid_t journalctl, const char *name, struct log_file **ret,
		 struct errmsg *reterr)
{
	struct log_file *f = calloc(1, sizeof(*f));
	int r = 0;

	if (f == NULL) {
		fd_close(fd);
		if (journalctl > 0) {
			(void)journalctl_end(journalctl);
		}
		return err_set(reterr, -ENOMEM, "no memory");
	}
	f->fd = fd_move(fd);
	f->journalctl = journalctl;
	f->path = strdup(name);
	f->plain = malloc(PLAIN_SIZE);
	if (f->path == NULL || f->plain == NULL) {
		r = err_set(reterr, -ENOMEM, "no memory");
		goto out;
	}
	r = detect(f, reterr);
	r = r < 0 ? r : detect_export(f, reterr);
out:
	if (r < 0) {
		log_file_close(f);
	} else {
		*ret = f;
	}
	return r;
}

int log_file_open_fd(int fd, const char *name, struct log_file **ret, struct errmsg *reterr)
{
	return begin(&fd, 0, name, ret, reterr);
}

int log_file_open(const char *path, struct log_file **ret, struct errmsg *reterr)
{
	pid_t journalctl = 0;
	int fd = -1;
	int r = log_file_is_journal(path) ? journalctl_begin(path + strlen(LOG_FILE_JOURNAL), &fd,
							     &journalctl, reterr)
					  : open_file(path, &fd, reterr);

	return r < 0 ? r : begin(&fd, journalctl, path, ret, reterr);
}

/* Make room at the end: move the unfinished line to the front. */
static void move_down(struct log_file *f)
{
	if (f->begin > 0) {
		memmove(f->plain, f->plain + f->begin, f->end - f->begin);
		f->end -= f->begin;
		f->begin = 0;
	}
}

/* Whole lines in what is held, if any. */
static bool take_lines(struct log_file *f, struct str *ret)
{
	const char *from = f->plain + f->begin;
	const char *last = memrchr(from, '\n', f->end - f->begin);

	if (last == NULL && f->end - f->begin > LOG_FILE_LINE_MAX) {
		/* Too long: its first part is the line, the rest is dropped. */
		*ret = (struct str){from, f->skipping ? 0 : LOG_FILE_LINE_MAX};
		f->begin = f->end;
		f->skipping = true;
		return ret->len > 0;
	}
	if (last == NULL) {
		return false;
	}
	*ret = (struct str){from, (size_t)(last - from) + 1};
	f->begin += ret->len;
	if (f->skipping) {
		f->skipping = false;
		size_t rest = str_find_char(*ret, '\n') + 1;
		*ret = str_skip(*ret, rest);
	}
	return ret->len > 0;
}

/* Lines of a journal's entries. */
static int read_export(struct log_file *f, struct str *ret, struct errmsg *reterr)
{
	size_t len = 0;

	while (len == 0) {
		if (f->begin == f->end) {
			f->begin = f->end = 0;
			int r = f->at_end ? 0 : fill(f, reterr);
			if (r < 0 || (f->at_end && f->end == 0)) {
				return r;
			}
		}
		struct str in = {f->plain + f->begin, f->end - f->begin};
		len = journal_export_step(f->export, &in, f->lines, PLAIN_SIZE);
		f->begin = f->end - in.len;
	}
	*ret = (struct str){f->lines, len};
	return 1;
}

int log_file_read(struct log_file *f, struct str *ret, struct errmsg *reterr)
{
	if (f->export != NULL) {
		return read_export(f, ret, reterr);
	}
	while (!take_lines(f, ret)) {
		if (f->at_end) {
			/* What is left has no newline. */
			*ret = (struct str){f->plain + f->begin,
					    f->skipping ? 0 : f->end - f->begin};
			f->begin = f->end;
			if (ret->len == 0 && f->failed < 0) {
				/* It may have been met while the file was opened. */
				return err_set(reterr, f->failed, "cannot read %s further: damaged",
					       f->path);
			}
			return ret->len > 0 ? 1 : 0;
		}
		move_down(f);
		int r = fill(f, reterr);
		if (r < 0) {
			return r;
		}
	}
	return 1;
}

void log_file_close(struct log_file *f)
{
	if (f != NULL) {
		inflate_free(f->inflate);
		fd_close(&f->fd);
		if (f->journalctl > 0) {
			(void)journalctl_end(f->journalctl);
		}
		free(f->export);
		free(f->lines);
		free(f->plain);
		free(f->packed);
		free(f->path);
		free(f);
	}
}

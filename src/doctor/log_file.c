/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_file: whole lines out of a plain or compressed log. Layer: doctor.
 */
#include "doctor/log_file.h"

#include "doctor/inflate.h"
#include "doctor/journalctl.h"
#include "proto/journal_export.h"
#include "proto/log_frames.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

/* Octets that are held: few enough to stay in the processor's cache while they are read. */
#define PLAIN_SIZE ((size_t)320 << 10)
#define PACKED_SIZE ((size_t)64 << 10)
static_assert(PLAIN_SIZE > 4 * LOG_FILE_LINE_MAX, "a cut line leaves room");
static_assert(INFLATE_KEEP_MAX >= LOG_FILE_LINE_MAX, "a cut line can be kept");

struct log_file {
	char *path;
	int fd;
	struct inflate *inflate; /* NULL: plain */
	struct str held; /* plain octets that were not handed out yet; of `plain` or the inflater */
	char *plain;
	char *packed;
	struct str packed_left;
	bool at_end;
	bool is_read;                  /* the packed octets, all of them */
	bool is_quiet;                 /* the inflater wants more before it gives more */
	int failed;                    /* why reading ended early; 0: it did not */
	bool skipping;                 /* the rest of a line that was too long */
	pid_t journalctl;              /* whose output it is; 0: it is a file */
	struct journal_export *export; /* NULL: it is none */
	struct log_frames *frames;     /* NULL: it is no stream of frames */
	char *lines;                   /* made of either; NULL: they are in it as they are */
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
		f->held = (struct str){f->plain, (size_t)n};
		f->at_end = n == 0;
		return 0;
	}
	f->packed = malloc(PACKED_SIZE);
	f->inflate = inflate_new(format);
	if (f->packed == NULL || f->inflate == NULL) {
		return err_set(reterr, -ENOMEM, "no memory to unpack %s", f->path);
	}
	memcpy(f->packed, f->plain, (size_t)n);
	f->is_quiet = true;
	f->packed_left = (struct str){f->packed, (size_t)n};
	return 0;
}

/* More, behind what is held: that moves to the front. */
static int fill_plain(struct log_file *f)
{
	if (f->held.len > 0) {
		memmove(f->plain, f->held.ptr, f->held.len);
	}
	f->held.ptr = f->plain;
	ssize_t n = read_some(f->fd, f->plain + f->held.len, PLAIN_SIZE - f->held.len);
	if (n < 0) {
		return -errno;
	}
	f->at_end = n == 0;
	f->held.len += (size_t)n;
	return 0;
}

static int fill_inflated(struct log_file *f)
{
	size_t len = f->held.len;

	if (f->packed_left.len == 0 && f->is_quiet && !f->is_read) {
		ssize_t n = read_some(f->fd, f->packed, PACKED_SIZE);
		if (n < 0) {
			f->at_end = true;
			return -errno;
		}
		f->packed_left = (struct str){f->packed, (size_t)n};
		f->is_read = n == 0;
	}
	int r = inflate_step(f->inflate, &f->packed_left, f->is_read, &f->held);
	f->is_quiet = f->held.len == len;
	f->at_end = r < 0 || (r == 0 && f->is_read);
	return r < 0 ? r : 0;
}

static int damaged(const struct log_file *f, int r, struct errmsg *reterr)
{
	return err_set(reterr, r, "cannot read %s further: %s", f->path,
		       r == -EBADMSG ? "damaged" : strerror(-r));
}

static int fill(struct log_file *f, struct errmsg *reterr)
{
	int r = f->inflate != NULL ? fill_inflated(f) : fill_plain(f);

	f->failed = r < 0 ? r : f->failed;
	return r < 0 ? damaged(f, r, reterr) : 0;
}

bool log_file_is_journal(const char *path)
{
	return str_has_prefix(str_of(path), STR(LOG_FILE_JOURNAL));
}

/* Is what was unpacked the export of a journal, or a stream of frames? Else it is lines. */
static int detect_form(struct log_file *f, struct errmsg *reterr)
{
	while (!f->at_end && (f->held.len < 32 || log_frames_is(f->held) == LOG_FRAMES_MORE)) {
		if (fill(f, reterr) < 0) {
			return 0; /* said again when it is read */
		}
	}
	bool is_export = journal_export_is(f->held);
	if (!is_export && log_frames_is(f->held) != LOG_FRAMES_YES) {
		return 0;
	}
	f->lines = malloc(PLAIN_SIZE);
	if (is_export) {
		f->export = calloc(1, sizeof(*f->export));
	} else {
		f->frames = calloc(1, sizeof(*f->frames));
	}
	return f->lines == NULL || (f->export == NULL && f->frames == NULL)
		       ? err_set(reterr, -ENOMEM, "no memory")
		       : 0;
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
	r = r < 0 ? r : detect_form(f, reterr);
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

int log_file_open_journal(const char *path, struct wall after, struct log_file **ret,
			  struct errmsg *reterr)
{
	pid_t journalctl = 0;
	int fd = -1;
	int r = journalctl_begin(path + strlen(LOG_FILE_JOURNAL), after, &fd, &journalctl, reterr);

	return r < 0 ? r : begin(&fd, journalctl, path, ret, reterr);
}

int log_file_open(const char *path, struct log_file **ret, struct errmsg *reterr)
{
	int fd = -1;

	if (log_file_is_journal(path)) {
		return log_file_open_journal(path, (struct wall){0}, ret, reterr);
	}
	int r = open_file(path, &fd, reterr);
	return r < 0 ? r : begin(&fd, 0, path, ret, reterr);
}

/* Whole lines in what is held, if any. */
static bool take_lines(struct log_file *f, struct str *ret)
{
	const char *last = f->held.len > 0 ? memrchr(f->held.ptr, '\n', f->held.len) : NULL;

	if (last == NULL && f->held.len > LOG_FILE_LINE_MAX) {
		/* Too long: its first part is the line, the rest is dropped. */
		*ret = (struct str){f->held.ptr, f->skipping ? 0 : LOG_FILE_LINE_MAX};
		f->held.len = 0;
		f->skipping = true;
		return ret->len > 0;
	}
	if (last == NULL) {
		return false;
	}
	*ret = str_take(&f->held, (size_t)(last - f->held.ptr) + 1);
	if (f->skipping) {
		f->skipping = false;
		size_t rest = str_find_char(*ret, '\n') + 1;
		*ret = str_skip(*ret, rest);
	}
	return ret->len > 0;
}

/* Lines of a journal's entries, or of frames. */
static int read_made(struct log_file *f, struct str *ret, struct errmsg *reterr)
{
	size_t len = 0;

	while (len == 0) {
		if (f->held.len == 0) {
			int r = f->at_end ? f->failed : fill(f, reterr);
			if (f->held.len == 0 && (r < 0 || f->at_end)) {
				return r < 0 ? damaged(f, r, reterr) : 0;
			}
		}
		len = f->export != NULL
			      ? journal_export_step(f->export, &f->held, f->lines, PLAIN_SIZE)
			      : log_frames_step(f->frames, &f->held, f->lines, PLAIN_SIZE);
	}
	*ret = (struct str){f->lines, len};
	return 1;
}

int log_file_read(struct log_file *f, struct str *ret, struct errmsg *reterr)
{
	if (f->lines != NULL) {
		return read_made(f, ret, reterr);
	}
	while (!take_lines(f, ret)) {
		if (f->at_end) {
			/* What is left has no newline. */
			*ret = (struct str){f->held.ptr, f->skipping ? 0 : f->held.len};
			f->held.len = 0;
			if (f->failed < 0) {
				/* Its line is not whole: an address in it may be another's. */
				return damaged(f, f->failed, reterr);
			}
			return ret->len > 0 ? 1 : 0;
		}
		/* A failure is told when what was read before it has been handed out. */
		if (fill(f, reterr) < 0) {
			f->at_end = true;
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
		free(f->frames);
		free(f->lines);
		free(f->plain);
		free(f->packed);
		free(f->path);
		free(f);
	}
}

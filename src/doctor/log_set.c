/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_set: the logs of a machine. Layer: doctor.
 */
#include "doctor/log_set.h"

#include "base/str.h"
#include "doctor/inflate.h"
#include "proto/log_line.h"
#include "sys/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

/* Lines of a file that are looked at for its first time, and of a piece for its last. */
#define HEAD_LINES 200
#define TAIL_LINES 50
/* Octets of a plain log that are read for its last time. */
#define TAIL_SIZE ((off_t)2 * LOG_FILE_LINE_MAX)
/* Syslog writes what it gets at once, or a second later. */
#define LOG_SET_LATE_NS (60 * NS_PER_S)

/* The machine's own offset, for logs that name no zone. */
static int32_t local_zone_s(time_t when)
{
	struct tm tm;

	return localtime_r(&when, &tm) == NULL ? 0 : (int32_t)tm.tm_gmtoff;
}

static struct log_time time_of_file(const struct stat *st)
{
	struct tm tm = {0};

	(void)localtime_r(&st->st_mtime, &tm);
	return (struct log_time){.year = tm.tm_year + 1900, .zone_s = local_zone_s(st->st_mtime)};
}

/* A log without years was last written in the year of its file's time: when a month of it comes
 * after its last, that was a year earlier. */
static struct log_time time_at_line(const struct stat *st, struct str line)
{
	struct log_time time = time_of_file(st);
	struct tm tm = {0};

	(void)localtime_r(&st->st_mtime, &tm);
	if (log_time_month(line) > (unsigned)tm.tm_mon + 1) {
		time.year--;
	}
	return time;
}

/* The time of the first line that has one. What journald says of itself is in each journal. */
static int learn_begin(const struct log_set *set, struct log_set_file *f, const struct stat *st,
		       struct errmsg *reterr)
{
	struct log_file *log;
	struct str piece;
	int r = log_set_open(set, f, &log, reterr);

	if (r < 0) {
		return r;
	}
	r = log_file_read(log, &piece, reterr);
	f->time = time_of_file(st);
	for (int i = 0; i < HEAD_LINES && r > 0 && piece.len > 0; i++) {
		struct str line = str_take_until(&piece, '\n');
		struct log_time probe = time_at_line(st, line);
		struct log_line first;
		f->time.year = probe.year;
		if (log_line_parse(&probe, line, &first) &&
		    (f->after.ns == 0 || !str_is_equal(first.program, STR("systemd-journald")))) {
			f->begin = first.time;
			f->is_lead = first.form == LOG_TIME_PHP;
			break;
		}
	}
	log_file_close(log);
	return 0;
}

int log_set_open(const struct log_set *set, const struct log_set_file *f, struct log_file **ret,
		 struct errmsg *reterr)
{
	if (log_file_is_journal(f->path)) {
		return log_file_open_journal(f->path, f->after, ret, reterr);
	}
	if (f->inside == NULL) {
		return log_file_open(f->path, ret, reterr);
	}
	int fd = jail_open_file(&set->jail, f->inside);
	return fd < 0 ? err_set(reterr, fd, "cannot open %s: %s", f->path, strerror(-fd))
		      : log_file_open_fd(fd, f->path, ret, reterr);
}

/* ---- its end ---- */

/* The last line of a piece that has a time, if there is one near its end. */
static void look_back(struct str piece, const struct stat *st, struct wall *end,
		      enum log_time_form *form)
{
	for (int i = 0; i < TAIL_LINES && piece.ptr != NULL && piece.len > 0; i++) {
		piece.len -= piece.ptr[piece.len - 1] == '\n' ? 1 : 0;
		const char *before = piece.len > 0 ? memrchr(piece.ptr, '\n', piece.len) : NULL;
		size_t begin = before == NULL ? 0 : (size_t)(before - piece.ptr) + 1;
		struct str line = str_skip(piece, begin);
		struct log_time time = time_at_line(st, line);
		struct log_line last;
		if (log_line_parse(&time, line, &last)) {
			*end = last.time;
			*form = last.form;
			return;
		}
		piece.len = begin;
	}
}

/* A plain log is read from near its end on, a packed one whole. @return fd, or -1. */
static int near_end(int fd, const struct stat *st)
{
	char head[8];
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (n >= 0 && st->st_size > TAIL_SIZE &&
	    inflate_detect((struct str){head, (size_t)n}) == INFLATE_PLAIN) {
		n = lseek(fd, -TAIL_SIZE, SEEK_END) < 0 ? -1 : n;
	}
	if (n < 0) {
		fd_close(&fd);
	}
	return fd;
}

struct wall log_set_file_end(const struct log_set *set, const struct log_set_file *f,
			     bool *ret_has_zone)
{
	enum log_time_form form = LOG_TIME_NONE;
	struct wall end = {0};
	struct errmsg unsaid; /* it is said when the file is read */
	struct log_file *log;
	struct str piece;
	struct stat st;
	int fd = f->inside == NULL ? -1 : jail_open_file(&set->jail, f->inside);

	if (fd >= 0 && fstat(fd, &st) < 0) {
		fd_close(&fd);
	}
	fd = fd < 0 ? fd : near_end(fd, &st);
	if (fd >= 0 && log_file_open_fd(fd, f->path, &log, &unsaid) == 0) {
		while (log_file_read(log, &piece, &unsaid) > 0) {
			look_back(piece, &st, &end, &form);
		}
		log_file_close(log);
	}
	*ret_has_zone = form != LOG_TIME_RFC3164;
	return end;
}

/* ---- the set ---- */

static bool is_in(const struct log_set *set, const struct stat *st)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->files[i].dev == st->st_dev && set->files[i].ino == st->st_ino) {
			return true;
		}
	}
	return false;
}

static int make_room(struct log_set *set, struct errmsg *reterr)
{
	if (set->count < set->size) {
		return 0;
	}
	size_t size = set->size == 0 ? 16 : set->size * 2;
	struct log_set_file *grown = realloc(set->files, size * sizeof(*grown));
	if (grown == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	set->files = grown;
	set->size = size;
	return 0;
}

/* As new as now: its lines have full times anyway. */
static struct stat journal_stat(void)
{
	return (struct stat){.st_ino = 1, .st_mtime = time(NULL)};
}

int log_set_add_queue(struct log_set *set, const char *path, struct errmsg *reterr)
{
	int r = make_room(set, reterr);

	if (r < 0) {
		return r;
	}
	struct log_set_file f = {.path = strdup(path), .is_queue = true};
	if (f.path == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	set->files[set->count++] = f;
	return 0;
}

/* Takes the texts of `f` over, also after a failure. */
static int put(struct log_set *set, struct log_set_file *f, const struct stat *st, bool has_text,
	       struct errmsg *reterr)
{
	int r = has_text ? 0 : err_set(reterr, -ENOMEM, "no memory");
	bool is_new = r == 0 && !is_in(set, st);

	if (is_new && set->count == LOG_SET_MAX) {
		set->left_out++;
		is_new = false;
	}
	f->written_s = st->st_mtime;
	f->dev = st->st_dev;
	f->ino = st->st_ino;
	r = is_new ? make_room(set, reterr) : r;
	r = is_new && r == 0 ? learn_begin(set, f, st, reterr) : r;
	if (is_new && r == 0) {
		set->files[set->count++] = *f;
		return 0;
	}
	free(f->path);
	free(f->inside);
	return r;
}

int log_set_add(struct log_set *set, const char *path, struct errmsg *reterr)
{
	struct log_set_file f = {.path = strdup(path)};
	struct stat st;

	if (log_file_is_journal(path)) {
		st = journal_stat();
	} else if (stat(path, &st) < 0) {
		int r = -errno;
		free(f.path);
		return err_set(reterr, r, "cannot open %s: %s", path, strerror(-r));
	}
	return put(set, &f, &st, f.path != NULL, reterr);
}

int log_set_add_inside(struct log_set *set, const char *root, const char *inside,
		       struct errmsg *reterr)
{
	struct stat st;
	int fd = jail_open_file(&set->jail, inside);
	bool is_good = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0;

	fd_close(&fd);
	if (!is_good) {
		return 0;
	}
	struct log_set_file f = {.inside = strdup(inside)};
	if (asprintf(&f.path, "%s%s", root, inside) < 0) {
		f.path = NULL;
	}
	return put(set, &f, &st, f.path != NULL && f.inside != NULL, reterr);
}

int log_set_add_journal(struct log_set *set, const char *path, struct wall after,
			struct errmsg *reterr)
{
	struct log_set_file f = {.path = strdup(path), .after = after};
	const struct stat st = journal_stat();
	size_t count = set->count;
	int r = put(set, &f, &st, f.path != NULL, reterr);

	if (r == 0 && set->count > count && after.ns != 0) {
		struct log_set_file *added = &set->files[count];
		int64_t old_ns = (int64_t)st.st_mtime * NS_PER_S - LOG_SET_LATE_NS;
		if (added->begin.ns == 0 || added->begin.ns > old_ns) {
			free(added->path);
			set->count--;
		}
	}
	return r;
}

static int by_begin(const void *a, const void *b)
{
	const struct log_set_file *x = a;
	const struct log_set_file *y = b;

	if (x->is_lead != y->is_lead) {
		return x->is_lead ? -1 : 1;
	}
	if (x->begin.ns != y->begin.ns) {
		return x->begin.ns < y->begin.ns ? -1 : 1;
	}
	return strcmp(x->path, y->path);
}

void log_set_sort(struct log_set *set)
{
	if (set->count > 1) {
		qsort(set->files, set->count, sizeof(set->files[0]), by_begin);
	}
}

void log_set_done(struct log_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->files[i].path);
		free(set->files[i].inside);
	}
	free(set->files);
	if (set->has_jail) {
		jail_close(&set->jail);
	}
	*set = (struct log_set){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_read: stretches of access logs. Layer: doctor.
 *
 * Lines stand in the order in which requests ended. Apache writes when they began, so that a line
 * may be older than those before it by as long as its request took.
 */
#include "doctor/web_read.h"

#include "doctor/inflate.h"
#include "doctor/log_file.h"
#include "sys/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

/* A request that ran longer is missed. */
#define REQUEST_MAX_S 300
#define PIECE ((size_t)256 << 10)
/* Halving ends with a stretch that is read at once anyway. */
#define STRETCH ((uint64_t)64 << 10)
#define PROBE ((size_t)8 << 10)
#define HEAD_LINES 200
/* A log has come to a time when so many lines in a row are of it or later: a clock that was wrong
 * for a moment ends nothing. */
#define SETTLED_LINES 64

struct reader {
	const struct web_read_opts *opts;
	struct web_join *join;
	struct log_time time;
	int64_t seconds[SETTLED_LINES]; /* of the last lines, in turn */
	uint64_t timed;                 /* lines with a time */
	uint64_t line;                  /* of the next line; 0: not counted */
	uint64_t offset;
};

/* A line of an access log, for the join. */
static void take_line(struct reader *r, struct str line)
{
	struct web_place place = {
		.file = r->opts->file, .log = r->opts->log, .line = r->line, .offset = r->offset};
	struct web_hit hit;

	r->offset += line.len + 1;
	r->line += r->line > 0 ? 1 : 0;
	if (str_has_suffix(line, STR("\r"))) {
		line.len--;
	}
	if (!web_log_parse(&r->time, line, &hit)) {
		return;
	}
	r->seconds[r->timed++ % SETTLED_LINES] = hit.time.ns / NS_PER_S;
	web_join_step(r->join, &hit, r->opts->site, line, &place);
}

/* Has the log come to what is later than this? */
static bool is_past(const struct reader *r, int64_t until)
{
	for (size_t i = 0; i < SETTLED_LINES; i++) {
		if (r->timed < SETTLED_LINES || r->seconds[i] <= until) {
			return false;
		}
	}
	return true;
}

static void cover(struct reader *r, int64_t begin)
{
	if (begin > 0 && r->timed > 0) {
		int64_t last = r->seconds[(r->timed - 1) % SETTLED_LINES];
		web_join_cover(r->join, (struct web_range){begin, last + 1});
	}
}

static void take_lines(struct reader *r, struct str text)
{
	while (text.len > 0) {
		take_line(r, str_take_until(&text, '\n'));
	}
}

static ssize_t read_at(int fd, char *to, size_t size, uint64_t offset)
{
	ssize_t n;

	do {
		n = pread(fd, to, size, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n;
}

/* The newest time of some whole lines; 0: none has one. */
static int64_t newest_of(struct str text)
{
	struct log_time lt = {.year = 0};
	struct web_hit hit;
	int64_t newest = 0;

	for (unsigned n = 0; n < HEAD_LINES && text.len > 0; n++) {
		struct str line = str_take_until(&text, '\n');
		if (web_log_parse(&lt, line, &hit) && hit.time.ns / NS_PER_S > newest) {
			newest = hit.time.ns / NS_PER_S;
		}
	}
	return newest;
}

/* The oldest time of the first lines; 0: none has one. */
static int64_t oldest_of(struct str text)
{
	struct log_time lt = {.year = 0};
	struct web_hit hit;
	int64_t oldest = 0;

	for (unsigned n = 0; n < HEAD_LINES && text.len > 0; n++) {
		if (web_log_parse(&lt, str_take_until(&text, '\n'), &hit) &&
		    (oldest == 0 || hit.time.ns / NS_PER_S < oldest)) {
			oldest = hit.time.ns / NS_PER_S;
		}
	}
	return oldest;
}

/* A place in front of the first line of a time: in the middle of a line, or at `low`. */
static uint64_t find(int fd, uint64_t low, uint64_t high, int64_t second)
{
	char text[PROBE];

	while (high > low && high - low > STRETCH) {
		uint64_t mid = low + (high - low) / 2;
		ssize_t n = read_at(fd, text, sizeof(text), mid);
		struct str lines = {text, n < 0 ? 0 : (size_t)n};
		(void)str_take_until(&lines, '\n');
		int64_t newest = newest_of(lines);
		/* Where no line can be read, all before it is read too. */
		if (newest != 0 && newest < second) {
			low = mid;
		} else {
			high = mid;
		}
	}
	return low;
}

/* ---- plain ---- */

struct plain {
	int fd;
	uint64_t size;
	uint64_t done; /* read so far */
	char *text;    /* owned: PIECE octets */
	int64_t begin; /* of its first lines */
};

/* From a place on, which may be within a line, until the lines are newer than asked for. */
static int read_stretch(struct reader *r, struct plain *p, uint64_t from, int64_t until)
{
	bool is_within = from > p->done;

	p->done = from > p->done ? from : p->done;
	while (!is_past(r, until) && p->done < p->size) {
		ssize_t n = read_at(p->fd, p->text, PIECE, p->done);
		if (n <= 0) {
			p->done = n < 0 ? p->done : p->size;
			return n < 0 ? -errno : 0;
		}
		struct str text = {p->text, (size_t)n};
		const char *last = memrchr(text.ptr, '\n', text.len);
		bool is_end = p->done + text.len >= p->size;
		/* A line that fills all of it is no line. */
		text.len = last != NULL && !is_end ? (size_t)(last - text.ptr) + 1 : text.len;
		p->done += text.len;
		*r->opts->octets_left -= (int64_t)text.len;
		r->offset = p->done - text.len;
		if (is_within) {
			r->offset += str_find_char(text, '\n') + 1;
			(void)str_take_until(&text, '\n');
		}
		is_within = last == NULL;
		take_lines(r, text);
		if (*r->opts->octets_left <= 0) {
			return p->done < p->size ? 1 : 0;
		}
	}
	return 0;
}

static int read_plain(struct reader *r, struct plain *p)
{
	const struct web_time *t = web_join_time(r->join);
	ssize_t n = read_at(p->fd, p->text, PIECE, 0);
	struct str head = {p->text, n < 0 ? 0 : (size_t)n};
	int x = 0;

	p->begin = oldest_of(head);
	for (size_t i = 0; i < t->range_count && x == 0; i++) {
		int64_t until = t->ranges[i].end + REQUEST_MAX_S;
		if (is_past(r, until)) {
			continue; /* it was read with the one before */
		}
		uint64_t from = find(p->fd, p->done, p->size, t->ranges[i].begin - REQUEST_MAX_S);
		x = read_stretch(r, p, from, until);
	}
	cover(r, p->begin);
	return x;
}

/* ---- packed ---- */

static int read_packed(struct reader *r, struct log_file *f, struct errmsg *reterr)
{
	const struct web_time *t = web_join_time(r->join);
	int64_t until = t->ranges[t->range_count - 1].end + REQUEST_MAX_S;
	int64_t begin = 0;
	struct str piece;
	int x = 1;

	r->line = 1;
	while (!is_past(r, until) && (x = log_file_read(f, &piece, reterr)) > 0) {
		if (begin == 0) {
			begin = oldest_of(piece);
		}
		*r->opts->octets_left -= (int64_t)piece.len;
		take_lines(r, piece);
		if (*r->opts->octets_left <= 0) {
			break;
		}
	}
	cover(r, begin);
	return x < 0 ? x : x > 0 && !is_past(r, until) ? 1 : 0;
}

static bool is_packed(int fd)
{
	char magic[INFLATE_MAGIC_MAX];
	ssize_t n = read_at(fd, magic, sizeof(magic), 0);

	return n > 0 && inflate_detect((struct str){magic, (size_t)n}) != INFLATE_PLAIN;
}

int web_read(int fd, const struct web_read_opts *opts, struct web_join *j, struct errmsg *reterr)
{
	struct reader r = {.opts = opts, .join = j};
	struct log_file *f;
	struct stat st;
	int x;

	if (is_packed(fd)) {
		x = log_file_open_fd(fd, opts->path, &f, reterr);
		if (x == 0) {
			x = read_packed(&r, f, reterr);
			log_file_close(f);
		}
		return x;
	}
	struct plain p = {.fd = fd, .text = malloc(PIECE)};
	if (p.text == NULL || fstat(fd, &st) < 0) {
		x = err_set(reterr, p.text == NULL ? -ENOMEM : -errno, "cannot read %s",
			    opts->path);
	} else {
		p.size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
		x = read_plain(&r, &p);
		x = x < 0 ? err_set(reterr, x, "cannot read %s: %s", opts->path, strerror(-x)) : x;
	}
	free(p.text);
	fd_close(&fd);
	return x;
}

int64_t web_read_begin(int fd, const char *path)
{
	struct errmsg unsaid;
	struct log_file *f;
	struct str piece;
	int64_t begin = 0;

	if (log_file_open_fd(fd, path, &f, &unsaid) < 0) {
		return 0;
	}
	if (log_file_read(f, &piece, &unsaid) > 0) {
		begin = oldest_of(piece);
	}
	log_file_close(f);
	return begin;
}

uint64_t web_read_line(int fd, uint64_t offset)
{
	char *text = malloc(PIECE);
	uint64_t line = 1;
	uint64_t done = 0;

	while (text != NULL && done < offset) {
		size_t want = offset - done < PIECE ? (size_t)(offset - done) : PIECE;
		ssize_t n = read_at(fd, text, want, done);
		if (n <= 0) {
			break;
		}
		struct str rest = {text, (size_t)n};
		for (size_t at; (at = str_find_char(rest, '\n')) < rest.len;) {
			rest = str_skip(rest, at + 1);
			line++;
		}
		done += (uint64_t)n;
	}
	line = text != NULL && done == offset ? line : 0;
	free(text);
	fd_close(&fd);
	return line;
}

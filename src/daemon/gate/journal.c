/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: records, and the file they are in. Layer: daemon.
 */
#include "daemon/gate/journal.h"

#include "base/buf.h"
#include "base/cur.h"
#include "base/siphash.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define MAGIC "PSTNGATE"
#define VERSION 1
#define HEADER_SIZE 12
#define RECORD_HEAD 12 /* u32 length, u64 checksum */
/* How far a good record is looked for behind a damaged place. */
#define RESYNC_BYTES (64 * 1024)

struct journal {
	char path[320];
	char path_new[328];
	char dir[320];
	int fd;
	int fd_new; /* -1: not rewriting */
	size_t bytes;
	size_t bytes_new;
	bool both;     /* appends go to the new file too */
	bool is_short; /* the old one lacks something and takes no more */
};

/* A checksum against torn and flipped octets, not against people: the key is no secret. */
static uint64_t checksum(const void *data, size_t len)
{
	static const struct siphash_key key = {0x6a6f75726e616c21, 0x706f737465726e21};

	return siphash(&key, data, len);
}

int journal_encode(const struct journal_record *r, void *data, size_t size)
{
	uint8_t body[JOURNAL_BODY_MAX];
	uint8_t order[ORDER_ENCODED_MAX];
	struct enc e = enc_of(body, sizeof(body));

	enc_uint(&e, 1, r->type);
	enc_uint(&e, 1, r->origin);
	enc_uint(&e, 8, r->seq);
	if (r->type == JOURNAL_OVER) {
		enc_uint(&e, 1, r->state);
	}
	if (r->type == JOURNAL_ORDER) {
		struct order o = r->order;
		o.source.network = NETWORK_NONE;
		int n = order_encode(&o, order, sizeof(order));
		if (n < 0 || r->network.len > JOURNAL_NETWORK_MAX) {
			return -EMSGSIZE;
		}
		enc_str(&e, r->network);
		enc_str(&e, (struct str){(const char *)order, (size_t)n});
	}
	int len = enc_end(&e);
	if (len < 0) {
		return len;
	}
	struct enc out = enc_of(data, size);
	enc_uint(&out, 4, (uint64_t)len);
	enc_uint(&out, 8, checksum(body, (size_t)len));
	enc_bytes(&out, body, (size_t)len);
	return enc_end(&out);
}

static int decode_body(struct str body, struct journal_record *ret)
{
	struct cur c = cur_of(body.ptr, body.len);
	struct journal_record r = {0};
	struct str order = STR_EMPTY;

	r.type = (enum journal_type)cur_uint(&c, 1, JOURNAL_TYPE_END - 1);
	r.origin = (enum order_origin)cur_uint(&c, 1, ORIGIN_COUNT - 1);
	r.seq = cur_uint(&c, 8, UINT64_MAX);
	if (r.type == JOURNAL_OVER) {
		r.state = (enum order_state)cur_uint(&c, 1, ORDER_STATE_COUNT - 1);
	}
	if (r.type == JOURNAL_ORDER) {
		r.network = cur_str(&c, JOURNAL_NETWORK_MAX);
		order = cur_str(&c, ORDER_ENCODED_MAX);
	}
	int done = cur_end(&c);
	if (done == 0 && r.type == JOURNAL_ORDER) {
		done = order_decode(order.ptr, order.len, &r.order);
		if (done == 0 && (r.order.origin != r.origin || r.order.seq != r.seq)) {
			done = -EBADMSG;
		}
	}
	if (done == 0 && r.type == 0) {
		done = -EBADMSG;
	}
	if (done == 0) {
		*ret = r;
	}
	return done;
}

/* @return Octets of the good record that begins here, or 0. */
static size_t record_at(struct str rest, struct journal_record *ret)
{
	struct cur c = cur_of(rest.ptr, rest.len);
	size_t len = (size_t)cur_uint(&c, 4, JOURNAL_BODY_MAX);
	uint64_t sum = cur_uint(&c, 8, UINT64_MAX);
	struct str body = cur_bytes(&c, len);

	if (c.err != 0 || len == 0 || checksum(body.ptr, body.len) != sum ||
	    decode_body(body, ret) < 0) {
		return 0;
	}
	return RECORD_HEAD + len;
}

/* @return Octets to pass over until a good record begins; 0: there is none near. */
static size_t resync(struct str rest)
{
	struct journal_record r;

	for (size_t skip = 1; skip < rest.len && skip <= RESYNC_BYTES; skip++) {
		if (record_at(str_skip(rest, skip), &r) > 0) {
			return skip;
		}
	}
	return 0;
}

int journal_scan(struct str content, journal_visit_fn *visit, void *ctx, struct journal_scan *ret)
{
	struct cur c = cur_of(content.ptr, content.len);
	struct str magic = cur_bytes(&c, sizeof(MAGIC) - 1);
	uint64_t version = cur_uint(&c, 4, UINT32_MAX);
	struct journal_scan s = {.good_bytes = HEADER_SIZE};
	struct journal_record r;

	if (c.err != 0 || !str_is_equal(magic, STR(MAGIC))) {
		return -EBADMSG;
	}
	if (version != VERSION) {
		return -EPROTONOSUPPORT;
	}
	struct str rest = str_skip(content, HEADER_SIZE);
	while (rest.len > 0) {
		size_t n = record_at(rest, &r);
		if (n == 0) {
			n = resync(rest);
			if (n == 0) {
				break;
			}
			s.damaged++;
			rest = str_skip(rest, n);
			continue;
		}
		visit(ctx, &r);
		s.records++;
		rest = str_skip(rest, n);
		s.good_bytes = content.len - rest.len;
	}
	s.torn_bytes = content.len - s.good_bytes;
	*ret = s;
	return 0;
}

static int write_header(int fd)
{
	uint8_t header[HEADER_SIZE];
	struct enc e = enc_of(header, sizeof(header));

	enc_bytes(&e, MAGIC, sizeof(MAGIC) - 1);
	enc_uint(&e, 4, VERSION);
	return file_write_all(fd, (struct str){(const char *)header, sizeof(header)});
}

static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	fd_close(&fd);
	return r;
}

/* A file shorter than its header was never used: its maker died. */
static int make(struct journal *j)
{
	if (ftruncate(j->fd, 0) < 0) {
		return -errno;
	}
	int r = write_header(j->fd);
	if (r == 0 && fsync(j->fd) < 0) {
		r = -errno;
	}
	j->bytes = HEADER_SIZE;
	return r < 0 ? r : sync_dir(j->dir);
}

static int load(struct journal *j, journal_visit_fn *visit, void *ctx, struct journal_scan *ret,
		struct errmsg *reterr)
{
	struct buf content;

	buf_init(&content, JOURNAL_FILE_MAX);
	int r = file_read(j->path, &content, reterr);
	if (r < 0) {
		goto out;
	}
	*ret = (struct journal_scan){0};
	if (content.len < HEADER_SIZE) {
		r = make(j);
		if (r < 0) {
			err_set(reterr, r, "cannot begin %s: %s", j->path, strerror(-r));
		}
		goto out;
	}
	r = journal_scan(buf_str(&content), visit, ctx, ret);
	if (r < 0) {
		err_set(reterr, r, r == -EBADMSG ? "%s is no journal" : "%s is of a newer version",
			j->path);
		goto out;
	}
	j->bytes = ret->good_bytes;
	if (ret->torn_bytes > 0 && ftruncate(j->fd, (off_t)ret->good_bytes) < 0) {
		r = err_set(reterr, -errno, "cannot cut the torn end off %s: %s", j->path,
			    strerror(errno));
	}
out:
	buf_done(&content);
	return r;
}

int journal_open(const char *dir, journal_visit_fn *visit, void *ctx, struct journal **ret,
		 struct journal_scan *ret_scan, struct errmsg *reterr)
{
	struct journal *j = calloc(1, sizeof(*j));
	int r;

	if (j == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for the journal");
	}
	j->fd = -1;
	j->fd_new = -1;
	int n = snprintf(j->path, sizeof(j->path), "%s/journal", dir);
	if (n < 0 || (size_t)n >= sizeof(j->path)) {
		r = err_set(reterr, -ENAMETOOLONG, "the state folder's name is too long");
		goto out;
	}
	snprintf(j->path_new, sizeof(j->path_new), "%s.new", j->path);
	snprintf(j->dir, sizeof(j->dir), "%s", dir);
	(void)unlink(j->path_new); /* of a rewrite that did not end */
	j->fd = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (j->fd < 0) {
		r = err_set(reterr, -errno, "cannot open %s: %s", j->path, strerror(errno));
		goto out;
	}
	r = load(j, visit, ctx, ret_scan, reterr);
	if (r == 0) {
		*ret = j;
		j = NULL;
	}
out:
	journal_close(j);
	return r;
}

void journal_close(struct journal *j)
{
	if (j != NULL) {
		fd_close(&j->fd);
		fd_close(&j->fd_new);
		free(j);
	}
}

static int append_to(int fd, size_t *bytes, struct str record)
{
	int r = file_write_all(fd, record);

	if (r == 0) {
		*bytes += record.len;
	} else if (ftruncate(fd, (off_t)*bytes) < 0) {
		r = -errno;
	}
	return r;
}

int journal_append(struct journal *j, const struct journal_record *r)
{
	uint8_t data[JOURNAL_ENCODED_MAX];
	int n = journal_encode(r, data, sizeof(data));

	if (n < 0) {
		return n;
	}
	struct str record = {(const char *)data, (size_t)n};
	int done = j->is_short ? -EIO : append_to(j->fd, &j->bytes, record);
	j->is_short = done < 0;
	if (j->both) {
		int again = append_to(j->fd_new, &j->bytes_new, record);
		if (again < 0) {
			journal_rewrite_cancel(j);
		}
		done = done < 0 ? again : done;
	}
	return done;
}

void journal_distrust(struct journal *j)
{
	j->is_short = true;
	journal_rewrite_cancel(j);
}

bool journal_is_short(const struct journal *j)
{
	return j->is_short;
}

void journal_sync_fds(const struct journal *j, int ret_fds[static 2])
{
	ret_fds[0] = j->is_short ? -1 : j->fd;
	ret_fds[1] = j->both ? j->fd_new : -1;
}

size_t journal_bytes(const struct journal *j)
{
	return j->bytes;
}

int journal_rewrite_begin(struct journal *j, struct errmsg *reterr)
{
	journal_rewrite_cancel(j);
	j->fd_new = open(j->path_new, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	int r = j->fd_new < 0 ? -errno : write_header(j->fd_new);
	if (r < 0) {
		journal_rewrite_cancel(j);
		return err_set(reterr, r, "cannot begin %s: %s", j->path_new, strerror(-r));
	}
	j->bytes_new = HEADER_SIZE;
	return 0;
}

int journal_rewrite_add(struct journal *j, const struct journal_record *r)
{
	uint8_t data[JOURNAL_ENCODED_MAX];
	int n = journal_encode(r, data, sizeof(data));

	return n < 0 ? n
		     : append_to(j->fd_new, &j->bytes_new,
				 (struct str){(const char *)data, (size_t)n});
}

void journal_rewrite_ready(struct journal *j)
{
	j->both = true;
}

bool journal_is_rewriting(const struct journal *j)
{
	return j->fd_new >= 0;
}

int journal_rewrite_finish(struct journal *j, struct errmsg *reterr)
{
	if (rename(j->path_new, j->path) < 0) {
		int r = err_set(reterr, -errno, "cannot replace %s: %s", j->path, strerror(errno));
		journal_rewrite_cancel(j);
		return r;
	}
	fd_close(&j->fd);
	j->fd = fd_move(&j->fd_new);
	j->bytes = j->bytes_new;
	j->both = false;
	int r = sync_dir(j->dir);
	j->is_short = r < 0; /* the old one may come back after a crash */
	return r < 0 ? err_set(reterr, r, "cannot sync the folder of %s: %s", j->path, strerror(-r))
		     : 0;
}

void journal_rewrite_cancel(struct journal *j)
{
	if (j->fd_new >= 0) {
		fd_close(&j->fd_new);
		(void)unlink(j->path_new);
	}
	j->both = false;
}

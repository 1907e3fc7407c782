/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: writing and reading the judge's file. Layer: daemon.
 *
 * "postern judge\n", the last order number in 8 octets, then what judge_save writes.
 */
#include "daemon/judge/checkpoint.h"

#include "base/cur.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define MAGIC "postern judge\n"
#define HEAD_SIZE (sizeof(MAGIC) - 1 + 8)
/* Written at once, between two observations: a few hundred sources. */
#define PART_BYTES ((size_t)64 << 10)
#define FILE_MODE 0600

int checkpoint_init(struct checkpoint *c, const char *folder, struct errmsg *reterr)
{
	int n = snprintf(c->path, sizeof(c->path), "%s/checkpoint", folder);
	int m = snprintf(c->path_new, sizeof(c->path_new), "%s/checkpoint.new", folder);

	c->fd = -1;
	buf_init(&c->part, PART_BYTES + JUDGE_SAVE_OVER + HEAD_SIZE);
	if (n < 0 || m < 0 || (size_t)m >= sizeof(c->path_new)) {
		return err_set(reterr, -ENAMETOOLONG, "state_dir is too long");
	}
	return 0;
}

void checkpoint_done(struct checkpoint *c)
{
	fd_close(&c->fd);
	buf_done(&c->part);
}

static int take(struct judge *j, struct str data, uint64_t *ret_seq, struct errmsg *reterr)
{
	if (!str_has_prefix(data, STR(MAGIC)) || data.len < HEAD_SIZE) {
		return err_set(reterr, -EBADMSG, "the checkpoint is not one");
	}
	struct cur c = cur_of(data.ptr + sizeof(MAGIC) - 1, 8);
	uint64_t seq = cur_uint(&c, 8, INT64_MAX);
	if (cur_end(&c) < 0) {
		return err_set(reterr, -EBADMSG, "the checkpoint has no order number");
	}
	/* The number is good even where the rest is not. */
	*ret_seq = seq;
	return judge_load(j, str_skip(data, HEAD_SIZE), reterr);
}

int checkpoint_read(const struct checkpoint *c, struct judge *j, uint64_t *ret_seq,
		    struct errmsg *reterr)
{
	struct buf data;

	if (access(c->path, F_OK) < 0) {
		return 0;
	}
	buf_init(&data, CHECKPOINT_BYTES_MAX);
	int r = file_read(c->path, &data, reterr);
	if (r == 0) {
		r = take(j, buf_str(&data), ret_seq, reterr);
	}
	buf_done(&data);
	return r < 0 ? r : 1;
}

static int begin(struct checkpoint *c, uint64_t seq)
{
	uint8_t number[8];
	struct enc e = enc_of(number, sizeof(number));

	c->fd = open(c->path_new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	if (c->fd < 0) {
		return -errno;
	}
	c->save = (struct judge_save){0};
	enc_uint(&e, 8, seq);
	buf_add(&c->part, STR(MAGIC));
	buf_add(&c->part, (struct str){(const char *)number, sizeof(number)});
	return 0;
}

/* One part: 1 when it was the last. */
static int write_part(struct checkpoint *c, const struct judge *j, uint64_t seq)
{
	buf_clear(&c->part);
	int r = c->fd < 0 ? begin(c, seq) : 0;
	if (r < 0) {
		return r;
	}
	bool is_last = judge_save(j, &c->save, PART_BYTES, &c->part);
	r = buf_end(&c->part);
	if (r == 0) {
		r = file_write_all(c->fd, buf_str(&c->part));
	}
	return r < 0 ? r : is_last;
}

static int give_up(struct checkpoint *c, int r, struct errmsg *reterr)
{
	fd_close(&c->fd);
	(void)unlink(c->path_new);
	return err_set(reterr, r, "cannot write %s: %s", c->path_new, strerror(-r));
}

int checkpoint_step(struct checkpoint *c, const struct judge *j, uint64_t seq,
		    struct errmsg *reterr)
{
	int r = write_part(c, j, seq);

	if (r == 1) {
		/* Started, not waited for: the disk may take long. */
		(void)sync_file_range(c->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		fd_close(&c->fd);
		if (rename(c->path_new, c->path) < 0) {
			r = -errno;
		}
	}
	return r < 0 ? give_up(c, r, reterr) : r;
}

int checkpoint_write(struct checkpoint *c, const struct judge *j, uint64_t seq,
		     struct errmsg *reterr)
{
	int r;

	fd_close(&c->fd); /* what was half written starts anew */
	do {
		r = write_part(c, j, seq);
	} while (r == 0);
	if (r == 1 && fsync(c->fd) < 0) {
		r = -errno;
	}
	fd_close(&c->fd);
	if (r == 1 && rename(c->path_new, c->path) < 0) {
		r = -errno;
	}
	return r < 0 ? give_up(c, r, reterr) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * input: read(2), and zlib where the file begins like gzip. Layer: adapter.
 */
#include "capture/input.h"

#include "base/assert.h"
#include "sys/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/poison.h"

/* Octets of one read(2): measured, larger pieces gain nothing. */
#define PIECE ((size_t)1 << 20)

struct input {
	int fd;
	bool is_end; /* of the file */
	bool is_packed;
	bool is_between; /* gzip: no member is open */
	uint64_t offset;
	uint64_t read;
	char *data; /* unread octets are [start, end) */
	size_t size;
	size_t start;
	size_t end;
	char *packed; /* PIECE octets, when is_packed */
	z_stream z;
};

static int read_some(struct input *in, char *to, size_t n, struct errmsg *reterr)
{
	ssize_t got;

	do {
		got = read(in->fd, to, n);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		return err_set(reterr, -errno, "cannot read: %s", strerror(errno));
	}
	in->is_end = got == 0;
	in->read += (uint64_t)got;
	return (int)got;
}

/* Space for one more piece after the unread octets, which move to the front when they must. */
static int make_room(struct input *in, struct errmsg *reterr)
{
	if (in->start > 0 && in->size - in->end < PIECE) {
		memmove(in->data, in->data + in->start, in->end - in->start);
		in->end -= in->start;
		in->start = 0;
	}
	if (in->size - in->end < PIECE) {
		size_t size = in->size == 0 ? 2 * PIECE : in->size * 2;
		char *grown = realloc(in->data, size);
		if (grown == NULL) {
			return err_set(reterr, -ENOMEM, "no memory for %zu octets", size);
		}
		in->data = grown;
		in->size = size;
	}
	return 0;
}

/* Unpack until something came out or the file ends. */
static int unpack(struct input *in, struct errmsg *reterr)
{
	in->z.next_out = (Bytef *)in->data + in->end;
	in->z.avail_out = (uInt)PIECE;
	while (in->z.avail_out == PIECE) {
		if (in->z.avail_in == 0) {
			int got = read_some(in, in->packed, PIECE, reterr);
			if (got < 0) {
				return got;
			}
			if (got == 0) {
				return in->is_between ? 0
						      : err_set(reterr, -EBADMSG,
								"the gzip data is cut off");
			}
			in->z.next_in = (Bytef *)in->packed;
			in->z.avail_in = (uInt)got;
		}
		if (in->is_between) {
			if (inflateReset(&in->z) != Z_OK) {
				return err_set(reterr, -EIO, "cannot unpack");
			}
			in->is_between = false;
		}
		int z = inflate(&in->z, Z_NO_FLUSH);
		if (z == Z_STREAM_END) {
			in->is_between = true;
		} else if (z != Z_OK && z != Z_BUF_ERROR) {
			in->end += PIECE - in->z.avail_out;
			in->is_end = true;
			return err_set(reterr, -EBADMSG, "the gzip data is damaged");
		}
	}
	in->end += PIECE - in->z.avail_out;
	return 0;
}

static int fill(struct input *in, struct errmsg *reterr)
{
	int r = make_room(in, reterr);

	if (r < 0) {
		return r;
	}
	if (in->is_packed) {
		return unpack(in, reterr);
	}
	r = read_some(in, in->data + in->end, PIECE, reterr);
	in->end += r > 0 ? (size_t)r : 0;
	return r < 0 ? r : 0;
}

/* What was read so far is packed: it becomes the input of zlib. */
static int begin_unpacking(struct input *in, struct errmsg *reterr)
{
	size_t n = in->end;

	in->packed = malloc(PIECE);
	/* 16: gzip only. */
	if (in->packed == NULL || inflateInit2(&in->z, 16 + MAX_WBITS) != Z_OK) {
		return err_set(reterr, -ENOMEM, "no memory to unpack with");
	}
	ASSERT(n <= PIECE);
	memcpy(in->packed, in->data, n);
	in->is_packed = true;
	in->z.next_in = (Bytef *)in->packed;
	in->z.avail_in = (uInt)n;
	in->end = 0;
	return 0;
}

int input_new(int fd, struct input **ret, struct errmsg *reterr)
{
	struct input *in = calloc(1, sizeof(*in));
	int r = 0;

	if (in == NULL) {
		fd_close(&fd);
		return err_set(reterr, -ENOMEM, "no memory");
	}
	in->fd = fd;
	while (r == 0 && in->end < 2 && !in->is_end) {
		r = make_room(in, reterr);
		int got = r < 0 ? r : read_some(in, in->data + in->end, PIECE - in->end, reterr);
		r = got < 0 ? got : 0;
		in->end += got > 0 ? (size_t)got : 0;
	}
	if (r == 0 && in->end >= 2 && memcmp(in->data, "\x1f\x8b", 2) == 0) {
		r = begin_unpacking(in, reterr);
	}
	if (r < 0) {
		input_free(in);
		return r;
	}
	*ret = in;
	return 0;
}

void input_free(struct input *in)
{
	if (in != NULL) {
		if (in->is_packed) {
			inflateEnd(&in->z);
		}
		fd_close(&in->fd);
		free(in->packed);
		free(in->data);
		free(in);
	}
}

int input_want(struct input *in, size_t n, struct str *ret, struct errmsg *reterr)
{
	ASSERT(n <= INPUT_WANT_MAX);
	while (in->end - in->start < n && !in->is_end) {
		int r = fill(in, reterr);
		if (r < 0) {
			return r;
		}
	}
	size_t there = in->end - in->start;
	*ret = (struct str){in->data + in->start, there < n ? there : n};
	return 0;
}

void input_take(struct input *in, size_t n)
{
	ASSERT(n <= in->end - in->start);
	in->start += n;
	in->offset += n;
}

uint64_t input_offset(const struct input *in)
{
	return in->offset;
}

uint64_t input_read(const struct input *in)
{
	return in->read;
}

bool input_is_packed(const struct input *in)
{
	return in->is_packed;
}

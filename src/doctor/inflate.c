/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate: our gunzip, liblzma, libzstd and libbz2 behind one face. Layer: doctor.
 *
 * Files that were put together of several members (`cat a.gz b.gz`, parallel compressors) go on
 * with the next member.
 */
#include "doctor/inflate.h"

#include "base/assert.h"
#include "base/gunzip.h"

#include <bzlib.h>
#include <errno.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/poison.h"

/* A member that wants more memory than this for its window is refused: the doctor stays small. */
#define WINDOW_BYTES_MAX ((size_t)32 << 20)
#define ZSTD_WINDOW_LOG_MAX 25
/* Few enough to stay in the processor's cache while they are read. */
#define PLAIN_SIZE (INFLATE_KEEP_MAX + ((size_t)256 << 10))

struct inflate {
	enum inflate_format format;
	bool is_whole; /* a member ended, and nothing came after it yet */
	char *plain;   /* what the libraries make; gunzip has room of its own */
	struct gunzip *gzip;
	lzma_stream xz;
	ZSTD_DStream *zstd;
	bz_stream bzip2;
	bool bzip2_open;
};

enum inflate_format inflate_detect(struct str head)
{
	static const struct {
		struct str magic;
		enum inflate_format format;
	} rows[] = {
		{{"\x1f\x8b", 2}, INFLATE_GZIP},
		{{"\xfd"
		  "7zXZ\0",
		  6},
		 INFLATE_XZ},
		{{"\x28\xb5\x2f\xfd", 4}, INFLATE_ZSTD},
		{{"BZh", 3}, INFLATE_BZIP2},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (str_has_prefix(head, rows[i].magic)) {
			return rows[i].format;
		}
	}
	return INFLATE_PLAIN;
}

static bool bzip2_open(struct inflate *z)
{
	z->bzip2 = (bz_stream){0};
	z->bzip2_open = BZ2_bzDecompressInit(&z->bzip2, 0, 1) == BZ_OK;
	return z->bzip2_open;
}

static bool open_format(struct inflate *z)
{
	switch (z->format) {
	case INFLATE_GZIP:
		z->gzip = gunzip_new();
		return z->gzip != NULL;
	case INFLATE_XZ:
		z->xz = (lzma_stream)LZMA_STREAM_INIT;
		return lzma_stream_decoder(&z->xz, WINDOW_BYTES_MAX, LZMA_CONCATENATED) == LZMA_OK;
	case INFLATE_ZSTD:
		z->zstd = ZSTD_createDStream();
		return z->zstd != NULL &&
		       ZSTD_isError(ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax,
							   ZSTD_WINDOW_LOG_MAX)) == 0;
	case INFLATE_BZIP2:
		return bzip2_open(z);
	case INFLATE_PLAIN:
	case INFLATE_FORMAT_COUNT:
		break;
	}
	return false;
}

struct inflate *inflate_new(enum inflate_format format)
{
	ASSERT(format != INFLATE_PLAIN);
	struct inflate *z = calloc(1, sizeof(*z));

	if (z != NULL) {
		z->format = format;
		z->plain = format == INFLATE_GZIP ? NULL : malloc(PLAIN_SIZE);
		if ((format != INFLATE_GZIP && z->plain == NULL) || !open_format(z)) {
			inflate_free(z);
			return NULL;
		}
	}
	return z;
}

void inflate_free(struct inflate *z)
{
	if (z == NULL) {
		return;
	}
	gunzip_free(z->gzip);
	lzma_end(&z->xz);
	ZSTD_freeDStream(z->zstd);
	if (z->bzip2_open) {
		(void)BZ2_bzDecompressEnd(&z->bzip2);
	}
	free(z->plain);
	free(z);
}

/* The libraries do not write to their input, but not all say so in their types. */
static void *unconst(const void *p)
{
	void *q;

	memcpy(&q, &p, sizeof(q));
	return q;
}

/* It tells its end only when it is told that its input ended. */
static int step_xz(struct inflate *z, struct str *in, bool is_last, struct str *out)
{
	uint8_t *to = unconst(out->ptr);
	z->xz.next_in = (const uint8_t *)in->ptr;
	z->xz.avail_in = in->len;
	z->xz.next_out = to;
	z->xz.avail_out = out->len;
	lzma_ret r = lzma_code(&z->xz, is_last ? LZMA_FINISH : LZMA_RUN);
	*in = str_skip(*in, in->len - z->xz.avail_in);
	out->len -= z->xz.avail_out;
	return r == LZMA_OK || r == LZMA_BUF_ERROR ? 1 : (r == LZMA_STREAM_END ? 0 : -EBADMSG);
}

static int step_zstd(struct inflate *z, struct str *in, struct str *out)
{
	ZSTD_inBuffer input = {.src = in->ptr, .size = in->len};
	ZSTD_outBuffer output = {.dst = unconst(out->ptr), .size = out->len};
	size_t r = ZSTD_decompressStream(z->zstd, &output, &input);

	*in = str_skip(*in, input.pos);
	out->len = output.pos;
	if (ZSTD_isError(r) != 0) {
		return -EBADMSG;
	}
	return r == 0 && in->len == 0 ? 0 : 1;
}

static int step_bzip2(struct inflate *z, struct str *in, struct str *out)
{
	size_t size = out->len;

	z->bzip2.next_in = unconst(in->ptr);
	z->bzip2.avail_in = (unsigned)in->len;
	z->bzip2.next_out = unconst(out->ptr);
	z->bzip2.avail_out = (unsigned)size;
	int r = BZ2_bzDecompress(&z->bzip2);
	*in = str_skip(*in, in->len - z->bzip2.avail_in);
	out->len = size - z->bzip2.avail_out;
	if (r == BZ_STREAM_END) {
		(void)BZ2_bzDecompressEnd(&z->bzip2);
		z->bzip2_open = false;
		return !bzip2_open(z) ? -EBADMSG : (in->len > 0 ? 1 : 0);
	}
	return r == BZ_OK ? 1 : -EBADMSG;
}

/* A library's octets, behind those that are kept. */
static int step_library(struct inflate *z, struct str *in, bool is_last, struct str *view)
{
	ASSERT(view->len <= INFLATE_KEEP_MAX);
	if (view->len > 0) {
		memmove(z->plain, view->ptr, view->len);
	}
	struct str out = {z->plain + view->len, PLAIN_SIZE - view->len};
	int r = z->format == INFLATE_XZ     ? step_xz(z, in, is_last, &out)
		: z->format == INFLATE_ZSTD ? step_zstd(z, in, &out)
					    : step_bzip2(z, in, &out);
	*view = (struct str){z->plain, view->len + out.len};
	return r;
}

int inflate_step(struct inflate *z, struct str *in, bool is_last, struct str *view)
{
	size_t kept = view->len;
	size_t len = in->len;

	if (len == 0 && z->is_whole) {
		return 0; /* asked again, some would begin a member of nothing */
	}
	int r = z->format == INFLATE_GZIP ? gunzip_step(z->gzip, in, view)
					  : step_library(z, in, is_last, view);
	z->is_whole = r == 0;
	return r == 1 && is_last && in->len == len && view->len == kept ? -EBADMSG : r;
}

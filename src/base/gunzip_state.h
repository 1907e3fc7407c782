/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip_state: where an inflater is in its work. Within base/gunzip. Layer: base.
 */
#ifndef BASE_GUNZIP_STATE_H
#define BASE_GUNZIP_STATE_H

#include "base/crc32.h"
#include "base/gunzip.h"
#include "base/gunzip_table.h"

#define GUNZIP_WINDOW ((size_t)32 << 10) /* RFC 1951: the farthest a copy reaches back */
#define GUNZIP_CHUNK ((size_t)128 << 10) /* made between two slides */
#define GUNZIP_LIMIT (GUNZIP_KEEP_MAX + GUNZIP_CHUNK)
static_assert(GUNZIP_KEEP_MAX >= GUNZIP_WINDOW, "the larger one counts");
/* One turn of the loop may write two literals and a copy; copies write more than they need. */
#define GUNZIP_COPY 64 /* octets of each copy that are written in any case */
#define GUNZIP_SLACK (2 + LENGTH_MAX + GUNZIP_COPY)

enum state {
	STATE_HEAD,
	STATE_EXTRA,
	STATE_NAME,
	STATE_COMMENT,
	STATE_HEAD_CRC,
	STATE_BLOCK,
	STATE_STORED_SIZE,
	STATE_STORED,
	STATE_COUNTS,
	STATE_ORDER,
	STATE_LENGTHS,
	STATE_SYMBOLS,
	STATE_TRAILER,
	STATE_BAD,
};

/* How a part of the work ended. */
enum got {
	GOT_DONE,
	GOT_MORE,   /* input is used up */
	GOT_FULL,   /* the window is */
	GOT_MEMBER, /* a member ended */
	GOT_BAD,
};

struct gunzip {
	enum state state;
	uint64_t bits; /* read but not used, the next one lowest */
	unsigned bit_count;
	bool is_last;      /* block */
	uint8_t flags;     /* of the member's head */
	uint64_t members;  /* that ended */
	uint32_t head_at;  /* octets of this part of the head that were read */
	uint32_t extra;    /* octets of a field or of a stored block that are left */
	unsigned literals; /* counts of a block's codes */
	unsigned distances;
	unsigned orders;
	unsigned lens_at;
	uint8_t lens[SYMBOLS_MAX + 32];
	uint32_t order_table[ORDER_SIZE];
	uint32_t length_table[LENGTHS_SIZE];
	uint32_t distance_table[DISTANCES_SIZE];
	struct crc32 crc;
	uint32_t sum;   /* of this member so far */
	uint32_t total; /* octets of it, modulo 2^32 */
	size_t begin;   /* of this member in the window: nothing before it may be copied */
	size_t out;     /* octets in the window */
	char *window;   /* in octets, behind what a copy of nothing may read */
	char octets[GUNZIP_COPY + GUNZIP_LIMIT + GUNZIP_SLACK];
};

/* Read octets until there are n bits (n <= 56). @return false: input ended before. */
static inline bool gunzip_need(struct gunzip *g, struct str *in, unsigned n)
{
	while (g->bit_count < n) {
		if (in->len == 0) {
			return false;
		}
		g->bits |= (uint64_t)(unsigned char)in->ptr[0] << g->bit_count;
		g->bit_count += 8;
		*in = str_skip(*in, 1);
	}
	return true;
}

static inline unsigned gunzip_take(struct gunzip *g, unsigned n)
{
	unsigned v = (unsigned)(g->bits & ((UINT64_C(1) << n) - 1));

	g->bits >>= n;
	g->bit_count -= n;
	return v;
}

/** Literals and copies, up to the end of the block. */
MUSTUSE enum got gunzip_symbols(struct gunzip *g, struct str *in);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip: the inflater. Layer: base.
 *
 * Octets come out into a window that slides. While enough input and room are there, a loop reads
 * eight octets of input at a time and copies sixteen at a time; near an end each symbol is looked
 * at whole before anything of it is used up, so that input may stop anywhere.
 */
#include "base/gunzip.h"

#include "base/assert.h"
#include "base/gunzip_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

struct gunzip *gunzip_new(void)
{
	struct gunzip *g = calloc(1, sizeof(*g));

	if (g != NULL) {
		crc32_init(&g->crc);
		g->window = g->octets + GUNZIP_COPY;
	}
	return g;
}

void gunzip_free(struct gunzip *g)
{
	free(g);
}

/* ---- the head and the end of a member ---- */

static enum state after_head(struct gunzip *g)
{
	static const struct {
		uint8_t flag;
		enum state state;
	} parts[] = {{4, STATE_EXTRA}, {8, STATE_NAME}, {16, STATE_COMMENT}, {2, STATE_HEAD_CRC}};

	g->head_at = 0;
	g->extra = 0;
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		if ((g->flags & parts[i].flag) != 0) {
			g->flags &= (uint8_t)~parts[i].flag;
			return parts[i].state;
		}
	}
	g->sum = 0;
	g->total = 0;
	g->begin = g->out;
	return STATE_BLOCK;
}

static enum got read_head(struct gunzip *g, struct str *in)
{
	static const unsigned char magic[] = {0x1f, 0x8b, 8};

	while (gunzip_need(g, in, 8)) {
		unsigned char c = (unsigned char)gunzip_take(g, 8);
		if (g->head_at == 0 && g->members > 0 && c == 0) {
			continue; /* padding */
		}
		if ((g->head_at < sizeof(magic) && c != magic[g->head_at]) ||
		    (g->head_at == 3 && (c & 0xE0) != 0)) {
			return GOT_BAD;
		}
		if (g->head_at == 3) {
			g->flags = c;
		}
		if (++g->head_at == 10) {
			g->state = after_head(g);
			return GOT_DONE;
		}
	}
	return GOT_MORE;
}

/* The optional parts. */
static enum got read_head_part(struct gunzip *g, struct str *in)
{
	while (gunzip_need(g, in, 8)) {
		unsigned char c = (unsigned char)gunzip_take(g, 8);
		bool ends;
		if (g->state == STATE_EXTRA) {
			g->extra = g->head_at < 2 ? g->extra | (uint32_t)c << (8 * g->head_at)
						  : g->extra;
			ends = g->head_at >= 1 && g->head_at + 1 == 2 + g->extra;
		} else if (g->state == STATE_HEAD_CRC) {
			ends = g->head_at == 1;
		} else {
			ends = c == 0;
		}
		g->head_at++;
		if (ends) {
			g->state = after_head(g);
			return GOT_DONE;
		}
	}
	return GOT_MORE;
}

static enum got read_trailer(struct gunzip *g, struct str *in)
{
	/* Both numbers at once would be 64 bits; what is left of the last octet goes first. */
	if (g->head_at == 0) {
		(void)gunzip_take(g, g->bit_count & 7);
		g->head_at = 1;
	}
	for (; g->head_at <= 2; g->head_at++) {
		if (!gunzip_need(g, in, 32)) {
			return GOT_MORE;
		}
		uint32_t v = (uint32_t)gunzip_take(g, 16);
		v |= (uint32_t)gunzip_take(g, 16) << 16;
		if (v != (g->head_at == 1 ? g->sum : g->total)) {
			return GOT_BAD;
		}
	}
	g->head_at = 0;
	g->members++;
	g->state = STATE_HEAD;
	return GOT_MEMBER;
}

/* ---- blocks ---- */

static enum got make_fixed(struct gunzip *g)
{
	for (unsigned i = 0; i < SYMBOLS_MAX; i++) {
		g->lens[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
	}
	memset(g->lens + SYMBOLS_MAX, 5, 32);
	int r = gunzip_table_make(GUNZIP_LENGTHS, g->lens, SYMBOLS_MAX, g->length_table);
	ASSERT(r == 0);
	r = gunzip_table_make(GUNZIP_DISTANCES, g->lens + SYMBOLS_MAX, 32, g->distance_table);
	ASSERT(r == 0);
	g->state = STATE_SYMBOLS;
	return GOT_DONE;
}

static enum got read_block(struct gunzip *g, struct str *in)
{
	if (g->is_last) {
		g->is_last = false;
		g->state = STATE_TRAILER;
		return GOT_DONE;
	}
	if (!gunzip_need(g, in, 3)) {
		return GOT_MORE;
	}
	g->is_last = gunzip_take(g, 1) == 1;
	switch (gunzip_take(g, 2)) {
	case 0:
		(void)gunzip_take(g, g->bit_count & 7);
		g->state = STATE_STORED_SIZE;
		return GOT_DONE;
	case 1:
		return make_fixed(g);
	case 2:
		g->state = STATE_COUNTS;
		return GOT_DONE;
	default:
		return GOT_BAD;
	}
}

static enum got read_stored_size(struct gunzip *g, struct str *in)
{
	if (!gunzip_need(g, in, 32)) {
		return GOT_MORE;
	}
	unsigned size = gunzip_take(g, 16);
	if ((size ^ gunzip_take(g, 16)) != 0xFFFF) {
		return GOT_BAD;
	}
	g->extra = size;
	g->state = STATE_STORED;
	return GOT_DONE;
}

static enum got copy_stored(struct gunzip *g, struct str *in)
{
	while (g->extra > 0) {
		if (g->out >= GUNZIP_LIMIT) {
			return GOT_FULL;
		}
		if (g->bit_count > 0) {
			g->window[g->out++] = (char)gunzip_take(g, 8);
			g->extra--;
			continue;
		}
		size_t n = g->extra < in->len ? g->extra : in->len;
		n = n < GUNZIP_LIMIT - g->out ? n : GUNZIP_LIMIT - g->out;
		if (n == 0) {
			return GOT_MORE;
		}
		memcpy(g->window + g->out, in->ptr, n);
		*in = str_skip(*in, n);
		g->out += n;
		g->extra -= (uint32_t)n;
	}
	g->state = STATE_BLOCK;
	return GOT_DONE;
}

static enum got read_counts(struct gunzip *g, struct str *in)
{
	if (!gunzip_need(g, in, 14)) {
		return GOT_MORE;
	}
	g->literals = gunzip_take(g, 5) + 257;
	g->distances = gunzip_take(g, 5) + 1;
	g->orders = gunzip_take(g, 4) + 4;
	g->lens_at = 0;
	memset(g->lens, 0, sizeof(g->lens));
	g->state = STATE_ORDER;
	return g->literals > 286 || g->distances > 30 ? GOT_BAD : GOT_DONE;
}

static enum got read_order(struct gunzip *g, struct str *in)
{
	static const uint8_t order[19] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
					  11, 4,  12, 3, 13, 2, 14, 1, 15};

	for (; g->lens_at < g->orders; g->lens_at++) {
		if (!gunzip_need(g, in, 3)) {
			return GOT_MORE;
		}
		g->lens[order[g->lens_at]] = (uint8_t)gunzip_take(g, 3);
	}
	if (gunzip_table_make(GUNZIP_ORDER, g->lens, 19, g->order_table) < 0) {
		return GOT_BAD;
	}
	g->lens_at = 0;
	memset(g->lens, 0, sizeof(g->lens));
	g->state = STATE_LENGTHS;
	return GOT_DONE;
}

static enum got end_lengths(struct gunzip *g)
{
	if (g->lens[256] == 0 ||
	    gunzip_table_make(GUNZIP_LENGTHS, g->lens, g->literals, g->length_table) < 0 ||
	    gunzip_table_make(GUNZIP_DISTANCES, g->lens + g->literals, g->distances,
			      g->distance_table) < 0) {
		return GOT_BAD;
	}
	g->state = STATE_SYMBOLS;
	return GOT_DONE;
}

/* The code lengths of both codes, run-length coded, across their border. */
static enum got read_lengths(struct gunzip *g, struct str *in)
{
	static const struct {
		uint8_t bits;
		uint8_t least;
	} runs[] = {{2, 3}, {3, 3}, {7, 11}};
	unsigned all = g->literals + g->distances;

	while (g->lens_at < all) {
		/* Fewer bits may be enough; then the entry says so. */
		(void)gunzip_need(g, in, ORDER_BITS + 7);
		uint32_t e = g->order_table[g->bits & (ORDER_SIZE - 1)];
		unsigned code = e & 0xFF;
		unsigned symbol = e >> 16;
		unsigned extra = symbol >= 16 ? runs[symbol - 16].bits : 0;
		if ((e & ENTRY_OTHER) != 0 || code + extra > g->bit_count) {
			return (e & ENTRY_OTHER) != 0 && g->bit_count >= ORDER_BITS ? GOT_BAD
										    : GOT_MORE;
		}
		(void)gunzip_take(g, code);
		if (symbol < 16) {
			g->lens[g->lens_at++] = (uint8_t)symbol;
			continue;
		}
		unsigned n = runs[symbol - 16].least + gunzip_take(g, extra);
		if (n > all - g->lens_at || (symbol == 16 && g->lens_at == 0)) {
			return GOT_BAD;
		}
		memset(g->lens + g->lens_at, symbol == 16 ? g->lens[g->lens_at - 1] : 0, n);
		g->lens_at += n;
	}
	return end_lengths(g);
}

/* ---- all of it ---- */

static enum got read_part(struct gunzip *g, struct str *in)
{
	switch (g->state) {
	case STATE_HEAD:
		return read_head(g, in);
	case STATE_EXTRA:
	case STATE_NAME:
	case STATE_COMMENT:
	case STATE_HEAD_CRC:
		return read_head_part(g, in);
	case STATE_BLOCK:
		return read_block(g, in);
	case STATE_STORED_SIZE:
		return read_stored_size(g, in);
	case STATE_STORED:
		return copy_stored(g, in);
	case STATE_COUNTS:
		return read_counts(g, in);
	case STATE_ORDER:
		return read_order(g, in);
	case STATE_LENGTHS:
		return read_lengths(g, in);
	case STATE_SYMBOLS:
		return gunzip_symbols(g, in);
	case STATE_TRAILER:
		return read_trailer(g, in);
	case STATE_BAD:
		break;
	}
	return GOT_BAD;
}

/* What is in the window but not in the sum goes into it. */
static void add_sum(struct gunzip *g, size_t from)
{
	struct str made = {g->window + from, g->out - from};

	g->sum = crc32_add(&g->crc, g->sum, made);
	g->total += (uint32_t)made.len;
}

/* Make room, but keep what may be copied from and what is still wanted. */
static void slide(struct gunzip *g, size_t wanted)
{
	size_t keep = wanted > GUNZIP_WINDOW ? wanted : GUNZIP_WINDOW;
	size_t by = g->out - keep;

	memmove(g->window, g->window + by, keep);
	g->begin = g->begin > by ? g->begin - by : 0;
	g->out = keep;
}

/* Octets until the window is full, a member or the input ends, or there is damage. */
static enum got fill(struct gunzip *g, struct str *in)
{
	enum got got = GOT_DONE;

	while (got == GOT_DONE) {
		size_t from = g->out;
		got = read_part(g, in);
		add_sum(g, from);
	}
	return got;
}

int gunzip_step(struct gunzip *g, struct str *in, struct str *view)
{
	size_t wanted = view->len;
	enum got got;

	ASSERT(wanted <= GUNZIP_KEEP_MAX && wanted <= g->out);
	if (g->state == STATE_BAD) {
		return -EBADMSG;
	}
	if (g->out >= GUNZIP_LIMIT) {
		slide(g, wanted);
	}
	size_t begin = g->out - wanted;
	do {
		got = fill(g, in);
	} while (got == GOT_MEMBER);
	*view = (struct str){g->window + begin, g->out - begin};
	if (got == GOT_BAD) {
		g->state = STATE_BAD;
		return -EBADMSG;
	}
	bool is_between = g->state == STATE_HEAD && g->head_at == 0 && g->members > 0;
	return got == GOT_MORE && is_between ? 0 : 1;
}

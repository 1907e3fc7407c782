/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip_symbols: literals and copies of a block: fast in the middle, careful at the ends.
 * Layer: base.
 */
#include "base/gunzip_state.h"

#include <string.h>

#include "base/poison.h"

#define FAST_INPUT 16 /* octets that one turn may read */

/* Copy within the window; up to 31 octets behind the end may be written. */
static void copy_match(char *to, size_t distance, size_t len)
{
	const char *from = to - distance;

	if (distance >= 16) {
		size_t i = 0;
		do {
			memcpy(to + i, from + i, 16);
			i += 16;
		} while (i < len);
	} else if (distance == 1) {
		memset(to, from[0], len);
	} else {
		for (size_t i = 0; i < len; i++) {
			to[i] = from[i];
		}
	}
}

/* An entry and, if its code is longer than the root, the bits that led there. */
static uint32_t look(const uint32_t *table, unsigned root, uint64_t bits, unsigned *ret_skipped)
{
	uint32_t e = table[bits & ((1U << root) - 1)];

	*ret_skipped = 0;
	if ((e & ENTRY_OTHER) != 0 && (e & ENTRY_TABLE) != 0) {
		*ret_skipped = root;
		e = table[(e >> 16) + (bits >> root & ((1U << (e >> 8 & 15)) - 1))];
	}
	return e;
}

/* The least value and its extra bits. */
static size_t value_of(uint32_t e, uint64_t bits)
{
	unsigned all = e & 0xFF;
	unsigned code = e >> 8 & 15;

	return (e >> 16) + ((bits & ((UINT64_C(1) << all) - 1)) >> code);
}

/* One symbol, when all of it is there. */
static enum got slow_symbol(struct gunzip *g, struct str *in)
{
	unsigned skipped;
	unsigned skipped_too;

	(void)gunzip_need(g, in, 56);
	uint32_t e = look(g->length_table, LENGTHS_BITS, g->bits, &skipped);
	if ((e & ENTRY_OTHER) != 0 && (e & ENTRY_BAD) != 0) {
		return g->bit_count >= CODE_BITS_MAX ? GOT_BAD : GOT_MORE;
	}
	unsigned used = skipped + (e & 0xFF);
	if (used > g->bit_count) {
		return GOT_MORE;
	}
	if ((e & ENTRY_LITERAL) != 0 || (e & ENTRY_OTHER) != 0) {
		(void)gunzip_take(g, used);
		if ((e & ENTRY_LITERAL) != 0) {
			g->window[g->out++] = (char)(e >> 16);
		} else {
			g->state = STATE_BLOCK;
		}
		return GOT_DONE;
	}
	size_t len = value_of(e, g->bits >> skipped);
	uint64_t rest = g->bits >> used;
	e = look(g->distance_table, DISTANCES_BITS, rest, &skipped_too);
	if ((e & ENTRY_OTHER) != 0) {
		return g->bit_count - used >= CODE_BITS_MAX ? GOT_BAD : GOT_MORE;
	}
	size_t distance = value_of(e, rest >> skipped_too);
	used += skipped_too + (e & 0xFF);
	if (used > g->bit_count) {
		return GOT_MORE;
	}
	if (distance > g->out - g->begin) {
		return GOT_BAD;
	}
	g->bits >>= used;
	g->bit_count -= used;
	copy_match(g->window + g->out, distance, len);
	g->out += len;
	return GOT_DONE;
}

/* Shape of the loop: what it changes lives in registers. */
struct fast {
	uint64_t bits;
	unsigned count;
	const unsigned char *in;
	char *out;
};

static inline void refill(struct fast *f)
{
	uint64_t word;

	memcpy(&word, f->in, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	f->bits |= word << f->count;
	f->in += (63 - f->count) >> 3;
	f->count |= 56;
}

static inline void use(struct fast *f, unsigned n)
{
	f->bits >>= n;
	f->count -= n;
}

/* Look up the next length or literal, through a second table when there is one. */
static inline uint32_t next_length(const struct gunzip *g, struct fast *f)
{
	uint32_t e = g->length_table[f->bits & ((1U << LENGTHS_BITS) - 1)];

	if ((e & ENTRY_OTHER) != 0 && (e & ENTRY_TABLE) != 0) {
		use(f, LENGTHS_BITS);
		e = g->length_table[(e >> 16) + (f->bits & ((1U << (e >> 8 & 15)) - 1))];
	}
	return e;
}

/* A length is known: the distance, and the copy. At least 48 bits are there. */
static inline bool fast_match(const struct gunzip *g, struct fast *f, uint32_t e)
{
	size_t len = value_of(e, f->bits);

	use(f, e & 0xFF);
	e = g->distance_table[f->bits & ((1U << DISTANCES_BITS) - 1)];
	if ((e & ENTRY_OTHER) != 0) {
		if ((e & ENTRY_TABLE) == 0) {
			return false;
		}
		use(f, DISTANCES_BITS);
		e = g->distance_table[(e >> 16) + (f->bits & ((1U << (e >> 8 & 15)) - 1))];
		if ((e & ENTRY_OTHER) != 0) {
			return false;
		}
	}
	size_t distance = value_of(e, f->bits);
	use(f, e & 0xFF);
	if (distance > (size_t)(f->out - g->window) - g->begin) {
		return false;
	}
	copy_match(f->out, distance, len);
	f->out += len;
	return true;
}

/* Symbols while there is plenty of input and room. */
static enum got fast_symbols(struct gunzip *g, struct str *in)
{
	const unsigned char *first = (const unsigned char *)in->ptr;
	const unsigned char *stop = first + in->len - FAST_INPUT;
	const char *limit = g->window + GUNZIP_LIMIT;
	struct fast f = {
		.bits = g->bits, .count = g->bit_count, .in = first, .out = g->window + g->out};
	enum got got = GOT_DONE;

	while (f.in <= stop && f.out < limit) {
		refill(&f);
		uint32_t e = next_length(g, &f);
		/* Up to three literals of at most 15 bits each, then the bits are filled again. */
		for (int i = 0; i < 2 && (e & ENTRY_LITERAL) != 0; i++) {
			use(&f, e & 0xFF);
			*f.out++ = (char)(e >> 16);
			e = next_length(g, &f);
		}
		if ((e & ENTRY_LITERAL) != 0) {
			use(&f, e & 0xFF);
			*f.out++ = (char)(e >> 16);
			continue;
		}
		if ((e & ENTRY_OTHER) != 0) {
			use(&f, e & 0xFF);
			g->state = STATE_BLOCK;
			got = (e & ENTRY_END) != 0 ? GOT_DONE : GOT_BAD;
			break;
		}
		refill(&f);
		if (!fast_match(g, &f, e)) {
			got = GOT_BAD;
			break;
		}
	}
	/* Give back the whole octets that were read ahead of what is used; older ones stay. */
	size_t ahead = f.count >> 3;
	size_t taken = (size_t)(f.in - first);
	ahead = ahead < taken ? ahead : taken;
	f.in -= ahead;
	f.count -= (unsigned)ahead * 8;
	g->bits = f.bits & ((UINT64_C(1) << f.count) - 1);
	g->bit_count = f.count;
	g->out = (size_t)(f.out - g->window);
	*in = str_skip(*in, (size_t)(f.in - first));
	return got;
}

enum got gunzip_symbols(struct gunzip *g, struct str *in)
{
	enum got got = GOT_DONE;

	while (got == GOT_DONE && g->state == STATE_SYMBOLS) {
		if (g->out >= GUNZIP_LIMIT) {
			return GOT_FULL;
		}
		bool is_fast = in->len > FAST_INPUT;
		got = is_fast ? fast_symbols(g, in) : slow_symbol(g, in);
	}
	return got;
}

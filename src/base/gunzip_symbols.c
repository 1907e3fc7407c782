/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip_symbols: literals and copies of a block: fast in the middle, careful at the ends.
 * Layer: base.
 */
#include "base/gunzip_state.h"

#include <string.h>

#include "base/poison.h"

#define FAST_INPUT 16 /* octets that one turn may read */

static inline void copy_16(char *to, const char *from)
{
	memcpy(to, from, 16);
}

/* Copy within the window; up to GUNZIP_COPY octets behind the end may be written. Most copies of
 * text are short, and how short cannot be foreseen: so the first octets are copied without looking.
 */
static inline void copy_match(char *to, size_t distance, size_t len)
{
	const char *from = to - distance;

	static_assert(GUNZIP_COPY == 64, "so many are copied here");
	if (__builtin_expect(distance >= 16, 1)) {
		copy_16(to, from);
		copy_16(to + 16, from + 16);
		copy_16(to + 32, from + 32);
		copy_16(to + 48, from + 48);
		for (size_t i = GUNZIP_COPY; i < len; i += 32) {
			copy_16(to + i, from + i);
			copy_16(to + i + 16, from + i + 16);
		}
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

/* Extra bits of an entry. */
static inline size_t extra_of(uint32_t e, uint64_t bits)
{
	return (bits & ((UINT64_C(1) << (e & 0xFF)) - 1)) >> (e >> 8 & 15);
}

static inline size_t length_of(uint32_t e, uint64_t bits)
{
	return (e >> 24) + LENGTH_MIN + extra_of(e, bits);
}

static inline size_t distance_of(uint32_t e, uint64_t bits)
{
	return (e >> 16) + extra_of(e, bits);
}

static void take_literal(struct gunzip *g, unsigned octet, unsigned bits)
{
	(void)gunzip_take(g, bits);
	g->window[g->out++] = (char)octet;
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
	bool is_literal = (e & ENTRY_OTHER) == 0 && (e >> 12 & 3) != 0;
	/* What else is in the entry may not be there yet. */
	unsigned used = is_literal ? g->lens[e >> 16 & 0xFF] : skipped + (e & 0xFF);
	if (used > g->bit_count) {
		return GOT_MORE;
	}
	if (is_literal) {
		take_literal(g, e >> 16 & 0xFF, used);
		return GOT_DONE;
	}
	if ((e & ENTRY_OTHER) != 0) {
		(void)gunzip_take(g, used);
		g->state = STATE_BLOCK;
		return GOT_DONE;
	}
	size_t len = length_of(e, g->bits >> skipped);
	uint64_t rest = g->bits >> used;
	e = look(g->distance_table, DISTANCES_BITS, rest, &skipped_too);
	if ((e & ENTRY_OTHER) != 0) {
		return g->bit_count - used >= CODE_BITS_MAX ? GOT_BAD : GOT_MORE;
	}
	size_t distance = distance_of(e, rest >> skipped_too);
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

/* An entry that is none of the common ones: the one that it leads to, its bits skipped. */
static uint32_t follow(const uint32_t *table, unsigned root, uint32_t e, struct fast *f)
{
	if ((e & ENTRY_TABLE) != 0) {
		use(f, root);
		e = table[(e >> 16) + (f->bits & ((1U << (e >> 8 & 15)) - 1))];
	}
	return e;
}

/*
 * One turn: what an entry holds, and if that ends in a length, the distance and the copy. Whether
 * it does cannot be foreseen, and a wrong guess costs more than all of this. So there is no branch
 * on it: without a length the distance's bits are not used, and a copy of no octets is made, from a
 * place that was not just written.
 */
static inline bool fast_turn(const struct gunzip *g, struct fast *f, uint32_t e)
{
	uint32_t has_length = 0U - ((e & ENTRY_LENGTH) != 0 ? 1 : 0);
	size_t len = length_of(e, f->bits) & has_length;

	use(f, e & 0xFF);
	f->out[0] = (char)(e >> 16);
	f->out[1] = (char)(e >> 24);
	f->out += e >> 12 & 3;
	uint32_t d = g->distance_table[f->bits & ((1U << DISTANCES_BITS) - 1)] & has_length;
	if (__builtin_expect((d & ENTRY_OTHER) != 0, 0)) {
		d = follow(g->distance_table, DISTANCES_BITS, d, f);
		if ((d & ENTRY_OTHER) != 0) {
			return false;
		}
	}
	size_t distance = distance_of(d, f->bits);
	use(f, d & 0xFF);
	if (__builtin_expect(distance > (size_t)(f->out - g->window) - g->begin, 0)) {
		return false;
	}
	copy_match(f->out, distance + (~has_length & GUNZIP_COPY), len);
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
		/* 56 bits: a code, its extra bits, a distance's code and its own are up to 48. */
		refill(&f);
		uint32_t e = g->length_table[f.bits & ((1U << LENGTHS_BITS) - 1)];
		if (__builtin_expect((e & ENTRY_OTHER) != 0, 0)) {
			e = follow(g->length_table, LENGTHS_BITS, e, &f);
			if ((e & ENTRY_OTHER) != 0) {
				use(&f, e & 0xFF);
				g->state = STATE_BLOCK;
				got = (e & ENTRY_END) != 0 ? GOT_DONE : GOT_BAD;
				break;
			}
		}
		if (!fast_turn(g, &f, e)) {
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

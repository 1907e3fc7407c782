/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip_table: tables of canonical Huffman codes. Layer: base.
 */
#include "base/gunzip_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/poison.h"

struct making {
	enum gunzip_kind kind;
	uint32_t *table;
	unsigned root; /* bits of the first look */
	size_t size;
	size_t next;                      /* free entries begin here */
	uint32_t prefix;                  /* of the table that is being filled */
	size_t sub;                       /* where it begins */
	unsigned sub_bits;                /* of it */
	unsigned left[CODE_BITS_MAX + 1]; /* codes of each length that are not placed yet */
	uint16_t order[SYMBOLS_MAX];      /* the symbols that are used, shortest codes first */
};

/* RFC 1951, 3.2.5. */
static uint32_t meaning_of(enum gunzip_kind kind, unsigned symbol)
{
	static const uint16_t lengths[] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
					   15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
					   67, 83, 99, 115, 131, 163, 195, 227, 258};
	static const uint8_t length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
					      2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
	static const uint16_t distances[] = {1,    2,    3,    4,     5,     7,    9,    13,
					     17,   25,   33,   49,    65,    97,   129,  193,
					     257,  385,  513,  769,   1025,  1537, 2049, 3073,
					     4097, 6145, 8193, 12289, 16385, 24577};

	if (kind == GUNZIP_ORDER) {
		return symbol << 16;
	}
	if (kind == GUNZIP_DISTANCES) {
		unsigned extra = symbol < 4 ? 0 : symbol / 2 - 1;
		return symbol < COUNT_OF(distances) ? (uint32_t)distances[symbol] << 16 | extra
						    : ENTRY_OTHER | ENTRY_BAD;
	}
	if (symbol < 256) {
		return ENTRY_LITERAL | symbol << 16;
	}
	if (symbol == 256) {
		return ENTRY_OTHER | ENTRY_END;
	}
	symbol -= 257;
	return symbol < COUNT_OF(lengths)
		       ? ENTRY_LENGTH | (uint32_t)(lengths[symbol] - LENGTH_MIN) << 24 |
				 length_bits[symbol]
		       : ENTRY_OTHER | ENTRY_BAD;
}

static uint32_t entry_of(uint32_t meaning, unsigned bits)
{
	return (meaning & ENTRY_OTHER) != 0 && (meaning & ENTRY_BAD) != 0
		       ? meaning
		       : meaning + (bits << 8 | bits);
}

/* The next code of as many bits, both with their first bit lowest. After the last one: 0. */
static uint32_t code_after(uint32_t code, unsigned bits)
{
	uint32_t zeros = code ^ ((1U << bits) - 1);

	if (zeros == 0) {
		return 0;
	}
	uint32_t bit = 1U << (31 - __builtin_clz(zeros));
	return (code & (bit - 1)) | bit;
}

/* A second table for all codes that begin with this prefix: as small as they allow. */
static int open_table(struct making *m, uint32_t prefix, unsigned bits)
{
	unsigned sub_bits = bits - m->root;
	int room = 1 << sub_bits;

	while (sub_bits + m->root < CODE_BITS_MAX) {
		room -= (int)m->left[sub_bits + m->root];
		if (room <= 0) {
			break;
		}
		sub_bits++;
		room <<= 1;
	}
	if (m->next + ((size_t)1 << sub_bits) > m->size) {
		return -EBADMSG;
	}
	m->prefix = prefix;
	m->sub = m->next;
	m->sub_bits = sub_bits;
	m->next += (size_t)1 << sub_bits;
	for (size_t i = m->sub; i < m->next; i++) {
		m->table[i] = ENTRY_OTHER | ENTRY_BAD;
	}
	m->table[prefix] = ENTRY_OTHER | ENTRY_TABLE | (uint32_t)m->sub << 16 | sub_bits << 8 |
			   m->root;
	return 0;
}

/* A code that is longer than the root. */
static int place_long(struct making *m, uint32_t code, unsigned bits, unsigned symbol)
{
	uint32_t prefix = code & ((1U << m->root) - 1);
	uint32_t meaning = entry_of(meaning_of(m->kind, symbol), bits - m->root);

	if (prefix != m->prefix) {
		int r = open_table(m, prefix, bits);
		if (r < 0) {
			return r;
		}
	}
	for (uint32_t i = code >> m->root; i < 1U << m->sub_bits; i += 1U << (bits - m->root)) {
		m->table[m->sub + i] = meaning;
	}
	return 0;
}

/* Does the code use all of its room? One single code of one bit is allowed for distances. */
static bool is_code(const struct making *m, unsigned used)
{
	int room = 1;

	for (unsigned b = 1; b <= CODE_BITS_MAX; b++) {
		room = (room << 1) - (int)m->left[b];
		if (room < 0) {
			return false;
		}
	}
	return room == 0 ||
	       (m->kind == GUNZIP_DISTANCES && (used == 0 || (used == 1 && m->left[1] == 1)));
}

/* Count the codes of each length, and put the symbols into order. @return How many are used. */
static unsigned sort_symbols(struct making *m, const uint8_t *bits, unsigned count)
{
	unsigned at[CODE_BITS_MAX + 2] = {0};

	for (unsigned s = 0; s < count; s++) {
		m->left[bits[s]]++;
	}
	m->left[0] = 0;
	for (unsigned b = 1; b <= CODE_BITS_MAX; b++) {
		at[b + 1] = at[b] + m->left[b];
	}
	for (unsigned s = 0; s < count; s++) {
		if (bits[s] != 0) {
			m->order[at[bits[s]]++] = (uint16_t)s;
		}
	}
	return at[CODE_BITS_MAX];
}

/* All codes. The part of the root that b bits can tell apart is made first and then doubled. */
static int place_all(struct making *m)
{
	uint32_t code = 0;
	unsigned at = 0;

	for (unsigned b = 1; b <= m->root; b++) {
		for (; m->left[b] > 0; m->left[b]--, code = code_after(code, b)) {
			m->table[code] = entry_of(meaning_of(m->kind, m->order[at++]), b);
		}
		if (b < m->root) {
			memcpy(m->table + (1U << b), m->table, sizeof(*m->table) << b);
		}
	}
	for (unsigned b = m->root + 1; b <= CODE_BITS_MAX; b++) {
		for (; m->left[b] > 0; m->left[b]--, code = code_after(code, b)) {
			int r = place_long(m, code, b, m->order[at++]);
			if (r < 0) {
				return r;
			}
		}
	}
	return 0;
}

/* A literal whose code leaves bits over takes the next literal or length with it, when their codes
 * fit into the root together. What they lead to stands at a lower index, so that going down meets
 * it before it is joined itself. */
static void join(uint32_t *table)
{
	for (uint32_t i = 1U << LENGTHS_BITS; i-- > 0;) {
		uint32_t first = table[i];
		unsigned bits = first & 0xFF;
		if ((first & (ENTRY_OTHER | ENTRY_LITERAL)) != ENTRY_LITERAL) {
			continue;
		}
		uint32_t next = table[i >> bits];
		if ((next & ENTRY_OTHER) != 0 || bits + (next >> 8 & 15) > LENGTHS_BITS) {
			continue;
		}
		uint32_t octets = first & UINT32_C(0xFF0000);
		octets |= (next & ENTRY_LENGTH) != 0 ? next & UINT32_C(0xFF000000)
						     : (next & UINT32_C(0xFF0000)) << 8;
		/* Bits, bits of codes, literals add up. */
		table[i] = ((first & 0xFFFF) + (next & 0xFFFF)) | octets;
	}
}

int gunzip_table_make(enum gunzip_kind kind, const uint8_t *bits, unsigned count, uint32_t *table)
{
	static const struct {
		unsigned root;
		size_t size;
	} shapes[] = {[GUNZIP_LENGTHS] = {LENGTHS_BITS, LENGTHS_SIZE},
		      [GUNZIP_DISTANCES] = {DISTANCES_BITS, DISTANCES_SIZE},
		      [GUNZIP_ORDER] = {ORDER_BITS, ORDER_SIZE}};
	struct making m = {.kind = kind,
			   .table = table,
			   .root = shapes[kind].root,
			   .size = shapes[kind].size,
			   .next = (size_t)1 << shapes[kind].root,
			   .prefix = UINT32_MAX};
	unsigned used = sort_symbols(&m, bits, count);

	if (!is_code(&m, used)) {
		return -EBADMSG;
	}
	if (used < 2) {
		for (size_t i = 0; i < m.next; i++) {
			table[i] = ENTRY_OTHER | ENTRY_BAD;
		}
	}
	int r = place_all(&m);
	if (r == 0 && kind == GUNZIP_LENGTHS) {
		join(table);
	}
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip_table: what a few bits of deflated text mean, as one look into a table. Within
 * base/gunzip. Layer: base.
 *
 * An entry: its low eight bits say how many bits go with it (codes and extra bits), bits 8 to 11
 * how many of them are codes. ENTRY_OTHER: one of ENTRY_TABLE (bits 16 to 31: where the rest of the
 * code is looked up, bits 8 to 11: by how many bits), ENTRY_END, ENTRY_BAD. If it is not that:
 *
 * Literals and lengths: bits 12 and 13 count the literals, which are in bits 16 to 23 and 24 to 31;
 * with ENTRY_LENGTH a length follows them, and bits 24 to 31 are its least value less LENGTH_MIN.
 * So one look gives a literal, two, a length, or a literal and a length.
 *
 * Distances: bits 16 to 30 are the least value. Code lengths: the symbol.
 */
#ifndef BASE_GUNZIP_TABLE_H
#define BASE_GUNZIP_TABLE_H

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

#define ENTRY_OTHER (UINT32_C(1) << 15)
#define ENTRY_TABLE (UINT32_C(1) << 14)
#define ENTRY_END (UINT32_C(1) << 13)
#define ENTRY_BAD (UINT32_C(1) << 12)
#define ENTRY_LENGTH (UINT32_C(1) << 14)
#define ENTRY_LITERAL (UINT32_C(1) << 12)

#define LENGTH_MIN 3
#define LENGTH_MAX 258
#define LENGTHS_BITS 11
#define DISTANCES_BITS 8
#define ORDER_BITS 7
/* The most that a root of so many bits and its tables can need (288 or 32 codes of up to 15 bits).
 */
#define LENGTHS_SIZE 2342
#define DISTANCES_SIZE 402
#define ORDER_SIZE (1 << ORDER_BITS)
#define CODE_BITS_MAX 15
#define SYMBOLS_MAX 288

enum gunzip_kind {
	GUNZIP_LENGTHS,   /* literals and lengths */
	GUNZIP_DISTANCES, /* may be empty or have a single code */
	GUNZIP_ORDER,     /* the code of the code lengths */
};

/**
 * Make a table.
 *
 * @param table  LENGTHS_SIZE, DISTANCES_SIZE or ORDER_SIZE entries.
 * @param bits   Of each symbol's code, up to CODE_BITS_MAX; 0: not used.
 * @param count  Of symbols, up to SYMBOLS_MAX.
 * @return 0, or -EBADMSG when no such code exists.
 */
MUSTUSE int gunzip_table_make(enum gunzip_kind kind, const uint8_t *bits, unsigned count,
			      uint32_t *table);

#endif

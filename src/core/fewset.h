/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fewset: a set of hashes that is nearly always tiny: two inside the struct, up to 32 exactly in a
 * heap block, and beyond that a bitmap in the same block that never says "new" wrongly often.
 *
 * As a bitmap it may take a new hash for a known one (it counts too few, which accuses nobody),
 * never a known one for new. Layer: core (pure).
 */
#ifndef CORE_FEWSET_H
#define CORE_FEWSET_H

#include "base/cur.h"
#include "core/budget.h"

#include <stdbool.h>

#define FEWSET_INLINE 2
#define FEWSET_EXACT_MAX 32
#define FEWSET_BITS (FEWSET_EXACT_MAX * 32)

/* All zero is the empty set. */
struct fewset {
	union {
		uint32_t few[FEWSET_INLINE];
		uint32_t *many; /* when size > 0 */
	} u;
	uint16_t count; /* exact up to FEWSET_EXACT_MAX, then bits set */
	uint8_t size;   /* hashes the block holds: 0 (inline), 4, 8, 16, 32 */
	bool is_bitmap;
};

/** @return true when it was not in the set and is now. Without memory it counts as known. */
MUSTUSE bool fewset_add(struct fewset *s, uint64_t hash, struct budget *b);
bool fewset_has(const struct fewset *s, uint64_t hash);
/** Empty, memory given back. */
void fewset_clear(struct fewset *s, struct budget *b);

/* Octets of the encoded form, at most. */
#define FEWSET_ENCODED_MAX (1 + 2 + FEWSET_EXACT_MAX * 4)
void fewset_put(struct enc *e, const struct fewset *s);
/** Fails the cursor on nonsense; leaves an empty set without memory. */
void fewset_get(struct cur *c, struct fewset *ret, struct budget *b);

#endif

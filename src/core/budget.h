/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget: what many small heap blocks of one owner may take together. Layer: core (pure).
 */
#ifndef CORE_BUDGET_H
#define CORE_BUDGET_H

#include "base/attr.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What malloc adds to a block, roughly: counted, so that the promise is about real memory. */
#define BUDGET_BLOCK_COST 16

struct budget {
	size_t used;
	size_t max;
	uint64_t refused; /* growths that were not granted */
};

static inline size_t budget_cost(size_t size)
{
	return size == 0 ? 0 : size + BUDGET_BLOCK_COST;
}

/**
 * Grow a block, the new octets being zero.
 *
 * @return The block, which may have moved; NULL when the budget or memory is at its end: the old
 *         block is still there.
 */
MUSTUSE static inline void *budget_grow(struct budget *b, void *block, size_t old, size_t size)
{
	if (b->used - budget_cost(old) + budget_cost(size) > b->max) {
		b->refused++;
		return NULL;
	}
	char *grown = realloc(block, size);
	if (grown == NULL) {
		b->refused++;
		return NULL;
	}
	memset(grown + old, 0, size - old);
	b->used += budget_cost(size) - budget_cost(old);
	return grown;
}

static inline void budget_free(struct budget *b, void *block, size_t size)
{
	free(block);
	b->used -= budget_cost(size);
}

#endif

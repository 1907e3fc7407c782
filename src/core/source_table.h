/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_table: all sources that the judge remembers, found by key, bounded in number and memory.
 *
 * States lie in slabs and never move; an index names one as long as it lives. The hash is keyed,
 * because strangers choose addresses. When it is full, the coldest of a sample of sources that
 * are on no rung is forgotten for the new one. Layer: core (pure).
 */
#ifndef CORE_SOURCE_TABLE_H
#define CORE_SOURCE_TABLE_H

#include "base/attr.h"
#include "base/prng.h"
#include "base/siphash.h"
#include "core/source_state.h"

struct source_table;

/** @param max  Sources, at most 2^30. @return NULL without memory. */
MUSTUSE struct source_table *source_table_new(uint32_t max, const struct siphash_key *key);
void source_table_free(struct source_table *t);

struct source_state *source_table_find(struct source_table *t, const struct source_key *k);
/**
 * The state of a source, made when it is new: then all zero but for its key.
 *
 * @param forget  Called before a cold source is given up, to take it off other lists.
 * @return NULL when all are on a rung, or without memory.
 */
typedef void source_forget_fn(struct source_state *s, void *ctx);
struct source_state *source_table_touch(struct source_table *t, const struct source_key *k,
					source_forget_fn *forget, void *ctx);

/* What a look-up will wait for can be fetched ahead, in these three steps, for several keys side by
 * side. They change nothing. */
enum source_ahead {
	AHEAD_SLOT,
	AHEAD_STATE,
	AHEAD_COPIES,
	AHEAD_COUNT,
};
void source_table_ahead(const struct source_table *t, const struct source_key *k,
			enum source_ahead step);

uint32_t source_table_count(const struct source_table *t);
/** Indices run from 0 to here; those not in use give NULL. */
uint32_t source_table_end(const struct source_table *t);
struct source_state *source_table_at(const struct source_table *t, uint32_t index);
/** Of the heap blocks of all states. */
struct budget *source_table_budget(struct source_table *t);
/** Forget everything. */
void source_table_clear(struct source_table *t);

#endif

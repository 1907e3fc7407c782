/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: a keyed hash table of pointers with a fixed maximum.
 *
 * The element holds its own key: the map asks `key_of` for it. Open addressing with linear
 * probing and backward-shift deletion: no tombstones, so it does not age. It grows by doubling
 * up to `max` elements and refuses the next one. Layer: base.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/attr.h"
#include "base/siphash.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

/* The key inside an element: octets that stay the same while it is in the map. */
typedef struct str map_key_fn(const void *item);

struct map;

/**
 * @param max     Elements it may hold; map_add answers -ENOSPC beyond.
 * @param key     Secret of this table, from random octets (tests: a fixed one).
 * @return NULL without memory.
 */
MUSTUSE struct map *map_new(size_t max, const struct siphash_key *key, map_key_fn *key_of);
/** Frees the table, not the elements. NULL is allowed. */
void map_free(struct map *m);

/** @return The element with this key, or NULL. */
void *map_find(const struct map *m, struct str key);
/**
 * @param item  Not NULL; its key must not be in the map yet.
 * @return 0, -ENOSPC, or -ENOMEM.
 */
MUSTUSE int map_add(struct map *m, void *item);
/** @return The element that was removed, or NULL. */
void *map_remove(struct map *m, struct str key);
size_t map_count(const struct map *m);

/**
 * Walk all elements in no order: start with *pos = 0.
 *
 * @return The next element, or NULL at the end. The map must not change meanwhile.
 */
void *map_next(const struct map *m, size_t *pos);

#endif

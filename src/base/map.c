/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: open addressing, at most three quarters full. Layer: base.
 */
#include "base/map.h"

#include "base/assert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define SLOTS_FIRST 16

struct slot {
	uint64_t hash;
	void *item; /* NULL: free */
};

struct map {
	struct slot *slots;
	size_t mask; /* slots - 1; a power of two less one */
	size_t count;
	size_t max;
	struct siphash_key key;
	map_key_fn *key_of;
};

struct map *map_new(size_t max, const struct siphash_key *key, map_key_fn *key_of)
{
	struct map *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		return NULL;
	}
	m->slots = calloc(SLOTS_FIRST, sizeof(*m->slots));
	if (m->slots == NULL) {
		free(m);
		return NULL;
	}
	m->mask = SLOTS_FIRST - 1;
	m->max = max;
	m->key = *key;
	m->key_of = key_of;
	return m;
}

void map_free(struct map *m)
{
	if (m != NULL) {
		free(m->slots);
		free(m);
	}
}

static uint64_t hash_of(const struct map *m, struct str key)
{
	return siphash(&m->key, key.ptr, key.len);
}

/* The slot that holds the key, or the free one where it would go. */
static size_t slot_of(const struct map *m, struct str key, uint64_t hash)
{
	size_t i = hash & m->mask;

	while (m->slots[i].item != NULL) {
		if (m->slots[i].hash == hash && str_is_equal(m->key_of(m->slots[i].item), key)) {
			break;
		}
		i = (i + 1) & m->mask;
	}
	return i;
}

void *map_find(const struct map *m, struct str key)
{
	return m->slots[slot_of(m, key, hash_of(m, key))].item;
}

static int grow(struct map *m)
{
	size_t old_mask = m->mask;
	struct slot *old = m->slots;
	struct slot *slots = calloc((old_mask + 1) * 2, sizeof(*slots));

	if (slots == NULL) {
		return -ENOMEM;
	}
	m->slots = slots;
	m->mask = old_mask * 2 + 1;
	for (size_t i = 0; i <= old_mask; i++) {
		if (old[i].item == NULL) {
			continue;
		}
		size_t to = old[i].hash & m->mask;
		while (slots[to].item != NULL) {
			to = (to + 1) & m->mask;
		}
		slots[to] = old[i];
	}
	free(old);
	return 0;
}

int map_add(struct map *m, void *item)
{
	ASSERT(item != NULL);
	struct str key = m->key_of(item);
	uint64_t hash = hash_of(m, key);

	if (m->count >= m->max) {
		return -ENOSPC;
	}
	if (m->count + 1 > (m->mask + 1) / 4 * 3) {
		int r = grow(m);
		if (r < 0) {
			return r;
		}
	}
	size_t at = slot_of(m, key, hash);
	ASSERT(m->slots[at].item == NULL);
	m->slots[at] = (struct slot){.hash = hash, .item = item};
	m->count++;
	return 0;
}

void *map_remove(struct map *m, struct str key)
{
	size_t hole = slot_of(m, key, hash_of(m, key));
	void *item = m->slots[hole].item;

	if (item == NULL) {
		return NULL;
	}
	/* Close the gap: move back what would no longer be found across it. */
	size_t i = hole;
	for (;;) {
		i = (i + 1) & m->mask;
		if (m->slots[i].item == NULL) {
			break;
		}
		size_t home = m->slots[i].hash & m->mask;
		if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	m->slots[hole] = (struct slot){0};
	m->count--;
	return item;
}

size_t map_count(const struct map *m)
{
	return m->count;
}

void *map_next(const struct map *m, size_t *pos)
{
	while (*pos <= m->mask) {
		void *item = m->slots[(*pos)++].item;
		if (item != NULL) {
			return item;
		}
	}
	return NULL;
}

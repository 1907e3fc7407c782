/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_table: slabs of states and one keyed open-addressing index. Layer: core (pure).
 */
#include "core/source_table.h"

#include "base/assert.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/poison.h"

/* One huge page (2 MiB) a slab, where the kernel gives them: a look-up that misses every cache
 * costs a third less when the page table does not miss too. */
#define SLAB_BYTES ((size_t)2 << 20)
#define SLAB_STATES (SLAB_BYTES / sizeof(struct source_state))
#define CACHE_LINE 64
/* Sources looked at to find a cold one. */
#define SAMPLE 16
/* Heap blocks: so much for each source on average, and some to begin with. */
#define HEAP_BYTES_PER_SOURCE 96
#define HEAP_BYTES_MIN ((size_t)16 << 20)

struct slot {
	uint32_t hash;
	uint32_t place; /* index + 1; 0: free */
};

struct source_table {
	struct slot *slots;
	uint32_t mask;
	struct source_state **slabs;
	uint32_t slab_count;
	uint32_t max;
	uint32_t end;   /* states ever used */
	uint32_t count; /* in use */
	struct siphash_key key;
	struct prng prng;
	struct budget budget;
};

struct source_table *source_table_new(uint32_t max, const struct siphash_key *key)
{
	ASSERT(max > 0 && max <= UINT32_C(1) << 30);
	struct source_table *t = calloc(1, sizeof(*t));
	uint32_t slots = 16;

	if (t == NULL) {
		return NULL;
	}
	while (slots < max + max / 2) {
		slots *= 2;
	}
	/* Zero pages cost nothing until they are touched. */
	t->slots = calloc(slots, sizeof(*t->slots));
	t->slabs = calloc(max / SLAB_STATES + 1, sizeof(*t->slabs));
	t->mask = slots - 1;
	t->max = max;
	t->key = *key;
	t->prng.state = key->k0 ^ key->k1;
	t->budget.max = HEAP_BYTES_MIN + (size_t)max * HEAP_BYTES_PER_SOURCE;
	if (t->slots == NULL || t->slabs == NULL) {
		source_table_free(t);
		return NULL;
	}
	return t;
}

void source_table_clear(struct source_table *t)
{
	for (uint32_t i = 0; i < t->end; i++) {
		struct source_state *s = source_table_at(t, i);
		if (s != NULL) {
			source_state_forget(s, &t->budget);
		}
	}
	memset(t->slots, 0, ((size_t)t->mask + 1) * sizeof(*t->slots));
	t->end = 0; /* the slabs stay for what comes next */
	t->count = 0;
}

void source_table_free(struct source_table *t)
{
	if (t == NULL) {
		return;
	}
	if (t->slots != NULL && t->slabs != NULL) {
		source_table_clear(t);
		for (uint32_t i = 0; i < t->slab_count; i++) {
			free(t->slabs[i]);
		}
	}
	free(t->slots);
	free(t->slabs);
	free(t);
}

static struct source_state *state_at(const struct source_table *t, uint32_t index)
{
	return &t->slabs[index / SLAB_STATES][index % SLAB_STATES];
}

static uint32_t hash_of(const struct source_table *t, const struct source_key *k)
{
	return (uint32_t)siphash(&t->key, k, sizeof(*k));
}

/* All of a state is about to be used: fetch its lines side by side, not one after the other. */
static void fetch_ahead(const struct source_state *s)
{
	for (size_t at = 0; at < sizeof(*s); at += CACHE_LINE) {
		__builtin_prefetch((const char *)s + at, 1);
	}
}

/* The slot that holds the key, or the free one where it would go. */
static uint32_t slot_of(const struct source_table *t, const struct source_key *k, uint32_t hash)
{
	uint32_t i = hash & t->mask;

	while (t->slots[i].place != 0) {
		if (t->slots[i].hash == hash) {
			const struct source_state *s = state_at(t, t->slots[i].place - 1);
			fetch_ahead(s);
			if (source_is_equal(&s->key, k)) {
				break;
			}
		}
		i = (i + 1) & t->mask;
	}
	return i;
}

struct source_state *source_table_find(struct source_table *t, const struct source_key *k)
{
	uint32_t place = t->slots[slot_of(t, k, hash_of(t, k))].place;

	return place == 0 ? NULL : state_at(t, place - 1);
}

void source_table_ahead(const struct source_table *t, const struct source_key *k,
			enum source_ahead step)
{
	uint32_t hash = hash_of(t, k);
	uint32_t i = hash & t->mask;

	if (step == AHEAD_SLOT) {
		__builtin_prefetch(&t->slots[i], 0);
		return;
	}
	while (t->slots[i].place != 0 && t->slots[i].hash != hash) {
		i = (i + 1) & t->mask;
	}
	if (t->slots[i].place == 0) {
		return;
	}
	const struct source_state *s = state_at(t, t->slots[i].place - 1);
	if (step == AHEAD_STATE) {
		fetch_ahead(s);
		return;
	}
	for (size_t at = 0; at < s->copies.count * sizeof(struct copy); at += CACHE_LINE) {
		__builtin_prefetch((const char *)s->copies.list + at, 1);
	}
}

static void remove_slot(struct source_table *t, uint32_t hole)
{
	/* Close the gap: move back what would no longer be found across it. */
	for (uint32_t i = (hole + 1) & t->mask; t->slots[i].place != 0; i = (i + 1) & t->mask) {
		uint32_t home = t->slots[i].hash & t->mask;
		if (((i - home) & t->mask) >= ((i - hole) & t->mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct slot){0};
}

static bool is_free_to_go(const struct source_state *s)
{
	return s->held_at == 0;
}

/* The coldest of a few that are on no list; nobody chooses which few. */
static struct source_state *find_cold(struct source_table *t)
{
	struct source_state *coldest = NULL;

	for (uint32_t i = 0; i < SAMPLE; i++) {
		struct source_state *s = source_table_at(t, (uint32_t)prng_below(&t->prng, t->end));
		if (s != NULL && is_free_to_go(s) &&
		    (coldest == NULL || s->last_s < coldest->last_s)) {
			coldest = s;
		}
	}
	return coldest;
}

static void give_up(struct source_table *t, struct source_state *s)
{
	uint32_t index = s->index;

	remove_slot(t, slot_of(t, &s->key, hash_of(t, &s->key)));
	source_state_forget(s, &t->budget);
	*s = (struct source_state){.index = index};
	t->count--;
}

/* A state that nobody uses, or NULL. */
static struct source_state *take_state(struct source_table *t)
{
	if (t->end == t->max) {
		return NULL;
	}
	if (t->end / SLAB_STATES == t->slab_count) {
		struct source_state *slab = aligned_alloc(SLAB_BYTES, SLAB_BYTES);
		if (slab == NULL) {
			return NULL;
		}
		(void)madvise(slab, SLAB_BYTES, MADV_HUGEPAGE);
		t->slabs[t->slab_count++] = slab;
	}
	struct source_state *s = state_at(t, t->end);
	*s = (struct source_state){.index = t->end++};
	return s;
}

struct source_state *source_table_touch(struct source_table *t, const struct source_key *k,
					source_forget_fn *forget, void *ctx)
{
	uint32_t hash = hash_of(t, k);
	uint32_t at = slot_of(t, k, hash);

	if (t->slots[at].place != 0) {
		return state_at(t, t->slots[at].place - 1);
	}
	struct source_state *s = take_state(t);
	if (s == NULL && t->end > 0) {
		s = find_cold(t);
		if (s != NULL) {
			forget(s, ctx);
			give_up(t, s);
			at = slot_of(t, k, hash);
		}
	}
	if (s == NULL) {
		return NULL;
	}
	*s = (struct source_state){
		.key = *k,
		.index = s->index,
		.server = SERVER_NONE,
		.sibling = SOURCE_NONE,
		.rule_main = KIND_COUNT,
		.rule_support = KIND_COUNT,
		.flags = STATE_IS_USED,
	};
	t->slots[at] = (struct slot){.hash = hash, .place = s->index + 1};
	t->count++;
	return s;
}

uint32_t source_table_count(const struct source_table *t)
{
	return t->count;
}

uint32_t source_table_end(const struct source_table *t)
{
	return t->end;
}

struct source_state *source_table_at(const struct source_table *t, uint32_t index)
{
	ASSERT(index < t->end);
	struct source_state *s = state_at(t, index);

	return (s->flags & STATE_IS_USED) != 0 ? s : NULL;
}

struct budget *source_table_budget(struct source_table *t)
{
	return &t->budget;
}

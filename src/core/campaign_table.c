/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign_table: the campaigns of all sources, found by a piece of their simhash, or by one that
 * is a bit away.
 *
 * Four tables of 65,536 chains, one a piece. A campaign without a simhash stands in them under a
 * hash of what it has instead. Layer: core (pure).
 */
#include "base/assert.h"
#include "core/campaign.h"

#include <stdlib.h>

#include "base/poison.h"

#define PIECES 4
#define PIECE_BITS 16
/* Pieces that are also looked at one bit away (core/campaign.h). */
#define PIECES_BESIDE 2
static_assert(CAMPAIGN_HAMMING_MAX <= PIECES + PIECES_BESIDE - 1, "no copy is overlooked");
#define CHAINS 65536
#define NONE UINT32_MAX

struct campaign {
	struct campaign_key key; /* of the first message */
	uint64_t id;
	uint32_t next[PIECES]; /* in the chain of each piece; newest first */
	uint32_t prev[PIECES];
	uint32_t newer; /* by when it was seen last */
	uint32_t older;
};

struct campaigns {
	uint32_t heads[PIECES][CHAINS];
	uint32_t newest;
	uint32_t oldest;
	uint32_t count;
	uint32_t max;
	struct campaign all[];
};

struct campaigns *campaigns_new(size_t max)
{
	ASSERT(max >= 16 && max <= 16777216);
	struct campaigns *c = calloc(1, sizeof(*c) + max * sizeof(c->all[0]));

	if (c == NULL) {
		return NULL;
	}
	for (size_t p = 0; p < PIECES; p++) {
		for (size_t i = 0; i < CHAINS; i++) {
			c->heads[p][i] = NONE;
		}
	}
	c->newest = NONE;
	c->oldest = NONE;
	c->max = (uint32_t)max;
	return c;
}

void campaigns_free(struct campaigns *c)
{
	free(c);
}

size_t campaigns_count(const struct campaigns *c)
{
	return c->count;
}

/* 64 bits to find a campaign by; its simhash as it is, so that near ones share a piece. */
static uint64_t handle(const struct campaign_key *key)
{
	if (key->simhash != 0) {
		return key->simhash;
	}
	return key->urls_hash != 0 ? key->urls_hash : key->exact;
}

static uint32_t piece(uint64_t h, size_t p)
{
	return (uint32_t)(h >> (16 * p)) & (CHAINS - 1);
}

/* The newest near one of those with this value of a piece. */
static uint32_t walk(const struct campaigns *c, const struct campaign_key *key, size_t p,
		     uint32_t value, size_t most)
{
	uint32_t at = c->heads[p][value];

	for (size_t walked = 0; at != NONE && walked < most; walked++) {
		if (campaign_is_near(&c->all[at].key, key)) {
			return at;
		}
		at = c->all[at].next[p];
	}
	return NONE;
}

static uint32_t find(const struct campaigns *c, const struct campaign_key *key)
{
	uint64_t h = handle(key);
	uint32_t at = NONE;

	for (size_t p = 0; p < PIECES && at == NONE; p++) {
		at = walk(c, key, p, piece(h, p), CAMPAIGN_WALK_MAX);
	}
	for (size_t i = 0; key->simhash != 0 && i < PIECES_BESIDE * PIECE_BITS && at == NONE; i++) {
		size_t p = i / PIECE_BITS;

		at = walk(c, key, p, piece(h, p) ^ 1U << i % PIECE_BITS, CAMPAIGN_WALK_BESIDE_MAX);
	}
	return at;
}

static void age_remove(struct campaigns *c, uint32_t at)
{
	const struct campaign *e = &c->all[at];

	*(e->newer != NONE ? &c->all[e->newer].older : &c->newest) = e->older;
	*(e->older != NONE ? &c->all[e->older].newer : &c->oldest) = e->newer;
}

static void age_push(struct campaigns *c, uint32_t at)
{
	struct campaign *e = &c->all[at];

	e->newer = NONE;
	e->older = c->newest;
	*(c->newest != NONE ? &c->all[c->newest].newer : &c->oldest) = at;
	c->newest = at;
}

static void chains_remove(struct campaigns *c, uint32_t at)
{
	const struct campaign *e = &c->all[at];
	uint64_t h = handle(&e->key);

	for (size_t p = 0; p < PIECES; p++) {
		uint32_t *from = e->prev[p] != NONE ? &c->all[e->prev[p]].next[p]
						    : &c->heads[p][piece(h, p)];

		*from = e->next[p];
		if (e->next[p] != NONE) {
			c->all[e->next[p]].prev[p] = e->prev[p];
		}
	}
}

static void chains_push(struct campaigns *c, uint32_t at)
{
	struct campaign *e = &c->all[at];
	uint64_t h = handle(&e->key);

	for (size_t p = 0; p < PIECES; p++) {
		uint32_t *head = &c->heads[p][piece(h, p)];

		e->prev[p] = NONE;
		e->next[p] = *head;
		if (*head != NONE) {
			c->all[*head].prev[p] = at;
		}
		*head = at;
	}
}

uint64_t campaigns_take(struct campaigns *c, const struct campaign_key *key)
{
	uint32_t at = find(c, key);

	if (at != NONE) {
		age_remove(c, at);
		age_push(c, at);
		return c->all[at].id;
	}
	if (c->count < c->max) {
		at = c->count++;
	} else {
		at = c->oldest;
		age_remove(c, at);
		chains_remove(c, at);
	}
	uint64_t id = handle(key);

	c->all[at].key = *key;
	c->all[at].id = id != 0 ? id : 1;
	chains_push(c, at);
	age_push(c, at);
	return c->all[at].id;
}

uint64_t campaigns_find(const struct campaigns *c, const struct campaign_key *key)
{
	uint32_t at = find(c, key);

	return at != NONE ? c->all[at].id : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sharing: campaigns by four bands of their simhash. Two texts within 3 bits agree in at least
 * one of four 16-bit bands, so one look into four buckets finds every near copy.
 * Layer: core (pure). Source: Manku, Jain, Das Sarma, "Detecting near-duplicates for web
 * crawling" (2007).
 */
#include "core/sharing.h"

#include "core/copies.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define BANDS 4
#define BUCKETS 4096
#define WAYS 8
/* Tenants remembered of a campaign: one more than is needed. */
#define TENANTS_KEPT (SHARING_TENANTS + 1)

struct shared {
	struct copy_id id;
	uint32_t first_s; /* 0: free */
	uint8_t tenant_count;
	uint32_t tenants[TENANTS_KEPT];
	uint32_t rcpts[TENANTS_KEPT];
};

struct sharing {
	struct shared campaigns[SHARING_CAMPAIGNS];
	uint32_t next; /* place for the next new one: a ring, so the oldest goes first */
	/* place + 1 of campaigns whose band has this value; the oldest is replaced */
	uint32_t index[BANDS][BUCKETS][WAYS];
};

struct sharing *sharing_new(void)
{
	return calloc(1, sizeof(struct sharing));
}

void sharing_free(struct sharing *s)
{
	free(s);
}

static size_t bucket_of(uint64_t id, unsigned band)
{
	uint64_t value = id >> (band * 16) & 0xFFFF;

	return (size_t)(value * UINT64_C(0x9E3779B97F4A7C15) >> 52) % BUCKETS;
}

static bool is_alive(const struct shared *c, uint32_t now_s)
{
	return c->first_s != 0 && (now_s < c->first_s || now_s - c->first_s < SHARING_WINDOW_S);
}

static struct shared *find(struct sharing *s, struct copy_id id, uint32_t now_s)
{
	for (unsigned band = 0; band < BANDS; band++) {
		const uint32_t *ways = s->index[band][bucket_of(id.value, band)];
		for (size_t i = 0; i < WAYS; i++) {
			struct shared *c = ways[i] == 0 ? NULL : &s->campaigns[ways[i] - 1];
			if (c != NULL && is_alive(c, now_s) &&
			    copy_id_is_within(c->id, id, SHARING_HAMMING_MAX)) {
				return c;
			}
		}
	}
	return NULL;
}

static struct shared *add(struct sharing *s, struct copy_id id, uint32_t now_s)
{
	uint32_t place = s->next;
	struct shared *c = &s->campaigns[place];

	s->next = (s->next + 1) % SHARING_CAMPAIGNS;
	*c = (struct shared){.id = id, .first_s = now_s};
	for (unsigned band = 0; band < BANDS; band++) {
		uint32_t *ways = s->index[band][bucket_of(id.value, band)];
		memmove(ways + 1, ways, (WAYS - 1) * sizeof(*ways));
		ways[0] = place + 1;
	}
	return c;
}

/* The recipients this tenant has tried with it; NULL when too many tenants are there already. */
static uint32_t *rcpts_of(struct shared *c, uint32_t tenant)
{
	for (size_t i = 0; i < c->tenant_count; i++) {
		if (c->tenants[i] == tenant) {
			return &c->rcpts[i];
		}
	}
	if (c->tenant_count == TENANTS_KEPT) {
		return NULL;
	}
	c->tenants[c->tenant_count] = tenant;
	return &c->rcpts[c->tenant_count++];
}

bool sharing_note(struct sharing *s, const struct message_obs *o, uint32_t tenant, uint32_t now_s)
{
	struct copy_id id = copy_id_of(o);
	struct shared *c = find(s, id, now_s);
	unsigned bulk = 0;

	if (c == NULL) {
		c = add(s, id, now_s);
	}
	uint32_t *rcpts = rcpts_of(c, tenant);
	if (rcpts != NULL) {
		*rcpts = o->rcpts > UINT32_MAX - *rcpts ? UINT32_MAX : *rcpts + o->rcpts;
	}
	for (size_t i = 0; i < c->tenant_count; i++) {
		bulk += c->rcpts[i] >= SHARING_BULK_RCPTS;
	}
	bool is_mine = rcpts == NULL ? o->rcpts >= SHARING_BULK_RCPTS
				     : *rcpts >= SHARING_BULK_RCPTS;
	return is_mine && bulk >= SHARING_TENANTS && !o->has_list_id;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copies: the campaigns of one source. Layer: core (pure).
 */
#include "core/copies.h"

#include <errno.h>

#include "base/poison.h"

/* No campaign can have given more: 3 copies of 40 nats. */
#define GIVEN_MICRO_MAX 200000000

#define BIT_FLAGGED 1
#define BIT_FLAGGED_ONE_SIDED 2
#define BITS_ALL 3

struct copy_id copy_id_of(const struct message_obs *o)
{
	if (o->simhash != 0) {
		return (struct copy_id){.value = o->simhash, .kind = COPY_TEXT};
	}
	if (o->urls_hash != 0) {
		return (struct copy_id){.value = o->urls_hash, .kind = COPY_HOSTS};
	}
	return (struct copy_id){.value = o->campaign, .kind = COPY_EXACT};
}

/* At most so many bits set? Each step takes the lowest one away. */
static bool is_few_bits(uint64_t x, unsigned most)
{
	for (unsigned i = 0; i < most; i++) {
		x &= x - 1;
	}
	return x == 0;
}

bool copy_id_is_within(struct copy_id a, struct copy_id b, unsigned bits)
{
	if (a.kind != b.kind) {
		return false;
	}
	return a.kind == COPY_TEXT ? is_few_bits(a.value ^ b.value, bits) : a.value == b.value;
}

bool copy_id_is_near(struct copy_id a, struct copy_id b)
{
	return copy_id_is_within(a, b, CAMPAIGN_HAMMING_MAX);
}

static struct copy_id id_of(const struct copy *c)
{
	return (struct copy_id){.value = c->id, .kind = (enum copy_kind)c->kind};
}

static bool is_over(const struct copy *c, uint32_t now_s)
{
	return now_s > c->first_s && now_s - c->first_s >= COPIES_WINDOW_S;
}

/* A place for one more: a new one, or that of the campaign seen longest ago. */
static struct copy *make_room(struct copies *c, struct budget *b)
{
	if (c->count < c->size) {
		return &c->list[c->count++];
	}
	if (c->size < COPIES_MAX) {
		size_t size = c->size == 0 ? 1 : (size_t)c->size * 2;
		struct copy *list = budget_grow(b, c->list, c->size * sizeof(*list),
						size * sizeof(*list));
		if (list != NULL) {
			c->list = list;
			c->size = (uint8_t)size;
			return &c->list[c->count++];
		}
	}
	struct copy *oldest = c->count > 0 ? &c->list[0] : NULL;
	for (size_t i = 1; i < c->count; i++) {
		if (c->list[i].last_s < oldest->last_s) {
			oldest = &c->list[i];
		}
	}
	return oldest;
}

struct copy *copies_touch(struct copies *c, const struct message_obs *o, uint32_t now_s,
			  struct budget *b, bool *ret_is_new)
{
	struct copy_id id = copy_id_of(o);
	struct copy *at = NULL;

	*ret_is_new = false;
	for (size_t i = 0; i < c->count; i++) {
		if (copy_id_is_near(id_of(&c->list[i]), id)) {
			at = &c->list[i];
			break;
		}
	}
	if (at == NULL || is_over(at, now_s)) {
		*ret_is_new = true;
		if (at == NULL) {
			at = make_room(c, b);
		}
		if (at == NULL) {
			return NULL;
		}
		*at = (struct copy){.id = id.value, .kind = (uint8_t)id.kind, .first_s = now_s};
	}
	at->last_s = now_s;
	return at;
}

struct copy *copies_find(struct copies *c, struct copy_id id)
{
	for (size_t i = 0; i < c->count; i++) {
		if (copy_id_is_near(id_of(&c->list[i]), id)) {
			return &c->list[i];
		}
	}
	return NULL;
}

unsigned copies_flagged(const struct copies *c, bool one_sided, uint32_t now_s)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->count; i++) {
		bool flagged = one_sided ? c->list[i].is_flagged_one_sided : c->list[i].is_flagged;
		n += flagged && !is_over(&c->list[i], now_s);
	}
	return n;
}

void copies_clear(struct copies *c, struct budget *b)
{
	if (c->size > 0) {
		budget_free(b, c->list, c->size * sizeof(*c->list));
	}
	*c = (struct copies){0};
}

int32_t copy_ration(const struct copy *c, size_t leg, int32_t z, int32_t max_micro)
{
	int32_t given = c->given_micro[leg];
	int32_t up = given < max_micro ? max_micro - given : 0;
	int32_t down = given > -max_micro ? -max_micro - given : 0;

	if (z > up) {
		return up;
	}
	return z < down ? down : z;
}

void copies_put(struct enc *e, const struct copies *c)
{
	enc_uint(e, 1, c->count);
	for (size_t i = 0; i < c->count; i++) {
		const struct copy *k = &c->list[i];
		enc_uint(e, 8, k->id);
		enc_uint(e, 1, k->kind);
		enc_uint(e, 4, k->first_s);
		enc_uint(e, 4, k->last_s);
		for (size_t leg = 0; leg < CONTENT_LEGS; leg++) {
			enc_int(e, 4, k->given_micro[leg]);
		}
		enc_uint(e, 1, k->counted);
		enc_uint(e, 1, k->counted_one_sided);
		enc_uint(e, 1,
			 (uint64_t)((k->is_flagged ? BIT_FLAGGED : 0) |
				    (k->is_flagged_one_sided ? BIT_FLAGGED_ONE_SIDED : 0)));
	}
}

static struct copy get_one(struct cur *c)
{
	struct copy k = {.id = cur_uint(c, 8, UINT64_MAX)};

	k.kind = (uint8_t)cur_uint(c, 1, COPY_KIND_COUNT - 1);
	k.first_s = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	k.last_s = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	for (size_t leg = 0; leg < CONTENT_LEGS; leg++) {
		int64_t given = cur_int(c, 4);
		if (given < -GIVEN_MICRO_MAX || given > GIVEN_MICRO_MAX) {
			c->err = -EBADMSG;
		}
		k.given_micro[leg] = (int32_t)given;
	}
	k.counted = (uint8_t)cur_uint(c, 1, UINT8_MAX);
	k.counted_one_sided = (uint8_t)cur_uint(c, 1, UINT8_MAX);
	unsigned bits = (unsigned)cur_uint(c, 1, BITS_ALL);
	k.is_flagged = (bits & BIT_FLAGGED) != 0;
	k.is_flagged_one_sided = (bits & BIT_FLAGGED_ONE_SIDED) != 0;
	return k;
}

void copies_get(struct cur *c, struct copies *ret, struct budget *b)
{
	struct copies read = {0};
	size_t count = (size_t)cur_uint(c, 1, COPIES_MAX);

	for (size_t i = 0; i < count && c->err == 0; i++) {
		struct copy k = get_one(c);
		struct copy *at = make_room(&read, b);
		if (at != NULL) {
			*at = k;
		}
	}
	if (c->err != 0) {
		copies_clear(&read, b);
	}
	*ret = read;
}

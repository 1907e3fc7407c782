/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fewset: small sets of hashes. Layer: core (pure).
 */
#include "core/fewset.h"

#include <errno.h>

#include "base/poison.h"

static const uint32_t *hashes(const struct fewset *s)
{
	return s->size > 0 ? s->u.many : s->u.few;
}

static uint32_t fold(uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32);
}

static unsigned bit_of(uint32_t h)
{
	/* Multiplicative hashing: Knuth, The Art of Computer Programming 3, 6.4. */
	return (unsigned)((h * UINT32_C(2654435769)) >> 22) % FEWSET_BITS;
}

static bool bit_is_set(const struct fewset *s, unsigned bit)
{
	return (s->u.many[bit / 32] >> bit % 32 & 1) != 0;
}

bool fewset_has(const struct fewset *s, uint64_t hash)
{
	uint32_t h = fold(hash);

	if (s->is_bitmap) {
		return bit_is_set(s, bit_of(h));
	}
	for (size_t i = 0; i < s->count; i++) {
		if (hashes(s)[i] == h) {
			return true;
		}
	}
	return false;
}

static void to_bitmap(struct fewset *s)
{
	uint32_t old[FEWSET_EXACT_MAX];

	memcpy(old, s->u.many, sizeof(old));
	memset(s->u.many, 0, sizeof(old));
	s->is_bitmap = true;
	s->count = 0;
	for (size_t i = 0; i < FEWSET_EXACT_MAX; i++) {
		unsigned bit = bit_of(old[i]);
		s->count = (uint16_t)(s->count + !bit_is_set(s, bit));
		s->u.many[bit / 32] |= UINT32_C(1) << bit % 32;
	}
}

/* Room for one more exact hash. */
static bool grow(struct fewset *s, struct budget *b)
{
	size_t old = s->size;
	size_t size = old == 0 ? FEWSET_INLINE * 2 : old * 2;
	uint32_t few[FEWSET_INLINE] = {s->u.few[0], s->u.few[1]};
	uint32_t *many = budget_grow(b, old == 0 ? NULL : s->u.many, old * 4, size * 4);

	if (many == NULL) {
		return false;
	}
	if (old == 0) {
		memcpy(many, few, sizeof(few));
	}
	s->u.many = many;
	s->size = (uint8_t)size;
	return true;
}

bool fewset_add(struct fewset *s, uint64_t hash, struct budget *b)
{
	uint32_t h = fold(hash);

	if (fewset_has(s, hash)) {
		return false;
	}
	if (!s->is_bitmap && s->count == FEWSET_EXACT_MAX) {
		to_bitmap(s);
		if (fewset_has(s, hash)) {
			return false;
		}
	}
	if (s->is_bitmap) {
		unsigned bit = bit_of(h);
		s->u.many[bit / 32] |= UINT32_C(1) << bit % 32;
		s->count++;
		return true;
	}
	size_t room = s->size == 0 ? FEWSET_INLINE : s->size;
	if (s->count == room && !grow(s, b)) {
		return false;
	}
	uint32_t *at = s->size > 0 ? s->u.many : s->u.few;
	at[s->count++] = h;
	return true;
}

void fewset_clear(struct fewset *s, struct budget *b)
{
	if (s->size > 0) {
		budget_free(b, s->u.many, (size_t)s->size * 4);
	}
	*s = (struct fewset){0};
}

void fewset_put(struct enc *e, const struct fewset *s)
{
	size_t words = s->is_bitmap ? FEWSET_EXACT_MAX : s->count;

	enc_bool(e, s->is_bitmap);
	enc_uint(e, 2, s->count);
	for (size_t i = 0; i < words; i++) {
		enc_uint(e, 4, hashes(s)[i]);
	}
}

static unsigned bits_in(const struct fewset *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < FEWSET_EXACT_MAX; i++) {
		n += (unsigned)__builtin_popcount(s->u.many[i]);
	}
	return n;
}

void fewset_get(struct cur *c, struct fewset *ret, struct budget *b)
{
	struct fewset s = {0};
	bool is_bitmap = cur_bool(c);
	size_t count = (size_t)cur_uint(c, 2, is_bitmap ? FEWSET_BITS : FEWSET_EXACT_MAX);
	size_t words = is_bitmap ? FEWSET_EXACT_MAX : count;

	while (words > (s.size == 0 ? FEWSET_INLINE : s.size)) {
		if (!grow(&s, b)) {
			break;
		}
	}
	bool fits = words <= (s.size == 0 ? FEWSET_INLINE : (size_t)s.size);
	for (size_t i = 0; i < words; i++) {
		uint32_t h = (uint32_t)cur_uint(c, 4, UINT32_MAX);
		if (fits) {
			(s.size > 0 ? s.u.many : s.u.few)[i] = h;
		}
	}
	if (fits) {
		s.is_bitmap = is_bitmap;
		s.count = (uint16_t)count;
	}
	if (c->err == 0 && s.is_bitmap && bits_in(&s) != count) {
		c->err = -EBADMSG;
	}
	if (c->err != 0 || !fits) {
		fewset_clear(&s, b);
	}
	*ret = s;
}

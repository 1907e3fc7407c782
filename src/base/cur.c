/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cur: binary cursors. Layer: base.
 */
#include "base/cur.h"

#include "base/assert.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/poison.h"

struct cur cur_of(const void *data, size_t len)
{
	return (struct cur){.ptr = data, .left = len};
}

static const uint8_t *cur_take(struct cur *c, size_t n)
{
	if (c->err != 0 || n > c->left) {
		c->err = -EBADMSG;
		return NULL;
	}
	const uint8_t *at = c->ptr;
	c->ptr += n;
	c->left -= n;
	return at;
}

uint64_t cur_uint(struct cur *c, size_t octets, uint64_t max)
{
	ASSERT(octets >= 1 && octets <= 8);
	const uint8_t *at = cur_take(c, octets);
	uint64_t v = 0;

	if (at == NULL) {
		return 0;
	}
	for (size_t i = 0; i < octets; i++) {
		v = v << 8 | at[i];
	}
	if (v > max) {
		c->err = -EBADMSG;
		return 0;
	}
	return v;
}

int64_t cur_int(struct cur *c, size_t octets)
{
	uint64_t v = cur_uint(c, octets, UINT64_MAX);
	unsigned shift = (unsigned)(8 - octets) * 8;

	return (int64_t)(v << shift) >> shift;
}

struct str cur_bytes(struct cur *c, size_t n)
{
	const uint8_t *at = cur_take(c, n);

	return at == NULL ? STR_EMPTY : (struct str){(const char *)at, n};
}

void cur_copy(struct cur *c, void *ret, size_t n)
{
	const uint8_t *at = cur_take(c, n);

	if (at == NULL) {
		memset(ret, 0, n);
	} else if (n > 0) {
		memcpy(ret, at, n);
	}
}

struct str cur_str(struct cur *c, size_t max)
{
	size_t n = (size_t)cur_uint(c, 4, UINT32_MAX);

	if (n > max) {
		c->err = -EBADMSG;
	}
	return cur_bytes(c, n);
}

bool cur_bool(struct cur *c)
{
	return cur_uint(c, 1, 1) == 1;
}

int cur_end(struct cur *c)
{
	if (c->err == 0 && c->left > 0) {
		c->err = -EBADMSG;
	}
	return c->err;
}

struct enc enc_of(void *data, size_t size)
{
	return (struct enc){.ptr = data, .size = size};
}

static uint8_t *enc_take(struct enc *e, size_t n)
{
	if (e->err != 0 || n > e->size - e->used) {
		e->err = -EMSGSIZE;
		return NULL;
	}
	uint8_t *at = e->ptr + e->used;
	e->used += n;
	return at;
}

void enc_uint(struct enc *e, size_t octets, uint64_t value)
{
	ASSERT(octets >= 1 && octets <= 8);
	ASSERT(octets == 8 || value >> (8 * octets) == 0);
	uint8_t *at = enc_take(e, octets);

	if (at == NULL) {
		return;
	}
	for (size_t i = octets; i > 0; i--) {
		at[i - 1] = (uint8_t)value;
		value >>= 8;
	}
}

void enc_int(struct enc *e, size_t octets, int64_t value)
{
	uint64_t mask = octets == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * octets)) - 1;

	enc_uint(e, octets, (uint64_t)value & mask);
}

void enc_bytes(struct enc *e, const void *data, size_t n)
{
	uint8_t *at = enc_take(e, n);

	if (at != NULL && n > 0) {
		memcpy(at, data, n);
	}
}

void enc_str(struct enc *e, struct str s)
{
	if (s.len > UINT32_MAX) {
		e->err = -EMSGSIZE;
		return;
	}
	enc_uint(e, 4, s.len);
	enc_bytes(e, s.ptr, s.len);
}

void enc_bool(struct enc *e, bool value)
{
	enc_uint(e, 1, value ? 1 : 0);
}

int enc_end(const struct enc *e)
{
	if (e->err == 0 && e->used > INT_MAX) {
		return -EMSGSIZE;
	}
	return e->err != 0 ? e->err : (int)e->used;
}

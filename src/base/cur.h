/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cur: a reading and a writing cursor over binary octets, whose first failure sticks.
 *
 * Read everything, check once with cur_end, publish only then. All numbers are big-endian.
 * After a failure reads return 0 and empty views. Layer: base.
 */
#ifndef BASE_CUR_H
#define BASE_CUR_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cur {
	const uint8_t *ptr;
	size_t left;
	int err; /* 0, or the first failure: -EBADMSG */
};

/** A cursor over `len` borrowed octets. */
struct cur cur_of(const void *data, size_t len);

/** An unsigned number of 1 to 8 octets. More than max is a failure. */
uint64_t cur_uint(struct cur *c, size_t octets, uint64_t max);
/** A signed number of 1, 2, 4 or 8 octets, two's complement. */
int64_t cur_int(struct cur *c, size_t octets);
/** Exactly n octets, borrowed. */
struct str cur_bytes(struct cur *c, size_t n);
/** Exactly n octets, copied; on failure `ret` is filled with zeros. */
void cur_copy(struct cur *c, void *ret, size_t n);
/** A length of 4 octets and that many octets, at most max, borrowed. */
struct str cur_str(struct cur *c, size_t max);
/** An octet that is 0 or 1. */
bool cur_bool(struct cur *c);

/** @return 0 when nothing failed and nothing is left, else -EBADMSG. */
MUSTUSE int cur_end(struct cur *c);

/* The other way: appends to a buffer of fixed size. */
struct enc {
	uint8_t *ptr;
	size_t used;
	size_t size;
	int err; /* 0, or the first failure: -EMSGSIZE */
};

/** A writer into `size` octets that belong to the caller. */
struct enc enc_of(void *data, size_t size);

void enc_uint(struct enc *e, size_t octets, uint64_t value);
void enc_int(struct enc *e, size_t octets, int64_t value);
void enc_bytes(struct enc *e, const void *data, size_t n);
void enc_str(struct enc *e, struct str s);
void enc_bool(struct enc *e, bool value);

/** @return Octets written, or -EMSGSIZE when they did not fit. */
MUSTUSE int enc_end(const struct enc *e);

#endif

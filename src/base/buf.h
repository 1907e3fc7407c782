/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: text or octets that grow at the end, up to a named maximum.
 *
 * The first failure (no memory, or over the maximum) sticks and later appends do nothing, so
 * that a writer checks once, with buf_end. Layer: base.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct buf {
	char *ptr; /* owned; not terminated */
	size_t len;
	size_t size;
	size_t max;
	int err; /* 0, -ENOMEM, or -EMSGSIZE when max was reached */
};

/** An empty buffer that never holds more than max octets. Takes no memory yet. */
void buf_init(struct buf *b, size_t max);
/** Frees the octets; the buffer may be used again after buf_init. An all-zero buffer is fine. */
void buf_done(struct buf *b);
/** Empty, memory kept, failure forgotten. */
void buf_clear(struct buf *b);

void buf_add(struct buf *b, struct str s);
/**
 * Add as much of valid UTF-8 as there is room for, in whole characters; a rest that does not fit
 * is no failure.
 *
 * @return true when all of it fitted.
 */
bool buf_add_utf8(struct buf *b, struct str s);
void buf_add_cstr(struct buf *b, const char *cstr);
void buf_add_char(struct buf *b, char c);
/** Add a stranger's text for a terminal: printable ASCII as it is, every other octet as \xNN. */
void buf_add_plain(struct buf *b, struct str s);
void buf_add_u64(struct buf *b, uint64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

/** Drop the first n octets (n <= len): what was read or sent. */
void buf_drop(struct buf *b, size_t n);

/**
 * Make room for n octets at the end and return where they go, or NULL after a failure. The
 * caller writes up to n octets there and then adds what it wrote to b->len.
 */
char *buf_reserve(struct buf *b, size_t n);

/** All octets, borrowed until the next change. */
struct str buf_str(const struct buf *b);

/** Ends the text in NUL (not counted) and lends it; NULL after a failure. */
const char *buf_cstr(struct buf *b);

/** @return 0, or the first failure. */
MUSTUSE int buf_end(const struct buf *b);

#endif

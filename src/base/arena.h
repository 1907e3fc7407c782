/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena: memory that is given out piece by piece and taken back all at once, with a hard cap.
 *
 * One for a session, one for a message: what a stranger's octets make us allocate lives and dies
 * there and can never exceed the cap. Layer: base.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>

struct arena;

/**
 * @param max  Octets it may ever hold, its own bookkeeping included; at least 256.
 * @return NULL without memory.
 */
MUSTUSE struct arena *arena_new(size_t max);
/** NULL is allowed. */
void arena_free(struct arena *a);
/** Take everything back; the first page stays for reuse. */
void arena_clear(struct arena *a);

/** @return `size` octets aligned for any type, all zero; NULL over the cap or without memory. */
MUSTUSE void *arena_alloc(struct arena *a, size_t size);
/** A copy of `s` in the arena; the empty view with a NULL pointer when it did not fit. */
MUSTUSE struct str arena_copy(struct arena *a, struct str s);
/** Octets taken from the system so far, for accounting. */
size_t arena_size(const struct arena *a);

#define ARENA_ZNEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ZNEW_N(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moments: the seconds in which a source's mail was handed in, each once, so that other logs can be
 * asked what happened then. In the order in which they were added, up to a maximum; what comes
 * later is left out, so that within the time they span they are all there. Layer: core (pure).
 */
#ifndef CORE_MOMENTS_H
#define CORE_MOMENTS_H

#include "base/attr.h"
#include "base/clock.h"

#include <stddef.h>
#include <stdint.h>

/* Of one source: 64 KiB. */
#define MOMENTS_MAX 16384
/* Of all sources together: 4 MiB. */
#define MOMENTS_HELD_MAX ((size_t)1 << 20)

struct moments {
	uint32_t *at; /* owned; seconds since 1970 */
	uint32_t count;
	uint32_t size;
};

/**
 * Add the second of a time. Without memory, or with too many, it is left out.
 *
 * @param room  Seconds that all sources together may still hold; taken from.
 */
void moments_add(struct moments *m, struct wall time, size_t *room);
/** @param room  Given back. */
void moments_done(struct moments *m, size_t *room);

#endif

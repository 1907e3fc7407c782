/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_ends: where the lines of a block end, many at once. Layer: proto (pure).
 *
 * Knows newlines only. Three ways with the same results: AVX2, SSE2 and plain C; which one a
 * machine can run is asked once, by line_ends_best.
 */
#ifndef PROTO_LINE_ENDS_H
#define PROTO_LINE_ENDS_H

#include "base/attr.h"
#include "base/str.h"

#define LINE_ENDS_ROOM 128

enum line_ends_way {
	LINE_ENDS_PLAIN,
	LINE_ENDS_SSE2,
	LINE_ENDS_AVX2,
	LINE_ENDS_COUNT,
};

/**
 * Find newlines.
 *
 * @param text  At most UINT32_MAX octets.
 * @param ends  Offsets of the newlines, in order.
 * @param max   Room in `ends`, at least LINE_ENDS_ROOM.
 * @return How many were written, at least one where there is one. Go on behind the last one until
 *         there is none.
 */
typedef size_t line_ends_fn(struct str text, uint32_t *ends, size_t max);

/** @return The way, or NULL when this machine cannot run it. */
line_ends_fn *line_ends_of(enum line_ends_way way);
/** The fastest one here. */
line_ends_fn *line_ends_best(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_marks: where in a block of log lines something may stand that tells a message: an id or an
 * arrival. Layer: proto (pure).
 *
 * A mark is a "=" behind the last letters of a name that matters: "id" ("message-id=", "msgid=",
 * "uid=", Exim's " id="), "nt" ("client="), "om" ("from=", if asked for), "*" (Exim's "id*=") or
 * Exim's sign "<=". Other names end so too: a mark is a place worth a look, and no place that is
 * worth one lacks it. Three ways with the same results, as in line_ends.
 */
#ifndef PROTO_LOG_MARKS_H
#define PROTO_LOG_MARKS_H

#include "base/attr.h"
#include "base/str.h"

#include <stdint.h>

#define LOG_MARKS_ROOM 128

enum log_marks_way {
	LOG_MARKS_PLAIN,
	LOG_MARKS_SSE2,
	LOG_MARKS_AVX2,
	LOG_MARKS_COUNT,
};

enum log_marks_set {
	LOG_MARKS_FEW,
	LOG_MARKS_WITH_FROM,
};

/**
 * Find marks.
 *
 * @param text   At most UINT32_MAX octets.
 * @param from   Where to begin; marks before it are not told.
 * @param set    Which ones.
 * @param marks  Offsets of the "=" in `text`, in order.
 * @param max    Room in `marks`, at least LOG_MARKS_ROOM.
 * @return How many were written, at least one where there is one. Go on behind the last one until
 *         there is none.
 */
typedef size_t log_marks_fn(struct str text, size_t from, enum log_marks_set set, uint32_t *marks,
			    size_t max);

/** @return The way, or NULL when this machine cannot run it. */
log_marks_fn *log_marks_of(enum log_marks_way way);
/** The fastest one here. */
log_marks_fn *log_marks_best(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonw: writes JSON into a buffer, one value after the other, without building a tree.
 *
 * For streams of many objects (scan, score, doctor, events). It puts the commas and escapes the
 * text; text that is not UTF-8 comes out as \u00XX for each odd octet, never dropped. Layer: base.
 */
#ifndef BASE_JSONW_H
#define BASE_JSONW_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct jsonw {
	struct buf *out; /* borrowed */
	bool comma;      /* the next member needs one before it */
};

/** Write to the end of `out`, which outlives the writer. */
struct jsonw jsonw_of(struct buf *out);

/* `key` is NULL for an element of an array and for the outermost value. */
void jsonw_object(struct jsonw *w, const char *key);
void jsonw_object_end(struct jsonw *w);
void jsonw_array(struct jsonw *w, const char *key);
void jsonw_array_end(struct jsonw *w);
void jsonw_null(struct jsonw *w, const char *key);
void jsonw_bool(struct jsonw *w, const char *key, bool v);
void jsonw_u64(struct jsonw *w, const char *key, uint64_t v);
void jsonw_i64(struct jsonw *w, const char *key, int64_t v);
/** Millionths as a decimal fraction with `decimals` (0 to 6) digits, rounded. */
void jsonw_micro(struct jsonw *w, const char *key, int64_t micro, unsigned decimals);
void jsonw_str(struct jsonw *w, const char *key, struct str v);
/** NULL is written as null. */
void jsonw_cstr(struct jsonw *w, const char *key, const char *v);
/** Null when the view's pointer is NULL, else text: absent is not empty. */
void jsonw_str_or_null(struct jsonw *w, const char *key, struct str v);
void jsonw_time(struct jsonw *w, const char *key, struct wall t);
/** `v` is JSON already. */
void jsonw_raw(struct jsonw *w, const char *key, struct str v);

/** One line, one object: ends the outermost value with a newline. */
void jsonw_line_end(struct jsonw *w);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonr: reads JSON into a tree that is then asked for its parts. Layer: sys.
 *
 * A thin face of jansson, so that its header stays in one file. Strict: UTF-8, no doubled keys,
 * bounded depth; nothing after the value. Asking a value of the wrong type, or NULL, gives the
 * empty answer, so a path is walked without a check a step.
 */
#ifndef SYS_JSONR_H
#define SYS_JSONR_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jsonr; /* a value; all but the outermost are borrowed from it */

enum jsonr_type {
	JSONR_NONE, /* NULL was asked */
	JSONR_NULL,
	JSONR_BOOL,
	JSONR_INT,
	JSONR_REAL,
	JSONR_TEXT,
	JSONR_ARRAY,
	JSONR_OBJECT,
};

/** @return The outermost value, to be freed with jsonr_free; NULL with a text. */
MUSTUSE struct jsonr *jsonr_parse(struct str text, struct errmsg *reterr);
/** The outermost value only. NULL is allowed. */
void jsonr_free(struct jsonr *v);

enum jsonr_type jsonr_type(const struct jsonr *v);
/** A member of an object; NULL when it is not there. */
const struct jsonr *jsonr_get(const struct jsonr *object, const char *key);
/** Items of an array or members of an object; else 0. */
size_t jsonr_count(const struct jsonr *v);
/** NULL past the end. */
const struct jsonr *jsonr_at(const struct jsonr *array, size_t i);
/**
 * Walk an object in the order of its text: start with *pos = NULL.
 *
 * @return The next member, or NULL at the end.
 */
const struct jsonr *jsonr_next(const struct jsonr *object, void **pos, const char **ret_key);

/** A NULL view when it is not text. */
struct str jsonr_str(const struct jsonr *v);
bool jsonr_bool(const struct jsonr *v);
/** 0 when it is not a number; a real is cut. */
int64_t jsonr_i64(const struct jsonr *v);
double jsonr_real(const struct jsonr *v);

#endif

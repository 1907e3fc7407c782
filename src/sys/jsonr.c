/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsonr: jansson behind a face of our own. Layer: sys.
 */
#include "sys/jsonr.h"

#include <errno.h>

#include <jansson.h>

#include "base/poison.h"

/* A `struct jsonr` is a json_t under another name; it is never defined. */
static const json_t *in(const struct jsonr *v)
{
	return (const json_t *)(const void *)v;
}

static const struct jsonr *out(const json_t *v)
{
	return (const struct jsonr *)(const void *)v;
}

struct jsonr *jsonr_parse(struct str text, struct errmsg *reterr)
{
	json_error_t error;
	json_t *v = json_loadb(text.ptr != NULL ? text.ptr : "", text.len,
			       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

	if (v == NULL) {
		err_set(reterr, -EINVAL, "not JSON: %s (line %d, column %d)", error.text,
			error.line, error.column);
	}
	return (struct jsonr *)(void *)v;
}

void jsonr_free(struct jsonr *v)
{
	json_decref((json_t *)(void *)v);
}

enum jsonr_type jsonr_type(const struct jsonr *v)
{
	if (v == NULL) {
		return JSONR_NONE;
	}
	switch (json_typeof(in(v))) {
	case JSON_OBJECT:
		return JSONR_OBJECT;
	case JSON_ARRAY:
		return JSONR_ARRAY;
	case JSON_STRING:
		return JSONR_TEXT;
	case JSON_INTEGER:
		return JSONR_INT;
	case JSON_REAL:
		return JSONR_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSONR_BOOL;
	case JSON_NULL:
		return JSONR_NULL;
	}
	return JSONR_NONE;
}

const struct jsonr *jsonr_get(const struct jsonr *object, const char *key)
{
	return out(json_object_get(in(object), key));
}

size_t jsonr_count(const struct jsonr *v)
{
	return json_is_object(in(v)) ? json_object_size(in(v)) : json_array_size(in(v));
}

const struct jsonr *jsonr_at(const struct jsonr *array, size_t i)
{
	return out(json_array_get(in(array), i));
}

const struct jsonr *jsonr_next(const struct jsonr *object, void **pos, const char **ret_key)
{
	/* jansson's iterator takes the object unconst and does not change it. */
	json_t *o = (json_t *)(uintptr_t)object;

	*pos = *pos == NULL ? json_object_iter(o) : json_object_iter_next(o, *pos);
	if (*pos == NULL) {
		return NULL;
	}
	*ret_key = json_object_iter_key(*pos);
	return out(json_object_iter_value(*pos));
}

struct str jsonr_str(const struct jsonr *v)
{
	return json_is_string(in(v))
		       ? (struct str){json_string_value(in(v)), json_string_length(in(v))}
		       : STR_EMPTY;
}

bool jsonr_bool(const struct jsonr *v)
{
	return json_is_true(in(v));
}

int64_t jsonr_i64(const struct jsonr *v)
{
	if (json_is_integer(in(v))) {
		return json_integer_value(in(v));
	}
	double real = json_real_value(in(v));
	return real > -9e18 && real < 9e18 ? (int64_t)real : 0;
}

double jsonr_real(const struct jsonr *v)
{
	return json_number_value(in(v));
}

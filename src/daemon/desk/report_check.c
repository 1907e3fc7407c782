/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_check: the schema of a doctor's report as tables, and the walk over them. Layer: daemon.
 */
#include "daemon/desk/report_check.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

/* What a member may be, as bits of its type. */
#define T(type) (1U << JSONR_##type)

struct shape;

struct member {
	const char *key; /* NULL: an item of an array */
	unsigned types;
	bool is_needed;
	size_t max; /* octets of a text (characters are never more), items of an array, or the
		       value of a number */
	const char *const *words;  /* of a text, ending in NULL; NULL: any */
	const struct shape *shape; /* of an object, or of the items of an array */
};

/* An object's members; of an array's items that are no objects the one without a key. */
struct shape {
	const struct member *members;
	size_t count;
};

#define SHAPE(m)                                                                                   \
	{                                                                                          \
		.members = (m), .count = COUNT_OF(m)                                               \
	}
#define COUNTER UINT64_C(9007199254740991)
#define TIME_MAX 40

static const char *const verdicts[] = {"clean", "abused", "unknown", NULL};
static const char *const kinds[] = {"account", "user", "script", "address", "server", NULL};
static const char *const causes[] = {"unknown", "password",   "form",        "site",
				     "server",  "forwarding", "backscatter", "open_relay",
				     "bulk",    "direct",     NULL};
static const char *const deeds[] = {"stop", "clean", "secure", "purge", "other", NULL};
static const char *const types[] = {"doctor-report", NULL};

static const struct member source_members[] = {
	{"kind", T(TEXT), true, 16, kinds, NULL},
	{"name", T(TEXT), true, 256, NULL, NULL},
	{"script", T(TEXT) | T(NULL), false, 256, NULL, NULL},
};
static const struct shape source_shape = SHAPE(source_members);

static const struct member number_members[] = {
	{"messages", T(INT), true, COUNTER, NULL, NULL},
	{"recipients", T(INT), true, COUNTER, NULL, NULL},
	{"sent", T(INT), true, COUNTER, NULL, NULL},
	{"bounced", T(INT), true, COUNTER, NULL, NULL},
	{"deferred", T(INT), true, COUNTER, NULL, NULL},
	{"first", T(TEXT) | T(NULL), true, TIME_MAX, NULL, NULL},
	{"last", T(TEXT) | T(NULL), true, TIME_MAX, NULL, NULL},
};
static const struct shape numbers_shape = SHAPE(number_members);

static const struct member line_members[] = {{NULL, T(TEXT), true, 256, NULL, NULL}};
static const struct shape lines_shape = SHAPE(line_members);

static const struct member evidence_members[] = {
	{"file", T(TEXT), true, 1024, NULL, NULL},
	{"line", T(INT), true, COUNTER, NULL, NULL},
	{"text", T(TEXT), true, 2048, NULL, NULL},
};
static const struct shape evidence_shape = SHAPE(evidence_members);

static const struct member id_members[] = {
	{"asked", T(INT), true, COUNTER, NULL, NULL},
	{"found", T(INT), true, COUNTER, NULL, NULL},
	{"absent", T(INT), true, COUNTER, NULL, NULL},
};
static const struct shape ids_shape = SHAPE(id_members);

static const struct member action_members[] = {
	{"time", T(TEXT) | T(NULL), true, TIME_MAX, NULL, NULL},
	{"what", T(TEXT), true, 16, deeds, NULL},
	{"detail", T(TEXT), true, 512, NULL, NULL},
};
static const struct shape action_shape = SHAPE(action_members);

static const struct member queue_members[] = {
	{"left", T(INT) | T(NULL), true, COUNTER, NULL, NULL},
	{"of_source", T(INT) | T(NULL), true, COUNTER, NULL, NULL},
};
static const struct shape queue_shape = SHAPE(queue_members);

static const struct member socket_members[] = {
	{"remote", T(TEXT), true, 64, NULL, NULL},
	{"port", T(INT), true, 65535, NULL, NULL},
	{"uid", T(INT), true, UINT32_MAX, NULL, NULL},
	{"user", T(TEXT) | T(NULL), false, 64, NULL, NULL},
	{"pid", T(INT) | T(NULL), false, COUNTER, NULL, NULL},
	{"exe", T(TEXT) | T(NULL), false, 1024, NULL, NULL},
	{"cwd", T(TEXT) | T(NULL), false, 1024, NULL, NULL},
};
static const struct shape socket_shape = SHAPE(socket_members);

static const struct member live_members[] = {
	{"seconds", T(INT), true, COUNTER, NULL, NULL},
	{"sockets", T(ARRAY), true, 20, NULL, &socket_shape},
};
static const struct shape live_shape = SHAPE(live_members);

static const struct member coverage_members[] = {
	{"from", T(TEXT) | T(NULL), true, TIME_MAX, NULL, NULL},
	{"to", T(TEXT) | T(NULL), true, TIME_MAX, NULL, NULL},
	{"share", T(INT) | T(REAL), true, 1, NULL, NULL},
};
static const struct shape coverage_shape = SHAPE(coverage_members);

static const struct member proposal_members[] = {
	{"cause", T(TEXT), true, 2000, NULL, NULL},
	{"fix", T(TEXT), true, 2000, NULL, NULL},
};
static const struct shape proposal_shape = SHAPE(proposal_members);

static const struct member report_members[] = {
	{"type", T(TEXT), true, 16, types, NULL},
	{"version", T(INT), true, 1, NULL, NULL},
	{"case", T(TEXT) | T(NULL), true, 19, NULL, NULL},
	{"made_at", T(TEXT), true, TIME_MAX, NULL, NULL},
	{"program", T(TEXT), true, 64, NULL, NULL},
	{"host", T(TEXT) | T(NULL), false, 255, NULL, NULL},
	{"verdict", T(TEXT), true, 16, verdicts, NULL},
	{"source", T(OBJECT) | T(NULL), true, 0, NULL, &source_shape},
	{"cause", T(TEXT), true, 16, causes, NULL},
	{"confidence", T(INT) | T(REAL), true, 1, NULL, NULL},
	{"numbers", T(OBJECT) | T(NULL), false, 0, NULL, &numbers_shape},
	{"why", T(ARRAY), false, 8, NULL, &lines_shape},
	{"evidence", T(ARRAY), false, 5, NULL, &evidence_shape},
	{"ids", T(OBJECT), true, 0, NULL, &ids_shape},
	{"actions", T(ARRAY), true, 50, NULL, &action_shape},
	{"queue", T(OBJECT) | T(NULL), true, 0, NULL, &queue_shape},
	{"live", T(OBJECT) | T(NULL), true, 0, NULL, &live_shape},
	{"coverage", T(OBJECT) | T(NULL), true, 0, NULL, &coverage_shape},
	{"source_stopped", T(BOOL), true, 0, NULL, NULL},
	{"not_stopped", T(ARRAY), true, 8, NULL, &lines_shape},
	{"proposal", T(OBJECT), true, 0, NULL, &proposal_shape},
};
static const struct shape report_shape = SHAPE(report_members);

/* Values that are still to be walked: each an object with its shape, or an array's item. */
struct walk {
	struct {
		const struct jsonr *value;
		const struct shape *shape;
	} left[REPORT_VALUES_MAX];
	size_t count;
};

static bool is_word(struct str text, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (str_is_equal(text, str_of(words[i]))) {
			return true;
		}
	}
	return false;
}

static bool push(struct walk *w, const struct jsonr *v, const struct shape *shape)
{
	if (w->count == REPORT_VALUES_MAX) {
		return false;
	}
	w->left[w->count].value = v;
	w->left[w->count++].shape = shape;
	return true;
}

/* @return NULL, or what is wrong with it. */
static const char *wrong_with(struct walk *w, const struct jsonr *v, const struct member *m)
{
	enum jsonr_type type = jsonr_type(v);

	if ((m->types & 1U << type) == 0) {
		return "has the wrong type";
	}
	if (type == JSONR_TEXT) {
		struct str text = jsonr_str(v);
		return text.len > m->max                              ? "is too long"
		       : m->words != NULL && !is_word(text, m->words) ? "is no word of its list"
								      : NULL;
	}
	if (type == JSONR_INT || type == JSONR_REAL) {
		double number = jsonr_real(v);
		return number < 0 || number > (double)m->max ? "is out of its range" : NULL;
	}
	if (type == JSONR_ARRAY) {
		if (jsonr_count(v) > m->max) {
			return "has too many items";
		}
		for (size_t i = 0; i < jsonr_count(v); i++) {
			if (!push(w, jsonr_at(v, i), m->shape)) {
				return "holds too much";
			}
		}
	}
	return type == JSONR_OBJECT && !push(w, v, m->shape) ? "holds too much" : NULL;
}

static const struct member *find_member(const struct shape *shape, const char *key)
{
	for (size_t i = 0; i < shape->count; i++) {
		if (str_is_equal(str_of(shape->members[i].key), str_of(key))) {
			return &shape->members[i];
		}
	}
	return NULL;
}

static int check_one(struct walk *w, const struct jsonr *v, const struct shape *shape,
		     struct errmsg *reterr)
{
	const struct jsonr *value;
	const char *key = NULL;
	void *pos = NULL;

	if (shape->members[0].key == NULL) {
		const char *wrong = wrong_with(w, v, &shape->members[0]);
		return wrong == NULL ? 0 : err_set(reterr, -EINVAL, "a line of a list %s", wrong);
	}
	if (jsonr_type(v) != JSONR_OBJECT) {
		return err_set(reterr, -EINVAL, "an item of a list is no object");
	}
	for (size_t i = 0; i < shape->count; i++) {
		if (shape->members[i].is_needed && jsonr_get(v, shape->members[i].key) == NULL) {
			return err_set(reterr, -EINVAL, "'%s' is missing", shape->members[i].key);
		}
	}
	while ((value = jsonr_next(v, &pos, &key)) != NULL) {
		const struct member *m = find_member(shape, key);
		if (m == NULL) {
			return err_set(reterr, -EINVAL, "a report has no such member");
		}
		const char *wrong = wrong_with(w, value, m);
		if (wrong != NULL) {
			return err_set(reterr, -EINVAL, "'%s' %s", m->key, wrong);
		}
	}
	return 0;
}

int report_check(const struct jsonr *report, struct errmsg *reterr)
{
	struct walk *w = malloc(sizeof(*w));

	if (w == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	w->count = 0;
	int r = push(w, report, &report_shape) ? 0 : -ENOMEM;
	while (r == 0 && w->count > 0) {
		w->count--;
		r = check_one(w, w->left[w->count].value, w->left[w->count].shape, reterr);
	}
	free(w);
	if (r == 0 && jsonr_i64(jsonr_get(report, "version")) != 1) {
		r = err_set(reterr, -EINVAL, "'version' is not 1");
	}
	return r;
}

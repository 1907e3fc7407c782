/* SPDX-License-Identifier: Apache-2.0 */
/*
 * where: SQL out of literals. Layer: store.
 */
#include "store/where.h"

#include "base/assert.h"

#include <string.h>

#include "base/poison.h"

/* All pieces are literals of ours: that they fit is our promise. */
static void add(struct where *w, const char *piece)
{
	size_t n = strlen(piece);

	ASSERT(w->len + n < sizeof(w->text));
	memcpy(w->text + w->len, piece, n + 1);
	w->len += n;
}

void where_init(struct where *w, const char *select)
{
	w->len = 0;
	w->count = 0;
	w->has_condition = false;
	add(w, select);
}

void where_is(struct where *w, const char *condition)
{
	add(w, w->has_condition ? " AND " : " WHERE ");
	add(w, condition);
	w->has_condition = true;
}

static void take_number(struct where *w, int64_t v)
{
	ASSERT(w->count < WHERE_ARGS_MAX);
	w->args[w->count].is_text = false;
	w->args[w->count++].number = v;
}

void where_i64(struct where *w, const char *condition, int64_t v)
{
	where_is(w, condition);
	take_number(w, v);
}

void where_more(struct where *w, const char *piece, int64_t v)
{
	add(w, piece);
	take_number(w, v);
}

void where_str(struct where *w, const char *condition, struct str v)
{
	if (v.ptr == NULL) {
		return;
	}
	where_is(w, condition);
	ASSERT(w->count < WHERE_ARGS_MAX);
	w->args[w->count].is_text = true;
	w->args[w->count++].str = v;
}

void where_order(struct where *w, const char *order, int64_t limit)
{
	add(w, " ");
	add(w, order);
	take_number(w, limit);
}

struct query *where_query(const struct where *w, struct db *db)
{
	struct query *q = db_query_once(db, w->text);

	for (size_t i = 0; i < w->count; i++) {
		if (w->args[i].is_text) {
			query_str(q, w->args[i].str);
		} else {
			query_i64(q, w->args[i].number);
		}
	}
	return q;
}

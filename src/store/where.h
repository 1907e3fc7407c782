/* SPDX-License-Identifier: Apache-2.0 */
/*
 * where: puts a list's SQL together from the conditions that are asked for, so that each
 * combination gets the index that fits it. Values are always bound, never text. Layer: store.
 */
#ifndef STORE_WHERE_H
#define STORE_WHERE_H

#include "store/db.h"

#include <stddef.h>

#define WHERE_TEXT_MAX 1024
#define WHERE_ARGS_MAX 12

struct where {
	char text[WHERE_TEXT_MAX];
	size_t len;
	struct {
		bool is_text;
		int64_t number;
		struct str str;
	} args[WHERE_ARGS_MAX];
	size_t count;
	bool has_condition;
};

/** Begin with "SELECT … FROM …"; a literal. */
void where_init(struct where *w, const char *select);
/** A condition with one "?", a literal such as "tenant = ?". Nothing for a NULL view. */
void where_str(struct where *w, const char *condition, struct str v);
void where_i64(struct where *w, const char *condition, int64_t v);
/** A condition without a value. */
void where_is(struct where *w, const char *condition);
/** More of the condition before, with another "?". */
void where_more(struct where *w, const char *piece, int64_t v);
/** End with "ORDER BY … LIMIT ?"; a literal. */
void where_order(struct where *w, const char *order, int64_t limit);
/** The query with its arguments bound. */
struct query *where_query(const struct where *w, struct db *db);

#endif

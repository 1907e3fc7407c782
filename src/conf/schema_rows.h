/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_rows: how rows are written; for the files that hold some, and nobody else. Layer: conf.
 */
#ifndef CONF_SCHEMA_ROWS_H
#define CONF_SCHEMA_ROWS_H

#include "conf/schema.h"
#include "core/policy.h"

/* clang-format off */
#define FIELD(type, member) \
	.offset = offsetof(type, member), .width = sizeof(((type *)NULL)->member), .count_offset = NO_COUNT
#define LIST(type, member, counter) \
	.many = CONF_MANY, .offset = offsetof(type, member), .width = sizeof(*((type *)NULL)->member), \
	.count_offset = offsetof(type, counter)
#define ITEMS(type, member) \
	.many = CONF_FEW, .offset = offsetof(type, member), .width = sizeof(((type *)NULL)->member[0]), \
	.items_max = COUNT_OF(((type *)NULL)->member)
#define WORDS(list) .type = CONF_WORD, .words = &(list)
#define MAP(m) .type = CONF_MAP, .map = &(m)
/* clang-format on */

/* Words of a row's own behind one shape. */
static inline int find_in(const char *const *names, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is_equal(str_of(names[i]), name)) {
			return (int)i;
		}
	}
	return -1;
}

#define OWN_LIST(list, as)                                                                         \
	static int list##_find(struct str name)                                                    \
	{                                                                                          \
		return find_in(list##_names, COUNT_OF(list##_names), name);                        \
	}                                                                                          \
	static const char *list##_word(unsigned v)                                                 \
	{                                                                                          \
		return list##_names[v];                                                            \
	}                                                                                          \
	static const struct conf_words list##_words = {as, list##_find, list##_word,               \
						       COUNT_OF(list##_names)}

/* schema_filter.c */
extern const struct conf_map conf_filter_map;

#endif

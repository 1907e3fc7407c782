/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search_arrivals: the last arrivals of a log by their queue ids, each until its Message-ID came.
 * Within core/search. Layer: core (pure).
 *
 * Postfix says in one line who brought a message and in a later one which Message-ID it has. Both
 * stand near each other, so some thousand lines are enough. An arrival may be gone although it is
 * near, when another took its place: then the caller has to find it in another way. For that the
 * places go by no keyed hash: whoever chooses ids only makes a search slower.
 */
#ifndef CORE_SEARCH_ARRIVALS_H
#define CORE_SEARCH_ARRIVALS_H

#include "base/str.h"

#include <stdint.h>

#define SEARCH_ARRIVALS 4096
#define SEARCH_ARRIVALS_TEXT ((size_t)512 << 10)
/* Octets of a line; longer ones are not kept. */
#define SEARCH_ARRIVAL_MAX 1024
/* Octets that a queue id has at least; the last ones choose its place. */
#define SEARCH_ARRIVAL_ID_MIN 6

struct search_arrival {
	uint64_t tail; /* the last octets of its queue id; 0: none */
	uint64_t at;   /* octets that were written before its line */
	uint32_t len;
	int32_t year; /* of its file, then */
};

struct search_arrivals {
	uint64_t written;
	struct search_arrival places[SEARCH_ARRIVALS];
	char text[SEARCH_ARRIVALS_TEXT];
};

/** Keep an arrival's line. @param id_end  Behind its queue id, of which SEARCH_ARRIVAL_ID_MIN
 * octets are there. */
void search_arrivals_add(struct search_arrivals *s, const char *id_end, struct str line,
			 int64_t year);
/** Forget it. */
void search_arrivals_remove(struct search_arrivals *s, const char *id_end);
/**
 * @param ret_line  A view that lives until the next one is added. Its queue id may still be another
 *                  one that ends alike.
 * @return false when it is not (or no longer) there.
 */
bool search_arrivals_find(const struct search_arrivals *s, const char *id_end, struct str *ret_line,
			  int64_t *ret_year);

#endif

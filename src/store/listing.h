/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing: lists by id, a page at a time. The cursor is the id that a page ended with.
 * Layer: store.
 */
#ifndef STORE_LISTING_H
#define STORE_LISTING_H

#include "store/db.h"
#include "store/store.h"

struct listing {
	uint32_t limit; /* rows of this page; ask for one more: it tells whether there is a next */
	uint32_t count;
	uint64_t last; /* the caller's: id of the row that it took */
	struct page_end *end;
};

/**
 * Begin a page.
 *
 * @param ret_id  Set when there was a page before: the id that it ended with.
 *
 * @return 1: there was one; 0: this is the first; -EINVAL: the cursor is of another list.
 */
MUSTUSE int listing_begin(struct listing *l, const struct page *page, struct page_end *ret_end,
			  int64_t *ret_id, struct errmsg *reterr);

/** The next row, as query_step; 0 at the page's end too, and the query is ended then. */
MUSTUSE int listing_step(struct listing *l, struct query *q, struct errmsg *reterr);

/** The one number that a query gives, ended; unset when it gives none. @return 0 or -errno */
MUSTUSE int listing_count(struct query *q, uint32_t *ret, struct errmsg *reterr);

#endif

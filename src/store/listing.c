/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listing: a page and where the next one begins. Layer: store.
 */
#include "store/listing.h"
#include "store/store_impl.h"

#include <stdio.h>

#include "base/poison.h"

int listing_begin(struct listing *l, const struct page *page, struct page_end *ret_end,
		  int64_t *ret_id, struct errmsg *reterr)
{
	int r = page_numbers(page, ret_id, 1);

	if (r < 0) {
		return err_set(reterr, r, "this is no cursor of this list");
	}
	*l = (struct listing){.limit = page_limit(page), .end = ret_end};
	ret_end->cursor[0] = '\0'; /* after the look at the page's, which may be the same */
	return r;
}

int listing_step(struct listing *l, struct query *q, struct errmsg *reterr)
{
	int r = query_step(q, reterr);

	if (r > 0 && l->count++ == l->limit) {
		(void)snprintf(l->end->cursor, sizeof(l->end->cursor), "%llu",
			       (unsigned long long)l->last);
		query_end(q);
		return 0;
	}
	return r;
}

int listing_count(struct query *q, uint32_t *ret, struct errmsg *reterr)
{
	int r = query_step(q, reterr);

	if (r > 0) {
		*ret = (uint32_t)query_col_i64(q, 0);
		query_end(q);
		r = 0;
	}
	return r;
}

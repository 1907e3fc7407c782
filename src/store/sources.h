/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources: the latest that the judge said of each source. Lists and `why` read it.
 *
 * Written in batches into live.db: the judge says it again when it was lost. Layer: store.
 */
#ifndef STORE_SOURCES_H
#define STORE_SOURCES_H

#include "core/words.h"
#include "store/store.h"

struct source_row {
	uint64_t id;
	struct str network; /* name; NULL view: none */
	struct str source;
	struct str tenant; /* NULL view: unknown */
	struct str server; /* NULL view: unknown */
	enum verdict verdict;
	enum rung rung;
	uint64_t messages;
	uint64_t flagged;
	struct wall seen_at;
	struct str proof; /* for proof_decode */
};

/* All `struct str` may be NULL views and the numbers -1: any. */
struct source_filter {
	struct str network;
	struct str tenant;
	struct str prefix; /* beginning of the source's text; the list is then in its order */
	int verdict;
	int rung;
};

typedef void source_visit_fn(const struct source_row *s, void *ctx);

/** New, or in place of the row before. */
MUSTUSE int sources_put(struct store *st, const struct source_row *s, struct errmsg *reterr);
/** @param network  Name; a NULL view: the first network that has it. @return 0; -ENOENT. */
MUSTUSE int sources_get(struct store *st, struct str network, struct str source, struct arena *a,
			struct source_row *ret, struct errmsg *reterr);
/** The worst first (verdict, then rung), then the order in which they were first seen. */
MUSTUSE int sources_list(struct store *st, const struct source_filter *f, const struct page *page,
			 source_visit_fn *visit, void *ctx, struct page_end *ret_end,
			 struct errmsg *reterr);
/** Sources by verdict, for status. */
MUSTUSE int sources_count(struct store *st, uint64_t ret_by_verdict[static VERDICT_COUNT],
			  struct errmsg *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: what happened, in order, one table a day: `top`, `tail`, the panel's live view.
 *
 * Appended to a batch in memory and written together, at the latest when events_flush is called
 * (the desk does so twice a second). A day is dropped as a whole. Layer: store.
 */
#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "store/store.h"

/* Waiting in memory; beyond it the batch is written at once. */
#define EVENTS_BATCH 1000
#define EVENT_TEXT_MAX 512
/* Octets that may wait while the disk is full; beyond them the oldest are dropped. */
#define EVENTS_BUFFER_MAX ((size_t)4 << 20)

struct event_row {
	uint64_t day; /* since 1970; (day, id) rises */
	uint64_t id;  /* from 1 within the day; 0 while it is not written */
	struct wall at;
	struct str what;    /* "verdict", "rung", "order", "spike", "brake", "notice", "case" */
	struct str network; /* NULL view: none */
	struct str source;  /* NULL view: none */
	struct str text;    /* one line; longer than EVENT_TEXT_MAX is cut */
};
typedef void event_visit_fn(const struct event_row *e, void *ctx);

/**
 * @return 0; negative when a full batch could not be written: the event is kept with the others
 *         and tried again; past EVENTS_BUFFER_MAX the oldest are dropped and counted.
 */
MUSTUSE int events_add(struct store *st, const struct event_row *e, struct errmsg *reterr);
/** Write what waits. Inside a group nothing is done. */
MUSTUSE int events_flush(struct store *st, struct errmsg *reterr);
/** Drop the days that ended before a time. */
MUSTUSE int events_drop_before(struct store *st, struct wall before, struct errmsg *reterr);
uint64_t events_lost(const struct store *st);
/** Newest first; what waits in memory is written first. */
MUSTUSE int events_list(struct store *st, const struct page *page, event_visit_fn *visit, void *ctx,
			struct page_end *ret_end, struct errmsg *reterr);

#endif

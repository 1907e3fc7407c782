/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notices: the queue of mail to owners: what is to be said, to whom, and how far it has come.
 *
 * A notice has its Message-ID from the beginning. Before the final dot leaves, `dots` is
 * counted up and committed: after a crash a notice with one dot and no answer is sent once
 * more, one with two is not (state unsure). So none is lost, and none comes more than twice, with
 * the same Message-ID. Layer: store.
 */
#ifndef STORE_NOTICES_H
#define STORE_NOTICES_H

#include "store/store.h"

enum notice_kind {
	NOTICE_BLOCK,   /* shut, and why */
	NOTICE_REBLOCK, /* shut again during probation */
	NOTICE_REFUSED, /* your request to open was refused */
	NOTICE_UNBLOCK, /* open again */
	NOTICE_KIND_COUNT,
};

enum notice_state {
	NOTICE_QUEUED,
	NOTICE_SENT,
	NOTICE_FAILED, /* refused for good, or tried too long */
	NOTICE_UNSURE, /* handed over twice without an answer: not tried again */
	NOTICE_STATE_COUNT,
};

#define NOTICE_MESSAGE_ID_MAX 128
#define NOTICE_ERROR_MAX 256
#define NOTICE_CASES_MAX 200

struct notice_row {
	uint64_t id;
	struct str tenant;
	struct str contact;
	enum notice_kind kind;
	enum notice_state state;
	struct str message_id; /* with its angle brackets */
	struct wall created_at;
	struct wall next_try; /* of a queued one */
	struct wall sent_at;  /* ns 0: not yet */
	uint32_t tries;
	uint32_t dots;
	struct str error;       /* of the last try; NULL view: none */
	bool contact_is_inside; /* the contact's mail server is the blocked source itself */
};

typedef void notice_visit_fn(const struct notice_row *n, void *ctx);

const char *notice_kind_name(enum notice_kind k);
const char *notice_state_name(enum notice_state s);

/**
 * Say something about a case to a contact. Joins a notice of that kind to that contact which has
 * not been tried yet, else makes a new one.
 *
 * @param n  tenant, contact, kind, message_id, created_at, next_try are used.
 * @return 1: a new notice; 0: joined one.
 */
MUSTUSE int notices_add(struct store *st, const struct notice_row *n, uint64_t case_id,
			struct errmsg *reterr);
/** Queued ones whose time has come, oldest first, at most `limit`. */
MUSTUSE int notices_list_due(struct store *st, struct wall now, uint32_t limit,
			     notice_visit_fn *visit, void *ctx, struct errmsg *reterr);
/** Those that were tried are due at once: the program has started anew. */
MUSTUSE int notices_wake(struct store *st, struct wall now, struct errmsg *reterr);
/** When the next one is due. @return 0; -ENOENT when none is queued. */
MUSTUSE int notices_next_due(struct store *st, struct wall *ret, struct errmsg *reterr);
MUSTUSE int notices_get(struct store *st, uint64_t id, struct arena *a, struct notice_row *ret,
			struct errmsg *reterr);
/** Write state, next_try, sent_at, tries, dots, error and contact_is_inside of n->id. */
MUSTUSE int notices_put(struct store *st, const struct notice_row *n, struct errmsg *reterr);
/** Of one case, oldest first. */
MUSTUSE int notices_list(struct store *st, uint64_t case_id, notice_visit_fn *visit, void *ctx,
			 struct errmsg *reterr);
typedef void notice_case_fn(uint64_t case_id, void *ctx);
/** The cases one notice is about, in order of their number; at most NOTICE_CASES_MAX. */
MUSTUSE int notices_list_cases(struct store *st, uint64_t id, notice_case_fn *visit, void *ctx,
			       struct errmsg *reterr);
/** Notices of one kind and tenant made since a time: for the throttle. */
MUSTUSE int notices_count_since(struct store *st, struct str tenant, enum notice_kind kind,
				struct wall since, uint32_t *ret, struct errmsg *reterr);

#endif

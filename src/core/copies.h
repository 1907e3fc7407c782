/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copies: the campaigns of one source, so that copies of one mail count as a few and not as many.
 *
 * Remembers the campaigns seen last, 64 at most; beyond that the one seen longest ago is
 * forgotten. Merges evidence, never convicts. Layer: core (pure). Source: DECISION §3.
 */
#ifndef CORE_COPIES_H
#define CORE_COPIES_H

#include "base/cur.h"
#include "core/budget.h"
#include "core/campaign.h"
#include "core/ztable.h"

/* Campaigns remembered of one source. */
#define COPIES_MAX 64
/* Copies count anew after 24 hours (DECISION §3). */
#define COPIES_WINDOW_S (24 * 3600)
/* The first identity that a message has (core/campaign.h): a source's own copies have the same. */
enum copy_kind {
	COPY_TEXT,  /* simhash of the text */
	COPY_HOSTS, /* hash of the URL hosts: too little text */
	COPY_EXACT,
	COPY_KIND_COUNT,
};

struct copy_id {
	uint64_t value;
	enum copy_kind kind;
};

struct copy_id copy_id_of(const struct message_obs *o);
/** The same identity, or texts of which at most so many bits differ. */
bool copy_id_is_within(struct copy_id a, struct copy_id b, unsigned bits);
/** Copies of each other: within CAMPAIGN_HAMMING_MAX bits. */
bool copy_id_is_near(struct copy_id a, struct copy_id b);

struct copy {
	uint64_t id;
	uint32_t first_s;
	uint32_t last_s;
	int32_t given_micro[CONTENT_LEGS]; /* what it gave to each leg since first_s, signed */
	uint8_t counted;
	uint8_t counted_one_sided;
	uint8_t kind;              /* enum copy_kind, of id */
	bool is_flagged;           /* a counted copy with the far side's answer was flagged */
	bool is_flagged_one_sided; /* one without it was */
};

/* All zero is empty. */
struct copies {
	struct copy *list;
	uint8_t count;
	uint8_t size;
};

/**
 * The campaign of a text, made when it is new.
 *
 * @param ret_is_new  Set when it was not known (or its 24 hours were over).
 * @return NULL without memory: the message is then a campaign of its own that nobody remembers.
 */
struct copy *copies_touch(struct copies *c, const struct message_obs *o, uint32_t now_s,
			  struct budget *b, bool *ret_is_new);
/** The campaign when it is remembered, else NULL. */
struct copy *copies_find(struct copies *c, struct copy_id id);
/** Campaigns flagged within 24 hours before now. */
unsigned copies_flagged(const struct copies *c, bool one_sided, uint32_t now_s);
void copies_clear(struct copies *c, struct budget *b);

/** What of z may still go to a leg, so that a campaign gives at most max_micro in all. */
int32_t copy_ration(const struct copy *c, size_t leg, int32_t z, int32_t max_micro);

#define COPY_ENCODED_SIZE (8 + 4 + 4 + 4 * CONTENT_LEGS + 1 + 1 + 1 + 1)
void copies_put(struct enc *e, const struct copies *c);
void copies_get(struct cur *c, struct copies *ret, struct budget *b);

#endif

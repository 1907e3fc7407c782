/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wishes: every order the gate keeps, and what they make of each source.
 *
 * A source has one place for each kind of giver; the newest order of a kind takes its place, and
 * of the places the highest giver decides: staff > fact > grant > judge > posture (DESIGN §3). An
 * order to pass without an end releases: it empties the places of its own giver and of all lower
 * ones and stands no longer. One that ends at a time stands until then.
 *
 * Pure bookkeeping: no clock, no files, no kernel. What has to be done in the kernel is the list
 * of touched sources. Layer: daemon.
 */
#ifndef DAEMON_GATE_WISHES_H
#define DAEMON_GATE_WISHES_H

#include "base/attr.h"
#include "base/list.h"
#include "base/map.h"
#include "core/order.h"
#include "core/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Orders and sources kept at once; beyond it an order is not taken and its giver hears nothing,
 * so that he gives it again. */
#define WISHES_MAX ((size_t)4 << 20)

/* The judge and a decisive fact share a place: both are the judge's, and the newer one counts. */
enum place {
	PLACE_POSTURE,
	PLACE_JUDGE,
	PLACE_GRANT,
	PLACE_STAFF,
	PLACE_COUNT,
};

/* Whom something may be owed. */
enum creditor {
	CREDITOR_DESK,
	CREDITOR_JUDGE,
	CREDITOR_COUNT,
};

/* What is still to be sent about a wish. */
enum owes {
	OWES_JOURNALED = 1,    /* the order itself, to the desk */
	OWES_DESK_REPORT = 2,  /* its state, to the desk */
	OWES_JUDGE_REPORT = 4, /* its state, to the judge who gave it */
};

struct wish_id {
	uint64_t seq;
	uint64_t origin;
};

struct held;

struct wish {
	struct wish_id id;
	struct list all;                   /* in wishes.all, oldest first */
	struct list owing[CREDITOR_COUNT]; /* in wishes.owing while something is owed */
	struct list timed;                 /* in wishes.timed while it has an end */
	struct order order;                /* reason and proof borrow from blob */
	uint8_t *blob;                     /* owned: the encoded order */
	size_t blob_len;
	struct held **targets; /* owned: all sources of the server */
	size_t target_count;
	size_t standing; /* targets where it has its place */
	enum order_state state;
	bool committed;
	bool over; /* no longer in force anywhere */
	unsigned owes;
	uint32_t apply_us;
	uint32_t sessions_ended;
	uint64_t hits;
	struct wall state_at;     /* when it came into this state */
	struct wall in_kernel_at; /* since when all of it is; ns 0: it is not */
	struct wall passed_at;    /* mail was last seen to pass since then; ns 0: not */
};

/* One source of the network. */
struct held {
	struct source_key source;
	struct wish *places[PLACE_COUNT];
	struct list touched; /* in wishes.touched while the kernel may have to change */
	size_t refs;         /* wishes that name it as a target */
	/* What is in the kernel, as far as we know. */
	bool listed;
	enum rung rung;
	uint64_t hits_before; /* refused packets that the kernel has forgotten since */
	uint64_t hits_base;   /* the kernel's count when this block began */
	uint64_t hits_now;    /* the kernel's count when last looked at */
};

struct wishes {
	const struct policy *policy;
	struct map *wishes;
	struct map *held;
	struct list all;
	struct list owing[CREDITOR_COUNT];
	struct list timed;
	struct list touched;
	uint64_t last_seq[ORIGIN_COUNT];
};

/** @return 0, or -ENOMEM. */
MUSTUSE int wishes_init(struct wishes *w, const struct policy *policy);
void wishes_done(struct wishes *w);

enum wish_taken {
	WISH_NEW,
	WISH_KNOWN, /* its number is known: nothing changed */
	WISH_OLD,   /* its number was known and is forgotten: it was over long ago */
	WISH_FULL,  /* no room */
	WISH_TAKEN_COUNT,
};

/**
 * Take an order in.
 *
 * @param refuse   Do not obey an order that closes something (panic).
 * @param ret      Set on WISH_NEW and WISH_KNOWN. Its state may be ORDER_REFUSED or ORDER_WOULD:
 *                 then nothing is touched.
 */
MUSTUSE enum wish_taken wishes_take(struct wishes *w, const struct order *o, struct wall now,
				    bool refuse, struct wish **ret);
struct wish *wishes_find(const struct wishes *w, enum order_origin origin, uint64_t seq);
/** End it everywhere, in that state. */
void wishes_end(struct wishes *w, struct wish *x, enum order_state state, struct wall now);
/** End what has run out. @param ended  Called for each. */
typedef void wish_fn(void *ctx, struct wish *x);
void wishes_expire(struct wishes *w, struct wall now, wish_fn *ended, void *ctx);
/** The desk has it. Forgets the wish when it is over: `x` may be gone afterwards. */
void wishes_commit(struct wishes *w, struct wish *x);
/** A wish that is over and committed and owes nothing is forgotten. */
void wishes_forget(struct wishes *w, struct wish *x);

/** The wish that decides about a source now; NULL: none. */
struct wish *held_ruler(const struct wishes *w, const struct held *h);
/** The first touched source, no longer on the list; NULL: none is left. */
struct held *wishes_next_touched(struct wishes *w);
/** Put a source on the list of touched ones. */
void wishes_touch(struct wishes *w, struct held *h);
/** A source without wishes that is not in the kernel is forgotten. */
void wishes_drop_idle(struct wishes *w, struct held *h);
struct held *wishes_find_held(const struct wishes *w, const struct source_key *s);

/** Work the state of a wish out from what is in the kernel. @return whether it changed. */
bool wish_settle(const struct wishes *w, struct wish *x, struct wall now);
/**
 * A connection of this source was completed.
 *
 * @return The block that should have stopped it, whose state is now to be worked out; NULL: there
 *         is none, or it is not in the kernel for long enough.
 */
MUSTUSE struct wish *wishes_passed(struct wishes *w, const struct source_key *s, struct wall at);
/** Note what is to be sent. */
void wishes_owe(struct wishes *w, struct wish *x, unsigned what);
/** It was sent, or nobody wants it any more. */
void wish_paid(struct wish *x, unsigned what);
/** Has the giver a place to be told? The bits for a report of this wish. */
unsigned wish_report_bits(const struct wish *x);
struct order_report wish_report(const struct wish *x);

#endif

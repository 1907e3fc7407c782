/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_impl: what the parts of the desk share and the HTTP side does not see. Layer: daemon.
 */
#ifndef DAEMON_DESK_DESK_IMPL_H
#define DAEMON_DESK_DESK_IMPL_H

#include "base/buf.h"
#include "daemon/desk/desk.h"
#include "daemon/msg.h"

/* What one case, its row texts and those of an order may take while they are worked on. */
#define DESK_ARENA_MAX ((size_t)512 << 10)
/* Source snapshots that wait for the next batch; beyond it they are written at once. */
#define SOURCES_BATCH 1000
#define SOURCES_BYTES_MAX ((size_t)4 << 20)
/* Samples that could not be stored; beyond it the oldest are given up. */
#define SAMPLES_BYTES_MAX ((size_t)2 << 20)
/* Order reports stored one by one between two ticks; further ones are stored together. */
#define REPORTS_AT_ONCE 20
#define REPORTS_BYTES_MAX ((size_t)256 << 10)

/* Points of the curve of attempts within the window of the check. */
#define ATTEMPT_POINTS 1000

struct mailer;

struct desk {
	struct desk_opts opts;
	const struct policy *policy;
	struct store *store;
	struct desk_peer peers[PROCESS_COUNT];
	struct buf stats[PROCESS_COUNT];
	struct desk_health health;
	uint64_t gate_has;             /* our highest number in the gate's journal */
	uint64_t missed[ORIGIN_COUNT]; /* lowest order that could not be stored; 0: none */
	struct wall ask_again_at;      /* the gate for those; ns 0: no need */
	struct buf sources;            /* encoded proofs, each with its length before it */
	uint32_t source_count;
	struct buf samples;   /* encoded, each with its length before it: not stored yet */
	struct buf reports;   /* encoded, each with its length in an octet before it */
	uint32_t reports_now; /* since the last tick */
	struct wall house_kept_at;
	desk_event_fn *listener;
	void *listener_ctx;
	struct mailer *mailer; /* NULL: notices are not sent */
};

/* What is known about whom a source belongs to. */
struct owner_of {
	struct str network; /* NULL view: none */
	struct str server;
	struct str tenant;
	struct str holder; /* in `holder_text` or `source_text` */
	struct str source;
	const struct tenant *contacts; /* NULL: nobody to write to */
	char holder_text[512];
	char source_text[ADDR_TEXT_SIZE];
};

struct wall desk_now(const struct desk *d);

/** Fill `ret`, which must not be moved afterwards. */
void desk_owner_of(const struct desk *d, const struct source_key *k, struct owner_of *ret);
const struct tenant *desk_find_tenant(const struct desk *d, struct str name);
/** The key of a stored source. @return 0; -ENOENT when its network is no longer configured. */
MUSTUSE int desk_stored_key(const struct desk *d, struct str network, struct str source,
			    struct source_key *ret);

/** A line of a case's story, with printf's text. */
MUSTUSE int desk_tell(struct desk *d, uint64_t case_id, const char *who, const char *what,
		      struct errmsg *reterr, const char *fmt, ...) PRINTF(6, 7);
/** A live event; losing one is no failure. */
void desk_event(struct desk *d, const char *what, struct str network, struct str source,
		const char *fmt, ...) PRINTF(5, 6);
MUSTUSE int desk_audit_add(struct desk *d, const struct actor *who, const char *action,
			   struct str object, struct str detail, struct errmsg *reterr);
/** Note how the store is: its text when r is negative, nothing when it is not. @return r */
int desk_store_said(struct desk *d, int r, const struct errmsg *err);

/** Send to another process; what can't be sent now is sent again when it comes back. */
void desk_send(struct desk *d, enum process to, uint32_t type, const void *body, int len);

/* ---- desk_orders.c ---- */

/** Store an order and what it means for the case, within the caller's group.
 * @return 1: new; 0: known. */
MUSTUSE int desk_order_take(struct desk *d, const struct order *o, const struct actor *who,
			    struct errmsg *reterr);
/** Send what the gate has not got of ours. */
void desk_orders_send(struct desk *d);
/** Tell the judge what staff set and who was pardoned. */
void desk_judge_remind(struct desk *d);
/** Store the reports that wait. */
void desk_reports_flush(struct desk *d);
/** Ask the gate again for what could not be stored. */
void desk_orders_tick(struct desk *d);
void desk_pardon(struct desk *d, const struct source_key *k, struct wall until);
void desk_standing(struct desk *d, const struct order *o);

/** Number one of our own orders and take it. The caller sends it after its group. */
MUSTUSE int desk_order_store(struct desk *d, struct order *o, const struct actor *who,
			     struct errmsg *reterr);
MUSTUSE bool desk_received_from_gate(struct desk *d, uint32_t type, struct str body);

/* ---- desk_cases.c ---- */

/** -ENOENT also when this actor may not see it. */
MUSTUSE int desk_case_load(struct desk *d, uint64_t id, const struct actor *who, struct arena *a,
			   struct case_row *ret, struct errmsg *reterr);
/** Open again, with probation; `ev` is CASE_RELEASE or CASE_GRANT. */
MUSTUSE int desk_case_release(struct desk *d, struct case_row *c, enum case_event ev,
			      const char *who, struct errmsg *reterr);

/** What a new order means for the case of its holder, within the caller's group.
 * @param by  Who gave it, for the story: "judge", "staff:anna". */
MUSTUSE int desk_case_apply(struct desk *d, const struct order *o, const char *by,
			    struct errmsg *reterr);
MUSTUSE int desk_case_expired(struct desk *d, uint64_t case_id, struct errmsg *reterr);
/** Probations that are over. */
void desk_cases_tick(struct desk *d);

/* ---- desk_notices.c ---- */

/** Queue a notice about a case to all contacts, within the caller's group. */
MUSTUSE int desk_notice_queue(struct desk *d, const struct case_row *c, enum notice_kind kind,
			      struct errmsg *reterr);

/* ---- desk_intake.c ---- */

/** Store the samples that could not be stored before. */
void desk_samples_retry(struct desk *d);
/** Write the source snapshots that wait. */
void desk_sources_flush(struct desk *d);

#endif

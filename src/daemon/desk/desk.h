/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk: what the desk can do, for its HTTP side: look things up in the store, and act on cases
 * and sources. Layer: daemon.
 *
 * Reading goes straight to the store (desk_store and store/…h). Acting goes through the functions
 * here: each checks, changes the store in one group with an audit row, and sends the orders that
 * follow. They answer with an errno that maps to HTTP and exit codes:
 *
 *   0           done                                200, exit 0
 *   -ENOENT     no such case, source or network     404, exit 4
 *   -EINVAL     the request makes no sense          422, exit 2
 *   -EPERM      this actor may not                  403, exit 5
 *   -ECANCELED  the answer is no                    409 with the answer, exit 3
 *   -EBUSY      not in this state, or store locked  409, exit 8
 *   other       the store could not (disk full …)   503 with Retry-After, exit 1
 */
#ifndef DAEMON_DESK_DESK_H
#define DAEMON_DESK_DESK_H

#include "base/err.h"
#include "base/jsonw.h"
#include "core/case.h"
#include "core/order.h"
#include "core/policy.h"
#include "store/access.h"
#include "store/cases.h"
#include "store/doctor_reports.h"
#include "store/events.h"
#include "store/notices.h"
#include "store/orders.h"
#include "store/samples.h"
#include "store/sources.h"
#include "store/store.h"

struct desk;
struct loop;

/* ---- who acts ---- */

enum actor_role {
	ACTOR_STAFF,    /* everything */
	ACTOR_OBSERVER, /* sees everything, changes nothing */
	ACTOR_OWNER,    /* cases of `tenant` */
	ACTOR_LINK,     /* the bearer of one case's link: sees and acknowledges case `case_id` */
	ACTOR_REPORT,   /* the bearer of a notice's token: may report once about case `case_id` */
};

struct actor {
	enum actor_role role;
	struct str name;    /* for story and audit: "anna", "root" */
	struct str tenant;  /* of ACTOR_OWNER */
	uint64_t case_id;   /* of ACTOR_LINK and ACTOR_REPORT */
	uint64_t notice_id; /* of ACTOR_REPORT */
	struct str remote;  /* client address; NULL view: local socket */
};

/** May this actor see the case at all? Ask before showing anything of it. */
bool desk_may_see(const struct actor *who, const struct case_row *c);

/* ---- looking ---- */

/** The store, for the list and get functions of store/…h. Never call its writers from HTTP. */
struct store *desk_store(struct desk *d);
const struct policy *desk_policy(const struct desk *d);

/** The key of a source as people write it: "192.0.2.7", "2001:db8::/64", "2001:db8::1" (then its
 * /64), within a network by name or (a NULL view) in the network that holds the address.
 * @return 0; -EINVAL not an address; -ENOENT no such network. */
MUSTUSE int desk_source_parse(const struct desk *d, struct str network, struct str text,
			      struct source_key *ret, struct errmsg *reterr);

/** Is the channel to this process open, and what did it last say of itself? */
struct desk_peer {
	bool connected;
	struct wall stats_at; /* ns 0: never */
	struct str stats;     /* its JSON object of counters and gauges; borrowed until the next */
};
struct desk_peer desk_peer_get(const struct desk *d, int process); /* enum process */

struct desk_health {
	uint64_t orders_waiting;   /* own orders that the gate has not got */
	uint64_t journal_failures; /* orders that could not be stored and will come again */
	uint64_t bad_messages;
	uint64_t notices_queued_fails; /* tries that failed since the start */
	bool brake_on;
	uint32_t brake_blocks;
	struct wall brake_since;
	char store_trouble[256]; /* last failure of the store, empty when the last use was fine */
};
void desk_health_get(const struct desk *d, struct desk_health *ret);

/* Where a notice's link leads: PORTAL/case/ID?key=KEY. The HTTP side serves /case/ID and takes
 * the key with store_is_case_link for an ACTOR_LINK. Ends in NUL. */
#define DESK_LINK_SIZE 512
void desk_case_link(const struct desk *d, uint64_t case_id, char ret[static DESK_LINK_SIZE]);

/* ---- acting on cases ---- */

MUSTUSE int desk_case_ack(struct desk *d, uint64_t id, const struct actor *who,
			  struct errmsg *reterr);
/** The owner works on it. */
MUSTUSE int desk_case_fixing(struct desk *d, uint64_t id, const struct actor *who,
			     struct errmsg *reterr);
#define CASE_NOTE_MAX 4096
MUSTUSE int desk_case_note(struct desk *d, uint64_t id, const struct actor *who, struct str text,
			   struct errmsg *reterr);
/** @param assignee  Empty: nobody. Staff only. */
MUSTUSE int desk_case_assign(struct desk *d, uint64_t id, const struct actor *who,
			     struct str assignee, struct errmsg *reterr);
/** Staff only; -EBUSY while the source is shut (unblock it first). */
MUSTUSE int desk_case_close(struct desk *d, uint64_t id, const struct actor *who, struct str reason,
			    struct errmsg *reterr);

struct desk_unblock {
	struct case_answer answer; /* the checks, with what is proved */
	enum unblock_policy policy;
	struct wall allowed_at; /* ns 0: staff decide */
	enum case_state state;  /* of the case now */
	uint64_t order_seq;     /* of the desk's order that opens it; 0: none was given */
};

#define CASE_STATEMENT_MAX 2000

/* What the owner says. */
struct desk_plea {
	struct str cause;
	struct str fix;
	bool insists; /* policy `owner`: has seen the warning */
};

/**
 * The owner's request to be opened (also when staff make it for them). It meets the checks.
 *
 * @return 0: opened, or policy `staff`: noted (answer.decision says which); -ECANCELED: refused
 *         or warned, the answer says why; -EBUSY: nothing is shut here; -EINVAL: cause or fix too
 *         long. `ret` is set on 0 and -ECANCELED.
 */
MUSTUSE int desk_case_unblock(struct desk *d, uint64_t id, const struct actor *who,
			      const struct desk_plea *plea, struct desk_unblock *ret,
			      struct errmsg *reterr);
/** The same checks as they stand now, without a request: for the case's page and `dry_run`. */
MUSTUSE int desk_case_checks(struct desk *d, uint64_t id, struct desk_unblock *ret,
			     struct errmsg *reterr);

/** The `checks` array: {name, result, detail}. */
void desk_write_checks(struct jsonw *w, const char *key, const struct case_answer *answer);

/* A token of a notice is good for so long. */
#define DESK_REPORT_DAYS 30
/* Reports about one case in 24 hours; further ones are refused. */
#define DESK_REPORTS_PER_DAY 20

/* What the doctor on the customer's server found, in short; the whole is `json`. */
struct desk_report {
	uint64_t case_id;
	struct str verdict;
	struct str source; /* NULL view: none was blamed */
	struct str cause;
	bool source_stopped;
	struct str json; /* an object, checked */
};

/**
 * Keep a report. It stands in the case as reported: no check of an unblock rests on it.
 *
 * @return 0; -ENOENT; -EPERM; -EEXIST: the token was used; -EBUSY: the case is closed; -EDQUOT:
 *         DESK_REPORTS_PER_DAY.
 */
MUSTUSE int desk_report_add(struct desk *d, const struct actor *who, const struct desk_report *r,
			    uint64_t *ret_id, struct errmsg *reterr);
/** Whose token is it? @return 0; -ENOENT: nobody's, or over. */
MUSTUSE int desk_report_token(struct desk *d, struct str token, struct actor *ret,
			      struct errmsg *reterr);

/* ---- acting on sources ---- */

/* What staff want of a source. RUNG_PASS with `release` set is `source unblock`: it takes back
 * whatever holds the source and starts its evidence anew; without, it is `source pass`: a
 * standing permission. */
struct desk_wish {
	struct source_key source;
	enum rung rung;
	bool release;
	struct wall expires_at; /* ns 0: until taken back */
	struct str reason;      /* at most ORDER_REASON_MAX */
	bool dry_run;           /* check and answer only: ret->seq is 0 */
};

/**
 * Give an order. Staff only.
 *
 * @param a    Holds the texts of `ret`.
 * @param ret  The order as stored. state ORDER_WOULD: the network only observes, nothing will
 *             enter the kernel (exit 3); ORDER_WANTED: on its way to the gate, whose answer shows
 *             in orders_get.
 * @return 0; -EPERM; -EINVAL (no reason, end in the past); -ENOENT no such network; -ECANCELED
 *         when the source is on the never-block list.
 */
MUSTUSE int desk_order_give(struct desk *d, const struct desk_wish *wish, const struct actor *who,
			    struct arena *a, struct order_row *ret, struct errmsg *reterr);

/** Staff lift the mass-block brake. -EBUSY when it is off. */
MUSTUSE int desk_brake_lift(struct desk *d, const struct actor *who, struct errmsg *reterr);

/* ---- what is looked at and done elsewhere ---- */

/** Write an audit row for what HTTP does by itself: a login, a token, a sample that was shown. */
MUSTUSE int desk_audit(struct desk *d, const struct actor *who, const char *action,
		       struct str object, struct errmsg *reterr);
/** "staff:anna", "owner:b", "link", as it stands in story and audit. @return ret_text */
#define ACTOR_TEXT_SIZE 128
char *actor_format(const struct actor *who, char ret_text[static ACTOR_TEXT_SIZE]);

/** The bootstrap token: made once, written to STATE/first-token by the caller, gone with the
 * first login (tokens_revoke_kind). @return 1: made; 0: there is a token already. */
MUSTUSE int desk_first_token(struct desk *d, char ret_text[static TOKEN_TEXT_SIZE],
			     struct errmsg *reterr);

/* Told to the HTTP side when something happened, for the events stream; at most once for each
 * event row. */
typedef void desk_event_fn(const struct event_row *e, void *ctx);
void desk_listen(struct desk *d, desk_event_fn *fn, void *ctx);

/* ---- life ---- */

struct desk_opts {
	struct loop *loop;
	const struct policy *policy; /* borrowed for life */
	const char *store_dir;       /* NULL: in memory */
	const char *template_dir;    /* the operator's texts; NULL: only those within the program */

	/* How to reach other processes: enum process, enum msg_type. */
	void (*send)(void *ctx, int to, uint32_t type, struct str body);
	struct wall (*now)(void *ctx); /* NULL: the clock */
	void *ctx;
};

MUSTUSE int desk_new(const struct desk_opts *o, struct desk **ret, struct errmsg *reterr);
/** NULL is allowed. */
void desk_free(struct desk *d);
/* What desk_main hands on. */
void desk_peer_up(struct desk *d, int process);
void desk_peer_down(struct desk *d, int process);
/** @return false when the message made no sense. */
MUSTUSE bool desk_received(struct desk *d, int from, uint32_t type, struct str body);
/** Ten times a second: batches, notices, probations, retries. */
#define DESK_TICK_MS 100
void desk_tick(struct desk *d);

#endif

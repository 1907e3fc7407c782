/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_call: the inside of the API: one request on its way through, and what handlers share.
 * Layer: daemon.
 */
#ifndef DAEMON_DESK_API_CALL_H
#define DAEMON_DESK_API_CALL_H

#include "base/arena.h"
#include "base/list.h"
#include "daemon/desk/api.h"
#include "daemon/desk/tries.h"
#include "sys/jsonr.h"

#define API_PREFIX "/api/v1"
#define SESSION_COOKIE "postern_session"
#define SESSION_HOURS 12
/* Largest answer; a list that does not fit ends 500 and says so. */
#define API_ANSWER_MAX ((size_t)16 << 20)
#define API_ARENA_MAX ((size_t)4 << 20)
#define ROUTE_ARGS_MAX 2

struct api {
	struct api_opts o;
	struct http *http;
	struct list streams;  /* readers of /events */
	struct jsonr *parent; /* its last word on the processes; NULL: none yet */
	uint64_t logins;
	uint64_t logins_refused;
	uint64_t reports;
	uint64_t reports_refused; /* for their form, their token, or their number */
	uint64_t reports_limited; /* of clients that showed wrong tokens: they have to wait */
	struct tries *tries;      /* wrong tokens of notices */
};

/* Who may come in at all; what they see of it is the handler's business. */
enum access {
	ACCESS_ANY,    /* nobody has to say who they are */
	ACCESS_CASE,   /* all, also the bearer of a case's link */
	ACCESS_OWNER,  /* owners, observers, staff */
	ACCESS_VIEWER, /* observers and staff */
	ACCESS_STAFF,
	ACCESS_REPORT, /* the bearer of a notice's token, once; owners and staff */
};

struct call;
typedef void call_fn(struct call *c);

struct route {
	enum http_method method;
	const char *path; /* "/cases/{id}", below API_PREFIX */
	enum access access;
	call_fn *run;
};

extern const struct route api_routes[];
extern const size_t api_route_count;

struct call {
	struct api *api;
	struct http_request *rq;
	const struct route *route;
	struct arena *arena; /* texts of this request */
	struct str args[ROUTE_ARGS_MAX];
	struct jsonr *body; /* of a POST; an object */
	bool has_actor;
	bool is_cookie;     /* came with the panel's cookie: needs the CSRF header */
	struct str session; /* the cookie's token */
	struct actor actor;
	bool dry_run;
	unsigned status;
	struct buf out;
	struct jsonw w;   /* into `out` */
	bool is_answered; /* a stream, or an answer that is no JSON */
	bool is_problem;
	bool is_refused; /* the answer is no */
	bool is_secret;  /* holds a token: never kept for Idempotency-Key */
};

struct store *call_store(const struct call *c);
/** A parameter of the query, decoded; a NULL view when it is not there. */
struct str call_query(struct call *c, const char *name);
/** The part of a list that is asked for. @return false: said. */
bool call_page(struct call *c, struct page *ret);
/** A number in the path. @return false: 404 was said. */
bool call_id(struct call *c, size_t arg, uint64_t *ret);
/** Text of the body's member. A NULL view when it is not there or no text. */
struct str call_text(const struct call *c, const char *key);

/** Answer with a problem (RFC 9457). */
void call_problem(struct call *c, unsigned status, const char *fmt, ...) PRINTF(3, 4);
/** The same for what a function answered. */
void call_fail(struct call *c, int r, const struct errmsg *err);
/** Begin a list's answer; then write the items, then end it. */
void call_list(struct call *c);
void call_list_end(struct call *c, int r, const struct page_end *end, const struct errmsg *err);

/** Percent-decoding, "+" stays. A NULL view when it is malformed or holds NUL. */
struct str api_decode(struct arena *a, struct str s);

/* ---- who it is (api_auth.c) ---- */

/** Fill in the actor from socket, bearer, cookie or link. @return false: said. */
bool auth_find(struct call *c);
/** May this actor use this route? @return false: said. */
bool auth_allows(struct call *c);
call_fn auth_login;
call_fn auth_logout;
call_fn auth_session;
/** The CSRF header's value that belongs to a session. */
void auth_csrf(const struct call *c, char ret[static STORE_HASH_SIZE]);

/* ---- objects as JSON (api_json.c) ---- */

void put_id(struct jsonw *w, const char *key, uint64_t id);     /* "12"; 0 is null */
void put_time(struct jsonw *w, const char *key, struct wall t); /* ns 0 is null */
void put_case(struct jsonw *w, const struct case_row *c);       /* members of a list's item */
void put_source(struct jsonw *w, const struct source_row *s);
void put_order(struct jsonw *w, const struct order_row *o);
void put_event(struct jsonw *w, const struct event_row *e);
void put_notice(struct jsonw *w, const struct notice_row *n);
void put_token(struct jsonw *w, const struct token_row *t);
void put_checks(struct jsonw *w, const struct desk_unblock *u); /* members of `unblock` */
/** The members `evidence` and `proof` of an encoded proof; empty ones when there is none. */
void put_proof(struct jsonw *w, struct str encoded);
/** The array `doctor_reports` of a case, newest first. */
MUSTUSE int put_reports(struct call *c, uint64_t case_id, struct errmsg *err);
void put_message(struct jsonw *w, const struct sample_row *row, const struct sample *s,
		 bool with_head);

/* ---- handlers ---- */

call_fn status_get, networks_list, audit_get, openapi_get, brake_post_lift;
call_fn sources_get_list, sources_get_one;
call_fn orders_get_list, orders_get_one, orders_post;
call_fn cases_get_list, cases_get_one, cases_post_ack, cases_post_fixing, cases_post_note,
	cases_post_assign, cases_post_close, cases_post_unblock;
call_fn messages_get_list, messages_get_one, evidence_get_list;
call_fn reports_get_list, reports_post;
call_fn tokens_get_list, tokens_post, tokens_delete;
call_fn events_get;

/** The event reaches everybody who reads /events. */
void api_publish(const struct event_row *e, void *ctx);
/** GET /metrics: Prometheus text. */
void metrics_write(struct api *a, struct buf *out);
/** The panel and its files. @return false: no such file. */
bool panel_serve(struct api *a, struct http_request *rq);

#endif

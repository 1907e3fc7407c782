/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_unblock: the owner's request to be opened, and its checks. Layer: daemon.
 */
#include "daemon/desk/desk.h"

#include "base/assert.h"
#include "daemon/desk/desk_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

#define CHECKS_TEXT_MAX 4096

/* The curve of attempts, oldest first. */
struct curve {
	struct attempt points[2 * ATTEMPT_POINTS + 2];
	size_t count;
};

static void add_point(const struct attempt_row *row, void *ctx)
{
	struct curve *c = ctx;

	if (c->count < COUNT_OF(c->points)) {
		c->points[c->count++] = (struct attempt){.at = row->at, .hits = row->hits};
	}
}

static int load_curve(struct desk *d, const struct case_row *c, struct curve *ret,
		      struct errmsg *reterr)
{
	int64_t window_ns = (int64_t)d->policy->quiet_s * NS_PER_S;

	ret->count = 0;
	int r = cases_list_attempts(d->store, c->id, (struct wall){desk_now(d).ns - window_ns},
				    add_point, ret, reterr);
	for (size_t i = 0; i < ret->count / 2; i++) {
		struct attempt swap = ret->points[i];
		ret->points[i] = ret->points[ret->count - 1 - i];
		ret->points[ret->count - 1 - i] = swap;
	}
	return r;
}

static int check(struct desk *d, const struct case_row *c, const struct desk_plea *plea,
		 struct desk_unblock *ret, struct errmsg *reterr)
{
	struct curve *curve = malloc(sizeof(*curve));

	if (curve == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	int r = load_curve(d, c, curve, reterr);
	if (r == 0) {
		const struct case_facts facts = {
			.policy = c->unblock,
			.now = desk_now(d),
			.blocked_at = c->blocked_at,
			.allowed_at = c->allowed_at,
			.blocked_before = c->blocked_before,
			.quiet_s = d->policy->quiet_s,
			.attempts = curve->points,
			.attempt_count = curve->count,
			.cause = plea->cause,
			.fix = plea->fix,
			.insists = plea->insists,
		};
		*ret = (struct desk_unblock){
			.policy = c->unblock, .allowed_at = c->allowed_at, .state = c->state};
		case_answer_request(&facts, &ret->answer);
	}
	free(curve);
	return r;
}

int desk_case_checks(struct desk *d, uint64_t id, struct desk_unblock *ret, struct errmsg *reterr)
{
	struct case_row c;
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory")
			  : cases_get(d->store, id, a, &c, reterr);

	if (r == 0) {
		const struct desk_plea stated = {.cause = c.cause, .fix = c.fix};
		r = check(d, &c, &stated, ret, reterr);
	}
	arena_free(a);
	return r;
}

void desk_write_checks(struct jsonw *w, const char *key, const struct case_answer *answer)
{
	jsonw_array(w, key);
	for (size_t i = 0; i < answer->check_count; i++) {
		jsonw_object(w, NULL);
		jsonw_cstr(w, "name", answer->checks[i].name);
		jsonw_cstr(w, "result", check_result_name(answer->checks[i].result));
		jsonw_cstr(w, "detail", answer->checks[i].detail);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static int note_request(struct desk *d, const struct case_row *c, const char *who,
			const struct desk_plea *plea, const struct desk_unblock *u,
			struct errmsg *reterr)
{
	struct buf checks;

	buf_init(&checks, CHECKS_TEXT_MAX);
	struct jsonw w = jsonw_of(&checks);
	desk_write_checks(&w, NULL, &u->answer);
	const struct request_row row = {
		.case_id = c->id,
		.at = desk_now(d),
		.who = str_of(who),
		.cause = plea->cause,
		.fix = plea->fix,
		.granted = u->answer.decision == DECISION_GRANTED,
		.checks = buf_str(&checks),
	};
	int r = buf_end(&checks);
	r = r < 0 ? err_set(reterr, r, "the checks do not fit")
		  : cases_add_request(d->store, &row, reterr);
	buf_done(&checks);
	return r;
}

/* The first check that speaks against it, for the story. */
static const char *against(const struct case_answer *a)
{
	for (size_t i = 0; i < a->check_count; i++) {
		if (a->checks[i].result == CHECK_FAILED ||
		    a->checks[i].result == CHECK_NOT_PROVED) {
			return a->checks[i].detail;
		}
	}
	return "";
}

/* One request, while it is dealt with. */
struct asking {
	uint64_t id;
	const struct actor *who;
	const struct desk_plea *plea;
	char name[ACTOR_TEXT_SIZE]; /* of `who` */
	struct case_row c;
	struct source_key key;
};

static int grant(struct desk *d, struct asking *q, struct desk_unblock *u, struct errmsg *reterr)
{
	struct order o = {
		.origin = ORIGIN_DESK,
		.source = q->key,
		.rung = RUNG_PASS,
		.giver =
			GIVER_STAFF, /* the gate lets a pass of staff take back whatever holds it */
		.mode = q->c.mode,
		.given_at = desk_now(d),
		.reason = STR("unblock requested and granted"),
	};
	int r = desk_case_release(d, &q->c, CASE_GRANT, q->name, reterr);

	if (r == 0) {
		r = desk_order_store(d, &o, q->who, reterr);
	}
	u->order_seq = o.seq;
	u->state = q->c.state;
	return r;
}

static int refuse(struct desk *d, struct asking *q, struct desk_unblock *u, struct errmsg *reterr)
{
	int to = case_move(q->c.state, CASE_REFUSE);

	ASSERT(to >= 0);
	q->c.state = (enum case_state)to;
	u->state = q->c.state;
	int r = cases_put(d->store, &q->c, reterr);
	if (r == 0) {
		r = desk_tell(d, q->c.id, "desk", "unblock_refused", reterr, "%s",
			      against(&u->answer));
	}
	if (r == 0) {
		r = desk_notice_queue(d, &q->c, NOTICE_REFUSED, reterr);
	}
	return r;
}

static int answer(struct desk *d, struct asking *q, struct desk_unblock *u, struct errmsg *reterr)
{
	switch (u->answer.decision) {
	case DECISION_GRANTED:
		return grant(d, q, u, reterr);
	case DECISION_REFUSED:
		return refuse(d, q, u, reterr);
	case DECISION_WARNED:
	case DECISION_STAFF:
	case DECISION_COUNT:
		u->state = q->c.state;
		return 0;
	}
	return 0;
}

static int request(struct desk *d, struct asking *q, struct desk_unblock *u, struct errmsg *reterr)
{
	char object[32];
	const char *decision = case_decision_name(u->answer.decision);
	int to = case_move(q->c.state, CASE_REQUEST);
	int r = 0;

	(void)snprintf(object, sizeof(object), "case %llu", (unsigned long long)q->c.id);
	if (u->answer.decision != DECISION_WARNED) { /* a warning is an answer, not a request */
		ASSERT(to >= 0);
		q->c.state = (enum case_state)to;
		q->c.updated_at = desk_now(d);
		q->c.cause = q->plea->cause;
		q->c.fix = q->plea->fix;
		r = cases_put(d->store, &q->c, reterr);
	}
	if (r == 0) {
		r = desk_tell(d, q->c.id, q->name, "unblock_requested", reterr,
			      "%s\ncause: %.*s\nfix: %.*s", decision, STR_ARG(q->plea->cause),
			      STR_ARG(q->plea->fix));
	}
	if (r == 0) {
		r = note_request(d, &q->c, q->name, q->plea, u, reterr);
	}
	if (r == 0) {
		r = answer(d, q, u, reterr);
	}
	if (r == 0) {
		r = desk_audit_add(d, q->who, "case.unblock", str_of(object), str_of(decision),
				   reterr);
	}
	return r;
}

/* Who may ask, and whether there is anything to open. */
static int may_request(const struct desk *d, struct asking *q, struct errmsg *reterr)
{
	const struct case_row *c = &q->c;

	if (q->who->role == ACTOR_OBSERVER) {
		return err_set(reterr, -EPERM, "an observer may look, not act");
	}
	if (q->plea->cause.len > CASE_STATEMENT_MAX || q->plea->fix.len > CASE_STATEMENT_MAX) {
		return err_set(reterr, -EINVAL, "cause and fix have at most %d octets each",
			       CASE_STATEMENT_MAX);
	}
	if (c->mode == MODE_OBSERVE || c->rung < RUNG_THROTTLE) {
		return err_set(reterr, -EBUSY, "nothing is shut here: the case is %s",
			       case_state_name(c->state));
	}
	if (case_move(c->state, CASE_REQUEST) < 0) {
		return err_set(reterr, -EBUSY, "the case is %s", case_state_name(c->state));
	}
	if (desk_stored_key(d, c->network, c->source, &q->key) < 0) {
		return err_set(reterr, -EBUSY,
			       "the network of this case is not in the configuration any more");
	}
	return 0;
}

static int unblock_in_group(struct desk *d, struct asking *q, struct arena *a,
			    struct desk_unblock *ret, struct errmsg *reterr)
{
	int r = desk_case_load(d, q->id, q->who, a, &q->c, reterr);

	if (r == 0) {
		r = may_request(d, q, reterr);
	}
	if (r == 0) {
		r = check(d, &q->c, q->plea, ret, reterr);
	}
	/* The mailbox that got the link may be in the intruder's hands: it opens only what our own
	 * wire proves. */
	if (r == 0 && q->who->role == ACTOR_LINK && ret->answer.checks[0].result != CHECK_PROVED) {
		r = err_set(reterr, -EPERM,
			    "the link opens only what is proved on the wire; log in. %s",
			    ret->answer.checks[0].detail);
	}
	return r < 0 ? r : request(d, q, ret, reterr);
}

int desk_case_unblock(struct desk *d, uint64_t id, const struct actor *who,
		      const struct desk_plea *plea, struct desk_unblock *ret, struct errmsg *reterr)
{
	struct asking q = {.id = id, .who = who, .plea = plea};
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory")
			  : store_begin(d->store, reterr);

	actor_format(who, q.name);
	if (r == 0) {
		r = store_end(d->store, unblock_in_group(d, &q, a, ret, reterr), reterr);
	}
	if (r == 0 && ret->answer.decision == DECISION_GRANTED) {
		desk_orders_send(d);
		desk_pardon(d, &q.key, q.c.probation_until);
	}
	if (r == 0 &&
	    (ret->answer.decision == DECISION_REFUSED || ret->answer.decision == DECISION_WARNED)) {
		r = err_set(reterr, -ECANCELED, "not opened: %s", against(&ret->answer));
	}
	arena_free(a);
	return r;
}

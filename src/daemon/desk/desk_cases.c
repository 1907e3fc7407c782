/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_cases: what an order means for the case of its holder, and what people do to cases.
 * Layer: daemon.
 */
#include "daemon/desk/desk.h"

#include "base/assert.h"
#include "daemon/desk/desk_impl.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

/* ---- orders ---- */

/* The owner is told of a block, and of a throttle that staff stand behind. */
static bool is_for_owner(const struct order *o)
{
	return o->mode == MODE_ENFORCE &&
	       (o->rung == RUNG_BLOCK || (o->rung >= RUNG_THROTTLE && o->giver == GIVER_STAFF));
}

static void set_cool_down(const struct desk *d, struct case_row *c, struct wall now)
{
	struct cool_down cool = case_cool_down(d->policy, c->blocked_before);

	c->blocked_at = now;
	c->allowed_at.ns = cool.is_staff ? 0 : now.ns + (int64_t)cool.s * NS_PER_S;
}

/* The order that makes the case what it is from now on. */
static void take_over(struct case_row *c, const struct order *o)
{
	c->rung = o->rung;
	c->mode = o->mode;
	c->verdict = o->verdict;
	c->giver = o->giver;
	c->order_origin = o->origin;
	c->order_seq = o->seq;
	c->reason = o->reason;
	c->updated_at = o->given_at;
}

/* Everything that hangs on the order in the case: its number, its proof, the holder's samples. */
static int attach(struct desk *d, const struct case_row *c, const struct order *o,
		  struct errmsg *reterr)
{
	int r = orders_set_case(d->store, o->origin, o->seq, c->id, reterr);

	if (r == 0 && o->proof.len > 0) {
		const struct proof_row p = {
			.at = o->given_at, .origin = o->origin, .seq = o->seq, .proof = o->proof};
		r = cases_add_proof(d->store, c->id, &p, reterr);
	}
	if (r == 0) {
		r = samples_set_case(d->store, c->network, c->holder, c->id, reterr);
	}
	return r;
}

static int open_case(struct desk *d, const struct order *o, const struct owner_of *owner,
		     const char *by, struct errmsg *reterr)
{
	struct case_row c = {
		.network = owner->network,
		.source = owner->source,
		.holder = owner->holder,
		.server = owner->server,
		.tenant = owner->tenant,
		.state = CASE_OPEN,
		.staff_only = !is_for_owner(o),
		.opened_at = o->given_at,
		.unblock = o->source.network < d->policy->network_count
				   ? d->policy->networks[o->source.network].unblock
				   : UNBLOCK_STAFF,
	};
	int r = cases_count_blocks(d->store, c.network, c.holder, &c.blocked_before, reterr);

	if (r < 0) {
		return r;
	}
	take_over(&c, o);
	if (is_for_owner(o)) {
		c.blocks = 1;
		set_cool_down(d, &c, o->given_at);
	}
	r = cases_add(d->store, &c, &c.id, reterr);
	if (r == 0) {
		r = desk_tell(d, c.id, by, "opened", reterr, "%s%s: %.*s",
			      o->mode == MODE_OBSERVE ? "would be " : "", rung_name(o->rung),
			      STR_ARG(o->reason));
	}
	if (r == 0) {
		r = attach(d, &c, o, reterr);
	}
	if (r == 0 && !c.staff_only) {
		r = desk_notice_queue(d, &c, NOTICE_BLOCK, reterr);
	}
	if (r == 0) {
		desk_event(d, "case", c.network, c.source, "case %llu opened: %s",
			   (unsigned long long)c.id, rung_name(o->rung));
	}
	return r;
}

/* Shut while a case is open: again after a release, for the first time, or once more. */
static int shut_again(struct desk *d, struct case_row *c, const struct order *o, const char *by,
		      struct errmsg *reterr)
{
	bool again = c->state == CASE_PROBATION;
	bool first = is_for_owner(o) && c->staff_only;
	const char *what = again ? "blocked_again" : "ordered";
	int r;

	if (again) {
		int to = case_move(c->state, CASE_REBLOCK);
		ASSERT(to >= 0);
		c->state = (enum case_state)to;
		c->probation_until.ns = 0;
		c->cause = STR_EMPTY; /* what was stated did not help */
		c->fix = STR_EMPTY;
	}
	if (is_for_owner(o) && (again || first)) {
		c->staff_only = false;
		c->blocked_before += c->blocks > 0 ? 1 : 0;
		c->blocks++;
		set_cool_down(d, c, o->given_at);
	}
	if (again || first || o->rung > c->rung || o->giver >= c->giver) {
		take_over(c, o);
	}
	r = cases_put(d->store, c, reterr);
	if (r == 0 && (again || first)) {
		r = cases_clear_attempts(d->store, c->id, reterr);
	}
	if (r == 0) {
		r = desk_tell(d, c->id, by, what, reterr, "%s%s: %.*s",
			      o->mode == MODE_OBSERVE ? "would be " : "", rung_name(o->rung),
			      STR_ARG(o->reason));
	}
	if (r == 0) {
		r = attach(d, c, o, reterr);
	}
	if (r == 0 && is_for_owner(o) && (again || first)) {
		r = desk_notice_queue(d, c, again && !first ? NOTICE_REBLOCK : NOTICE_BLOCK,
				      reterr);
	}
	return r;
}

static int end_case(struct desk *d, struct case_row *c, const char *who, const char *why,
		    struct errmsg *reterr)
{
	c->state = CASE_CLOSED;
	c->rung = RUNG_PASS;
	c->updated_at = desk_now(d);
	c->closed_at = c->updated_at;
	int r = cases_put(d->store, c, reterr);

	if (r == 0) {
		r = cases_clear_attempts(d->store, c->id, reterr);
	}
	if (r == 0) {
		r = desk_tell(d, c->id, who, "closed", reterr, "%s", why);
	}
	if (r == 0) {
		desk_event(d, "case", c->network, c->source, "case %llu closed",
			   (unsigned long long)c->id);
	}
	return r;
}

/* Open again. `ev` is CASE_RELEASE, or CASE_GRANT when it was asked for. */
int desk_case_release(struct desk *d, struct case_row *c, enum case_event ev, const char *who,
		      struct errmsg *reterr)
{
	struct wall now = desk_now(d);
	int to = case_move(c->state, ev);
	char until[MINUTE_TEXT_SIZE];

	if (to < 0) {
		return err_set(reterr, -EBUSY, "a case that is %s can't be released",
			       case_state_name(c->state));
	}
	c->state = (enum case_state)to;
	c->rung = RUNG_PASS;
	c->updated_at = now;
	c->probation_until.ns = now.ns + (int64_t)d->policy->probation_s * NS_PER_S;
	int r = cases_put(d->store, c, reterr);
	if (r == 0) {
		r = desk_tell(d, c->id, who, "unblocked", reterr,
			      "open again; thresholds are tighter until %s",
			      minute_format(c->probation_until, until));
	}
	if (r == 0) {
		r = desk_notice_queue(d, c, NOTICE_UNBLOCK, reterr);
	}
	if (r == 0) {
		desk_event(d, "case", c->network, c->source, "case %llu: open again",
			   (unsigned long long)c->id);
	}
	return r;
}

static int let_go(struct desk *d, struct case_row *c, const struct order *o, const char *by,
		  struct errmsg *reterr)
{
	int r = orders_set_case(d->store, o->origin, o->seq, c->id, reterr);

	if (r < 0 || c->rung < RUNG_THROTTLE) {
		return r;
	}
	if (c->staff_only) { /* a suspicion, or what would have been: nobody was shut */
		return end_case(d, c, by, "no longer suspect", reterr);
	}
	if (o->mode == MODE_OBSERVE) { /* it went back to observing: nothing is shut any more */
		return end_case(d, c, by, "the network only observes now", reterr);
	}
	return desk_case_release(d, c, CASE_RELEASE, by, reterr);
}

int desk_case_apply(struct desk *d, const struct order *o, const char *by, struct errmsg *reterr)
{
	struct owner_of owner;
	struct case_row c;
	struct arena *a = arena_new(DESK_ARENA_MAX);

	if (a == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	desk_owner_of(d, &o->source, &owner);
	int r = cases_find_open(d->store, owner.network, owner.holder, a, &c, reterr);
	if (r == -ENOENT) {
		r = o->rung >= RUNG_THROTTLE ? open_case(d, o, &owner, by, reterr) : 0;
	} else if (r == 0 && o->rung >= RUNG_THROTTLE) {
		r = shut_again(d, &c, o, by, reterr);
	} else if (r == 0) {
		r = let_go(d, &c, o, by, reterr);
	}
	arena_free(a);
	return r;
}

/* ---- one case, changed by a function ---- */

struct change {
	uint64_t id;
	const struct actor *who;
	const char *action; /* for the audit log */
	struct str text;
	int (*make)(struct desk *d, struct case_row *c, const struct change *ch,
		    struct errmsg *reterr);
};

int desk_case_load(struct desk *d, uint64_t id, const struct actor *who, struct arena *a,
		   struct case_row *ret, struct errmsg *reterr)
{
	int r = cases_get(d->store, id, a, ret, reterr);

	if (r == 0 && !desk_may_see(who, ret)) {
		/* As if it were not there: numbers of others' cases are nobody's business. */
		return err_set(reterr, -ENOENT, "no such case");
	}
	return r;
}

static int change_in_group(struct desk *d, const struct change *ch, struct arena *a,
			   struct errmsg *reterr)
{
	struct case_row c;
	char object[32];
	int r = desk_case_load(d, ch->id, ch->who, a, &c, reterr);

	if (r < 0) {
		return r;
	}
	(void)snprintf(object, sizeof(object), "case %llu", (unsigned long long)ch->id);
	c.updated_at = desk_now(d);
	r = ch->make(d, &c, ch, reterr);
	return r < 0 ? r : desk_audit_add(d, ch->who, ch->action, str_of(object), ch->text, reterr);
}

static int change_case(struct desk *d, const struct change *ch, struct errmsg *reterr)
{
	struct errmsg err;
	struct arena *a = arena_new(DESK_ARENA_MAX);

	if (reterr == NULL) {
		reterr = &err;
	}
	int r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory")
			  : store_begin(d->store, reterr);
	if (r == 0) {
		r = store_end(d->store, change_in_group(d, ch, a, reterr), reterr);
	}
	arena_free(a);
	return r;
}

static int may_act(const struct actor *who, struct errmsg *reterr)
{
	return who->role == ACTOR_OBSERVER
		       ? err_set(reterr, -EPERM, "an observer may look, not act")
		       : 0;
}

/* Move, and tell it when that changed anything. */
static int move(struct desk *d, struct case_row *c, const struct change *ch, enum case_event ev,
		struct errmsg *reterr)
{
	char who[ACTOR_TEXT_SIZE];
	int to = case_move(c->state, ev);

	if (to < 0) {
		return err_set(reterr, -EBUSY, "the case is %s", case_state_name(c->state));
	}
	if (to == (int)c->state) {
		return 0;
	}
	c->state = (enum case_state)to;
	int r = cases_put(d->store, c, reterr);
	if (r == 0) {
		r = desk_tell(d, c->id, actor_format(ch->who, who), case_event_name(ev), reterr,
			      "%s", ev == CASE_ACK ? "seen" : "being worked on");
	}
	return r;
}

static int make_ack(struct desk *d, struct case_row *c, const struct change *ch,
		    struct errmsg *reterr)
{
	return move(d, c, ch, CASE_ACK, reterr);
}

static int make_fixing(struct desk *d, struct case_row *c, const struct change *ch,
		       struct errmsg *reterr)
{
	return move(d, c, ch, CASE_FIX, reterr);
}

static int make_note(struct desk *d, struct case_row *c, const struct change *ch,
		     struct errmsg *reterr)
{
	char who[ACTOR_TEXT_SIZE];
	const struct story_row row = {
		.case_id = c->id,
		.at = c->updated_at,
		.who = str_of(actor_format(ch->who, who)),
		.what = STR("note"),
		.text = ch->text,
	};

	return cases_add_story(d->store, &row, reterr);
}

static int make_assign(struct desk *d, struct case_row *c, const struct change *ch,
		       struct errmsg *reterr)
{
	char who[ACTOR_TEXT_SIZE];

	c->assignee = ch->text.len > 0 ? ch->text : STR_EMPTY;
	int r = cases_put(d->store, c, reterr);
	if (r == 0) {
		r = desk_tell(d, c->id, actor_format(ch->who, who), "assigned", reterr, "%.*s",
			      STR_ARG(ch->text.len > 0 ? ch->text : STR("nobody")));
	}
	return r;
}

static int make_close(struct desk *d, struct case_row *c, const struct change *ch,
		      struct errmsg *reterr)
{
	char who[ACTOR_TEXT_SIZE];
	char why[CASE_NOTE_MAX + 1];

	if (case_move(c->state, CASE_CLOSE) < 0) {
		return err_set(reterr, -EBUSY, "the case is closed already");
	}
	if (c->rung >= RUNG_THROTTLE && c->mode == MODE_ENFORCE) {
		return err_set(reterr, -EBUSY, "the source is on %s: unblock it first",
			       rung_name(c->rung));
	}
	(void)str_copy(why, sizeof(why), ch->text);
	return end_case(d, c, actor_format(ch->who, who), why, reterr);
}

int desk_case_ack(struct desk *d, uint64_t id, const struct actor *who, struct errmsg *reterr)
{
	const struct change ch = {.id = id, .who = who, .action = "case.ack", .make = make_ack};
	int r = may_act(who, reterr);

	return r < 0 ? r : change_case(d, &ch, reterr);
}

int desk_case_fixing(struct desk *d, uint64_t id, const struct actor *who, struct errmsg *reterr)
{
	const struct change ch = {
		.id = id, .who = who, .action = "case.fixing", .make = make_fixing};
	int r = may_act(who, reterr);

	if (r == 0 && who->role == ACTOR_LINK) {
		r = err_set(reterr, -EPERM, "the link lets one see and acknowledge; log in");
	}
	return r < 0 ? r : change_case(d, &ch, reterr);
}

int desk_case_note(struct desk *d, uint64_t id, const struct actor *who, struct str text,
		   struct errmsg *reterr)
{
	const struct change ch = {
		.id = id, .who = who, .action = "case.note", .text = text, .make = make_note};
	int r = may_act(who, reterr);

	if (r == 0 && who->role == ACTOR_LINK) {
		r = err_set(reterr, -EPERM, "the link lets one see and acknowledge; log in");
	}
	if (r == 0 && (str_trim(text).len == 0 || text.len > CASE_NOTE_MAX)) {
		r = err_set(reterr, -EINVAL, "a note has 1 to %d octets", CASE_NOTE_MAX);
	}
	return r < 0 ? r : change_case(d, &ch, reterr);
}

static int staff_only(const struct actor *who, struct errmsg *reterr)
{
	return who->role == ACTOR_STAFF ? 0 : err_set(reterr, -EPERM, "only staff may do this");
}

int desk_case_assign(struct desk *d, uint64_t id, const struct actor *who, struct str assignee,
		     struct errmsg *reterr)
{
	const struct change ch = {.id = id,
				  .who = who,
				  .action = "case.assign",
				  .text = str_head(assignee, 64),
				  .make = make_assign};
	int r = staff_only(who, reterr);

	return r < 0 ? r : change_case(d, &ch, reterr);
}

int desk_case_close(struct desk *d, uint64_t id, const struct actor *who, struct str reason,
		    struct errmsg *reterr)
{
	const struct change ch = {.id = id,
				  .who = who,
				  .action = "case.close",
				  .text = str_head(reason, CASE_NOTE_MAX),
				  .make = make_close};
	int r = staff_only(who, reterr);

	return r < 0 ? r : change_case(d, &ch, reterr);
}

/* ---- time ---- */

int desk_case_expired(struct desk *d, uint64_t case_id, struct errmsg *reterr)
{
	struct case_row c;
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory")
			  : cases_get(d->store, case_id, a, &c, reterr);

	if (r == 0 && c.rung >= RUNG_THROTTLE && c.state != CASE_CLOSED) {
		r = c.staff_only ? end_case(d, &c, "desk", "the order has run out", reterr)
				 : desk_case_release(d, &c, CASE_RELEASE, "desk", reterr);
	}
	arena_free(a);
	return r;
}

static int calm_one(struct desk *d, struct errmsg *reterr)
{
	struct case_row c;
	uint64_t id = 0;
	int r = cases_next_calm(d->store, desk_now(d), &id, reterr);

	if (r < 0) {
		return r;
	}
	struct arena *a = arena_new(DESK_ARENA_MAX);
	r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory") : store_begin(d->store, reterr);
	if (r == 0) {
		r = cases_get(d->store, id, a, &c, reterr);
		if (r == 0) {
			r = end_case(d, &c, "desk", "probation is over", reterr);
		}
		r = store_end(d->store, r, reterr);
	}
	arena_free(a);
	return r;
}

void desk_cases_tick(struct desk *d)
{
	struct errmsg err;
	int r;

	do {
		r = calm_one(d, &err);
	} while (r == 0);
	if (r != -ENOENT) {
		(void)desk_store_said(d, r, &err);
	}
}

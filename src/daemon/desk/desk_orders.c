/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_orders: orders into the store, the gate's answers, and the desk's own orders out.
 *
 * The order of things is what makes a kill harmless: an order is committed with all that follows
 * from it for the case, then the gate is told that it may forget it. Killed in between, the gate
 * sends it again and it is found stored. Our own orders are committed before they are sent, and
 * sent again until the gate's journal has them. Layer: daemon.
 */
#include "daemon/desk/desk.h"

#include "base/assert.h"
#include "base/cur.h"
#include "core/wire.h"
#include "daemon/desk/desk_impl.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

/* How soon the gate is asked again for orders that could not be stored. */
#define ASK_AGAIN_NS (5 * NS_PER_S)
/* A standing permission has an end in the gate; this is "for good". */
#define FOR_GOOD_NS (INT64_C(50) * 365 * 24 * 3600 * NS_PER_S)

/* ---- taking orders ---- */

int desk_order_take(struct desk *d, const struct order *o, const struct actor *who,
		    struct errmsg *reterr)
{
	char name[ACTOR_TEXT_SIZE];
	struct owner_of owner;

	desk_owner_of(d, &o->source, &owner);
	const struct order_row row = {
		.origin = o->origin,
		.seq = o->seq,
		.network = owner.network,
		.source = owner.source,
		.rung = o->rung,
		.verdict = o->verdict,
		.giver = o->giver,
		.mode = o->mode,
		.given_at = o->given_at,
		.expires_at = o->expires_at,
		.reason = o->reason,
		.proof = o->proof,
		.who = who != NULL ? str_of(actor_format(who, name)) : STR_EMPTY,
		.state = o->mode == MODE_OBSERVE ? ORDER_WOULD : ORDER_WANTED,
		.state_at = o->given_at,
	};
	int r = store_begin(d->store, reterr);
	if (r < 0) {
		return r;
	}
	r = orders_add(d->store, &row, reterr);
	if (r > 0) {
		int applied = desk_case_apply(d, o, who != NULL ? name : giver_name(o->giver),
					      reterr);
		r = applied < 0 ? applied : 1;
	}
	return store_end(d->store, r, reterr);
}

static void confirm(struct desk *d, enum order_origin origin, uint64_t seq)
{
	uint8_t body[16];
	struct enc e = enc_of(body, sizeof(body));

	enc_uint(&e, 1, origin);
	enc_uint(&e, 8, seq);
	desk_send(d, PROCESS_GATE, MSG_ORDER_COMMITTED, body, enc_end(&e));
}

static bool order_journaled(struct desk *d, struct str body)
{
	struct order o;
	struct errmsg err;

	if (order_decode(body.ptr, body.len, &o) < 0) {
		return false;
	}
	int r = desk_order_take(d, &o, NULL, &err);
	(void)desk_store_said(d, r, &err);
	if (r < 0) {
		/* The gate keeps it; it is asked again when the store may be well. */
		d->health.journal_failures++;
		if (d->missed[o.origin] == 0 || o.seq < d->missed[o.origin]) {
			d->missed[o.origin] = o.seq;
		}
		d->ask_again_at = (struct wall){desk_now(d).ns + ASK_AGAIN_NS};
		return true;
	}
	if (o.origin == ORIGIN_DESK && o.seq > d->gate_has) {
		d->gate_has = o.seq;
	}
	confirm(d, o.origin, o.seq);
	if (r > 0) {
		struct owner_of owner;
		desk_owner_of(d, &o.source, &owner);
		desk_event(d, "order", owner.network, owner.source, "%s%s by %s: %.*s",
			   o.mode == MODE_OBSERVE ? "would be " : "", rung_name(o.rung),
			   giver_name(o.giver), STR_ARG(o.reason));
	}
	return true;
}

/* ---- what the gate says of them ---- */

static int tell_state(struct desk *d, const struct order_row *o, const struct order_report *r,
		      struct errmsg *reterr)
{
	switch (r->state) {
	case ORDER_INSTALLED:
	case ORDER_UNPROVED:
		return desk_tell(d, o->case_id, "gate", "installed", reterr,
				 "%s is in the kernel after %u.%03u ms, %u running sessions ended",
				 rung_name(o->rung), r->apply_us / 1000, r->apply_us % 1000,
				 r->sessions_ended);
	case ORDER_PROVED:
		return desk_tell(d, o->case_id, "gate", "proved", reterr,
				 "%s bites: %llu packets refused so far", rung_name(o->rung),
				 (unsigned long long)r->hits);
	case ORDER_INERT:
		return desk_tell(d, o->case_id, "gate", "inert", reterr,
				 "ALARM: mail of this source was seen to pass in spite of the %s",
				 rung_name(o->rung));
	case ORDER_REFUSED:
		return desk_tell(d, o->case_id, "gate", "refused", reterr,
				 "the gate did not obey the order to %s: never-block list or "
				 "panic; the source is as it was",
				 rung_name(o->rung));
	case ORDER_RELEASED:
		return desk_tell(d, o->case_id, "gate", "over", reterr, "the order to %s is over",
				 rung_name(o->rung));
	case ORDER_WANTED:
	case ORDER_WOULD:
	case ORDER_STATE_COUNT:
		return 0;
	}
	return 0;
}

static bool has_run_out(const struct order_row *o, const struct order_report *r)
{
	return r->state == ORDER_RELEASED && o->expires_at.ns != 0 && r->at.ns >= o->expires_at.ns;
}

/* Points of the curve are at least a second apart, and at most ATTEMPT_POINTS in the window that is
 * looked at. Orders that replace each other each count from zero: the sum is what rises. */
static int note_attempts(struct desk *d, const struct case_row *c,
			 const struct order_report *report, struct errmsg *reterr)
{
	int64_t window_ns = (int64_t)d->policy->quiet_s * NS_PER_S;
	int64_t every_ns = (1 + d->policy->quiet_s / ATTEMPT_POINTS) * NS_PER_S;
	struct attempt_row point = {.at = {report->at.ns - report->at.ns % every_ns}};
	int r = orders_sum_hits(d->store, c->id, c->blocked_at, &point.hits, reterr);

	if (r == 0) {
		r = cases_add_attempts(d->store, c->id, &point,
				       (struct wall){report->at.ns - 2 * window_ns}, reterr);
	}
	return r;
}

static int take_report(struct desk *d, const struct order_report *report, struct arena *a,
		       struct errmsg *reterr)
{
	struct order_row o;
	struct case_row c;
	int changed = orders_report(d->store, report, reterr);
	int r = changed < 0 ? changed
			    : orders_get(d->store, report->origin, report->seq, a, &o, reterr);

	if (r < 0 || o.case_id == 0) {
		return r;
	}
	if (changed > 0) {
		r = tell_state(d, &o, report, reterr);
	}
	if (r == 0) {
		r = cases_get(d->store, o.case_id, a, &c, reterr);
	}
	if (r < 0 || c.state == CASE_CLOSED) {
		return r;
	}
	bool current = c.order_origin == report->origin && c.order_seq == report->seq;
	if (changed > 0 && current && has_run_out(&o, report)) {
		return desk_case_expired(d, o.case_id, reterr);
	}
	return c.rung >= RUNG_THROTTLE ? note_attempts(d, &c, report, reterr) : 0;
}

static int take_report_alone(struct desk *d, const struct order_report *report,
			     struct errmsg *reterr)
{
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory")
			  : store_begin(d->store, reterr);

	if (r == 0) {
		r = store_end(d->store, take_report(d, report, a, reterr), reterr);
	}
	arena_free(a);
	/* Unknown: its order could not be stored yet; the gate says both again. */
	return r == -ENOENT ? 0 : r;
}

static void report_failed(struct desk *d)
{
	d->ask_again_at = (struct wall){desk_now(d).ns + ASK_AGAIN_NS};
}

/* All that wait, in one commit; an unknown order does not undo the others. */
void desk_reports_flush(struct desk *d)
{
	struct order_report report;
	struct errmsg err;
	struct str rest = buf_str(&d->reports);

	d->reports_now = 0;
	if (rest.len == 0) {
		return;
	}
	int r = store_begin(d->store, &err);
	if (r == 0) {
		struct arena *a = arena_new(DESK_ARENA_MAX);
		r = a == NULL ? err_set(&err, -ENOMEM, "out of memory") : 0;
		while (r == 0 && rest.len > 0) {
			struct str one = str_take(&rest, (uint8_t)rest.ptr[0] + (size_t)1);
			if (order_report_decode(one.ptr + 1, one.len - 1, &report) == 0) {
				r = take_report(d, &report, a, &err);
				r = r == -ENOENT ? 0 : r;
			}
			arena_clear(a);
		}
		arena_free(a);
		r = store_end(d->store, r, &err);
	}
	buf_clear(&d->reports);
	if (desk_store_said(d, r, &err) < 0) {
		report_failed(d);
	}
}

static void queue_report(struct desk *d, struct str body)
{
	if (d->reports.len + 1 + body.len > d->reports.max) {
		desk_reports_flush(d);
	}
	buf_add_char(&d->reports, (char)body.len);
	buf_add(&d->reports, body);
	if (buf_end(&d->reports) < 0) {
		buf_clear(&d->reports);
		report_failed(d);
	}
}
static_assert(ORDER_REPORT_ENCODED_MAX <= 255, "its length fits an octet");

/* The first few of a moment at once, because somebody waits for them; a flood in batches. */
static bool order_reported(struct desk *d, struct str body)
{
	struct order_report report;
	struct errmsg err;

	if (order_report_decode(body.ptr, body.len, &report) < 0) {
		return false;
	}
	if (d->reports_now++ >= REPORTS_AT_ONCE || d->reports.len > 0) {
		queue_report(d, body);
	} else if (desk_store_said(d, take_report_alone(d, &report, &err), &err) < 0) {
		report_failed(d);
	}
	return true;
}

/* ---- talking to the gate ---- */

static void ask_for_orders(struct desk *d)
{
	uint8_t body[8 * ORIGIN_COUNT];
	struct enc e = enc_of(body, sizeof(body));
	struct errmsg err;

	for (unsigned i = 0; i < ORIGIN_COUNT; i++) {
		uint64_t last = 0;
		if (orders_last_seq(d->store, (enum order_origin)i, &last, &err) < 0) {
			last = 0; /* all again: what is stored is found stored */
		}
		if (d->missed[i] != 0 && d->missed[i] <= last) {
			last = d->missed[i] - 1;
		}
		enc_uint(&e, 8, last);
		d->missed[i] = 0;
	}
	d->ask_again_at.ns = 0;
	desk_send(d, PROCESS_GATE, MSG_ORDERS_AFTER, body, enc_end(&e));
}

void desk_orders_tick(struct desk *d)
{
	if (d->ask_again_at.ns != 0 && desk_now(d).ns >= d->ask_again_at.ns) {
		ask_for_orders(d);
	}
}

static void send_order(const struct order_row *row, void *ctx)
{
	struct desk *d = ctx;
	uint8_t body[ORDER_ENCODED_MAX];
	struct order o = {
		.origin = row->origin,
		.seq = row->seq,
		.rung = row->rung,
		.verdict = row->verdict,
		.giver = row->giver,
		.mode = row->mode,
		.given_at = row->given_at,
		.expires_at = row->expires_at,
		.reason = row->reason,
		.proof = row->proof,
	};

	if (desk_stored_key(d, row->network, row->source, &o.source) == 0) {
		desk_send(d, PROCESS_GATE, MSG_ORDER, body, order_encode(&o, body, sizeof(body)));
	}
}

void desk_orders_send(struct desk *d)
{
	struct errmsg err;
	int r = orders_list_after(d->store, ORIGIN_DESK, d->gate_has, send_order, d, &err);

	(void)desk_store_said(d, r, &err);
}

static bool gate_hello(struct desk *d, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	uint64_t last[ORIGIN_COUNT];

	for (unsigned i = 0; i < ORIGIN_COUNT; i++) {
		last[i] = cur_uint(&c, 8, INT64_MAX);
	}
	if (cur_end(&c) < 0) {
		return false;
	}
	d->gate_has = last[ORIGIN_DESK];
	ask_for_orders(d);
	desk_orders_send(d);
	return true;
}

bool desk_received_from_gate(struct desk *d, uint32_t type, struct str body)
{
	switch (type) {
	case MSG_GATE_HELLO:
		return gate_hello(d, body);
	case MSG_ORDER_JOURNALED:
		return order_journaled(d, body);
	case MSG_ORDER_REPORT:
		return order_reported(d, body);
	default:
		return false;
	}
}

/* ---- talking to the judge ---- */

void desk_pardon(struct desk *d, const struct source_key *k, struct wall until)
{
	uint8_t body[64];
	struct enc e = enc_of(body, sizeof(body));

	wire_put_source(&e, k);
	enc_int(&e, 8, until.ns);
	desk_send(d, PROCESS_JUDGE, MSG_PARDON, body, enc_end(&e));
}

void desk_standing(struct desk *d, const struct order *o)
{
	uint8_t body[64];
	struct enc e = enc_of(body, sizeof(body));

	wire_put_source(&e, &o->source);
	enc_uint(&e, 1, o->rung);
	enc_uint(&e, 1, o->giver);
	enc_int(&e, 8, o->expires_at.ns);
	desk_send(d, PROCESS_JUDGE, MSG_STANDING, body, enc_end(&e));
}

static void remind_standing(const struct order_row *row, void *ctx)
{
	struct desk *d = ctx;
	struct order o = {.rung = row->rung, .giver = row->giver, .expires_at = row->expires_at};

	if (desk_stored_key(d, row->network, row->source, &o.source) == 0) {
		desk_standing(d, &o);
	}
}

static void remind_pardon(const struct case_row *c, void *ctx)
{
	struct desk *d = ctx;
	struct source_key k;

	if (desk_stored_key(d, c->network, c->source, &k) == 0) {
		desk_pardon(d, &k, c->probation_until);
	}
}

void desk_judge_remind(struct desk *d)
{
	const struct case_filter probation = {.state = CASE_PROBATION};
	struct page page = {.limit = STORE_PAGE_MAX};
	struct page_end end = {.cursor = ""};
	struct errmsg err;
	int r = orders_list_standing(d->store, desk_now(d), remind_standing, d, &err);

	while (r == 0) {
		r = cases_list(d->store, &probation, &page, remind_pardon, d, &end, &err);
		page.cursor = str_of(end.cursor);
		if (page.cursor.len == 0) {
			break;
		}
	}
	(void)desk_store_said(d, r, &err);
}

/* ---- giving orders ---- */

static int check_wish(const struct desk *d, const struct desk_wish *w, const struct actor *who,
		      struct errmsg *reterr)
{
	if (who->role != ACTOR_STAFF) {
		return err_set(reterr, -EPERM, "only staff may give orders");
	}
	if (w->source.network >= d->policy->network_count) {
		return err_set(reterr, -ENOENT, "the source is in none of the networks");
	}
	if (str_trim(w->reason).len == 0) {
		return err_set(reterr, -EINVAL, "an order needs a reason");
	}
	if (w->reason.len > ORDER_REASON_MAX) {
		return err_set(reterr, -EINVAL, "the reason is longer than %d octets",
			       ORDER_REASON_MAX);
	}
	if (w->expires_at.ns != 0 && w->expires_at.ns <= desk_now(d).ns) {
		return err_set(reterr, -EINVAL, "the end lies in the past");
	}
	if (w->rung >= RUNG_THROTTLE && policy_is_never_block(d->policy, &w->source.prefix)) {
		return err_set(reterr, -ECANCELED, "the source is on the never-block list");
	}
	return 0;
}

static struct order order_of_wish(const struct desk *d, const struct desk_wish *w)
{
	struct order o = {
		.origin = ORIGIN_DESK,
		.source = w->source,
		.rung = w->release ? RUNG_PASS : w->rung,
		.giver = GIVER_STAFF,
		.mode = d->policy->networks[w->source.network].mode,
		.given_at = desk_now(d),
		.expires_at = w->expires_at,
		.reason = w->reason,
	};

	/* For the gate a pass without an end takes back what holds the source and stands no
	 * longer; one with an end stands until then. */
	if (w->release) {
		o.expires_at.ns = 0;
	} else if (o.rung == RUNG_PASS && o.expires_at.ns == 0) {
		o.expires_at.ns = o.given_at.ns + FOR_GOOD_NS;
	}
	return o;
}

int desk_order_store(struct desk *d, struct order *o, const struct actor *who,
		     struct errmsg *reterr)
{
	int r = store_begin(d->store, reterr);

	if (r < 0) {
		return r;
	}
	r = orders_next_seq(d->store, d->gate_has, &o->seq, reterr);
	if (r == 0) {
		r = desk_order_take(d, o, who, reterr);
	}
	return store_end(d->store, r < 0 ? r : 0, reterr);
}

/* The end of the probation that a release began, to the nanosecond as the case has it: the judge
 * knows a pardon that it has had by that. */
static struct wall probation_of(struct desk *d, const struct order *o)
{
	struct wall until = {o->given_at.ns + (int64_t)d->policy->probation_s * NS_PER_S};
	struct owner_of owner;
	struct case_row c;
	struct errmsg err;
	struct arena *a = arena_new(DESK_ARENA_MAX);

	desk_owner_of(d, &o->source, &owner);
	if (a != NULL && cases_find_open(d->store, owner.network, owner.holder, a, &c, &err) == 0 &&
	    c.state == CASE_PROBATION) {
		until = c.probation_until;
	}
	arena_free(a);
	return until;
}

int desk_order_give(struct desk *d, const struct desk_wish *wish, const struct actor *who,
		    struct arena *a, struct order_row *ret, struct errmsg *reterr)
{
	char text[ADDR_TEXT_SIZE];
	int r = check_wish(d, wish, who, reterr);

	if (r < 0) {
		return r;
	}
	struct order o = order_of_wish(d, wish);
	struct str source = str_of(source_format(&o.source, text));
	if (wish->dry_run) {
		struct str network = str_of(d->policy->networks[o.source.network].name);
		*ret = (struct order_row){.origin = ORIGIN_DESK,
					  .network = arena_copy(a, network),
					  .source = arena_copy(a, source),
					  .rung = o.rung,
					  .giver = o.giver,
					  .mode = o.mode,
					  .given_at = o.given_at,
					  .expires_at = o.expires_at,
					  .reason = arena_copy(a, o.reason),
					  .state = o.mode == MODE_OBSERVE ? ORDER_WOULD
									  : ORDER_WANTED};
		return 0;
	}
	r = store_begin(d->store, reterr);
	if (r < 0) {
		return r;
	}
	r = desk_order_store(d, &o, who, reterr);
	if (r == 0) {
		r = desk_audit_add(d, who, wish->release ? "source.unblock" : "source.order",
				   source, o.reason, reterr);
	}
	r = store_end(d->store, r, reterr);
	if (desk_store_said(d, r, reterr != NULL ? reterr : &(struct errmsg){.text = "?"}) < 0) {
		return r;
	}
	desk_orders_send(d);
	if (o.mode == MODE_ENFORCE && !wish->release) {
		desk_standing(d, &o);
	} else if (o.mode == MODE_ENFORCE) {
		desk_pardon(d, &o.source, probation_of(d, &o));
	}
	return orders_get(d->store, ORIGIN_DESK, o.seq, a, ret, reterr);
}

int desk_brake_lift(struct desk *d, const struct actor *who, struct errmsg *reterr)
{
	if (who->role != ACTOR_STAFF) {
		return err_set(reterr, -EPERM, "only staff may lift the brake");
	}
	if (!d->health.brake_on) {
		return err_set(reterr, -EBUSY, "the brake is not on");
	}
	int r = desk_audit_add(d, who, "brake.lift", STR("brake"), STR_EMPTY, reterr);
	if (r == 0) {
		desk_send(d, PROCESS_JUDGE, MSG_BRAKE_LIFT, "", 0);
	}
	return r;
}

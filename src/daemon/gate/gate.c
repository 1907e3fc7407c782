/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate: its life, its messages and its memory. Layer: daemon.
 */
#include "daemon/gate/gate.h"

#include "base/assert.h"
#include "base/cur.h"
#include "core/wire.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/poison.h"

/* An order is on the disk this long after its arrival, when the disk is willing. */
#define SYNC_MS 5
/* A journal smaller than this is never written anew. */
#define REWRITE_MIN ((size_t)4 << 20)
#define STATS_EVERY (5000 / GATE_WATCH_MS)
/* A journal that the disk did not take is tried again so often. */
#define RETRY_EVERY (1000 / GATE_WATCH_MS)

/* --- journal ------------------------------------------------------------------------------- */

static void journal_trouble(struct gate *g, const char *why, int r)
{
	g->journal_failures++;
	if (!g->said_journal) {
		g->said_journal = true;
		LOG_EVENT(&g->child->log, LOG_LEVEL_ERROR, "gate.journal", F_CSTR("why", why),
			  F_I64("errno", -r));
	}
}

void gate_note(struct gate *g, const struct journal_record *r)
{
	int done = journal_append(g->journal, r);

	if (done < 0) {
		/* The block matters more than the memory of it: go on, say so, and write all anew
		 * when the disk takes it. */
		journal_trouble(g,
				"cannot append: orders of now are forgotten if the gate ends "
				"before the disk takes them",
				done);
		return;
	}
	if (!g->sync_wanted) {
		g->sync_wanted = true;
		loop_timer_once(g->sync_timer, SYNC_MS);
	}
}

static void sync_due(void *ctx)
{
	struct gate *g = ctx;
	int fds[2];

	if (!syncer_is_idle(g->syncer)) {
		return; /* its end looks again */
	}
	g->sync_wanted = false;
	g->rewriting_now = journal_is_rewriting(g->journal);
	journal_sync_fds(g->journal, fds);
	syncer_begin(g->syncer, fds);
}

static void end_rewrite(struct gate *g)
{
	struct errmsg err = {.text = ""};

	if (!journal_is_rewriting(g->journal)) {
		return;
	}
	int r = journal_rewrite_finish(g->journal, &err);
	if (r < 0) {
		journal_trouble(g, err.text, r);
	} else if (g->said_journal) {
		g->said_journal = false;
		LOG_EVENT(&g->child->log, LOG_LEVEL_NOTICE, "gate.journal_whole",
			  F_U64("bytes", journal_bytes(g->journal)));
	}
}

static void sync_ended(int fd, unsigned ready, void *ctx)
{
	struct gate *g = ctx;

	(void)fd;
	(void)ready;
	int r = syncer_result(g->syncer);
	if (r < 0) {
		journal_distrust(g->journal);
		journal_trouble(g, "the disk did not take it", r);
	} else if (g->rewriting_now) {
		end_rewrite(g);
	}
	if (g->sync_wanted) {
		sync_due(g);
	}
}

static const char *network_name(const struct gate *g, const struct wish *x)
{
	uint16_t network = x->order.source.network;
	const struct policy *p = g->child->policy;

	return network < p->network_count ? p->networks[network].name : "";
}

static struct journal_record record_of(const struct gate *g, const struct wish *x,
				       enum journal_type type)
{
	return (struct journal_record){
		.type = type,
		.origin = x->order.origin,
		.seq = x->order.seq,
		.state = x->state,
		.network = str_of(network_name(g, x)),
		.order = x->order,
	};
}

static void note(struct gate *g, const struct wish *x, enum journal_type type)
{
	struct journal_record r = record_of(g, x, type);

	gate_note(g, &r);
}

static int rewrite_wish(struct gate *g, const struct wish *x)
{
	struct journal_record r = record_of(g, x, JOURNAL_ORDER);
	int done = journal_rewrite_add(g->journal, &r);

	if (done == 0 && x->committed) {
		r.type = JOURNAL_COMMITTED;
		done = journal_rewrite_add(g->journal, &r);
	}
	if (done == 0 && x->over) {
		r.type = JOURNAL_OVER;
		done = journal_rewrite_add(g->journal, &r);
	}
	return done;
}

/* Write anew what still counts. Later appends go to both files until the new one is on the disk. */
static void rewrite(struct gate *g)
{
	struct errmsg err = {.text = ""};
	int r = journal_rewrite_begin(g->journal, &err);

	g->rewriting_now = false; /* a sync under way is not of this file */
	for (unsigned i = 0; i < ORIGIN_COUNT && r == 0; i++) {
		struct journal_record last = {.type = JOURNAL_LAST,
					      .origin = (enum order_origin)i,
					      .seq = g->wishes.last_seq[i]};
		r = journal_rewrite_add(g->journal, &last);
	}
	for (struct list *at = g->wishes.all.next; at != &g->wishes.all && r == 0; at = at->next) {
		r = rewrite_wish(g, CONTAINER_OF(at, struct wish, all));
	}
	if (r < 0) {
		journal_rewrite_cancel(g->journal);
		journal_trouble(g, "cannot write the journal anew", r);
		return;
	}
	journal_rewrite_ready(g->journal);
	g->sync_wanted = true;
	loop_timer_once(g->sync_timer, SYNC_MS);
}

static void maybe_rewrite(struct gate *g)
{
	size_t live = 0;

	if (journal_bytes(g->journal) < REWRITE_MIN || journal_is_rewriting(g->journal)) {
		return;
	}
	for (struct list *at = g->wishes.all.next; at != &g->wishes.all; at = at->next) {
		live += CONTAINER_OF(at, struct wish, all)->blob_len;
	}
	if (journal_bytes(g->journal) / 3 > live) {
		rewrite(g);
	}
}

/* The network of a stored order by its name, or where its source is now. */
static uint16_t network_now(const struct policy *p, const struct journal_record *r)
{
	for (size_t i = 0; i < p->network_count; i++) {
		if (str_is_equal(str_of(p->networks[i].name), r->network)) {
			return (uint16_t)i;
		}
	}
	return policy_find_network(p, &r->order.source.prefix.addr);
}

static void replay(void *ctx, const struct journal_record *r)
{
	struct gate *g = ctx;
	struct wish *x = wishes_find(&g->wishes, r->origin, r->seq);

	if (r->type == JOURNAL_LAST) {
		g->wishes.last_seq[r->origin] = r->seq;
	} else if (r->type == JOURNAL_ORDER) {
		struct order o = r->order;
		uint64_t *last = &g->wishes.last_seq[r->origin];
		uint64_t before = *last;
		o.source.network = network_now(g->child->policy, r);
		/* In a file written anew the last numbers come before the orders. */
		*last = r->seq - 1;
		if (wishes_take(&g->wishes, &o, wall_now(), false, &x) == WISH_NEW) {
			wishes_owe(&g->wishes, x, OWES_JOURNALED | wish_report_bits(x));
		}
		*last = before > r->seq ? before : r->seq;
	} else if (r->type == JOURNAL_OVER && x != NULL) {
		wishes_end(&g->wishes, x, r->state, wall_now());
		wishes_forget(&g->wishes, x);
	} else if (r->type == JOURNAL_COMMITTED && x != NULL) {
		wish_paid(x, x->owes);
		wishes_commit(&g->wishes, x);
	}
}

/* --- orders -------------------------------------------------------------------------------- */

void gate_settle(struct gate *g, struct wish *x)
{
	if (wish_settle(&g->wishes, x, wall_now())) {
		wishes_owe(&g->wishes, x, wish_report_bits(x));
	}
}

static void take_order(struct gate *g, enum process from, struct str body)
{
	struct mono begin = mono_now();
	struct order o;
	struct wish *x = NULL;

	if (order_decode(body.ptr, body.len, &o) < 0 || o.seq == 0 ||
	    o.origin != (from == PROCESS_JUDGE ? ORIGIN_JUDGE : ORIGIN_DESK)) {
		child_bad(g->child, from);
		return;
	}
	enum wish_taken taken = wishes_take(&g->wishes, &o, wall_now(), g->panic, &x);
	if (taken == WISH_NEW) {
		g->orders++;
		note(g, x, JOURNAL_ORDER);
		if (x->state == ORDER_REFUSED) {
			note(g, x, JOURNAL_OVER);
		}
		(void)gate_apply(g);
		x->apply_us = (uint32_t)((mono_now().ns - begin.ns) / NS_PER_US);
		gate_settle(g, x);
		wishes_owe(&g->wishes, x, OWES_JOURNALED | wish_report_bits(x));
	} else if (taken == WISH_KNOWN) {
		wishes_owe(&g->wishes, x, wish_report_bits(x));
	} else if (taken == WISH_FULL) {
		journal_trouble(g, "no room for more orders", -ENOSPC);
	}
	gate_pump(g);
}

static void take_passed(struct gate *g, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	struct source_key source;

	wire_get_source(&c, &source);
	struct wall at = {cur_int(&c, 8)};
	if (cur_end(&c) < 0 || at.ns < 0 || at.ns > wall_now().ns) {
		child_bad(g->child, PROCESS_JUDGE);
		return;
	}
	struct wish *x = wishes_passed(&g->wishes, &source, at);
	if (x == NULL) {
		return;
	}
	g->passed++;
	bool is_news = x->state != ORDER_INERT;
	gate_settle(g, x);
	if (is_news && x->state == ORDER_INERT) {
		char text[ADDR_TEXT_SIZE];
		LOG_EVENT(&g->child->log, LOG_LEVEL_ERROR, "gate.inert",
			  F_CSTR("source", source_format(&source, text)),
			  F_U64("seq", x->order.seq));
	}
	gate_pump(g);
}

static void order_ended(void *ctx, struct wish *x)
{
	note(ctx, x, JOURNAL_OVER);
}

static void take_committed(struct gate *g, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	enum order_origin origin = (enum order_origin)cur_uint(&c, 1, ORIGIN_COUNT - 1);
	uint64_t seq = cur_uint(&c, 8, UINT64_MAX);

	if (cur_end(&c) < 0) {
		child_bad(g->child, PROCESS_DESK);
		return;
	}
	struct wish *x = wishes_find(&g->wishes, origin, seq);
	if (x != NULL && !x->committed) {
		note(g, x, JOURNAL_COMMITTED);
		wishes_commit(&g->wishes, x);
		maybe_rewrite(g);
	}
}

/* The desk says what it has; the rest is told to it. */
static void take_orders_after(struct gate *g, struct str body)
{
	struct cur c = cur_of(body.ptr, body.len);
	uint64_t after[ORIGIN_COUNT];

	for (size_t i = 0; i < ORIGIN_COUNT; i++) {
		after[i] = cur_uint(&c, 8, UINT64_MAX);
	}
	if (cur_end(&c) < 0) {
		child_bad(g->child, PROCESS_DESK);
		return;
	}
	g->desk_asked = true;
	for (struct list *at = g->wishes.all.next; at != &g->wishes.all; at = at->next) {
		struct wish *x = CONTAINER_OF(at, struct wish, all);
		bool has_it = x->committed && x->order.seq <= after[x->order.origin];
		/* Its state may have been on its way when the desk died. */
		wishes_owe(&g->wishes, x, (has_it ? 0 : OWES_JOURNALED) | OWES_DESK_REPORT);
	}
	gate_pump(g);
}

/* --- sessions ------------------------------------------------------------------------------ */

static int ask_tap(void *ctx, struct str body)
{
	struct gate *g = ctx;

	return child_send(g->child, PROCESS_TAP, MSG_FLOWS_WANTED, body);
}

static void cut_done(void *ctx, enum order_origin origin, uint64_t seq, uint32_t ended)
{
	struct gate *g = ctx;
	struct wish *x = wishes_find(&g->wishes, origin, seq);

	if (x != NULL) {
		x->sessions_ended += ended;
		wishes_owe(&g->wishes, x, wish_report_bits(x));
	}
}

static const struct cutter_ops cutter_ops = {.ask = ask_tap, .done = cut_done};

/* --- timers -------------------------------------------------------------------------------- */

static void watch_due(void *ctx)
{
	struct gate *g = ctx;

	wishes_expire(&g->wishes, wall_now(), order_ended, g);
	gate_watch(g);
	gate_pump(g);
	if (journal_is_short(g->journal) && !journal_is_rewriting(g->journal) &&
	    g->ticks % RETRY_EVERY == 0) {
		rewrite(g);
	}
	if (g->ticks % STATS_EVERY == 0) {
		gate_send_stats(g);
	}
}

static void pump_due(void *ctx)
{
	gate_pump(ctx);
}

/* --- life ---------------------------------------------------------------------------------- */

static int gate_open(struct child *c, void **ret_ctx, struct errmsg *reterr)
{
	static struct gate gate; /* one process, one gate */

	gate.child = c;
	int n = snprintf(gate.panic_path, sizeof(gate.panic_path), "%s/panic",
			 c->policy->state_dir);
	if (n < 0 || (size_t)n >= sizeof(gate.panic_path)) {
		return err_set(reterr, -ENAMETOOLONG, "state_dir is too long");
	}
	if (enforce_find(str_of(c->policy->gate_backend)) == NULL) {
		return err_set(reterr, -ENOENT, "no gate backend '%s'", c->policy->gate_backend);
	}
	*ret_ctx = &gate;
	return 0;
}

static int start_timers(struct gate *g)
{
	struct loop *l = g->child->loop;

	g->sync_ended = loop_fd(l, syncer_fd(g->syncer), LOOP_READ, sync_ended, g);
	g->sync_timer = loop_timer(l, sync_due, g);
	g->watch_timer = loop_timer(l, watch_due, g);
	g->pump_timer = loop_timer(l, pump_due, g);
	if (g->sync_ended == NULL || g->sync_timer == NULL || g->watch_timer == NULL ||
	    g->pump_timer == NULL) {
		return -ENOMEM;
	}
	loop_timer_every(g->watch_timer, GATE_WATCH_MS);
	return 0;
}

static void say_journal(const struct gate *g, const struct journal_scan *s)
{
	enum log_level level = s->torn_bytes + s->damaged > 0 ? LOG_LEVEL_WARNING
							      : LOG_LEVEL_NOTICE;

	LOG_EVENT(&g->child->log, level, "gate.journal_read", F_U64("records", s->records),
		  F_U64("torn_bytes", s->torn_bytes), F_U64("damaged", s->damaged),
		  F_U64("orders", map_count(g->wishes.wishes)));
}

static int gate_start(void *ctx, struct errmsg *reterr)
{
	struct gate *g = ctx;
	struct enforce_opts opts = {.policy = g->child->policy};
	struct journal_scan scan;

	int r = wishes_init(&g->wishes, g->child->policy);
	if (r == 0) {
		r = cutter_init(&g->cutter, g->child->policy, g->child->loop, &cutter_ops, g);
	}
	if (r < 0) {
		return err_set(reterr, r, "no memory for the gate");
	}
	r = journal_open(g->child->state_dir, replay, g, &g->journal, &scan, reterr);
	if (r == 0) {
		say_journal(g, &scan);
		r = syncer_start(&g->syncer, reterr);
	}
	if (r == 0 && start_timers(g) < 0) {
		r = err_set(reterr, -ENOMEM, "no memory for the gate's timers");
	}
	if (r == 0) {
		r = enforce_open(&g->enforcer, str_of(g->child->policy->gate_backend), &opts,
				 reterr);
	}
	if (r == 0 && g->enforcer.ops == &enforce_nft) {
		r = poke_open(&g->cutter.poke, reterr);
	}
	if (r == 0) {
		wishes_expire(&g->wishes, wall_now(), order_ended, g);
		gate_watch(g); /* panic, or the table */
		maybe_rewrite(g);
	}
	return r;
}

static void gate_received(void *ctx, enum process from, const struct chan_msg *m)
{
	struct gate *g = ctx;

	if (m->type == MSG_ORDER && (from == PROCESS_JUDGE || from == PROCESS_DESK)) {
		take_order(g, from, m->body);
	} else if (m->type == MSG_PASSED && from == PROCESS_JUDGE) {
		take_passed(g, m->body);
	} else if (m->type == MSG_ORDER_COMMITTED && from == PROCESS_DESK) {
		take_committed(g, m->body);
	} else if (m->type == MSG_ORDERS_AFTER && from == PROCESS_DESK) {
		take_orders_after(g, m->body);
	} else if (m->type == MSG_FLOWS && from == PROCESS_TAP) {
		if (!cutter_answer(&g->cutter, m->body)) {
			child_bad(g->child, from);
		}
	} else {
		child_bad(g->child, from);
	}
}

static void gate_peer_up(void *ctx, enum process peer)
{
	struct gate *g = ctx;

	if (peer == PROCESS_JUDGE || peer == PROCESS_DESK) {
		gate_hello(g, peer);
		gate_pump(g);
	}
}

static void gate_peer_down(void *ctx, enum process peer)
{
	struct gate *g = ctx;

	if (peer == PROCESS_DESK) {
		g->desk_asked = false;
	}
}

static void gate_stop(void *ctx)
{
	struct gate *g = ctx;
	int fds[2];

	gate_pump(g);
	if (g->syncer != NULL && g->journal != NULL) {
		syncer_stop(g->syncer); /* then what came since */
		if (journal_is_short(g->journal)) {
			rewrite(g);
		}
		journal_sync_fds(g->journal, fds);
		for (size_t i = 0; i < COUNT_OF(fds); i++) {
			if (fds[i] >= 0 && fdatasync(fds[i]) < 0) {
				journal_trouble(g, "the disk did not take it", -errno);
				journal_distrust(g->journal);
			}
		}
		end_rewrite(g);
	}
	enforce_close(&g->enforcer); /* the table stays */
}

const struct child_spec gate_child = {
	.process = PROCESS_GATE,
	.name = "gate",
	.user = "_postern-gate",
	.caps = SANDBOX_CAP_NET_ADMIN | SANDBOX_CAP_NET_RAW,
	.profile = SANDBOX_NETLINK,
	.open = gate_open,
	.start = gate_start,
	.received = gate_received,
	.peer_up = gate_peer_up,
	.peer_down = gate_peer_down,
	.stop = gate_stop,
};

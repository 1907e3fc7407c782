/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_child: the process around core/judge: observations of the tap in, orders to the gate out
 * in the same turn of the loop, snapshots to the desk, a checkpoint on disk. Layer: daemon.
 *
 * It may be killed at any time: orders that the gate holds stay in the kernel, and the sums of the
 * last checkpoint come back.
 */
#include "base/assert.h"
#include "base/cur.h"
#include "base/jsonw.h"
#include "conf/weights.h"
#include "core/judge_filter.h"
#include "core/replay.h"
#include "core/wire.h"
#include "daemon/child.h"
#include "daemon/judge/checkpoint.h"
#include "daemon/judge/f0_stats.h"
#include "daemon/judge/outbox.h"
#include "daemon/judge/replay_files.h"
#include "sys/entropy.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

/* How often, in ms. A checkpoint that took long waits ten times as long for the next. */
#define TICK_MS 1000
#define STATS_MS 5000
#define CHECKPOINT_MS 2000
#define CHECKPOINT_PART_MS 1
#define CHECKPOINT_REST_TIMES 10
/* Snapshots sent to the desk in one second; more wait for the next. */
#define SOURCES_PER_TICK 4096
#define STATS_BYTES_MAX (48 * 1024)

struct judge_process {
	struct child *child;
	struct judge_opts opts;
	struct judge *judge;
	struct outbox *outbox;
	struct checkpoint checkpoint;
	struct replay_files replays;
	struct buf replay; /* the file being made */
	struct loop_event *tick;
	struct loop_event *stats;
	struct loop_event *save; /* the next part, or the next checkpoint */
	struct mono save_began;
	bool is_saving;
	bool is_dirty;          /* something changed since the last checkpoint began */
	bool is_save_failing;   /* said once */
	bool is_replay_failing; /* said once */
	uint64_t bad_messages;
	uint64_t orders;
	struct message_obs waiting[JUDGE_BATCH_MAX]; /* of the tap, within one run of its channel */
	size_t waiting_count;
};

/* ---- to the others ---- */

static int send_order(void *ctx, struct str body)
{
	struct judge_process *p = ctx;

	return child_send(p->child, PROCESS_GATE, MSG_ORDER, body);
}

static bool send_proof(struct judge_process *p, enum msg_type type, const struct proof *proof)
{
	uint8_t body[PROOF_ENCODED_MAX];
	int n = proof_encode(proof, body, sizeof(body));

	return n > 0 && child_send(p->child, PROCESS_DESK, type,
				   (struct str){(const char *)body, (size_t)n}) == 0;
}

static void send_brake(struct judge_process *p)
{
	uint8_t body[9];
	struct enc e = enc_of(body, sizeof(body));
	struct judge_stats st;

	judge_stats(p->judge, &st);
	enc_uint(&e, 1, st.is_braked);
	enc_uint(&e, 4, st.blocks_in_window);
	enc_uint(&e, 4, p->opts.policy->decision.brake_window_s);
	int n = enc_end(&e);
	ASSERT(n == sizeof(body));
	/* A desk that is not there asks by coming back (peer_up). */
	(void)!child_send(p->child, PROCESS_DESK, MSG_BRAKE,
			  (struct str){(const char *)body, sizeof(body)});
}

/* What the verdict follows from, for `postern replay`. After the order: mail is stopped first. */
static void keep_replay(struct judge_process *p, const struct judge_event *e)
{
	buf_clear(&p->replay);
	if (!judge_log_of(p->judge, &e->proof, &p->replay)) {
		return;
	}
	int r = replay_files_add(&p->replays, buf_str(&p->replay));
	if (r < 0 && !p->is_replay_failing) {
		LOG_EVENT(&p->child->log, LOG_LEVEL_ERROR, "judge.replay_failed",
			  F_I64("errno", -r));
	}
	p->is_replay_failing = r < 0;
}

static void say_moved(struct judge_process *p, const struct judge_event *e)
{
	/* Up to watch nothing changes in the kernel: the desk sees it in the snapshot. */
	if (e->rung <= RUNG_WATCH && e->from <= RUNG_WATCH) {
		return;
	}
	p->orders++;
	if (outbox_give(p->outbox, e, wall_now()) < 0) {
		LOG_EVENT(&p->child->log, LOG_LEVEL_ERROR, "judge.order_lost",
			  F_CSTR("why", "no memory"));
	}
	if (e->rung >= RUNG_THROTTLE && e->rung > e->from) {
		keep_replay(p, e);
	}
}

/* The gate knows since when its rules should have stopped it. */
static void send_passed(struct judge_process *p, const struct judge_event *e)
{
	uint8_t body[PASSED_ENCODED_MAX];
	struct enc enc = enc_of(body, sizeof(body));

	wire_put_source(&enc, &e->source);
	enc_uint(&enc, 8, (uint64_t)e->time.ns);
	int n = enc_end(&enc);
	ASSERT(n > 0);
	/* Where the gate is away no rule changes; the next connection is said again. */
	(void)!child_send(p->child, PROCESS_GATE, MSG_PASSED,
			  (struct str){(const char *)body, (size_t)n});
}

static void say_events(struct judge_process *p)
{
	struct judge_event e;
	bool moved = false;

	while (judge_event_next(p->judge, &e)) {
		switch (e.type) {
		case JUDGE_MOVED:
			say_moved(p, &e);
			moved = true;
			break;
		case JUDGE_SPIKE:
			(void)send_proof(p, MSG_SPIKE, &e.proof);
			break;
		case JUDGE_BRAKE_ON:
		case JUDGE_BRAKE_OFF:
			LOG_EVENT(&p->child->log, LOG_LEVEL_WARNING, "judge.brake",
				  F_U64("on", e.type == JUDGE_BRAKE_ON), F_U64("blocks", e.blocks));
			send_brake(p);
			break;
		case JUDGE_GUARD_ON:
		case JUDGE_GUARD_OFF:
			LOG_EVENT(&p->child->log, LOG_LEVEL_WARNING, "judge.filter_guard",
				  F_U64("on", e.type == JUDGE_GUARD_ON));
			break;
		case JUDGE_PASSED:
			send_passed(p, &e);
			break;
		case JUDGE_EVENT_COUNT:
			break;
		}
	}
	p->is_dirty = true;
	if (moved && !p->is_saving) {
		loop_timer_once(p->save, CHECKPOINT_PART_MS); /* a move is worth keeping at once */
	}
}

static void send_sources(struct judge_process *p)
{
	struct source_key k;
	struct proof proof;

	if (p->child->peers[PROCESS_DESK] == NULL) {
		return;
	}
	for (unsigned i = 0; i < SOURCES_PER_TICK && judge_changed_next(p->judge, &k); i++) {
		if (judge_proof_of(p->judge, &k, &proof) && !send_proof(p, MSG_SOURCE, &proof)) {
			return;
		}
	}
}

/* ---- in time ---- */

static void tick(void *ctx)
{
	struct judge_process *p = ctx;

	judge_tick(p->judge, wall_now());
	say_events(p);
	outbox_flush(p->outbox);
	send_sources(p);
}

static void save(void *ctx)
{
	struct judge_process *p = ctx;
	struct errmsg err = {.text = ""};

	if (!p->is_saving && !p->is_dirty) {
		loop_timer_once(p->save, CHECKPOINT_MS);
		return;
	}
	if (!p->is_saving) {
		p->is_saving = true;
		p->is_dirty = false;
		p->save_began = mono_now();
	}
	int r = checkpoint_step(&p->checkpoint, p->judge, outbox_seq(p->outbox), &err);
	if (r == 0) {
		loop_timer_once(p->save, CHECKPOINT_PART_MS);
		return;
	}
	p->is_saving = false;
	if (r < 0 && !p->is_save_failing) {
		LOG_EVENT(&p->child->log, LOG_LEVEL_ERROR, "judge.checkpoint_failed",
			  F_CSTR("why", err.text));
	}
	p->is_save_failing = r < 0;
	int64_t took_ms = (mono_now().ns - p->save_began.ns) / NS_PER_MS;
	int64_t rest_ms = took_ms * CHECKPOINT_REST_TIMES;
	loop_timer_once(p->save, rest_ms > CHECKPOINT_MS ? (uint32_t)rest_ms : CHECKPOINT_MS);
}

static void write_stats(struct judge_process *p, struct jsonw *w)
{
	struct judge_stats st;

	judge_stats(p->judge, &st);
	jsonw_object(w, NULL);
	jsonw_u64(w, "messages", st.messages);
	jsonw_u64(w, "sessions", st.sessions);
	jsonw_u64(w, "one_sided", st.one_sided);
	jsonw_u64(w, "opinions", st.opinions);
	jsonw_u64(w, "opinions_late", st.opinions_late);
	jsonw_u64(w, "sources", st.sources);
	jsonw_u64(w, "sources_active", st.active);
	jsonw_u64(w, "sources_forgotten", st.forgotten);
	for (unsigned i = RUNG_WATCH; i < RUNG_COUNT; i++) {
		static const char *const names[] = {"", "on_watch", "on_throttle", "on_divert",
						    "on_block"};
		static_assert(COUNT_OF(names) == RUNG_COUNT, "a name for every rung");
		jsonw_u64(w, names[i], st.by_rung[i]);
	}
	jsonw_bool(w, "brake", st.is_braked);
	jsonw_u64(w, "brake_blocks", st.blocks_in_window);
	jsonw_u64(w, "brake_limit", st.brake_limit);
	jsonw_bool(w, "filter_guard", st.is_guarded);
	jsonw_micro(w, "flagged_median", st.flagged_median_ppm, 3);
	jsonw_micro(w, "flagged_limit", st.flagged_limit_ppm, 3);
	jsonw_micro(w, "h", st.h_micro, 3);
	jsonw_micro(w, "h2", st.h2_micro, 3);
	/* Healthy sources alarmed in 10,000 trials of every kind, at most: a share. */
	jsonw_micro(w, "false_alarms_promise", (int64_t)st.false_alarms_ppm, 6);
	f0_stats_write(p->judge, p->opts.policy, w);
	jsonw_bool(w, "f0_learns", p->opts.learns_f0);
	jsonw_u64(w, "orders", p->orders);
	jsonw_u64(w, "orders_waiting", outbox_count(p->outbox));
	jsonw_u64(w, "orders_lost", outbox_lost(p->outbox));
	jsonw_u64(w, "order_seq", outbox_seq(p->outbox));
	jsonw_u64(w, "bad_messages", p->bad_messages);
	jsonw_bool(w, "checkpoint_failing", p->is_save_failing);
	jsonw_object_end(w);
}

static void send_stats(void *ctx)
{
	struct judge_process *p = ctx;
	struct buf body;
	struct jsonw w = jsonw_of(&body);

	buf_init(&body, STATS_BYTES_MAX);
	buf_add_char(&body, (char)PROCESS_JUDGE);
	write_stats(p, &w);
	if (buf_end(&body) == 0) {
		(void)!child_send(p->child, PROCESS_DESK, MSG_STATS, buf_str(&body));
	}
	buf_done(&body);
}

/* ---- from the others ---- */

/* What each one moves is said before the next: it is told with the state that it came from. */
static void take_waiting(struct judge_process *p)
{
	judge_ahead(p->judge, p->waiting, p->waiting_count);
	for (size_t i = 0; i < p->waiting_count; i++) {
		judge_message(p->judge, &p->waiting[i]);
		say_events(p);
	}
	p->waiting_count = 0;
}

static void paused(void *ctx, enum process from)
{
	(void)from;
	take_waiting(ctx);
}

static bool from_tap(struct judge_process *p, const struct chan_msg *m)
{
	struct session_obs session;

	switch (m->type) {
	case MSG_MESSAGE_OBS:
		if (message_obs_decode(m->body.ptr, m->body.len, &p->waiting[p->waiting_count]) <
		    0) {
			return false;
		}
		if (++p->waiting_count == JUDGE_BATCH_MAX) {
			take_waiting(p);
		}
		return true;
	case MSG_SESSION_OBS:
		if (session_obs_decode(m->body.ptr, m->body.len, &session) < 0) {
			return false;
		}
		take_waiting(p); /* they came before */
		judge_session(p->judge, &session);
		say_events(p);
		return true;
	default:
		return false;
	}
}

static bool from_gate(struct judge_process *p, const struct chan_msg *m)
{
	struct cur c = cur_of(m->body.ptr, m->body.len);
	struct order_report report;
	uint64_t last[ORIGIN_COUNT];

	switch (m->type) {
	case MSG_GATE_HELLO:
		for (unsigned i = 0; i < ORIGIN_COUNT; i++) {
			last[i] = cur_uint(&c, 8, INT64_MAX);
		}
		if (cur_end(&c) < 0) {
			return false;
		}
		outbox_hello(p->outbox, last[ORIGIN_JUDGE]);
		return true;
	case MSG_ORDER_REPORT:
		if (order_report_decode(m->body.ptr, m->body.len, &report) < 0 ||
		    report.origin != ORIGIN_JUDGE) {
			return false;
		}
		outbox_confirm(p->outbox, report.seq);
		return true;
	default:
		return false;
	}
}

static bool from_desk(struct judge_process *p, const struct chan_msg *m)
{
	struct cur c = cur_of(m->body.ptr, m->body.len);
	struct source_key k;

	if (m->type == MSG_OPINION) {
		struct opinion_obs o;
		if (opinion_obs_decode(m->body.ptr, m->body.len, &o) < 0) {
			return false;
		}
		judge_opinion(p->judge, &o);
		say_events(p);
		return true;
	}
	if (m->type == MSG_BRAKE_LIFT) {
		judge_brake_lift(p->judge, wall_now());
		say_events(p);
		return true;
	}
	wire_get_source(&c, &k);
	if (m->type == MSG_STANDING) {
		enum rung rung = (enum rung)cur_uint(&c, 1, RUNG_COUNT - 1);
		enum giver giver = (enum giver)cur_uint(&c, 1, GIVER_COUNT - 1);
		struct wall until = {cur_int(&c, 8)};
		if (cur_end(&c) < 0) {
			return false;
		}
		judge_standing(p->judge, &k, rung, giver, until);
	} else if (m->type == MSG_PARDON) {
		struct wall until = {cur_int(&c, 8)};
		if (cur_end(&c) < 0) {
			return false;
		}
		judge_pardon(p->judge, &k, until);
	} else {
		return false;
	}
	say_events(p);
	return true;
}

static void received(void *ctx, enum process from, const struct chan_msg *m)
{
	struct judge_process *p = ctx;
	bool good = false;

	switch (from) {
	case PROCESS_TAP:
		good = from_tap(p, m);
		break;
	case PROCESS_GATE:
		good = from_gate(p, m);
		break;
	case PROCESS_DESK:
		good = from_desk(p, m);
		break;
	case PROCESS_JUDGE:
	case PROCESS_COUNT:
		break;
	}
	if (!good) {
		p->bad_messages++;
		child_bad(p->child, from);
	}
}

static void peer_up(void *ctx, enum process peer)
{
	struct judge_process *p = ctx;

	if (peer == PROCESS_DESK) {
		send_brake(p);
		send_stats(p);
	}
}

static void peer_down(void *ctx, enum process peer)
{
	struct judge_process *p = ctx;

	if (peer == PROCESS_GATE) {
		outbox_gone(p->outbox);
	}
}

/* ---- life ---- */

/* The rates of the weights that the tap scores with. Read now: later no file outside the own
 * folder can be. */
static struct judge_filter load_filter(struct child *c)
{
	struct errmsg err = {.text = ""};
	struct scorer *scorer = NULL;
	struct judge_filter f;

	if (weights_load(NULL, &scorer, &err) < 0) {
		LOG_EVENT(&c->log, LOG_LEVEL_WARNING, "judge.no_weights", F_CSTR("why", err.text));
		return judge_filter_of(NULL);
	}
	struct score_rates rates = scorer_rates(scorer);
	f = judge_filter_of(&rates);
	scorer_free(scorer);
	return f;
}

static int open_judge(struct child *c, void **ret_ctx, struct errmsg *reterr)
{
	struct judge_process *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	p->child = c;
	p->opts = (struct judge_opts){
		.policy = c->policy,
		.filter = load_filter(c),
		.has_prior = true,
		.learns_f0 = c->policy->learn_f0,
	};
	*ret_ctx = p;
	return 0;
}

static int start_timers(struct judge_process *p, struct errmsg *reterr)
{
	struct loop *l = p->child->loop;

	p->tick = loop_timer(l, tick, p);
	p->stats = loop_timer(l, send_stats, p);
	p->save = loop_timer(l, save, p);
	if (p->tick == NULL || p->stats == NULL || p->save == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	loop_timer_every(p->tick, TICK_MS);
	loop_timer_every(p->stats, STATS_MS);
	loop_timer_once(p->save, CHECKPOINT_MS);
	return 0;
}

static int start(void *ctx, struct errmsg *reterr)
{
	struct judge_process *p = ctx;
	struct errmsg err = {.text = ""};
	uint64_t seq = 0;

	p->opts.key = entropy_siphash_key();
	p->judge = judge_new(&p->opts, reterr);
	p->outbox = outbox_new(&p->opts.key, send_order, p);
	if (p->judge == NULL || p->outbox == NULL) {
		return p->judge == NULL ? -EINVAL : err_set(reterr, -ENOMEM, "no memory");
	}
	buf_init(&p->replay, REPLAY_FILE_MAX);
	int r = replay_files_init(&p->replays, p->child->state_dir, reterr);
	if (r == 0) {
		r = checkpoint_init(&p->checkpoint, p->child->state_dir, reterr);
	}
	if (r < 0) {
		return r;
	}
	r = checkpoint_read(&p->checkpoint, p->judge, &seq, &err);
	if (r < 0) {
		/* Sums start anew; blocks stay, they are the gate's. */
		LOG_EVENT(&p->child->log, LOG_LEVEL_WARNING, "judge.checkpoint_refused",
			  F_CSTR("why", err.text));
	}
	outbox_set_seq(p->outbox, seq);
	return start_timers(p, reterr);
}

static void stop(void *ctx)
{
	struct judge_process *p = ctx;
	struct errmsg err = {.text = ""};

	if (p->judge == NULL || p->outbox == NULL) {
		return;
	}
	send_sources(p);
	if (checkpoint_write(&p->checkpoint, p->judge, outbox_seq(p->outbox), &err) < 0) {
		LOG_EVENT(&p->child->log, LOG_LEVEL_ERROR, "judge.checkpoint_failed",
			  F_CSTR("why", err.text));
	}
	checkpoint_done(&p->checkpoint);
	buf_done(&p->replay);
	judge_free(p->judge);
	outbox_free(p->outbox);
}

const struct child_spec judge_child = {
	.process = PROCESS_JUDGE,
	.name = "judge",
	.user = "_postern-judge",
	.profile = SANDBOX_FILES,
	.open = open_judge,
	.start = start,
	.received = received,
	.paused = paused,
	.peer_up = peer_up,
	.peer_down = peer_down,
	.stop = stop,
};

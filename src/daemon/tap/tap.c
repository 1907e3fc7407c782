/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap: the process that reads the wire: frames, streams, SMTP, mail, scores; observations out.
 *
 * Hostile octets are parsed here, where there is nothing to steal: after its start the process
 * has its capture sockets, the channels, and nothing else. Layer: daemon.
 */
#include "base/assert.h"
#include "base/cur.h"
#include "base/jsonw.h"
#include "conf/weights.h"
#include "core/tracker.h"
#include "core/wire.h"
#include "daemon/child.h"
#include "daemon/tap/links.h"
#include "daemon/tap/reports.h"
#include "daemon/tap/ports.h"
#include "daemon/tap/sampler.h"
#include "daemon/tap/url_lists.h"
#include "sys/entropy.h"
#include "sys/fd.h"
#include "sys/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define TICK_MS 500
#define STATS_TICKS 10
#define STATS_BYTES_MAX 65536
/* Flows of one source in one answer; the gate asks again while any are left. */
#define FLOWS_ANSWER_MAX 2000
#define FLOW_BYTES 38
static_assert(10 + FLOWS_ANSWER_MAX * FLOW_BYTES <= CHAN_BODY_MAX, "one message");

struct tap {
	struct child *child;
	struct links *links;
	struct ports *ports;
	struct tracker *tracker;
	struct scorer *scorer;
	struct url_lists lists;
	struct sampler sampler;
	struct reports *reports;
	struct siphash_key rcpt_key;
	struct loop_event *links_event;
	struct loop_event *timer;
	unsigned ticks;
};

/* ---- from the tracker ---- */

static void on_message(void *ctx, const struct tracked_message *m)
{
	struct tap *t = ctx;

	if (m->session->direction == DIRECTION_INBOUND) {
		return;
	}
	unsigned services = m->head.len > 0 ? sampler_choose(&t->sampler, m->obs) : 0;
	struct message_obs obs = *m->obs;
	obs.is_asked = services != 0;
	reports_message(t->reports, &obs);
	if (services != 0) {
		reports_ask(t->reports, m, services);
	}
	uint16_t network = m->obs->source.network;
	bool may_keep = network != NETWORK_NONE &&
			t->child->policy->networks[network].content == CONTENT_ALL;
	if (m->obs->flagged && may_keep) {
		reports_sample(t->reports, m);
	}
}

static void on_session(void *ctx, const struct tracked_session *s)
{
	(void)ctx;
	(void)s;
}

static void on_session_obs(void *ctx, const struct session_obs *o)
{
	struct tap *t = ctx;

	reports_session(t->reports, o);
}

static const struct tracker_ops tracker_ops = {
	.message = on_message,
	.session = on_session,
	.session_obs = on_session_obs,
};

/* Reasons cost three times the score, and are wanted for samples only. */
static void score_message(void *ctx, const struct mail_view *mail, struct score *ret)
{
	struct tap *t = ctx;

	scorer_score_mail(t->scorer, mail, false, ret);
	if (ret->flagged) {
		scorer_score_mail(t->scorer, mail, true, ret);
	}
	url_lists_match(&t->lists, mail, ret);
}

static void on_frame(void *ctx, const struct tracker_port *port, const struct ring_frame *f,
		     int link)
{
	struct tap *t = ctx;

	tracker_frame(t->tracker, link, f->octets, f->wire_len, f->time, port);
}

/* ---- from the others ---- */

struct flows_answer {
	struct enc out;
	size_t count;
};

static bool add_flow(void *ctx, const struct addr *client, uint16_t sport,
		     const struct addr *destination, uint16_t dport)
{
	struct flows_answer *a = ctx;

	wire_put_addr(&a->out, client);
	enc_uint(&a->out, 2, sport);
	wire_put_addr(&a->out, destination);
	enc_uint(&a->out, 2, dport);
	a->count++;
	return a->count < FLOWS_ANSWER_MAX;
}

static void answer_flows(struct tap *t, enum process from, struct str body)
{
	static char flows[FLOWS_ANSWER_MAX * FLOW_BYTES];
	static char answer[10 + FLOWS_ANSWER_MAX * FLOW_BYTES];
	struct cur c = cur_of(body.ptr, body.len);
	struct source_key source;

	uint64_t token = cur_uint(&c, 8, UINT64_MAX);
	wire_get_source(&c, &source);
	if (cur_end(&c) < 0) {
		child_bad(t->child, from);
		return;
	}
	struct flows_answer a = {.out = enc_of(flows, sizeof(flows))};
	tracker_flows(t->tracker, &source, add_flow, &a);
	int flows_len = enc_end(&a.out);
	ASSERT(flows_len >= 0);
	struct enc e = enc_of(answer, sizeof(answer));
	enc_uint(&e, 8, token);
	enc_uint(&e, 2, a.count);
	enc_bytes(&e, flows, (size_t)flows_len);
	int len = enc_end(&e);
	ASSERT(len > 0);
	/* A gate that is away asks again when it is back. */
	(void)!child_send(t->child, from, MSG_FLOWS, (struct str){answer, (size_t)len});
}

static void take_list(struct tap *t, const struct chan_msg *m)
{
	struct cur c = cur_of(m->body.ptr, m->body.len);
	size_t list = (size_t)cur_uint(&c, 1, LISTS_MAX - 1);

	if (cur_end(&c) < 0 || !url_lists_take(&t->lists, list, m->fd)) {
		child_bad(t->child, PROCESS_DESK);
	}
}

static void received(void *ctx, enum process from, const struct chan_msg *m)
{
	struct tap *t = ctx;

	if (from == PROCESS_GATE && m->type == MSG_FLOWS_WANTED) {
		answer_flows(t, from, m->body);
	} else if (from == PROCESS_DESK && m->type == MSG_LIST) {
		take_list(t, m);
	} else {
		child_bad(t->child, from);
	}
}

static void from_parent(void *ctx, const struct chan_msg *m)
{
	struct tap *t = ctx;
	struct cur c = cur_of(m->body.ptr, m->body.len);
	int fd = m->fd;

	unsigned ifindex = (unsigned)cur_uint(&c, 4, INT32_MAX);
	struct str name = cur_str(&c, 64);
	if (m->type != MSG_TAP_SOCKET || cur_end(&c) < 0 || fd < 0 ||
	    !ports_socket(t->ports, name, ifindex, fd_move(&fd))) {
		chan_bad(t->child->parent);
	}
	fd_close(&fd);
}

static void on_link_up(void *ctx, const char *name, unsigned ifindex)
{
	struct tap *t = ctx;

	ports_up(t->ports, name, ifindex);
}

static void on_links(int fd, unsigned ready, void *ctx)
{
	struct tap *t = ctx;
	(void)fd;
	(void)ready;

	links_read(t->links, on_link_up, t);
}

/* ---- time ---- */

static void write_stats(struct tap *t, struct jsonw *w)
{
	struct tracker_counts c;
	struct reports_counts o;

	tracker_counts(t->tracker, &c);
	reports_counts(t->reports, &o);
	jsonw_object(w, NULL);
	ports_write_stats(t->ports, w);
	jsonw_u64(w, "frames", c.frames);
	jsonw_u64(w, "bytes", c.bytes);
	jsonw_u64(w, "ignored_frames", c.ignored_frames);
	jsonw_u64(w, "fragments", c.fragments);
	jsonw_u64(w, "bad_frames", c.bad_frames);
	jsonw_u64(w, "foreign_frames", c.foreign_frames);
	jsonw_u64(w, "flows", c.flows);
	jsonw_u64(w, "flows_evicted", c.evicted_flows);
	jsonw_u64(w, "sessions", c.sessions);
	jsonw_u64(w, "messages", c.messages);
	jsonw_u64(w, "messages_unread", c.unread);
	jsonw_u64(w, "lost_bytes", c.lost_bytes);
	jsonw_u64(w, "repeated_bytes", c.repeated_bytes);
	jsonw_u64(w, "observations", o.observations);
	jsonw_u64(w, "observations_lost", o.observations_lost);
	jsonw_u64(w, "samples", o.samples);
	jsonw_u64(w, "samples_lost", o.samples_lost);
	jsonw_u64(w, "opinions_wanted", t->sampler.chosen);
	jsonw_u64(w, "opinions_over_rate", t->sampler.over_rate);
	jsonw_u64(w, "opinions_lost", o.asks_lost);
	url_lists_write(&t->lists, w);
	jsonw_object_end(w);
}

static void send_stats(struct tap *t)
{
	struct buf body;
	struct jsonw w = jsonw_of(&body);

	buf_init(&body, STATS_BYTES_MAX);
	buf_add_char(&body, (char)PROCESS_TAP);
	write_stats(t, &w);
	if (buf_end(&body) == 0) {
		(void)!child_send(t->child, PROCESS_DESK, MSG_STATS, buf_str(&body));
	}
	buf_done(&body);
}

static void on_tick(void *ctx)
{
	struct tap *t = ctx;

	tracker_tick(t->tracker, wall_now());
	if (++t->ticks % STATS_TICKS == 0) {
		send_stats(t);
	}
}

/* ---- life ---- */

/*
 * The key of the hashes of recipients. It must outlive us, or the same address would be another
 * one after a restart.
 */
static int load_key(struct tap *t, struct errmsg *reterr)
{
	char path[sizeof(t->child->state_dir) + 16];
	struct buf old;

	snprintf(path, sizeof(path), "%s/rcpt-key", t->child->state_dir);
	buf_init(&old, sizeof(t->rcpt_key));
	int r = access(path, F_OK) < 0 ? -ENOENT : file_read(path, &old, reterr);
	if (r == 0 && old.len == sizeof(t->rcpt_key)) {
		memcpy(&t->rcpt_key, old.ptr, old.len);
	} else if (r == 0 || r == -ENOENT) {
		t->rcpt_key = entropy_siphash_key();
		r = file_write(path, (struct str){(const char *)&t->rcpt_key, sizeof(t->rcpt_key)},
			       0600, reterr);
	}
	buf_done(&old);
	return r;
}

/* Before the sandbox: files and sockets that cannot be opened afterwards. */
static int tap_open(struct child *c, void **ret_ctx, struct errmsg *reterr)
{
	static struct tap tap; /* one process, one tap */
	struct tap *t = &tap;

	t->child = c;
	int r = load_key(t, reterr);
	if (r == 0) {
		r = links_new(&t->links, reterr);
	}
	if (r == 0) {
		r = weights_load(NULL, &t->scorer, reterr);
	}
	*ret_ctx = t;
	return r;
}

static int tap_start(void *ctx, struct errmsg *reterr)
{
	struct tap *t = ctx;
	const struct tracker_conf conf = {
		.policy = t->child->policy,
		.score = score_message,
		.score_ctx = t,
		.keep_head = true,
		.only_ours = true,
		.key = entropy_siphash_key(),
	};

	const struct siphash_key sampler_key = entropy_siphash_key();
	url_lists_init(&t->lists, t->child->policy);
	sampler_init(&t->sampler, t->child->policy, &sampler_key);
	t->reports = reports_new(t->child, &t->rcpt_key);
	t->ports = ports_new(t->child, t->links, on_frame, t);
	t->tracker = tracker_new(&conf, &tracker_ops, t);
	t->links_event = loop_fd(t->child->loop, links_fd(t->links), LOOP_READ, on_links, t);
	t->timer = loop_timer(t->child->loop, on_tick, t);
	if (t->reports == NULL || t->ports == NULL || t->tracker == NULL ||
	    t->links_event == NULL || t->timer == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	loop_timer_every(t->timer, TICK_MS);
	return 0;
}

static void peer_up(void *ctx, enum process peer)
{
	struct tap *t = ctx;

	reports_peer_up(t->reports, peer);
}

static void peer_down(void *ctx, enum process peer)
{
	(void)ctx;
	(void)peer;
}

static void tap_stop(void *ctx)
{
	struct tap *t = ctx;

	/* What runs is not over: sessions go on without us, so nothing is said about them. */
	ports_free(t->ports);
	tracker_free(t->tracker);
	reports_free(t->reports);
	scorer_free(t->scorer);
	url_lists_done(&t->lists);
	links_free(t->links);
}

const struct child_spec tap_child = {
	.process = PROCESS_TAP,
	.name = "tap",
	.user = "_postern-tap",
	.profile = SANDBOX_PARSER,
	.open = tap_open,
	.start = tap_start,
	.received = received,
	.from_parent = from_parent,
	.peer_up = peer_up,
	.peer_down = peer_down,
	.stop = tap_stop,
};

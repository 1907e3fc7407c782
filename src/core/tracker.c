/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker: flows become sessions, whose octets go to the SMTP reader. Layer: core (pure).
 */
#include "core/tracker.h"

#include "base/assert.h"
#include "core/tracker_inside.h"
#include "proto/tls_hello.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define FLOWS_MAX 1000000
#define STREAM_BYTES_MAX ((size_t)64 << 20)
#define HALF_BYTES_MAX ((uint32_t)4 << 20)
#define WALKERS_MAX 1024
#define IDLE_S 600
#define LATENESS_MS 1000
#define V6_SOURCE_LEN 64

/* What a client on a port that is not mail's may say first. */
static const char *const helo_words[] = {"HELO", "EHLO"};

void tracker_keep(struct str *to, struct str text)
{
	text = str_head(text, TRACKER_TEXT_MAX);
	free((void *)(uintptr_t)to->ptr);
	*to = STR_EMPTY;
	/* One more, so that an empty text differs from none. */
	char *copy = malloc(text.len + 1);
	if (copy != NULL) {
		if (text.len > 0) {
			memcpy(copy, text.ptr, text.len);
		}
		*to = (struct str){copy, text.len};
	}
}

uint16_t tracker_network_of(struct tracker *t, const struct addr *a)
{
	if (t->conf.policy == NULL) {
		return NETWORK_NONE;
	}
	struct network_seen
		*seen = &t->networks[siphash(&t->conf.key, a, sizeof(*a)) % NETWORK_CACHE];
	if (!addr_is_equal(&seen->addr, a)) {
		seen->addr = *a;
		seen->network = policy_find_network(t->conf.policy, a);
	}
	return seen->network;
}

static bool is_usual_port(uint16_t port)
{
	return port == 25 || port == 26 || port == 465 || port == 587 || port == 2525;
}

/* Is it a port on which the network of the client (or of the server) sends mail? */
static bool is_mail_port(struct tracker *t, const struct addr *client, const struct addr *server,
			 uint16_t port)
{
	uint16_t network = tracker_network_of(t, client);

	if (network == NETWORK_NONE) {
		network = tracker_network_of(t, server);
	}
	if (network == NETWORK_NONE) {
		return is_usual_port(port);
	}
	return network_has_port(&t->conf.policy->networks[network], port);
}

static bool is_server(struct tracker *t, const struct tcp_flow *f, int side)
{
	return is_mail_port(t, &f->key.addr[!side], &f->key.addr[side], f->key.port[side]);
}

/*
 * Who opened it. Where that was not seen, the mail port tells; where both ends have one, or none,
 * who begins with a code is the server.
 */
static int client_of(struct tracker *t, const struct tcp_flow *f, int sender, struct str bytes)
{
	if (f->opener != TCP_SIDE_UNKNOWN) {
		return f->opener;
	}
	bool is[TCP_SIDES] = {is_server(t, f, 0), is_server(t, f, 1)};
	if (is[0] != is[1]) {
		return is[0] ? 1 : 0;
	}
	bool is_reply = bytes.len > 0 && char_is_digit(bytes.ptr[0]);
	return is_reply ? !sender : sender;
}

/* ---- sessions ---- */

static enum direction direction_of(struct tracker *t, uint16_t client, uint16_t server)
{
	if (t->conf.policy == NULL || server == NETWORK_NONE) {
		return DIRECTION_OUTBOUND;
	}
	return client == NETWORK_NONE ? DIRECTION_INBOUND : DIRECTION_INTERNAL;
}

/* What can be said of a flow before an octet of it. */
static void describe(struct tracker *t, const struct tcp_flow *f, int client,
		     struct tracked_session *ret)
{
	const struct tcp_key *k = &f->key;
	uint16_t network = tracker_network_of(t, &k->addr[client]);
	uint16_t other = tracker_network_of(t, &k->addr[!client]);
	const struct network *net = network == NETWORK_NONE ? NULL
							    : &t->conf.policy->networks[network];

	*ret = (struct tracked_session){
		.first = f->first,
		.last = f->last,
		.source = source_of(network, &k->addr[client],
				    net == NULL ? V6_SOURCE_LEN : net->v6_source_len),
		.network = net == NULL ? NULL : net->name,
		.client = k->addr[client],
		.destination = k->addr[!client],
		.sport = k->port[client],
		.dport = k->port[!client],
		.direction = direction_of(t, network, other),
		.close = CLOSE_OPEN,
	};
	if (net != NULL) {
		const struct server *server = policy_find_server(t->conf.policy,
								 &ret->source.prefix);
		ret->tenant = server == NULL ? NULL : t->conf.policy->tenants[server->tenant].name;
	}
}

/* Is it a session that the judge should hear of? */
static bool is_ours(const struct tracker *t, const struct tracked_session *v)
{
	return v->direction != DIRECTION_INBOUND &&
	       (t->conf.policy == NULL || v->source.network != NETWORK_NONE || !t->conf.only_ours);
}

static bool is_wanted(struct tracker *t, const struct tcp_flow *f)
{
	return !t->conf.only_ours || tracker_network_of(t, &f->key.addr[0]) != NETWORK_NONE ||
	       tracker_network_of(t, &f->key.addr[1]) != NETWORK_NONE;
}

static void session_obs(struct tracker *t, const struct tracker_session *s,
			enum session_event event)
{
	const struct tracked_session *v = &s->view;

	if (!s->is_ours) {
		return;
	}
	const struct session_obs o = {
		.time = t->now,
		.source = v->source,
		.client = v->client,
		.destination = v->destination,
		.sport = v->sport,
		.dport = v->dport,
		.session = v->number,
		.event = event,
		.far = tracker_far(s, 1, s->has_greeted),
		.verified = s->flow->half[s->client].trusted,
		.tls = v->tls,
		.messages = v->messages,
		.bytes_client = tcp_acked(s->flow, s->client),
		.bytes_server = s->flow->half[!s->client].offset,
	};
	t->ops->session_obs(t->ctx, &o);
}

/* It is SMTP: it counts from now on. */
static void prove(struct tracker_session *s)
{
	struct tracker *t = s->tracker;

	s->is_proved = true;
	s->view.number = ++t->counts.sessions;
	if (s->flow->established) {
		session_obs(t, s, SESSION_OPENED);
	}
}

static void session_free(struct tracker_session *s)
{
	if (s != NULL) {
		smtp_free(s->smtp);
		buf_done(&s->hello);
		free((void *)(uintptr_t)s->view.greeting.ptr);
		free((void *)(uintptr_t)s->view.helo.ptr);
		free((void *)(uintptr_t)s->view.auth.ptr);
		free((void *)(uintptr_t)s->view.sni.ptr);
		free(s);
	}
}

static struct tracker_session *session_new(struct tracker *t, struct tcp_flow *f, int client)
{
	struct tracker_session *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->smtp = smtp_new(f->opener == TCP_SIDE_UNKNOWN, tracker_on_smtp, s);
	if (s->smtp == NULL) {
		free(s);
		return NULL;
	}
	describe(t, f, client, &s->view);
	s->tracker = t;
	s->flow = f;
	s->client = (int8_t)client;
	s->helo_could_be = (1 << COUNT_OF(helo_words)) - 1;
	s->is_ours = is_ours(t, &s->view);
	s->content = s->view.source.network == NETWORK_NONE
			     ? CONTENT_ALL
			     : t->conf.policy->networks[s->view.source.network].content;
	buf_init(&s->hello, TLS_HELLO_MAX);
	f->user = s;
	return s;
}

/* The session of a flow that has just said something; NULL: it is not for us. */
static struct tracker_session *session_of(struct tracker *t, struct tcp_flow *f, int side,
					  struct str bytes)
{
	if (f->user != NULL) {
		return f->user;
	}
	int client = client_of(t, f, side, bytes);
	bool is_mail = is_server(t, f, !client);
	/* On other ports the server must greet, so its start must have been seen. */
	bool may_be = t->conf.any_port && f->opener != TCP_SIDE_UNKNOWN && side != client;
	struct tracker_session *s = is_wanted(t, f) && (is_mail || may_be)
					    ? session_new(t, f, client)
					    : NULL;
	if (s == NULL) {
		tcp_ignore(t->tcp, f);
	} else if (is_mail) {
		prove(s);
	}
	return s;
}

/*
 * On a port that is not mail's: the server greets with 220 and the client answers HELO or EHLO,
 * octet by octet, because a cut may be anywhere. @return false: it is something else.
 */
static bool goes_on(struct tracker_session *s, int side, struct str bytes)
{
	uint64_t at = s->flow->half[side].offset;

	for (size_t i = 0; i < bytes.len && at + i < 4 && !s->is_proved; i++) {
		char c = bytes.ptr[i];
		if (side != s->client) {
			static const char greeting[] = "220";
			bool fits = at + i < 3 ? c == greeting[at + i] : c == ' ' || c == '-';
			if (!fits) {
				return false;
			}
			continue;
		}
		for (size_t w = 0; w < COUNT_OF(helo_words); w++) {
			if (char_lower(c) != char_lower(helo_words[w][at + i])) {
				s->helo_could_be &= (uint8_t) ~(1U << w);
			}
		}
		if (s->helo_could_be == 0 || s->flow->half[!side].offset < 4) {
			return false;
		}
		if (at + i == 3) {
			prove(s);
		}
	}
	return true;
}

static void read_hello(struct tracker_session *s, struct str bytes)
{
	struct str name;

	if (s->hello_state == HELLO_DONE) {
		return;
	}
	s->hello_state = HELLO_READING;
	buf_add(&s->hello, str_head(bytes, TLS_HELLO_MAX - s->hello.len));
	enum tls_hello_out out = tls_hello_parse(buf_str(&s->hello), &name);
	if (out == TLS_HELLO_MORE && buf_end(&s->hello) == 0 && s->hello.len < TLS_HELLO_MAX) {
		return;
	}
	if (out == TLS_HELLO_NAME) {
		tracker_keep(&s->view.sni, name);
	}
	s->hello_state = HELLO_DONE;
	buf_done(&s->hello);
}

/* ---- what TCP says ---- */

static void on_opened(void *ctx, struct tcp_flow *f)
{
	(void)ctx;
	f->user = NULL;
}

static void on_established(void *ctx, struct tcp_flow *f)
{
	struct tracker *t = ctx;

	if (f->user != NULL) {
		if (((struct tracker_session *)f->user)->is_proved) {
			session_obs(t, f->user, SESSION_OPENED);
		}
		return;
	}
	if (is_server(t, f, !f->opener) && is_wanted(t, f)) {
		struct tracker_session *s = session_new(t, f, f->opener);
		if (s != NULL) {
			prove(s);
		}
	}
}

static void on_tried(void *ctx, struct tcp_flow *f)
{
	struct tracker *t = ctx;

	if (f->opener == TCP_SIDE_UNKNOWN || !is_server(t, f, !f->opener) || !is_wanted(t, f)) {
		return;
	}
	struct tracker_session s = {.tracker = t, .flow = f, .client = f->opener};
	describe(t, f, f->opener, &s.view);
	s.is_ours = is_ours(t, &s.view);
	session_obs(t, &s, SESSION_TRIED);
}

static void on_data(void *ctx, struct tcp_flow *f, int side, struct str bytes)
{
	struct tracker *t = ctx;
	struct tracker_session *s = session_of(t, f, side, bytes);

	if (s == NULL) {
		return;
	}
	if (!s->is_proved && !goes_on(s, side, bytes)) {
		session_free(s);
		tcp_ignore(t->tcp, f);
		return;
	}
	t->chunk_end = f->half[s->client].offset + (side == s->client ? bytes.len : 0);
	smtp_step(s->smtp, side == s->client ? SMTP_CLIENT : SMTP_SERVER, bytes);
	if (s->view.tls != TLS_NONE && side == s->client) {
		read_hello(s, bytes);
	}
}

static void on_gap(void *ctx, struct tcp_flow *f, int side, uint32_t n)
{
	struct tracker *t = ctx;
	struct tracker_session *s = f->user;

	if (s == NULL) {
		s = session_of(t, f, side, STR_EMPTY);
	}
	if (s == NULL) {
		return;
	}
	if (!s->is_proved) {
		session_free(s);
		tcp_ignore(t->tcp, f);
		return;
	}
	t->chunk_end = f->half[s->client].offset + (side == s->client ? n : 0);
	s->hello_state = HELLO_DONE;
	smtp_gap(s->smtp, side == s->client ? SMTP_CLIENT : SMTP_SERVER, n);
}

static enum session_close close_of(const struct tracker_session *s, enum tcp_close how)
{
	static const enum session_close table[] = {
		[TCP_CLOSE_FIN] = CLOSE_FIN,
		[TCP_CLOSE_RST] = CLOSE_RST,
		[TCP_CLOSE_TIMEOUT] = CLOSE_TIMEOUT,
		[TCP_CLOSE_OPEN] = CLOSE_OPEN,
	};
	static_assert(COUNT_OF(table) == TCP_CLOSE_COUNT, "every end");

	return s->has_quit ? CLOSE_QUIT : table[how];
}

static void on_closed(void *ctx, struct tcp_flow *f, enum tcp_close how)
{
	struct tracker *t = ctx;
	struct tracker_session *s = f->user;

	if (s == NULL) {
		return;
	}
	f->user = NULL;
	if (s->is_proved) {
		struct tracked_session *v = &s->view;
		v->last = f->last;
		v->bytes_client = f->half[s->client].offset;
		v->bytes_server = f->half[!s->client].offset;
		v->lost_bytes = f->half[0].lost + f->half[1].lost;
		t->counts.lost_bytes += v->lost_bytes;
		t->chunk_end = f->half[s->client].offset;
		smtp_finish(s->smtp, how == TCP_CLOSE_FIN || how == TCP_CLOSE_RST);
		v->close = close_of(s, how);
		session_obs(t, s, SESSION_ENDED);
		t->ops->session(t->ctx, v);
	}
	session_free(s);
}

static const struct tcp_ops tcp_ops = {
	.opened = on_opened,
	.established = on_established,
	.tried = on_tried,
	.data = on_data,
	.gap = on_gap,
	.closed = on_closed,
};

/* ---- the outside ---- */

struct tracker *tracker_new(const struct tracker_conf *conf, const struct tracker_ops *ops,
			    void *ctx)
{
	struct tracker *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	t->conf = *conf;
	t->conf.walkers_max = conf->walkers_max > 0 ? conf->walkers_max : WALKERS_MAX;
	t->ops = ops;
	t->ctx = ctx;
	const struct tcp_conf tcp = {
		.flows_max = conf->flows_max > 0 ? conf->flows_max : FLOWS_MAX,
		.bytes_max = conf->stream_bytes_max > 0 ? conf->stream_bytes_max : STREAM_BYTES_MAX,
		.half_max = HALF_BYTES_MAX,
		.idle_s = conf->idle_s > 0 ? conf->idle_s : IDLE_S,
		.lateness_ms = LATENESS_MS,
		.key = conf->key,
	};
	t->tcp = tcp_new(&tcp, &tcp_ops, t);
	if (t->tcp == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

static void forget_sessions(struct tracker *t)
{
	struct tcp_flow *f;
	size_t pos = 0;

	while ((f = tcp_next(t->tcp, &pos)) != NULL) {
		session_free(f->user);
		f->user = NULL;
	}
}

void tracker_free(struct tracker *t)
{
	if (t != NULL) {
		forget_sessions(t);
		tcp_free(t->tcp);
		tracker_free_walkers(t);
		free(t);
	}
}

/* Did this frame come from where its source lives (DECISION §2)? */
static bool is_trusted(struct tracker *t, const struct packet *p, const struct tracker_port *port)
{
	if (port->is_outgoing) {
		for (size_t i = 0; i < port->local_count; i++) {
			if (addr_is_equal(&port->locals[i], &p->src)) {
				return true;
			}
		}
		return false;
	}
	if (port->network_count == 0) {
		return false;
	}
	uint16_t network = tracker_network_of(t, &p->src);
	for (size_t i = 0; i < port->network_count; i++) {
		if (port->networks[i] == network) {
			return true;
		}
	}
	return false;
}

void tracker_frame(struct tracker *t, int link, struct str octets, size_t wire_len,
		   struct wall time, const struct tracker_port *port)
{
	struct packet p;

	t->now = time.ns > t->now.ns ? time : t->now;
	t->counts.frames++;
	t->counts.bytes += octets.len;
	enum packet_out out = link < 0 || link >= LINK_COUNT
				      ? PACKET_OTHER
				      : packet_parse((enum link_type)link, octets, wire_len, &p);
	if (out != PACKET_TCP) {
		t->counts.ignored_frames++;
		t->counts.fragments += out == PACKET_FRAGMENT;
		t->counts.bad_frames += out == PACKET_BAD;
		return;
	}
	if (p.vlan == PACKET_VLAN_NONE && port->vlan != 0) {
		p.vlan = port->vlan;
	}
	const struct tcp_arrival at = {.time = time, .trusted = is_trusted(t, &p, port)};
	tcp_step(t->tcp, &p, &at);
}

void tracker_tick(struct tracker *t, struct wall now)
{
	t->now = now.ns > t->now.ns ? now : t->now;
	tcp_tick(t->tcp, now);
}

void tracker_end(struct tracker *t)
{
	tcp_end(t->tcp);
}

void tracker_counts(const struct tracker *t, struct tracker_counts *ret)
{
	const struct tcp_counts *tcp = tcp_counts(t->tcp);

	*ret = t->counts;
	ret->repeated_bytes = tcp->repeated;
	ret->evicted_flows = tcp->evicted;
	ret->foreign_frames = tcp->foreign;
	ret->flows = tcp_flow_count(t->tcp);
}

void tracker_flows(const struct tracker *t, const struct source_key *source, tracker_flow_fn *visit,
		   void *ctx)
{
	const struct tcp_flow *f;
	size_t pos = 0;
	bool go_on = true;

	while (go_on && (f = tcp_next(t->tcp, &pos)) != NULL) {
		const struct tracker_session *s = f->user;
		if (s != NULL && source_is_equal(&s->view.source, source)) {
			go_on = visit(ctx, &s->view.client, s->view.sport, &s->view.destination,
				      s->view.dport);
		}
	}
}

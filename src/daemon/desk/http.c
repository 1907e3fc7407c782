/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http: evhttp, held to our limits. Layer: daemon.
 *
 * evhttp counts no connections and knows no longest time for a request. So we keep a reference to
 * each connection's bufferevent and look once a second: one without callbacks has been let go by
 * evhttp, and one that has not completed a request for HTTP_TIMEOUT_S is shut, however busily it
 * sends.
 */
#include "daemon/desk/http.h"

#include "base/assert.h"
#include "base/list.h"
#include "daemon/desk/http_form.h"
#include "sys/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "base/poison.h"

#define PING_MS 15000
#define LOOK_MS 1000
#define ACCEPT_AGAIN_MS 1000
#define GROUPS_MAX 256

struct http {
	struct http_opts o;
	struct evhttp *ev;
	struct evconnlistener *listeners[2];
	struct loop_event *accept_again;
	struct loop_event *ping;
	struct loop_event *look;
	struct list conns;
	struct list streams;
	struct http_counts counts;
	char portal_host[256];
};

struct http_conn {
	struct list link;
	struct bufferevent *bev; /* a reference of our own */
	int64_t since_ns;        /* when it was accepted, or its last request was complete */
	bool is_stream;
};

struct http_stream {
	struct list link;
	struct http *http;
	struct evhttp_request *ev;
	http_gone_fn *gone;
	void *ctx;
};

/* ---- connections ---- */

static void set_accepting(struct http *h, bool on)
{
	for (size_t i = 0; i < COUNT_OF(h->listeners); i++) {
		if (h->listeners[i] != NULL && on) {
			evconnlistener_enable(h->listeners[i]);
		} else if (h->listeners[i] != NULL) {
			evconnlistener_disable(h->listeners[i]);
		}
	}
}

static bool conn_is_over(const struct http_conn *c)
{
	bufferevent_event_cb on_event = NULL;

	bufferevent_getcb(c->bev, NULL, NULL, &on_event, NULL);
	return on_event == NULL;
}

static void conn_forget(struct http *h, struct http_conn *c)
{
	list_remove(&c->link);
	bufferevent_decref(c->bev);
	free(c);
	if (h->counts.connections-- == HTTP_CONNECTIONS_MAX) {
		set_accepting(h, true);
	}
}

static void look_after_conns(void *ctx)
{
	struct http *h = ctx;
	int64_t now = mono_now().ns;

	LIST_FOR_EACH (pos, tmp, &h->conns) {
		struct http_conn *c = LIST_ITEM(pos, struct http_conn, link);
		if (conn_is_over(c)) {
			conn_forget(h, c);
		} else if (!c->is_stream && now - c->since_ns > HTTP_TIMEOUT_S * NS_PER_S) {
			shutdown((int)bufferevent_getfd(c->bev), SHUT_RDWR);
		}
	}
}

/* For each accepted connection, before evhttp gives it its descriptor. */
static struct bufferevent *conn_new(struct event_base *base, void *ctx)
{
	struct http *h = ctx;
	if (h->counts.connections + 1 >= HTTP_CONNECTIONS_MAX) {
		look_after_conns(h); /* perhaps some are over */
	}
	struct http_conn *c = calloc(1, sizeof(*c));
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	if (c == NULL || bev == NULL) {
		free(c);
		return bev; /* uncounted; without memory evhttp gives up on it itself */
	}
	bufferevent_incref(bev);
	c->bev = bev;
	c->since_ns = mono_now().ns;
	list_push_back(&h->conns, &c->link);
	if (++h->counts.connections == HTTP_CONNECTIONS_MAX) {
		set_accepting(h, false);
	}
	return bev;
}

static struct http_conn *conn_find(const struct http *h, const struct bufferevent *bev)
{
	LIST_FOR_EACH (pos, tmp, &h->conns) {
		struct http_conn *c = LIST_ITEM(pos, struct http_conn, link);
		if (c->bev == bev) {
			return c;
		}
	}
	return NULL;
}

static void request_is_complete(struct http *h, const struct bufferevent *bev)
{
	struct http_conn *c = conn_find(h, bev);

	if (c != NULL) {
		c->since_ns = mono_now().ns;
	}
}

/* No descriptors left, say: do not spin on it. */
static void accept_failed(struct evconnlistener *l, void *ctx)
{
	struct http *h = ctx;

	(void)l;
	set_accepting(h, false);
	loop_timer_once(h->accept_again, ACCEPT_AGAIN_MS);
}

static void accept_again(void *ctx)
{
	struct http *h = ctx;

	if (h->counts.connections < HTTP_CONNECTIONS_MAX) {
		set_accepting(h, true);
	}
}

/* ---- requests ---- */

static int method_of(enum evhttp_cmd_type cmd)
{
	switch ((int)cmd) {
	case EVHTTP_REQ_GET:
		return HTTP_GET;
	case EVHTTP_REQ_HEAD:
		return HTTP_HEAD;
	case EVHTTP_REQ_POST:
		return HTTP_POST;
	case EVHTTP_REQ_DELETE:
		return HTTP_DELETE;
	default:
		return -1;
	}
}

/* The name in a Host header or a URL's authority, without its port. */
static struct str host_of(struct str s)
{
	if (s.len > 0 && s.ptr[0] == '[') {
		size_t end = str_find_char(s, ']');
		return end < s.len ? (struct str){s.ptr + 1, end - 1} : STR_EMPTY;
	}
	return str_head(s, str_find_char(s, ':'));
}

/*
 * A page of somebody else's whose name was made to lead here (DNS rebinding) has that name in
 * Host; an address in it, localhost or the portal cannot be somebody else's.
 */
static bool is_our_host(const struct http *h, struct str header)
{
	struct str host = host_of(header);
	struct addr a;

	return addr_parse(host, &a) == 0 || str_is_equal_nocase(host, STR("localhost")) ||
	       (h->portal_host[0] != '\0' && str_is_equal_nocase(host, str_of(h->portal_host)));
}

static bool peer_is_in_group(const struct http *h, int fd, gid_t primary)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (!h->o.sockets.has_group) {
		return false;
	}
	if (primary == h->o.sockets.group) {
		return true;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0) {
		return false;
	}
	for (size_t i = 0; i < len / sizeof(gid_t); i++) {
		if (groups[i] == h->o.sockets.group) {
			return true;
		}
	}
	return false;
}

/* @return false: a local peer that may not. */
static bool take_peer(const struct http *h, struct bufferevent *bev, struct http_request *rq)
{
	int fd = (int)bufferevent_getfd(bev);
	int domain = 0;
	socklen_t len = sizeof(domain);
	char *address = NULL;
	ev_uint16_t port;

	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	    domain == AF_UNIX) {
		struct ucred cred;
		len = sizeof(cred);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
			return false;
		}
		rq->is_local = cred.uid == 0 || peer_is_in_group(h, fd, cred.gid);
		rq->uid = cred.uid;
		return rq->is_local;
	}
	struct evhttp_request *ev = rq->handle;
	evhttp_connection_get_peer(evhttp_request_get_connection(ev), &address, &port);
	str_copy(rq->remote, sizeof(rq->remote), str_of(address));
	return true;
}

static void refuse(struct http_request *rq, unsigned status, struct str why)
{
	rq->http->counts.refused++;
	http_add_header(rq, "Connection", "close");
	http_reply(rq, status, "text/plain; charset=utf-8", why);
}

static void on_request(struct evhttp_request *ev, void *ctx)
{
	struct http *h = ctx;
	struct bufferevent *bev = evhttp_connection_get_bufferevent(
		evhttp_request_get_connection(ev));
	struct http_request rq = {.http = h, .handle = ev};
	int method = method_of(evhttp_request_get_command(ev));

	h->counts.requests++;
	request_is_complete(h, bev);
	if (!http_is_plain(ev)) {
		refuse(&rq, 400, STR("This request can be read in more than one way.\n"));
		return;
	}
	if (method < 0) {
		refuse(&rq, 405, STR("GET, HEAD, POST or DELETE.\n"));
		return;
	}
	if (!take_peer(h, bev, &rq)) {
		refuse(&rq, 403, STR("The socket is for root and the group postern.\n"));
		return;
	}
	if (!rq.is_local && !is_our_host(h, http_header(&rq, "Host"))) {
		refuse(&rq, 421, STR("This is not the host that was asked for.\n"));
		return;
	}
	struct evbuffer *in = evhttp_request_get_input_buffer(ev);
	size_t len = evbuffer_get_length(in);
	struct str target = str_of(evhttp_request_get_uri(ev));
	rq.method = (enum http_method)method;
	rq.path = str_take_until(&target, '?');
	rq.query = target;
	rq.body = (struct str){len > 0 ? (const char *)evbuffer_pullup(in, -1) : "", len};
	h->o.handle(h->o.ctx, &rq);
}

struct str http_header(const struct http_request *rq, const char *name)
{
	return str_of(evhttp_find_header(
		evhttp_request_get_input_headers((struct evhttp_request *)rq->handle), name));
}

void http_add_header(struct http_request *rq, const char *name, const char *value)
{
	struct evhttp_request *ev = rq->handle;

	/* It fails for a line break in a value only, which we never write. */
	int r = evhttp_add_header(evhttp_request_get_output_headers(ev), name, value);
	ASSERT(r == 0);
}

/* What every answer says to a browser: guess nothing, load nothing from elsewhere, tell nobody. */
static void add_safety(struct http_request *rq, const char *type)
{
	http_add_header(rq, "Content-Type", type);
	http_add_header(rq, "X-Content-Type-Options", "nosniff");
	http_add_header(rq, "X-Frame-Options", "DENY");
	http_add_header(rq, "Referrer-Policy", "no-referrer");
	http_add_header(rq, "Cross-Origin-Resource-Policy", "same-origin");
	http_add_header(rq, "Cross-Origin-Opener-Policy", "same-origin");
	http_add_header(rq, "Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
			"connect-src 'self'; form-action 'self'; base-uri 'none'; "
			"frame-ancestors 'none'");
	const struct evkeyvalq *headers = evhttp_request_get_output_headers(
		(struct evhttp_request *)rq->handle);
	if (evhttp_find_header(headers, "Cache-Control") == NULL) {
		http_add_header(rq, "Cache-Control", "no-store");
	}
}

void http_reply(struct http_request *rq, unsigned status, const char *type, struct str body)
{
	struct evhttp_request *ev = rq->handle;
	struct evbuffer *out = evhttp_request_get_output_buffer(ev);

	ASSERT(ev != NULL);
	add_safety(rq, type);
	if (rq->method == HTTP_HEAD || body.len == 0 || evbuffer_add(out, body.ptr, body.len) < 0) {
		evbuffer_drain(out, evbuffer_get_length(out));
	}
	rq->handle = NULL;
	evhttp_send_reply(ev, (int)status, http_phrase(status), NULL);
}

/* ---- streams ---- */

static void stream_closed(struct evhttp_connection *conn, void *ctx)
{
	struct http_stream *s = ctx;

	(void)conn;
	/* When the reader goes first, evhttp leaves the request to us. */
	if (evhttp_request_get_connection(s->ev) == NULL) {
		evhttp_request_free(s->ev);
	}
	s->http->counts.streams--;
	list_remove(&s->link);
	s->gone(s->ctx);
	free(s);
}

struct http_stream *http_stream_start(struct http_request *rq, const char *type, http_gone_fn *gone,
				      void *ctx)
{
	struct http *h = rq->http;
	struct http_stream *s = h->counts.streams < HTTP_STREAMS_MAX ? calloc(1, sizeof(*s)) : NULL;
	struct evhttp_request *ev = rq->handle;

	if (s == NULL) {
		return NULL;
	}
	*s = (struct http_stream){.http = h, .ev = ev, .gone = gone, .ctx = ctx};
	h->counts.streams++;
	list_push_back(&h->streams, &s->link);
	add_safety(rq, type);
	rq->handle = NULL;
	struct evhttp_connection *conn = evhttp_request_get_connection(ev);
	struct http_conn *c = conn_find(h, evhttp_connection_get_bufferevent(conn));
	if (c != NULL) {
		c->is_stream = true;
	}
	evhttp_connection_set_closecb(conn, stream_closed, s);
	evhttp_send_reply_start(ev, 200, http_phrase(200));
	return s;
}

/* Ends the reply and with it the connection; stream_closed tells the rest. */
static void stream_end(struct http_stream *s)
{
	struct evhttp_connection *conn = evhttp_request_get_connection(s->ev);

	evhttp_connection_free(conn);
}

void http_stream_write(struct http_stream *s, struct str piece)
{
	struct evbuffer *buf = evbuffer_new();

	if (buf == NULL || evbuffer_add(buf, piece.ptr, piece.len) < 0) {
		if (buf != NULL) {
			evbuffer_free(buf);
		}
		return;
	}
	evhttp_send_reply_chunk(s->ev, buf);
	evbuffer_free(buf);
}

/* A comment every now and then keeps proxies and the time-out content, and finds who is gone. */
static void ping(void *ctx)
{
	struct http *h = ctx;

	LIST_FOR_EACH (pos, tmp, &h->streams) {
		struct http_stream *s = LIST_ITEM(pos, struct http_stream, link);
		struct bufferevent *bev = evhttp_connection_get_bufferevent(
			evhttp_request_get_connection(s->ev));
		if (evbuffer_get_length(bufferevent_get_output(bev)) > HTTP_STREAM_WAITING_MAX) {
			stream_end(s);
		} else {
			http_stream_write(s, STR(":\n\n"));
		}
	}
}

/* ---- life ---- */

static int add_listener(struct http *h, size_t i, int *fd)
{
	if (*fd < 0) {
		return 0;
	}
	struct evconnlistener *l = evconnlistener_new(loop_base(h->o.loop), NULL, NULL,
						      LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
						      0, *fd);
	if (l == NULL) {
		return -ENOMEM;
	}
	*fd = -1;
	if (evhttp_bind_listener(h->ev, l) == NULL) {
		evconnlistener_free(l);
		return -ENOMEM;
	}
	h->listeners[i] = l;
	evconnlistener_set_error_cb(l, accept_failed);
	return 0;
}

static int set_up(struct http *h)
{
	h->ev = evhttp_new(loop_base(h->o.loop));
	h->ping = loop_timer(h->o.loop, ping, h);
	h->look = loop_timer(h->o.loop, look_after_conns, h);
	h->accept_again = loop_timer(h->o.loop, accept_again, h);
	if (h->ev == NULL || h->ping == NULL || h->look == NULL || h->accept_again == NULL) {
		return -ENOMEM;
	}
	evhttp_set_bevcb(h->ev, conn_new, h);
	evhttp_set_gencb(h->ev, on_request, h);
	evhttp_set_max_headers_size(h->ev, HTTP_HEADERS_MAX);
	evhttp_set_max_body_size(h->ev, HTTP_BODY_MAX);
	evhttp_set_timeout(h->ev, HTTP_TIMEOUT_S);
	evhttp_set_allowed_methods(h->ev, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
						  EVHTTP_REQ_DELETE);
	loop_timer_every(h->ping, PING_MS);
	loop_timer_every(h->look, LOOK_MS);
	int r = add_listener(h, 0, &h->o.sockets.tcp);
	return r == 0 ? add_listener(h, 1, &h->o.sockets.local) : r;
}

int http_new(const struct http_opts *o, struct http **ret, struct errmsg *reterr)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL) {
		struct http_sockets s = o->sockets;
		http_sockets_close(&s);
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	h->o = *o;
	list_init(&h->conns);
	list_init(&h->streams);
	if (o->portal != NULL) {
		struct str url = str_of(o->portal);
		url = str_skip(url, str_find(url, STR("://")) + 3);
		url = str_head(url, str_find_char(url, '/'));
		str_copy(h->portal_host, sizeof(h->portal_host), host_of(url));
	}
	int r = set_up(h);
	if (r < 0) {
		http_free(h);
		return err_set(reterr, r, "out of memory");
	}
	*ret = h;
	return 0;
}

void http_free(struct http *h)
{
	if (h == NULL) {
		return;
	}
	while (!list_is_empty(&h->streams)) {
		stream_end(LIST_ITEM(h->streams.next, struct http_stream, link));
	}
	if (h->ev != NULL) {
		evhttp_free(h->ev); /* its listeners and connections too */
	}
	memset(h->listeners, 0, sizeof(h->listeners));
	while (!list_is_empty(&h->conns)) {
		conn_forget(h, LIST_ITEM(h->conns.next, struct http_conn, link));
	}
	loop_event_free(h->ping);
	loop_event_free(h->look);
	loop_event_free(h->accept_again);
	http_sockets_close(&h->o.sockets);
	free(h);
}

struct http_counts http_counts_get(const struct http *h)
{
	return h->counts;
}

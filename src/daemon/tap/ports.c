/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports: one ring an interface, read when the loop says so. Layer: daemon.
 */
#include "daemon/tap/ports.h"

#include "base/assert.h"
#include "base/cur.h"
#include "core/tracker.h"
#include "sys/fd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Blocks read before the loop has its turn, so that one busy interface does not starve all else. */
#define BLOCKS_A_TURN 8
#define PORTS_ALL_MAX (PORTS_MAX * 8)

struct port {
	struct ports *all;
	const char *name; /* of the policy */
	unsigned ifindex; /* 0: none yet */
	struct ring *ring;
	struct loop_event *event;
	struct tracker_port where;
	uint16_t networks[PORTS_MAX];
	struct ring_counts before; /* of rings it had */
	bool is_down;
	bool has_asked; /* for a socket */
};

struct ports {
	struct child *child;
	const struct links *links;
	ports_frame_fn *fn;
	void *ctx;
	uint16_t tcp_ports[PORTS_ALL_MAX];
	size_t tcp_port_count; /* more than fit: all TCP is let through */
	unsigned blocks;
	struct port *items;
	size_t count;
	struct quota drop_quota;
	uint64_t drops_said;
};

static void add_tcp_ports(struct ports *p, const struct network *n)
{
	for (size_t i = 0; i < n->port_count; i++) {
		size_t at = 0;
		while (at < p->tcp_port_count && p->tcp_ports[at] != n->ports[i]) {
			at++;
		}
		if (at == p->tcp_port_count && at < PORTS_ALL_MAX) {
			p->tcp_ports[p->tcp_port_count++] = n->ports[i];
		}
	}
}

static struct port *find(struct ports *p, struct str name)
{
	for (size_t i = 0; i < p->count; i++) {
		if (str_is_equal(str_of(p->items[i].name), name)) {
			return &p->items[i];
		}
	}
	return NULL;
}

static void add_interface(struct ports *p, const char *name, uint16_t network)
{
	struct port *port = find(p, str_of(name));

	if (port == NULL && p->count == PORTS_INTERFACES_MAX) {
		LOG_EVENT(&p->child->log, LOG_LEVEL_ERROR, "tap.too_many_interfaces",
			  F_CSTR("interface", name), F_U64("most", PORTS_INTERFACES_MAX));
		return;
	}
	if (port == NULL) {
		port = &p->items[p->count++];
		*port = (struct port){.all = p, .name = name};
		port->where.networks = port->networks;
	}
	if (port->where.network_count < COUNT_OF(port->networks)) {
		port->networks[port->where.network_count++] = network;
	}
}

struct ports *ports_new(struct child *c, const struct links *links, ports_frame_fn *fn, void *ctx)
{
	struct ports *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return NULL;
	}
	*p = (struct ports){
		.child = c, .links = links, .fn = fn, .ctx = ctx, .drop_quota = {.per_s = 1}};
	p->items = calloc(PORTS_INTERFACES_MAX, sizeof(*p->items));
	if (p->items == NULL) {
		free(p);
		return NULL;
	}
	for (size_t n = 0; n < c->policy->network_count; n++) {
		const struct network *net = &c->policy->networks[n];
		add_tcp_ports(p, net);
		for (size_t i = 0; i < net->interface_count; i++) {
			add_interface(p, net->interfaces[i], (uint16_t)n);
		}
	}
	size_t share = PORTS_RING_BYTES_MAX / RING_BLOCK_BYTES / (p->count > 0 ? p->count : 1);
	share = share > RING_BLOCKS_MAX ? RING_BLOCKS_MAX : share;
	p->blocks = share < RING_BLOCKS_MIN ? RING_BLOCKS_MIN : (unsigned)share;
	return p;
}

static void close_port(struct port *port)
{
	if (port->ring != NULL) {
		struct ring_counts c;
		ring_counts(port->ring, &c);
		port->before.received += c.received;
		port->before.dropped += c.dropped;
		port->before.freezes += c.freezes;
		port->before.cut += c.cut;
	}
	loop_event_free(port->event);
	ring_free(port->ring);
	port->event = NULL;
	port->ring = NULL;
	port->ifindex = 0;
}

void ports_free(struct ports *p)
{
	if (p != NULL) {
		for (size_t i = 0; i < p->count; i++) {
			close_port(&p->items[i]);
		}
		free(p->items);
		free(p);
	}
}

static void ask_for_socket(struct port *port)
{
	char body[64];
	struct enc e = enc_of(body, sizeof(body));

	enc_str(&e, str_of(port->name));
	int len = enc_end(&e);
	struct chan *parent = port->all->child->parent;
	if (len > 0 && !port->has_asked &&
	    chan_send(parent, MSG_WANT_SOCKET, (struct str){body, (size_t)len}, -1) == 0) {
		port->has_asked = true;
	}
}

static void on_frame(void *ctx, const struct ring_frame *f)
{
	struct port *port = ctx;

	port->where.is_outgoing = f->is_outgoing;
	port->where.vlan = f->vlan;
	port->where.locals = links_addrs(port->all->links, &port->where.local_count);
	port->all->fn(port->all->ctx, &port->where, f, ring_link(port->ring));
}

static void on_ready(int fd, unsigned ready, void *ctx)
{
	struct port *port = ctx;
	(void)fd;
	(void)ready;

	int r = ring_read(port->ring, BLOCKS_A_TURN, on_frame, port);
	if (r > 0) {
		port->is_down = false;
	} else if (r == -ENETDOWN && !port->is_down) {
		port->is_down = true;
		LOG_EVENT(&port->all->child->log, LOG_LEVEL_WARNING, "tap.link_down",
			  F_CSTR("interface", port->name));
	} else if (r < 0 && r != -ENETDOWN) {
		LOG_EVENT(&port->all->child->log, LOG_LEVEL_WARNING, "tap.interface_lost",
			  F_CSTR("interface", port->name), F_CSTR("why", strerror(-r)));
		close_port(port);
	}
}

bool ports_socket(struct ports *p, struct str name, unsigned ifindex, int fd)
{
	struct port *port = find(p, name);
	struct errmsg err;

	if (port == NULL) {
		fd_close(&fd);
		return false;
	}
	close_port(port);
	port->has_asked = false;
	int r = ring_new(fd, ifindex, p->blocks, p->tcp_ports, p->tcp_port_count, &port->ring,
			 &err);
	if (r == 0) {
		port->event = loop_fd(p->child->loop, ring_fd(port->ring), LOOP_READ, on_ready,
				      port);
		r = port->event == NULL ? err_set(&err, -ENOMEM, "no memory") : 0;
	}
	if (r < 0) {
		LOG_EVENT(&p->child->log, LOG_LEVEL_ERROR, "tap.no_capture",
			  F_CSTR("interface", port->name), F_CSTR("why", err.text));
		close_port(port);
		return true;
	}
	port->ifindex = ifindex;
	port->is_down = false;
	LOG_EVENT(&p->child->log, LOG_LEVEL_NOTICE, "tap.listening",
		  F_CSTR("interface", port->name),
		  F_U64("ring_bytes", p->blocks * RING_BLOCK_BYTES));
	return true;
}

void ports_up(struct ports *p, const char *name, unsigned ifindex)
{
	struct port *port = find(p, str_of(name));

	if (port != NULL && port->ifindex != ifindex) {
		close_port(port);
		ask_for_socket(port);
	}
}

/* What was lost is said, once a second at most. */
static void say_drops(struct ports *p, uint64_t dropped)
{
	uint64_t held;

	if (dropped > p->drops_said && quota_take(&p->drop_quota, mono_now(), &held)) {
		LOG_EVENT(&p->child->log, LOG_LEVEL_WARNING, "tap.frames_lost",
			  F_U64("frames", dropped - p->drops_said), F_U64("in_all", dropped));
		p->drops_said = dropped;
	}
}

void ports_write_stats(struct ports *p, struct jsonw *w)
{
	struct ring_counts all = {0};

	jsonw_array(w, "interfaces");
	for (size_t i = 0; i < p->count; i++) {
		struct port *port = &p->items[i];
		struct ring_counts c = {0};
		if (port->ring != NULL) {
			ring_counts(port->ring, &c);
		}
		jsonw_object(w, NULL);
		jsonw_cstr(w, "name", port->name);
		jsonw_bool(w, "listening", port->ring != NULL);
		jsonw_bool(w, "link_down", port->is_down);
		jsonw_u64(w, "received", c.received + port->before.received);
		jsonw_u64(w, "lost", c.dropped + port->before.dropped);
		jsonw_object_end(w);
		all.received += c.received + port->before.received;
		all.dropped += c.dropped + port->before.dropped;
		all.freezes += c.freezes + port->before.freezes;
		all.cut += c.cut + port->before.cut;
	}
	jsonw_array_end(w);
	jsonw_u64(w, "frames_received", all.received);
	jsonw_u64(w, "frames_lost", all.dropped);
	jsonw_u64(w, "ring_full", all.freezes);
	jsonw_u64(w, "frames_cut", all.cut);
	say_drops(p, all.dropped);
}

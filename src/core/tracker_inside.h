/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker_inside: what the files of the tracker share: sessions, and messages under way.
 * Layer: core (pure), within the tracker.
 */
#ifndef CORE_TRACKER_INSIDE_H
#define CORE_TRACKER_INSIDE_H

#include "base/buf.h"
#include "core/tracker.h"
#include "proto/tcp.h"

/* Addresses whose network is remembered; a power of two. */
#define NETWORK_CACHE 1024

struct walker;

struct network_seen {
	struct addr addr; /* family 0: empty */
	uint16_t network;
};

struct tracker {
	struct tracker_conf conf;
	const struct tracker_ops *ops;
	void *ctx;
	struct tcp *tcp;
	struct wall now;
	struct walker *free_walkers;
	size_t walkers;     /* that exist */
	uint64_t chunk_end; /* where in the client's stream the octets being read end */
	struct tracker_counts counts;
	struct network_seen networks[NETWORK_CACHE];
};

enum hello_state {
	HELLO_NOT_YET,
	HELLO_READING,
	HELLO_DONE,
};

struct tracker_session {
	struct tracked_session view;
	struct tracker *tracker;
	struct tcp_flow *flow;
	struct smtp *smtp;
	struct buf hello;      /* first octets of a TLS client */
	int8_t client;         /* side */
	uint8_t helo_could_be; /* before it is proved: bits of what the client's word may be */
	uint8_t hello_state;
	bool is_proved; /* to be SMTP: it has a number */
	bool has_quit;
	bool is_ours; /* for the judge */
	bool has_greeted;
	enum content_policy content;
};

/** The network of an address, from the cache. */
uint16_t tracker_network_of(struct tracker *t, const struct addr *a);

/** Copy a text of a stranger; `to` is freed first. Without memory it stays empty. */
void tracker_keep(struct str *to, struct str text);

/** The callback of proto/smtp; ctx is the struct tracker_session. */
void tracker_on_smtp(void *ctx, const struct smtp_event *e);

/** Free what waits to be used again. */
void tracker_free_walkers(struct tracker *t);

/** How far the far side answered, up to an octet of the client's stream. */
enum far_side tracker_far(const struct tracker_session *s, uint64_t end, bool has_reply);

#endif

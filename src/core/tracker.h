/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker: frames in, messages and sessions out.
 *
 * Puts TCP streams together (proto/tcp), reads SMTP in them (proto/smtp), walks each message
 * (proto/mail), scores it, and says what came of it, as the observation for the judge and as a
 * view for whoever prints or keeps it. The tap and `scan` are two callers of the same tracker.
 *
 * Without a policy every session is outbound and all mail ports are taken. With one, the side in
 * a network is ours: what it opened is outbound, what it was sent is inbound. Layer: core (pure).
 */
#ifndef CORE_TRACKER_H
#define CORE_TRACKER_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/siphash.h"
#include "core/observation.h"
#include "core/policy.h"
#include "core/score.h"
#include "proto/mail.h"
#include "proto/packet.h"
#include "proto/smtp.h"

/* Octets of greeting, HELO name, mechanism and server name that a session keeps. */
#define TRACKER_TEXT_MAX 512
/* Raw octets of a message that are kept for a sample. */
#define TRACKER_HEAD_MAX (64 * 1024)

struct tracker;

/** Score one message whose content was read. */
typedef void tracker_score_fn(void *ctx, const struct mail_view *mail, struct score *ret);

struct tracker_conf {
	const struct policy *policy; /* borrowed; NULL: none */
	tracker_score_fn *score;     /* NULL: nothing is scored, and of content only headers read */
	void *score_ctx;
	bool keep_head;          /* raw start of each message, with its SHA-256 when flagged */
	bool any_port;           /* also streams that greet with 220 and get HELO or EHLO */
	bool only_ours;          /* leave out sessions that touch no network of the policy */
	size_t flows_max;        /* 0: 1,000,000 */
	size_t stream_bytes_max; /* that wait in all TCP queues; 0: 64 MiB */
	size_t walkers_max; /* messages whose content is read at once; more are unscored. 0: 1024 */
	uint32_t idle_s;    /* 0: 600 */
	struct siphash_key key;
};

/* Where frames come from. All zero for a capture file. */
struct tracker_port {
	const uint16_t *networks; /* that have this interface: their sources' frames come in here */
	size_t network_count;
	bool is_outgoing; /* this frame was sent by the machine we run on */
	uint16_t vlan;    /* tag that the kernel took off it; 0: none */
	const struct addr
		*locals; /* addresses of the machine we run on: what it sends is its own */
	size_t local_count;
};

struct tracked_session {
	uint64_t number; /* from 1, in the order in which they were recognised */
	struct wall first;
	struct wall last;
	struct source_key source;
	const char *network; /* NULL: none */
	const char *tenant;
	struct addr client;
	struct addr destination;
	uint16_t sport;
	uint16_t dport;
	enum direction direction;
	enum session_tls tls;
	enum session_close close; /* CLOSE_OPEN until it ends */
	/* Octets as they were sent, cut at TRACKER_TEXT_MAX; a NULL pointer means not seen. */
	struct str greeting;
	struct str helo;
	struct str auth;
	struct str sni;
	uint32_t messages;
	uint64_t bytes_client; /* of the streams, lost ones included */
	uint64_t bytes_server;
	uint64_t lost_bytes; /* of both */
};

/* Everything is borrowed for the call. */
struct tracked_message {
	const struct tracked_session *session;
	const struct smtp_message *smtp;
	const struct mail_view *mail;  /* NULL: its content was not read */
	const struct score *score;     /* NULL: it was not scored */
	const struct message_obs *obs; /* sample is set when head is */
	struct str head;               /* raw start, with keep_head; empty: none */
};

struct tracker_ops {
	void (*message)(void *ctx, const struct tracked_message *m);
	void (*session)(void *ctx, const struct tracked_session *s);
	/* For the judge: sessions opened, tried and ended; outbound and internal ones only. */
	void (*session_obs)(void *ctx, const struct session_obs *o);
};

struct tracker_counts {
	uint64_t frames;
	uint64_t bytes; /* captured octets of frames */
	uint64_t ignored_frames;
	uint64_t fragments; /* of the ignored ones */
	uint64_t bad_frames;
	uint64_t sessions;
	uint64_t messages;
	uint64_t unread;     /* messages over walkers_max */
	uint64_t lost_bytes; /* of sessions */
	uint64_t repeated_bytes;
	uint64_t evicted_flows;
	uint64_t foreign_frames;
	size_t flows;
};

/** @return NULL without memory. `ops` and `ctx` outlive it. */
MUSTUSE struct tracker *tracker_new(const struct tracker_conf *conf, const struct tracker_ops *ops,
				    void *ctx);
/** Forgets everything without a word; tracker_end first. NULL is allowed. */
void tracker_free(struct tracker *t);

/**
 * One frame.
 *
 * @param link  enum link_type, or -1: a kind that we cannot read, only counted.
 */
void tracker_frame(struct tracker *t, int link, struct str octets, size_t wire_len,
		   struct wall time, const struct tracker_port *port);
/** Time goes on without frames. */
void tracker_tick(struct tracker *t, struct wall now);
/** Nothing more will come: everything that is open ends. The tracker may be used again. */
void tracker_end(struct tracker *t);

void tracker_counts(const struct tracker *t, struct tracker_counts *ret);

/** A running session's ends. @return false to end the walk. */
typedef bool tracker_flow_fn(void *ctx, const struct addr *client, uint16_t sport,
			     const struct addr *destination, uint16_t dport);
/** All running sessions of a source. */
void tracker_flows(const struct tracker *t, const struct source_key *source, tracker_flow_fn *visit,
		   void *ctx);

#endif

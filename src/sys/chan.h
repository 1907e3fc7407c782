/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chan: a channel of typed messages between two of our processes, with descriptors.
 *
 * A SOCK_SEQPACKET pair: one datagram is one message, `type` (4 octets), then the body. Sending
 * never blocks: what does not fit the socket is queued up to a limit in octets, then refused
 * and counted. Received messages are hostile: the receiver decodes and checks, and a bad one is
 * counted by chan_bad, never a reason to exit. Layer: sys.
 */
#ifndef SYS_CHAN_H
#define SYS_CHAN_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "sys/loop.h"

/* Largest body of one message. */
#define CHAN_BODY_MAX (96 * 1024)

struct chan;

struct chan_msg {
	uint32_t type;
	struct str body; /* borrowed for the call */
	int fd;          /* -1, or a descriptor that now belongs to the receiver */
};

struct chan_ops {
	void (*received)(void *ctx, const struct chan_msg *m);
	/* No more is there now, or others have their turn. May be NULL. */
	void (*paused)(void *ctx);
	void (*closed)(void *ctx); /* the other side is gone; free the channel here or later */
};

/** Two connected ends, close-on-exec and non-blocking. @return 0, or a negative errno. */
MUSTUSE int chan_pair(int ret_fds[static 2]);

/**
 * @param fd         Taken over, also on failure.
 * @param queue_max  Octets that may wait while the other side is slow.
 */
MUSTUSE struct chan *chan_new(struct loop *l, int fd, size_t queue_max, const struct chan_ops *ops,
			      void *ctx);
/** NULL is allowed; allowed inside a callback of the channel. */
void chan_free(struct chan *c);

/**
 * @param fd  -1, or a descriptor to send along; it stays the caller's.
 * @return 0 (sent or queued); -ENOBUFS when the queue is full (the message is lost and counted);
 *         -EPIPE when the other side is gone; -EMSGSIZE when the body is too large.
 */
MUSTUSE int chan_send(struct chan *c, uint32_t type, struct str body, int fd);
/** Sends what is queued, waiting at most wait_ms: before an orderly exit. */
void chan_flush(struct chan *c, unsigned wait_ms);

/** Hands on all that was received up to now, without the loop: what a process said before it ended,
 * when its end was seen first. `closed` is not called. May free the channel, as any callback. */
void chan_drain(struct chan *c);

uint64_t chan_lost(const struct chan *c); /* messages refused because the queue was full */
void chan_bad(struct chan *c);            /* the body just received made no sense */
uint64_t chan_bad_count(const struct chan *c);

#endif

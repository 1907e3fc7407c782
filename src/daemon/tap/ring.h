/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring: frames of one interface out of a ring shared with the kernel (TPACKET_V3).
 *
 * The socket comes open and unbound from the parent; filter, ring and bind need no privilege.
 * Layer: daemon.
 */
#ifndef DAEMON_TAP_RING_H
#define DAEMON_TAP_RING_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One block is the longest frame: BIG TCP makes them 300 KB, less would cut without a word. */
#define RING_BLOCK_BYTES ((size_t)1 << 20)
#define RING_BLOCKS_MAX 64
#define RING_BLOCKS_MIN 4
/* How long a frame may wait in a block that is not full. */
#define RING_RETIRE_MS 20

struct ring_counts {
	uint64_t received; /* frames that passed the filter and were read */
	uint64_t dropped;  /* by the kernel: the ring was full */
	uint64_t freezes;  /* times it was full */
	uint64_t cut;      /* frames shorter than on the wire */
};

struct ring_frame {
	struct wall time;
	struct str octets; /* borrowed for the call */
	size_t wire_len;
	uint16_t vlan; /* tag that the kernel took off; 0: none */
	bool is_outgoing;
};

typedef void ring_frame_fn(void *ctx, const struct ring_frame *f);

struct ring;

/**
 * @param fd      An unbound AF_PACKET socket; taken over, also on failure.
 * @param blocks  RING_BLOCKS_MIN to RING_BLOCKS_MAX, of RING_BLOCK_BYTES each, unswappable.
 * @param ports   TCP ports to let through.
 */
MUSTUSE int ring_new(int fd, unsigned ifindex, unsigned blocks, const uint16_t *ports, size_t n,
		     struct ring **ret, struct errmsg *reterr);
/** Closes the socket. NULL is allowed. */
void ring_free(struct ring *r);

int ring_fd(const struct ring *r);
/** What frames begin with, enum link_type; -1: a kind of interface that we cannot read. */
int ring_link(const struct ring *r);

/**
 * Read what is there, at most `blocks_max` blocks.
 *
 * @return Blocks read; -ENETDOWN: the link is down, and frames will come again when it is up;
 *         -ENODEV: the interface is gone, a new socket is needed.
 */
MUSTUSE int ring_read(struct ring *r, unsigned blocks_max, ring_frame_fn *fn, void *ctx);

/** Counters since the start; asks the kernel. */
void ring_counts(struct ring *r, struct ring_counts *ret);

#endif

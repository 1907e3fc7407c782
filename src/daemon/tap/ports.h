/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports: the interfaces of the policy, each with its ring and the networks it belongs to.
 * Layer: daemon.
 */
#ifndef DAEMON_TAP_PORTS_H
#define DAEMON_TAP_PORTS_H

#include "base/jsonw.h"
#include "core/policy.h"
#include "daemon/child.h"
#include "daemon/tap/links.h"
#include "daemon/tap/ring.h"

/* Interfaces that are listened on; further ones of the policy are not, and the log says so. */
#define PORTS_INTERFACES_MAX 256
/* Memory of all rings together, unswappable. */
#define PORTS_RING_BYTES_MAX ((size_t)512 << 20)

struct tracker_port;

/** A frame and where it came from: all but `is_outgoing` and `vlan` of it is the port's own. */
typedef void ports_frame_fn(void *ctx, const struct tracker_port *port, const struct ring_frame *f,
			    int link);

struct ports;

/**
 * @param links  Borrowed for life: this machine's addresses.
 * @return NULL without memory.
 */
MUSTUSE struct ports *ports_new(struct child *c, const struct links *links, ports_frame_fn *fn,
				void *ctx);
void ports_free(struct ports *p);

/**
 * The parent sent a socket for this interface.
 *
 * @param fd  Taken over.
 * @return false when the policy knows no such interface.
 */
MUSTUSE bool ports_socket(struct ports *p, struct str name, unsigned ifindex, int fd);

/** An interface came up, perhaps as another one: ask for a socket when ours is of the old one. */
void ports_up(struct ports *p, const char *name, unsigned ifindex);

/** The members of MSG_STATS about capturing. */
void ports_write_stats(struct ports *p, struct jsonw *w);

#endif

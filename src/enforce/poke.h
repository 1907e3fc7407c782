/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poke: makes both ends of a running session speak, so that the block can reset them.
 *
 * A bare SYN inside an established connection is answered with a challenge ACK that carries the
 * true sequence numbers (RFC 5961, 4.2). The ACK meets the block and is rejected with a reset
 * that fits exactly: no conntrack, no guessing. Layer: enforce.
 */
#ifndef ENFORCE_POKE_H
#define ENFORCE_POKE_H

#include "base/attr.h"
#include "base/err.h"
#include "proto/addr.h"

#include <stddef.h>
#include <stdint.h>

struct poke;

/* One TCP connection; both ends are of the same family. */
struct poke_flow {
	struct addr client;
	struct addr server;
	uint16_t client_port;
	uint16_t server_port;
};

/* An IPv6 header and a TCP header without options. */
#define POKE_PACKET_MAX 60

/**
 * The SYN from the client to the server, or the other way round, with its checksums. Pure.
 *
 * @return Octets written; 0 for addresses of different or no families.
 */
size_t poke_packet(const struct poke_flow *f, bool to_client,
		   uint8_t ret_packet[static POKE_PACKET_MAX]);

/** @return 0; -EPERM without CAP_NET_RAW; another negative errno. */
MUSTUSE int poke_open(struct poke **ret, struct errmsg *reterr);
/** NULL is allowed. */
void poke_close(struct poke *p);
/** Poke both ends. Never waits. @return 0, or the first failure of sending. */
MUSTUSE int poke_send(struct poke *p, const struct poke_flow *f);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port_filter: the kernel's filter of a capture socket, made for the ports of the policy.
 *
 * Lets through TCP from or to one of the ports over IPv4 and IPv6, under up to two VLAN tags, and
 * what cannot be told without walking: IPv6 with extension headers (BIG TCP has one in most of
 * its packets) and later fragments. Layer: daemon.
 */
#ifndef DAEMON_TAP_PORT_FILTER_H
#define DAEMON_TAP_PORT_FILTER_H

#include "base/attr.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ports that one filter takes. With more the filter lets all TCP through. */
#define PORT_FILTER_PORTS_MAX 24
#define PORT_FILTER_SIZE_MAX 1024

struct port_filter {
	struct sock_filter code[PORT_FILTER_SIZE_MAX];
	size_t len;
};

/** @param is_raw  Frames begin with the IP header instead of Ethernet's. */
void port_filter_make(struct port_filter *ret, const uint16_t *ports, size_t n, bool is_raw);

#endif

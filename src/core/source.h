/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: the key of what is held responsible for mail: an address or prefix in a network.
 *
 * The struct has no padding, so its octets are its identity: it is the key of every table of
 * sources (source_key_str). Layer: core (pure).
 */
#ifndef CORE_SOURCE_H
#define CORE_SOURCE_H

#include "base/attr.h"
#include "base/str.h"
#include "proto/addr.h"

/* No network of the configuration: what `scan` without a configuration sees. */
#define NETWORK_NONE UINT16_MAX

struct source_key {
	uint16_t network; /* index in the configuration, or NETWORK_NONE */
	struct prefix prefix;
};
static_assert(sizeof(struct prefix) == 18, "no padding in a prefix");
static_assert(sizeof(struct source_key) == 20, "no padding in a key");

/**
 * The source of a client address: IPv4 as it is, IPv6 cut to `v6_len` bits (default 64).
 */
struct source_key source_of(uint16_t network, const struct addr *client, unsigned v6_len);

bool source_is_equal(const struct source_key *a, const struct source_key *b);
/** The key's octets, borrowed: for map_find and hashes. */
struct str source_key_str(const struct source_key *k);
/** "192.0.2.7" or "2001:db8::/64", without the network. @return ret_text */
char *source_format(const struct source_key *k, char ret_text[static ADDR_TEXT_SIZE]);

#endif

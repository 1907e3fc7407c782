/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr: IPv4 and IPv6 addresses and prefixes as one kind of object. Layer: proto (pure).
 */
#ifndef PROTO_ADDR_H
#define PROTO_ADDR_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Longest text: an IPv6 address, "/128" and the NUL. */
#define ADDR_TEXT_SIZE 52

struct addr {
	uint8_t family;     /* 4 or 6; 0: none */
	uint8_t octets[16]; /* network order; IPv4 in the first four, the rest zero */
};

/* All bits after `len` are zero. */
struct prefix {
	struct addr addr;
	uint8_t len; /* 0 to 32 or 128 */
};

struct addr addr_v4(const uint8_t octets[static 4]);
struct addr addr_v6(const uint8_t octets[static 16]);

/** @return 0, or -EINVAL. No zone ("%eth0"), no IPv4-mapped form is turned into IPv4. */
MUSTUSE int addr_parse(struct str text, struct addr *ret);
/** RFC 5952 form. @return ret_text */
char *addr_format(const struct addr *a, char ret_text[static ADDR_TEXT_SIZE]);

bool addr_is_equal(const struct addr *a, const struct addr *b);
/** Octets in use: 4, 16, or 0 for none. */
size_t addr_len(const struct addr *a);
/** Bits of a whole address: 32, 128, or 0 for none. */
unsigned addr_bits(const struct addr *a);

/** The prefix of `len` bits that holds the address. */
struct prefix prefix_of(const struct addr *a, unsigned len);
/**
 * "192.0.2.0/24", "2001:db8::/32", or an address alone.
 *
 * @return 0; -EINVAL when it is neither; -EDOM when bits after the length are set.
 */
MUSTUSE int prefix_parse(struct str text, struct prefix *ret);
/** A whole address is written without its length. @return ret_text */
char *prefix_format(const struct prefix *p, char ret_text[static ADDR_TEXT_SIZE]);
bool prefix_has_addr(const struct prefix *p, const struct addr *a);
/** Is all of `inner` inside `outer` (or equal)? */
bool prefix_has_prefix(const struct prefix *outer, const struct prefix *inner);
bool prefix_is_equal(const struct prefix *a, const struct prefix *b);

#endif

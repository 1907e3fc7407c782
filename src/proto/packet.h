/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet: one captured frame, taken apart down to the payload of TCP.
 *
 * Knows link layers, IP and TCP headers, and nothing of streams. Every length is checked against
 * what was really there; checksums are not, because a tap sees frames before the network card has
 * filled them in. Fragments are told apart and not put together. Layer: proto (pure).
 */
#ifndef PROTO_PACKET_H
#define PROTO_PACKET_H

#include "base/attr.h"
#include "base/str.h"
#include "proto/addr.h"

/* What a frame begins with. */
enum link_type {
	LINK_ETHERNET, /* with any number of VLAN tags up to PACKET_TAGS_MAX */
	LINK_SLL,      /* Linux cooked, version 1 */
	LINK_SLL2,     /* and 2 */
	LINK_NULL,     /* BSD loopback: family in the writer's byte order */
	LINK_LOOP,     /* OpenBSD loopback: in network order */
	LINK_RAW,      /* IPv4 or IPv6, told by its first four bits */
	LINK_COUNT,
};

/* More tags, or more extension headers, than these: the frame is PACKET_BAD. */
#define PACKET_TAGS_MAX 4
#define PACKET_EXTENSIONS_MAX 8
#define PACKET_VLAN_NONE 0xFFFF
/* No frame is this long (Linux makes them up to 512 KiB): a record that says so is PACKET_BAD. */
#define PACKET_WIRE_MAX ((size_t)16 << 20)

enum tcp_flag {
	TCP_FIN = 1,
	TCP_SYN = 2,
	TCP_RST = 4,
	TCP_ACK = 16,
};

enum packet_out {
	PACKET_TCP,      /* `ret` is set */
	PACKET_OTHER,    /* sound, but not TCP over IP */
	PACKET_FRAGMENT, /* a piece of an IP packet */
	PACKET_BAD,      /* lengths that do not fit each other, or cut within the headers */
	PACKET_OUT_COUNT,
};

struct packet {
	struct addr src;
	struct addr dst;
	uint16_t sport;
	uint16_t dport;
	uint16_t vlan; /* number of the innermost tag, or PACKET_VLAN_NONE */
	uint8_t flags; /* enum tcp_flag bits; others of the header are kept too */
	uint32_t seq;
	uint32_t ack;       /* counts only with TCP_ACK */
	struct str payload; /* borrowed from the frame: what was captured of it */
	uint32_t cut;       /* octets of the payload after it that the capture left out */
};

/** The link type of a number in a capture file (LINKTYPE_…). @return Its value, or -1. */
int link_type_of(uint32_t number);

/**
 * Take a frame apart.
 *
 * @param frame     The octets captured.
 * @param wire_len  How many there were on the wire; less than frame.len counts as frame.len.
 * @param ret       Set on PACKET_TCP only.
 *
 * Source: RFC 791, 8200, 2675 (payload length 0), 9293; tcpdump.org/linktypes.html.
 */
MUSTUSE enum packet_out packet_parse(enum link_type link, struct str frame, size_t wire_len,
				     struct packet *ret);

#endif

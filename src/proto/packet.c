/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet: frames to TCP segments. Layer: proto (pure).
 */
#include "proto/packet.h"

#include <string.h>

#include "base/poison.h"

#define ETHER_HEADER 14
#define ETHER_IPV4 0x0800
#define ETHER_IPV6 0x86DD
#define SLL_HEADER 16
#define SLL2_HEADER 20
#define FAMILY_HEADER 4

#define IPV4_HEADER_MIN 20
#define IPV4_OFFSET_AND_MORE 0x3FFF
#define IPV6_HEADER 40
#define TCP_HEADER_MIN 20
#define PROTO_TCP 6

/* What is left of a frame: `in` was captured, `wire` was there. */
struct rest {
	struct str in;
	size_t wire; /* at least in.len */
};

static uint16_t be16(const char *p)
{
	const uint8_t *o = (const uint8_t *)p;

	return (uint16_t)(o[0] << 8 | o[1]);
}

static uint32_t be32(const char *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void skip(struct rest *r, size_t n)
{
	r->in = str_skip(r->in, n);
	r->wire -= n;
}

/* What follows is `n` octets long: the rest is padding. False when so many were never there. */
static bool hold(struct rest *r, size_t n)
{
	if (n > r->wire) {
		return false;
	}
	r->wire = n;
	r->in = str_head(r->in, n);
	return true;
}

int link_type_of(uint32_t number)
{
	switch (number) {
	case 0:
		return LINK_NULL;
	case 1:
		return LINK_ETHERNET;
	case 12: /* DLT_RAW of most systems, */
	case 14: /* of OpenBSD, */
	case 101:
	case 228: /* IPv4 only, */
	case 229: /* IPv6 only */
		return LINK_RAW;
	case 108:
		return LINK_LOOP;
	case 113:
		return LINK_SLL;
	case 276:
		return LINK_SLL2;
	default:
		return -1;
	}
}

static bool is_tag(uint16_t type)
{
	return type == 0x8100 || type == 0x88A8 || type == 0x9100 || type == 0x9200;
}

/* The tags after an Ethernet type, and the type that they lead to. */
static enum packet_out tags(struct rest *r, uint16_t *type, struct packet *p)
{
	for (unsigned n = 0; is_tag(*type); n++) {
		if (n == PACKET_TAGS_MAX || r->in.len < 4) {
			return PACKET_BAD;
		}
		p->vlan = be16(r->in.ptr) & 0x0FFF;
		*type = be16(r->in.ptr + 2);
		skip(r, 4);
	}
	return PACKET_TCP;
}

static enum packet_out tcp(struct rest *r, struct packet *p)
{
	const char *h = r->in.ptr;

	if (r->in.len < TCP_HEADER_MIN) {
		return PACKET_BAD;
	}
	size_t header = (size_t)((uint8_t)h[12] >> 4) * 4;
	if (header < TCP_HEADER_MIN || header > r->in.len) {
		return PACKET_BAD;
	}
	p->sport = be16(h);
	p->dport = be16(h + 2);
	p->seq = be32(h + 4);
	p->ack = be32(h + 8);
	p->flags = (uint8_t)h[13];
	skip(r, header);
	p->payload = r->in;
	p->cut = (uint32_t)(r->wire - r->in.len);
	return PACKET_TCP;
}

static enum packet_out ipv4(struct rest *r, struct packet *p)
{
	const char *h = r->in.ptr;

	if (r->in.len < IPV4_HEADER_MIN || (uint8_t)h[0] >> 4 != 4) {
		return PACKET_BAD;
	}
	size_t header = (size_t)(h[0] & 15) * 4;
	size_t total = be16(h + 2);
	/* 0: the card was to cut a large packet and fill it in. */
	if (total == 0) {
		total = r->wire;
	}
	if (header < IPV4_HEADER_MIN || header > total || header > r->in.len || !hold(r, total)) {
		return PACKET_BAD;
	}
	if ((be16(h + 6) & IPV4_OFFSET_AND_MORE) != 0) {
		return PACKET_FRAGMENT;
	}
	if (h[9] != PROTO_TCP) {
		return PACKET_OTHER;
	}
	p->src = addr_v4((const uint8_t *)h + 12);
	p->dst = addr_v4((const uint8_t *)h + 16);
	skip(r, header);
	return tcp(r, p);
}

/* The extension headers up to TCP. Source: RFC 8200, 4; RFC 4302 for the length of AH. */
static enum packet_out extensions(struct rest *r, uint8_t next)
{
	for (unsigned n = 0; next != PROTO_TCP; n++) {
		size_t len;
		const char *h = r->in.ptr;

		if (next != 0 && next != 43 && next != 44 && next != 51 && next != 60 &&
		    next != 135) {
			return PACKET_OTHER;
		}
		if (n == PACKET_EXTENSIONS_MAX || r->in.len < 8) {
			return PACKET_BAD;
		}
		if (next == 44) {
			/* A "fragment" that is the whole packet is none. */
			if ((be16(h + 2) & 0xFFF9) != 0) {
				return PACKET_FRAGMENT;
			}
			len = 8;
		} else if (next == 51) {
			len = ((size_t)(uint8_t)h[1] + 2) * 4;
		} else {
			len = ((size_t)(uint8_t)h[1] + 1) * 8;
		}
		if (len > r->in.len) {
			return PACKET_BAD;
		}
		next = (uint8_t)h[0];
		skip(r, len);
	}
	return PACKET_TCP;
}

static enum packet_out ipv6(struct rest *r, struct packet *p)
{
	const char *h = r->in.ptr;

	if (r->in.len < IPV6_HEADER || (uint8_t)h[0] >> 4 != 6) {
		return PACKET_BAD;
	}
	size_t payload = be16(h + 4);
	uint8_t next = (uint8_t)h[6];
	p->src = addr_v6((const uint8_t *)h + 8);
	p->dst = addr_v6((const uint8_t *)h + 24);
	skip(r, IPV6_HEADER);
	/* 0 is a jumbo packet, whose frame says how long it is. */
	if (payload != 0 && !hold(r, payload)) {
		return PACKET_BAD;
	}
	enum packet_out out = extensions(r, next);
	return out == PACKET_TCP ? tcp(r, p) : out;
}

static enum packet_out ip(struct rest *r, struct packet *p)
{
	if (r->in.len == 0) {
		return PACKET_BAD;
	}
	switch ((uint8_t)r->in.ptr[0] >> 4) {
	case 4:
		return ipv4(r, p);
	case 6:
		return ipv6(r, p);
	default:
		return PACKET_OTHER;
	}
}

/* A header of `len` octets with an Ethernet type at `type_at`. */
static enum packet_out typed(struct rest *r, size_t len, size_t type_at, struct packet *p)
{
	if (r->in.len < len) {
		return PACKET_BAD;
	}
	uint16_t type = be16(r->in.ptr + type_at);
	skip(r, len);
	if (tags(r, &type, p) != PACKET_TCP) {
		return PACKET_BAD;
	}
	if (type == ETHER_IPV4) {
		return ipv4(r, p);
	}
	return type == ETHER_IPV6 ? ipv6(r, p) : PACKET_OTHER;
}

/*
 * The family before the packet has other numbers on each system, and the byte order of the
 * machine that wrote it: the packet itself says what it is.
 */
static enum packet_out family(struct rest *r, struct packet *p)
{
	if (r->in.len < FAMILY_HEADER) {
		return PACKET_BAD;
	}
	skip(r, FAMILY_HEADER);
	return ip(r, p);
}

enum packet_out packet_parse(enum link_type link, struct str frame, size_t wire_len,
			     struct packet *ret)
{
	struct rest r = {.in = frame, .wire = wire_len < frame.len ? frame.len : wire_len};
	struct packet p = {.vlan = PACKET_VLAN_NONE};
	enum packet_out out = PACKET_BAD;

	if (r.wire > PACKET_WIRE_MAX) {
		return PACKET_BAD;
	}
	switch (link) {
	case LINK_ETHERNET:
		out = typed(&r, ETHER_HEADER, 12, &p);
		break;
	case LINK_SLL:
		out = typed(&r, SLL_HEADER, 14, &p);
		break;
	case LINK_SLL2:
		out = typed(&r, SLL2_HEADER, 0, &p);
		break;
	case LINK_NULL:
	case LINK_LOOP:
		out = family(&r, &p);
		break;
	case LINK_RAW:
		out = ip(&r, &p);
		break;
	case LINK_COUNT:
		break;
	}
	if (out == PACKET_TCP) {
		*ret = p;
	}
	return out;
}

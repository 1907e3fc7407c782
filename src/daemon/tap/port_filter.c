/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port_filter: classic BPF, written out for each number of VLAN tags. Layer: daemon.
 */
#include "daemon/tap/port_filter.h"

#include "base/assert.h"

#include <net/ethernet.h>
#include <netinet/in.h>

#include "base/poison.h"

/* Tags that are looked behind; the kernel takes the outermost one off before we see it. */
#define TAGS_MAX 2
#define TAG_SIZE 4
#define ETHER_SIZE 14
#define WHOLE_FRAME 0xFFFFFFFF

static const uint16_t tag_types[] = {ETHERTYPE_VLAN, 0x88A8, 0x9100};
static const uint8_t extensions[] = {IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT,
				     IPPROTO_AH,      IPPROTO_DSTOPTS, 135};

static void add(struct port_filter *f, uint16_t code, uint8_t if_true, uint8_t if_false, uint32_t k)
{
	ASSERT(f->len < PORT_FILTER_SIZE_MAX);
	f->code[f->len++] = (struct sock_filter){
		.code = code, .jt = if_true, .jf = if_false, .k = k};
}

static void load(struct port_filter *f, uint16_t size, size_t at)
{
	add(f, (uint16_t)(BPF_LD | BPF_ABS | size), 0, 0, (uint32_t)at);
}

/* Go on when equal, else leave the frame. */
static void need(struct port_filter *f, uint32_t k)
{
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, k);
	add(f, BPF_RET | BPF_K, 0, 0, 0);
}

/* Take the frame when equal, else go on. */
static void take_if(struct port_filter *f, uint32_t k)
{
	add(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, k);
	add(f, BPF_RET | BPF_K, 0, 0, WHOLE_FRAME);
}

static void ports_of(struct port_filter *f, const uint16_t *ports, size_t n, bool is_indexed,
		     size_t at)
{
	if (n > PORT_FILTER_PORTS_MAX) {
		add(f, BPF_RET | BPF_K, 0, 0, WHOLE_FRAME);
		return;
	}
	for (size_t side = 0; side < 2; side++) {
		uint16_t mode = is_indexed ? BPF_IND : BPF_ABS;
		add(f, (uint16_t)(BPF_LD | BPF_H | mode), 0, 0, (uint32_t)(at + side * 2));
		for (size_t i = 0; i < n; i++) {
			take_if(f, ports[i]);
		}
	}
	add(f, BPF_RET | BPF_K, 0, 0, 0);
}

static void ipv4(struct port_filter *f, const uint16_t *ports, size_t n, size_t at)
{
	load(f, BPF_B, at + 9);
	need(f, IPPROTO_TCP);
	load(f, BPF_H, at + 6);
	add(f, BPF_JMP | BPF_JSET | BPF_K, 0, 1, 0x1FFF);
	add(f, BPF_RET | BPF_K, 0, 0, WHOLE_FRAME);
	add(f, BPF_LDX | BPF_B | BPF_MSH, 0, 0, (uint32_t)at);
	ports_of(f, ports, n, true, at);
}

static void ipv6(struct port_filter *f, const uint16_t *ports, size_t n, size_t at)
{
	load(f, BPF_B, at + 6);
	for (size_t i = 0; i < sizeof(extensions); i++) {
		take_if(f, extensions[i]);
	}
	need(f, IPPROTO_TCP);
	ports_of(f, ports, n, false, at + 40);
}

/* A jump over what `part` adds, taken when the value loaded is not k. */
static void when(struct port_filter *f, uint32_t k,
		 void (*part)(struct port_filter *, const uint16_t *, size_t, size_t),
		 const uint16_t *ports, size_t n, size_t at)
{
	size_t jump = f->len;

	add(f, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, k);
	add(f, BPF_JMP | BPF_JA, 0, 0, 0);
	part(f, ports, n, at);
	f->code[jump + 1].k = (uint32_t)(f->len - jump - 2);
}

void port_filter_make(struct port_filter *ret, const uint16_t *ports, size_t n, bool is_raw)
{
	ret->len = 0;
	if (is_raw) {
		load(ret, BPF_B, 0);
		add(ret, BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xF0);
		when(ret, 0x40, ipv4, ports, n, 0);
		when(ret, 0x60, ipv6, ports, n, 0);
		add(ret, BPF_RET | BPF_K, 0, 0, 0);
		return;
	}
	for (size_t tags = 0; tags <= TAGS_MAX; tags++) {
		size_t type_at = ETHER_SIZE - 2 + tags * TAG_SIZE;
		load(ret, BPF_H, type_at);
		when(ret, ETHERTYPE_IP, ipv4, ports, n, type_at + 2);
		when(ret, ETHERTYPE_IPV6, ipv6, ports, n, type_at + 2);
		/* Anything else must be a tag to go on to the next round. */
		for (size_t i = 0; i < COUNT_OF(tag_types); i++) {
			uint8_t left = (uint8_t)(COUNT_OF(tag_types) - i);
			add(ret, BPF_JMP | BPF_JEQ | BPF_K, left, 0, tag_types[i]);
		}
		add(ret, BPF_RET | BPF_K, 0, 0, 0);
	}
	add(ret, BPF_RET | BPF_K, 0, 0, 0);
}

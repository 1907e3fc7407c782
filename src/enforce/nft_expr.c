/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_expr: expressions of nf_tables rules as netlink attributes. Layer: enforce.
 *
 * Source: linux/netfilter/nf_tables.h; the same rules written for the nft program are compared
 * with ours in tests/e2e.
 */
#include "enforce/nft_expr.h"

#include "base/assert.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

#define IFNAME_LEN 16
/* Registers of 4 octets; a key begins in the first one. */
#define REG_KEY NFT_REG32_00
#define REG_AFTER_IFNAME (NFT_REG32_00 + IFNAME_LEN / 4)

bool nft_class_is_equal(const struct nft_class *a, const struct nft_class *b)
{
	return a->family == b->family && a->len == b->len && a->zone == b->zone;
}

size_t nft_class_key_len(const struct nft_class *c)
{
	return (c->zone ? IFNAME_LEN : 0U) + (c->family == 6 ? 16U : 4U);
}

char *nft_class_format(const struct nft_class *c, char ret_text[static NFT_CLASS_TEXT])
{
	unsigned whole = c->family == 6 ? 128 : 32;
	const char *zone = c->zone ? "z" : "";

	if (c->len == whole) {
		snprintf(ret_text, NFT_CLASS_TEXT, "%s%u", zone, (unsigned)c->family);
	} else {
		snprintf(ret_text, NFT_CLASS_TEXT, "%s%u_%u", zone, (unsigned)c->family,
			 (unsigned)c->len);
	}
	return ret_text;
}

struct nft_rule nft_rule_begin(struct nl_batch *b, const char *chain)
{
	nl_msg(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	nl_put_cstr(b, NFTA_RULE_TABLE, NFT_TABLE);
	nl_put_cstr(b, NFTA_RULE_CHAIN, chain);
	return (struct nft_rule){.b = b, .exprs = nl_nest(b, NFTA_RULE_EXPRESSIONS)};
}

void nft_rule_end(struct nft_rule *r)
{
	nl_nest_end(r->b, r->exprs);
}

struct expr {
	size_t elem;
	size_t data;
};

static struct expr expr_begin(struct nl_batch *b, const char *name)
{
	struct expr e = {.elem = nl_nest(b, NFTA_LIST_ELEM)};

	nl_put_cstr(b, NFTA_EXPR_NAME, name);
	e.data = nl_nest(b, NFTA_EXPR_DATA);
	return e;
}

static void expr_end(struct nl_batch *b, struct expr e)
{
	nl_nest_end(b, e.data);
	nl_nest_end(b, e.elem);
}

static void put_value(struct nl_batch *b, uint16_t type, const void *data, size_t len)
{
	size_t mark = nl_nest(b, type);

	nl_put(b, NFTA_DATA_VALUE, data, len);
	nl_nest_end(b, mark);
}

static void meta(struct nft_rule *r, uint32_t key, uint32_t reg)
{
	struct expr e = expr_begin(r->b, "meta");

	nl_put_u32(r->b, NFTA_META_KEY, key);
	nl_put_u32(r->b, NFTA_META_DREG, reg);
	expr_end(r->b, e);
}

static void cmp(struct nft_rule *r, uint32_t op, const void *data, size_t len)
{
	struct expr e = expr_begin(r->b, "cmp");

	nl_put_u32(r->b, NFTA_CMP_SREG, REG_KEY);
	nl_put_u32(r->b, NFTA_CMP_OP, op);
	put_value(r->b, NFTA_CMP_DATA, data, len);
	expr_end(r->b, e);
}

struct field {
	uint32_t base;
	uint32_t offset;
	uint32_t len;
};

static void payload(struct nft_rule *r, struct field f, uint32_t reg)
{
	struct expr e = expr_begin(r->b, "payload");

	nl_put_u32(r->b, NFTA_PAYLOAD_DREG, reg);
	nl_put_u32(r->b, NFTA_PAYLOAD_BASE, f.base);
	nl_put_u32(r->b, NFTA_PAYLOAD_OFFSET, f.offset);
	nl_put_u32(r->b, NFTA_PAYLOAD_LEN, f.len);
	expr_end(r->b, e);
}

static void bitwise(struct nft_rule *r, uint32_t reg, const void *mask, size_t len)
{
	static const uint8_t zero[16];
	struct expr e = expr_begin(r->b, "bitwise");

	ASSERT(len <= sizeof(zero));
	nl_put_u32(r->b, NFTA_BITWISE_SREG, reg);
	nl_put_u32(r->b, NFTA_BITWISE_DREG, reg);
	nl_put_u32(r->b, NFTA_BITWISE_LEN, (uint32_t)len);
	put_value(r->b, NFTA_BITWISE_MASK, mask, len);
	put_value(r->b, NFTA_BITWISE_XOR, zero, len);
	expr_end(r->b, e);
}

void nft_l4proto_tcp(struct nft_rule *r)
{
	const uint8_t tcp = IPPROTO_TCP;

	meta(r, NFT_META_L4PROTO, REG_KEY);
	cmp(r, NFT_CMP_EQ, &tcp, sizeof(tcp));
}

void nft_nfproto(struct nft_rule *r, uint8_t family)
{
	const uint8_t proto = family == 6 ? NFPROTO_IPV6 : NFPROTO_IPV4;

	meta(r, NFT_META_NFPROTO, REG_KEY);
	cmp(r, NFT_CMP_EQ, &proto, sizeof(proto));
}

static void lookup_set(struct nft_rule *r, const char *set, bool inverted)
{
	struct expr e = expr_begin(r->b, "lookup");

	nl_put_cstr(r->b, NFTA_LOOKUP_SET, set);
	nl_put_u32(r->b, NFTA_LOOKUP_SREG, REG_KEY);
	if (inverted) {
		nl_put_u32(r->b, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	}
	expr_end(r->b, e);
}

void nft_port_in(struct nft_rule *r, bool source_port, const char *set, bool inverted)
{
	struct field f = {NFT_PAYLOAD_TRANSPORT_HEADER, source_port ? 0 : 2, 2};

	nft_l4proto_tcp(r);
	payload(r, f, REG_KEY);
	lookup_set(r, set, inverted);
}

void nft_tcp_flags(struct nft_rule *r, uint8_t mask, uint8_t flags, bool inverted)
{
	nft_l4proto_tcp(r);
	payload(r, (struct field){NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1}, REG_KEY);
	bitwise(r, REG_KEY, &mask, sizeof(mask));
	cmp(r, inverted ? NFT_CMP_NEQ : NFT_CMP_EQ, &flags, sizeof(flags));
}

void nft_mark_is(struct nft_rule *r, uint32_t mark)
{
	meta(r, NFT_META_MARK, REG_KEY);
	cmp(r, NFT_CMP_EQ, &mark, sizeof(mark));
}

void nft_oifname_is_not(struct nft_rule *r, const char *name)
{
	char whole[IFNAME_LEN] = {0};

	memcpy(whole, name, strnlen(name, sizeof(whole) - 1));
	meta(r, NFT_META_OIFNAME, REG_KEY);
	cmp(r, NFT_CMP_NEQ, whole, sizeof(whole));
}

void nft_key(struct nft_rule *r, const struct nft_class *c, bool destination)
{
	uint32_t reg = c->zone ? REG_AFTER_IFNAME : REG_KEY;
	struct field f = c->family == 6 ? (struct field){NFT_PAYLOAD_NETWORK_HEADER,
							 destination ? 24 : 8, 16}
					: (struct field){NFT_PAYLOAD_NETWORK_HEADER,
							 destination ? 16 : 12, 4};

	nft_nfproto(r, c->family);
	if (c->zone) {
		meta(r, destination ? NFT_META_OIFNAME : NFT_META_IIFNAME, REG_KEY);
	}
	payload(r, f, reg);
	if (c->len < f.len * 8) {
		uint8_t mask[16] = {0};
		for (unsigned bit = 0; bit < c->len; bit++) {
			mask[bit / 8] |= (uint8_t)(0x80U >> (bit % 8));
		}
		bitwise(r, reg, mask, f.len);
	}
}

void nft_in_set(struct nft_rule *r, const char *set)
{
	lookup_set(r, set, false);
}

void nft_is_not_local(struct nft_rule *r, bool destination)
{
	const uint32_t local = RTN_LOCAL;
	struct expr e = expr_begin(r->b, "fib");

	nl_put_u32(r->b, NFTA_FIB_DREG, REG_KEY);
	nl_put_u32(r->b, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	nl_put_u32(r->b, NFTA_FIB_FLAGS, destination ? NFTA_FIB_F_DADDR : NFTA_FIB_F_SADDR);
	expr_end(r->b, e);
	cmp(r, NFT_CMP_NEQ, &local, sizeof(local));
}

static struct expr dynset_begin(struct nft_rule *r, const char *set)
{
	struct expr e = expr_begin(r->b, "dynset");

	nl_put_cstr(r->b, NFTA_DYNSET_SET_NAME, set);
	nl_put_u32(r->b, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	nl_put_u32(r->b, NFTA_DYNSET_SREG_KEY, REG_KEY);
	return e;
}

void nft_update_counter(struct nft_rule *r, const char *set)
{
	struct expr e = dynset_begin(r, set);
	size_t expr = nl_nest(r->b, NFTA_DYNSET_EXPR);

	nl_put_cstr(r->b, NFTA_EXPR_NAME, "counter");
	size_t data = nl_nest(r->b, NFTA_EXPR_DATA);
	nl_put_u64(r->b, NFTA_COUNTER_BYTES, 0);
	nl_put_u64(r->b, NFTA_COUNTER_PACKETS, 0);
	nl_nest_end(r->b, data);
	nl_nest_end(r->b, expr);
	expr_end(r->b, e);
}

static void put_limit(struct nl_batch *b, uint64_t rate, uint64_t unit_s, uint32_t burst)
{
	nl_put_u64(b, NFTA_LIMIT_RATE, rate);
	nl_put_u64(b, NFTA_LIMIT_UNIT, unit_s);
	nl_put_u32(b, NFTA_LIMIT_BURST, burst);
	nl_put_u32(b, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
}

void nft_update_limit(struct nft_rule *r, const char *set, uint32_t per_min, uint32_t burst)
{
	struct expr e = dynset_begin(r, set);
	size_t expr = nl_nest(r->b, NFTA_DYNSET_EXPR);

	nl_put_cstr(r->b, NFTA_EXPR_NAME, "limit");
	size_t data = nl_nest(r->b, NFTA_EXPR_DATA);
	put_limit(r->b, per_min, 60, burst);
	nl_put_u32(r->b, NFTA_LIMIT_FLAGS, 0);
	nl_nest_end(r->b, data);
	nl_nest_end(r->b, expr);
	expr_end(r->b, e);
}

void nft_limit_over(struct nft_rule *r, uint32_t per_s, uint32_t burst)
{
	struct expr e = expr_begin(r->b, "limit");

	put_limit(r->b, per_s, 1, burst);
	nl_put_u32(r->b, NFTA_LIMIT_FLAGS, NFT_LIMIT_F_INV);
	expr_end(r->b, e);
}

void nft_counter(struct nft_rule *r, const char *name)
{
	struct expr e = expr_begin(r->b, "objref");

	nl_put_u32(r->b, NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_COUNTER);
	nl_put_cstr(r->b, NFTA_OBJREF_IMM_NAME, name);
	expr_end(r->b, e);
}

void nft_reject_reset(struct nft_rule *r)
{
	nft_l4proto_tcp(r);
	struct expr e = expr_begin(r->b, "reject");

	nl_put_u32(r->b, NFTA_REJECT_TYPE, NFT_REJECT_TCP_RST);
	nl_put_u8(r->b, NFTA_REJECT_ICMP_CODE, 0);
	expr_end(r->b, e);
}

/* A verdict inside the nest `type`. */
static void put_verdict(struct nl_batch *b, uint16_t type, int32_t code, const char *chain)
{
	size_t data = nl_nest(b, type);
	size_t verdict = nl_nest(b, NFTA_DATA_VERDICT);

	nl_put_u32(b, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain != NULL) {
		nl_put_cstr(b, NFTA_VERDICT_CHAIN, chain);
	}
	nl_nest_end(b, verdict);
	nl_nest_end(b, data);
}

static void immediate(struct nft_rule *r, int32_t code, const char *chain)
{
	struct expr e = expr_begin(r->b, "immediate");

	nl_put_u32(r->b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	put_verdict(r->b, NFTA_IMMEDIATE_DATA, code, chain);
	expr_end(r->b, e);
}

void nft_verdict(struct nft_rule *r, int32_t code)
{
	immediate(r, code, NULL);
}

void nft_goto(struct nft_rule *r, const char *chain)
{
	immediate(r, NFT_GOTO, chain);
}

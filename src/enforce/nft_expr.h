/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_expr: the words of nf_tables that our rules are made of, each one expression of a rule.
 * Layer: enforce.
 */
#ifndef ENFORCE_NFT_EXPR_H
#define ENFORCE_NFT_EXPR_H

#include "enforce/nl.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>

/* The one table that is ours, in family inet. */
#define NFT_TABLE "postern"

/* The bit pattern that says which sources an element stands for. */
struct nft_class {
	uint8_t family; /* 4 or 6 */
	uint8_t len;    /* prefix length */
	bool zone;      /* the interface is part of the key */
};

bool nft_class_is_equal(const struct nft_class *a, const struct nft_class *b);
/** Octets of a key: 4, 16, and 16 more in front for the interface of a zone. */
size_t nft_class_key_len(const struct nft_class *c);
/** "4", "6_64", "z4_24": the end of the names of its maps, sets and chains. A whole IPv4
 *  address or IPv6 address has no length. @return ret_text */
#define NFT_CLASS_TEXT 12
char *nft_class_format(const struct nft_class *c, char ret_text[static NFT_CLASS_TEXT]);

/** Begin a rule at the end of a chain; expressions follow, then nft_rule_end. */
struct nft_rule {
	struct nl_batch *b;
	size_t exprs;
};
struct nft_rule nft_rule_begin(struct nl_batch *b, const char *chain);
void nft_rule_end(struct nft_rule *r);

/** Go on only when the octets at `offset` of a header, masked, are (not) these. */
void nft_l4proto_tcp(struct nft_rule *r);
void nft_nfproto(struct nft_rule *r, uint8_t family);
/** Go on only for (with `inverted`: not for) ports that are in the set. */
void nft_port_in(struct nft_rule *r, bool source_port, const char *set, bool inverted);
/** Go on only when the TCP flags under `mask` are (not) `flags`. */
void nft_tcp_flags(struct nft_rule *r, uint8_t mask, uint8_t flags, bool inverted);
void nft_mark_is(struct nft_rule *r, uint32_t mark);
void nft_oifname_is_not(struct nft_rule *r, const char *name);

/** Load the key of a class: of the packet's source, or of its destination. */
void nft_key(struct nft_rule *r, const struct nft_class *c, bool destination);
/** Go on only when the packet's source, or its destination, is no address of this machine. */
void nft_is_not_local(struct nft_rule *r, bool destination);
/** Go on only when the loaded key is in the set. */
void nft_in_set(struct nft_rule *r, const char *set);
/** Count the loaded key in a set that learns. */
void nft_update_counter(struct nft_rule *r, const char *set);
/** Go on only while the loaded key stays under its own limit. */
void nft_update_limit(struct nft_rule *r, const char *set, uint32_t per_min, uint32_t burst);

/** Go on only above this many packets a second. */
void nft_limit_over(struct nft_rule *r, uint32_t per_s, uint32_t burst);
void nft_counter(struct nft_rule *r, const char *name);
void nft_reject_reset(struct nft_rule *r);
void nft_verdict(struct nft_rule *r, int32_t code);
void nft_goto(struct nft_rule *r, const char *chain);

#endif

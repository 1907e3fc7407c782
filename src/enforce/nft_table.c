/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_table: what the table consists of. Layer: enforce.
 *
 * Every packet that is no mail leaves after two look-ups. A mail packet asks the sets of each kind
 * of prefix in use, the narrowest first; each hit is a goto, so the first one decides. Plain sets
 * and no map of verdicts: the kernel walks all elements of such a map at every change.
 */
#include "enforce/nft_table.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* Before the administrator's own filter: a block holds whatever he accepts. */
#define HOOK_PRIORITY (-10)
/* Resets cost us a packet each: above this rate blocked packets are dropped in silence. */
#define RESETS_PER_S 20000
#define HIT_TIMEOUT_MS (UINT64_C(24) * 3600 * 1000)
#define LIM_TIMEOUT_MS (UINT64_C(600) * 1000)
/* Sources whose refused packets are counted, or whose rate is limited, at once. A full set of
 * counters counts no more; a full set of limits lets nothing through. */
#define DYNAMIC_SIZE 262144
#define BACK_SIZE 65536
/* Keys as the nft program names them when it lists a set. */
#define TYPE_IPV4 7U
#define TYPE_IPV6 8U
#define TYPE_PORT 13U
#define TYPE_IFNAME 41U
#define TYPE_CONCAT_SHIFT 6
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

char *nft_object_name(const char *what, const struct nft_class *c,
		      char ret_name[static NFT_NAME_MAX])
{
	char class[NFT_CLASS_TEXT];

	snprintf(ret_name, NFT_NAME_MAX, "%s%s", what, nft_class_format(c, class));
	return ret_name;
}

size_t nft_put_key(const struct source_key *s, const struct nft_class *c, const char *interface,
		   uint8_t ret_key[static 32])
{
	size_t at = 0;

	memset(ret_key, 0, 32);
	if (c->zone) {
		memcpy(ret_key, interface, strnlen(interface, 15));
		at = 16;
	}
	memcpy(ret_key + at, s->prefix.addr.octets, addr_len(&s->prefix.addr));
	return at + addr_len(&s->prefix.addr);
}

/* --- objects ------------------------------------------------------------------------------- */

struct set_spec {
	const char *name;
	uint32_t flags;
	uint32_t key_type;
	uint32_t key_len;
	uint32_t size; /* 0: not said */
	uint64_t timeout_ms;
};

static void put_set(struct nl_batch *b, const struct set_spec *s)
{
	nl_msg(b, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
	nl_put_cstr(b, NFTA_SET_TABLE, NFT_TABLE);
	nl_put_cstr(b, NFTA_SET_NAME, s->name);
	nl_put_u32(b, NFTA_SET_FLAGS, s->flags);
	nl_put_u32(b, NFTA_SET_KEY_TYPE, s->key_type);
	nl_put_u32(b, NFTA_SET_KEY_LEN, s->key_len);
	nl_put_u32(b, NFTA_SET_ID, b->seq);
	if (s->timeout_ms != 0) {
		nl_put_u64(b, NFTA_SET_TIMEOUT, s->timeout_ms);
	}
	if (s->size != 0) {
		size_t desc = nl_nest(b, NFTA_SET_DESC);
		nl_put_u32(b, NFTA_SET_DESC_SIZE, s->size);
		nl_nest_end(b, desc);
	}
}

static void put_counter(struct nl_batch *b, const char *name)
{
	nl_msg(b, NFT_MSG_NEWOBJ, NLM_F_CREATE | NLM_F_EXCL);
	nl_put_cstr(b, NFTA_OBJ_TABLE, NFT_TABLE);
	nl_put_cstr(b, NFTA_OBJ_NAME, name);
	nl_put_u32(b, NFTA_OBJ_TYPE, NFT_OBJECT_COUNTER);
	size_t data = nl_nest(b, NFTA_OBJ_DATA);
	nl_put_u64(b, NFTA_COUNTER_BYTES, 0);
	nl_put_u64(b, NFTA_COUNTER_PACKETS, 0);
	nl_nest_end(b, data);
}

static void put_chain(struct nl_batch *b, const char *name)
{
	nl_msg(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL);
	nl_put_cstr(b, NFTA_CHAIN_TABLE, NFT_TABLE);
	nl_put_cstr(b, NFTA_CHAIN_NAME, name);
}

static void put_hook(struct nl_batch *b, const char *name, uint32_t hooknum)
{
	put_chain(b, name);
	size_t hook = nl_nest(b, NFTA_CHAIN_HOOK);
	nl_put_u32(b, NFTA_HOOK_HOOKNUM, hooknum);
	nl_put_u32(b, NFTA_HOOK_PRIORITY, (uint32_t)HOOK_PRIORITY);
	nl_nest_end(b, hook);
	nl_put_u32(b, NFTA_CHAIN_POLICY, NF_ACCEPT);
	nl_put_cstr(b, NFTA_CHAIN_TYPE, "filter");
}

void nft_put_ports(struct nl_batch *b, const struct nft_ports *p)
{
	struct set_spec spec = {.name = p->name, .key_type = TYPE_PORT, .key_len = 2};

	put_set(b, &spec);
	if (p->count == 0) {
		return;
	}
	nl_msg(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	nl_put_cstr(b, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	nl_put_cstr(b, NFTA_SET_ELEM_LIST_SET, p->name);
	size_t list = nl_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS);
	for (size_t i = 0; i < p->count; i++) {
		uint16_t port = htons(p->port[i]);
		size_t elem = nl_nest(b, NFTA_LIST_ELEM);
		size_t key = nl_nest(b, NFTA_SET_ELEM_KEY);
		nl_put(b, NFTA_DATA_VALUE, &port, sizeof(port));
		nl_nest_end(b, key);
		nl_nest_end(b, elem);
	}
	nl_nest_end(b, list);
}

static struct set_spec spec_of(const struct nft_class *c, const char *name)
{
	uint32_t address = c->family == 6 ? TYPE_IPV6 : TYPE_IPV4;

	return (struct set_spec){
		.name = name,
		.key_type = c->zone ? TYPE_IFNAME << TYPE_CONCAT_SHIFT | address : address,
		.key_len = (uint32_t)nft_class_key_len(c),
	};
}

void nft_put_class(struct nl_batch *b, const struct nft_class *c)
{
	char name[NFT_NAME_MAX];
	struct set_spec spec = spec_of(c, name);

	spec.flags = NFT_SET_EVAL | NFT_SET_TIMEOUT;
	spec.size = DYNAMIC_SIZE;
	nft_object_name("hit", c, name);
	spec.timeout_ms = HIT_TIMEOUT_MS;
	put_set(b, &spec);
	nft_object_name("lim", c, name);
	spec.timeout_ms = LIM_TIMEOUT_MS;
	put_set(b, &spec);
}

/* --- rules --------------------------------------------------------------------------------- */

static void rule_port_goto(struct nl_batch *b, const char *chain, bool source_port, const char *to)
{
	struct nft_rule r = nft_rule_begin(b, chain);

	nft_port_in(&r, source_port, "ports", false);
	nft_goto(&r, to);
	nft_rule_end(&r);
}

static void rule_verdict(struct nl_batch *b, const char *chain, int32_t verdict)
{
	struct nft_rule r = nft_rule_begin(b, chain);

	nft_verdict(&r, verdict);
	nft_rule_end(&r);
}

/* A reset carries no mail and ends a session: where our own resets come by, it passes. */
static void rule_accept_resets(struct nl_batch *b, const char *chain)
{
	struct nft_rule r = nft_rule_begin(b, chain);

	nft_tcp_flags(&r, TCP_RST, 0, true);
	nft_verdict(&r, NF_ACCEPT);
	nft_rule_end(&r);
}

static void put_output(struct nl_batch *b)
{
	/* Our own SYNs that end sessions. */
	struct nft_rule r = nft_rule_begin(b, "output");
	nft_mark_is(&r, NFT_MARK_POKE);
	nft_verdict(&r, NF_ACCEPT);
	nft_rule_end(&r);

	rule_accept_resets(b, "output");

	r = nft_rule_begin(b, "output");
	nft_oifname_is_not(&r, "lo");
	nft_port_in(&r, false, "ports", false);
	nft_goto(&r, "out");
	nft_rule_end(&r);
}

static void put_cut(struct nl_batch *b)
{
	rule_accept_resets(b, "cut");
	struct nft_rule r = nft_rule_begin(b, "cut");
	nft_counter(&r, "n_cut");
	nft_rule_end(&r);

	r = nft_rule_begin(b, "cut");
	nft_limit_over(&r, RESETS_PER_S, RESETS_PER_S);
	nft_verdict(&r, NF_DROP);
	nft_rule_end(&r);

	r = nft_rule_begin(b, "cut");
	nft_reject_reset(&r);
	nft_rule_end(&r);
}

void nft_put_table_gone(struct nl_batch *b)
{
	nl_msg(b, NFT_MSG_DELTABLE, 0);
	nl_put_cstr(b, NFTA_TABLE_NAME, NFT_TABLE);
}

void nft_put_table(struct nl_batch *b, const struct nft_plan *p, uint32_t table_flags)
{
	static const char *const counters[] = {"n_mail", "n_watch", "n_throttled", "n_blocked",
					       "n_cut"};
	static const char *const chains[] = {"out", "back", "pass", "watch", "cut"};

	nl_msg(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	nl_put_cstr(b, NFTA_TABLE_NAME, NFT_TABLE);
	nl_put_u32(b, NFTA_TABLE_FLAGS, table_flags);
	for (size_t i = 0; i < COUNT_OF(counters); i++) {
		put_counter(b, counters[i]);
	}
	nft_put_ports(b, &p->ports[0]);
	for (size_t i = 0; i < COUNT_OF(chains); i++) {
		put_chain(b, chains[i]);
	}
	put_hook(b, "forward", NF_INET_FORWARD);
	put_hook(b, "output", NF_INET_LOCAL_OUT);
	put_hook(b, "input", NF_INET_LOCAL_IN);
	rule_port_goto(b, "forward", false, "out");
	rule_port_goto(b, "forward", true, "back");
	put_output(b);
	rule_accept_resets(b, "input");
	rule_port_goto(b, "input", true, "back");
	rule_verdict(b, "pass", NF_ACCEPT);
	struct nft_rule r = nft_rule_begin(b, "watch");
	nft_counter(&r, "n_watch");
	nft_verdict(&r, NF_ACCEPT);
	nft_rule_end(&r);
	put_cut(b);
}

static void put_flush(struct nl_batch *b, const char *chain)
{
	nl_msg(b, NFT_MSG_DELRULE, 0);
	nl_put_cstr(b, NFTA_RULE_TABLE, NFT_TABLE);
	nl_put_cstr(b, NFTA_RULE_CHAIN, chain);
}

/* An address of this machine may lie in a customer's prefix, and is not held for what the customer
 * does: only a source that is this one address stands for it. */
static void rule_set_goto(struct nl_batch *b, const char *chain, const struct nft_class *c,
			  bool destination, const char *set, const char *to)
{
	struct nft_rule r = nft_rule_begin(b, chain);
	bool is_wide = c->len < (c->family == 6 ? 128 : 32);

	nft_key(&r, c, destination);
	nft_in_set(&r, set);
	if (is_wide) {
		nft_is_not_local(&r, destination);
	}
	nft_goto(&r, to);
	nft_rule_end(&r);
}

void nft_put_lookups(struct nl_batch *b, const struct nft_plan *p, bool flush)
{
	if (flush) {
		put_flush(b, "out");
		put_flush(b, "back");
	}
	struct nft_rule r = nft_rule_begin(b, "out");
	nft_counter(&r, "n_mail");
	nft_rule_end(&r);
	for (size_t i = 0; i < p->class_count; i++) {
		const struct nft_class *c = &p->classes[i];
		for (size_t k = 0; k < p->rung_count; k++) {
			const struct nft_rung *g = &p->rungs[k];
			if (!nft_class_is_equal(&g->class, c)) {
				continue;
			}
			rule_set_goto(b, "out", c, false, g->set, g->chain);
			if (g->rung == RUNG_BLOCK) {
				rule_set_goto(b, "back", c, true, g->back, g->ports->cut);
			}
		}
	}
}

static void rule_other_ports(struct nl_batch *b, const char *chain, bool source_port,
			     const struct nft_ports *ports)
{
	struct nft_rule r = nft_rule_begin(b, chain);

	nft_port_in(&r, source_port, ports->name, true);
	nft_verdict(&r, NF_ACCEPT);
	nft_rule_end(&r);
}

static void put_throttle(struct nl_batch *b, const struct nft_rung *g)
{
	char name[NFT_NAME_MAX];
	struct nft_rule r = nft_rule_begin(b, g->chain);

	/* Only what opens a connection counts. */
	nft_tcp_flags(&r, TCP_SYN | TCP_ACK, TCP_SYN, true);
	nft_verdict(&r, NF_ACCEPT);
	nft_rule_end(&r);

	/* Accept under the limit and drop the rest: the other way round a full set would let
	 * everybody through. */
	r = nft_rule_begin(b, g->chain);
	nft_key(&r, &g->class, false);
	nft_update_limit(&r, nft_object_name("lim", &g->class, name), g->per_min, g->burst);
	nft_verdict(&r, NF_ACCEPT);
	nft_rule_end(&r);

	r = nft_rule_begin(b, g->chain);
	nft_counter(&r, "n_throttled");
	nft_verdict(&r, NF_DROP);
	nft_rule_end(&r);
}

static void put_block(struct nl_batch *b, const struct nft_rung *g)
{
	char name[NFT_NAME_MAX];
	struct nft_rule r = nft_rule_begin(b, g->chain);

	nft_counter(&r, "n_blocked");
	nft_rule_end(&r);

	r = nft_rule_begin(b, g->chain);
	nft_key(&r, &g->class, false);
	nft_update_counter(&r, nft_object_name("hit", &g->class, name));
	nft_rule_end(&r);

	r = nft_rule_begin(b, g->chain);
	if (g->feel == FEEL_DROP) {
		/* Running sessions end in any case; only new ones meet silence. */
		nft_tcp_flags(&r, TCP_SYN | TCP_ACK, TCP_SYN, true);
	}
	nft_goto(&r, "cut");
	nft_rule_end(&r);
	if (g->feel == FEEL_DROP) {
		rule_verdict(b, g->chain, NF_DROP);
	}
}

void nft_put_rung(struct nl_batch *b, const struct nft_plan *p, const struct nft_rung *g)
{
	struct set_spec spec = spec_of(&g->class, g->set);

	spec.size = p->set_size;
	put_set(b, &spec);
	if (g->rung != RUNG_BLOCK && g->rung != RUNG_THROTTLE) {
		return; /* the chains of these are there */
	}
	put_chain(b, g->chain);
	if (g->ports != &p->ports[0]) {
		rule_other_ports(b, g->chain, false, g->ports);
	}
	if (g->rung == RUNG_THROTTLE) {
		put_throttle(b, g);
		return;
	}
	spec.name = g->back;
	spec.flags = NFT_SET_TIMEOUT;
	spec.timeout_ms = (uint64_t)p->opts->back_s * 1000;
	spec.size = BACK_SIZE;
	put_set(b, &spec);
	put_block(b, g);
}

void nft_put_cut(struct nl_batch *b, const struct nft_ports *ports)
{
	put_chain(b, ports->cut);
	rule_other_ports(b, ports->cut, true, ports);
	struct nft_rule r = nft_rule_begin(b, ports->cut);
	nft_goto(&r, "cut");
	nft_rule_end(&r);
}

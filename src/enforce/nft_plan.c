/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_plan: which kinds of sources, ports and rungs the table has, and where a source belongs.
 * Layer: enforce.
 */
#include "enforce/nft_table.h"

#include "base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

static bool ports_has(const struct nft_ports *p, uint16_t port)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->port[i] == port) {
			return true;
		}
	}
	return false;
}

static int ports_add(struct nft_ports *p, uint16_t port)
{
	size_t at = p->count;

	if (ports_has(p, port)) {
		return 0;
	}
	if (p->count == COUNT_OF(p->port)) {
		return -E2BIG;
	}
	while (at > 0 && p->port[at - 1] > port) {
		p->port[at] = p->port[at - 1];
		at--;
	}
	p->port[at] = port;
	p->count++;
	return 0;
}

static struct nft_ports ports_of(const struct network *n)
{
	struct nft_ports p = {0};
	int len;

	static_assert(PORTS_MAX <= NFT_PORTS_MAX, "the ports of one network fit");
	for (size_t i = 0; i < n->port_count; i++) {
		int r = ports_add(&p, n->ports[i]);
		ASSERT(r == 0);
	}
	len = snprintf(p.name, sizeof(p.name), "ports");
	for (size_t i = 0; i < p.count; i++) {
		len += snprintf(p.name + len, sizeof(p.name) - (size_t)len, "_%u",
				(unsigned)p.port[i]);
	}
	snprintf(p.cut, sizeof(p.cut), "cut%.64s", p.name + sizeof("ports") - 1);
	return p;
}

int nft_plan_init(struct nft_plan *p, const struct enforce_opts *opts)
{
	*p = (struct nft_plan){.opts = opts};
	p->ports = calloc(NFT_PORTSETS_MAX, sizeof(*p->ports));
	p->rungs = calloc(NFT_RUNGS_MAX, sizeof(*p->rungs));
	if (p->ports == NULL || p->rungs == NULL) {
		nft_plan_done(p);
		return -ENOMEM;
	}
	return nft_plan_reset(p);
}

void nft_plan_done(struct nft_plan *p)
{
	free(p->ports);
	free(p->rungs);
	*p = (struct nft_plan){0};
}

int nft_plan_reset(struct nft_plan *p)
{
	const struct policy *policy = p->opts->policy;
	struct nft_ports *all = &p->ports[0];

	*all = (struct nft_ports){.name = "ports", .cut = "cut"};
	p->ports_count = 1;
	p->class_count = 0;
	p->rung_count = 0;
	for (size_t n = 0; n < policy->network_count; n++) {
		for (size_t i = 0; i < policy->networks[n].port_count; i++) {
			int r = ports_add(all, policy->networks[n].ports[i]);
			if (r < 0) {
				return r;
			}
		}
	}
	return 0;
}

/* The length of the longest prefix of the network that holds all of `p`; -1: none. */
static int match_len(const struct network *n, const struct prefix *p)
{
	int len = -1;

	for (size_t i = 0; i < n->prefix_count; i++) {
		if (n->prefixes[i].len > len && prefix_has_prefix(&n->prefixes[i], p)) {
			len = n->prefixes[i].len;
		}
	}
	return len;
}

/* Is there another network that claims these addresses as closely? Then only the interface
 * tells the two apart. */
static bool is_ambiguous(const struct policy *p, const struct source_key *s)
{
	int ours = match_len(&p->networks[s->network], &s->prefix);

	for (size_t n = 0; n < p->network_count; n++) {
		int theirs = n == s->network ? -1 : match_len(&p->networks[n], &s->prefix);
		if (theirs >= 0 && theirs >= ours) {
			return true;
		}
	}
	return false;
}

/* Zones before all others, longer prefixes before shorter ones. */
static bool is_before(const struct nft_class *a, const struct nft_class *b)
{
	if (a->zone != b->zone) {
		return a->zone;
	}
	return a->family != b->family ? a->family < b->family : a->len > b->len;
}

static int class_need(struct nft_plan *p, const struct nft_class *c, struct nl_batch *b)
{
	size_t at = 0;

	for (; at < p->class_count && !is_before(c, &p->classes[at]); at++) {
		if (nft_class_is_equal(&p->classes[at], c)) {
			return 0;
		}
	}
	if (p->class_count == NFT_CLASSES_MAX) {
		return -ENOSPC;
	}
	memmove(&p->classes[at + 1], &p->classes[at],
		(p->class_count - at) * sizeof(p->classes[0]));
	p->classes[at] = *c;
	p->class_count++;
	nft_put_class(b, c);
	return 0;
}

static const struct nft_ports *ports_need(struct nft_plan *p, const struct network *n,
					  struct nl_batch *b)
{
	struct nft_ports want = ports_of(n);

	if (want.count == p->ports[0].count) {
		return &p->ports[0]; /* a subset of all that is as large as all */
	}
	for (size_t i = 1; i < p->ports_count; i++) {
		if (str_is_equal(str_of(p->ports[i].name), str_of(want.name))) {
			return &p->ports[i];
		}
	}
	if (p->ports_count == NFT_PORTSETS_MAX) {
		return NULL;
	}
	p->ports[p->ports_count] = want;
	nft_put_ports(b, &want);
	nft_put_cut(b, &want);
	return &p->ports[p->ports_count++];
}

static void name_rung(struct nft_rung *g, const char *suffix)
{
	char class[NFT_CLASS_TEXT];

	nft_class_format(&g->class, class);
	if (g->rung == RUNG_BLOCK) {
		snprintf(g->chain, sizeof(g->chain), "b_%s_%s%.64s", feel_name(g->feel), class,
			 suffix);
		snprintf(g->back, sizeof(g->back), "back_%.100s", g->chain + 2);
	} else if (g->rung == RUNG_THROTTLE) {
		snprintf(g->chain, sizeof(g->chain), "throttle_%s_%u_%u%.64s", class, g->per_min,
			 g->burst, suffix);
	} else {
		snprintf(g->chain, sizeof(g->chain), "%s", rung_name(g->rung));
		snprintf(g->set, sizeof(g->set), "%s_%s", rung_name(g->rung), class);
		return;
	}
	str_copy(g->set, sizeof(g->set), str_of(g->chain));
}

int nft_plan_name(const struct nft_plan *p, const struct source_key *s, enum rung rung,
		  struct nft_rung *ret)
{
	const struct policy *policy = p->opts->policy;

	if (s->network >= policy->network_count || s->prefix.len == 0) {
		return -EINVAL;
	}
	const struct network *n = &policy->networks[s->network];
	struct nft_ports ports = ports_of(n);
	struct nft_rung g = {
		.rung = enforce_rung(rung),
		.class = {.family = s->prefix.addr.family, .len = s->prefix.len},
		.feel = n->feel == FEEL_DROP ? FEEL_DROP : FEEL_RESET,
		.per_min = n->throttle_per_min == 0 ? 1 : n->throttle_per_min,
		.burst = n->throttle_burst,
	};
	g.class.zone = n->interface_count > 0 && is_ambiguous(policy, s);
	/* A subset of all ports that is as large as all. */
	bool all = ports.count == p->ports[0].count;
	name_rung(&g, all ? "" : ports.name + sizeof("ports") - 1);
	*ret = g;
	return 0;
}

static const struct nft_rung *find_rung(const struct nft_plan *p, const char *set)
{
	for (size_t i = 0; i < p->rung_count; i++) {
		if (str_is_equal(str_of(p->rungs[i].set), str_of(set))) {
			return &p->rungs[i];
		}
	}
	return NULL;
}

bool nft_plan_has(const struct nft_plan *p, const struct nft_rung *g)
{
	return find_rung(p, g->set) != NULL;
}

int nft_plan_place(struct nft_plan *p, const struct source_key *s, enum rung rung,
		   struct nl_batch *b, const struct nft_rung **ret, bool *ret_rules)
{
	struct nft_rung want;

	int r = nft_plan_name(p, s, rung, &want);
	if (r < 0) {
		return r;
	}
	*ret = find_rung(p, want.set);
	if (*ret != NULL) {
		return 0;
	}
	r = class_need(p, &want.class, b);
	if (r < 0) {
		return r;
	}
	want.ports = ports_need(p, &p->opts->policy->networks[s->network], b);
	if (want.ports == NULL || p->rung_count == NFT_RUNGS_MAX) {
		return -ENOSPC;
	}
	*ret = &p->rungs[p->rung_count];
	p->rungs[p->rung_count++] = want;
	nft_put_rung(b, p, *ret);
	*ret_rules = true;
	return 0;
}

int nft_plan_expect(struct nft_plan *p, struct nl_batch *b)
{
	static const enum rung rungs[] = {RUNG_BLOCK, RUNG_THROTTLE};
	const struct policy *policy = p->opts->policy;
	const struct nft_rung *g;
	bool rules;

	for (size_t n = 0; n < policy->network_count; n++) {
		const struct network *network = &policy->networks[n];
		for (size_t i = 0; i < network->prefix_count && network->mode == MODE_ENFORCE;
		     i++) {
			struct source_key s = source_of((uint16_t)n, &network->prefixes[i].addr,
							network->v6_source_len);
			for (size_t k = 0; k < COUNT_OF(rungs); k++) {
				int r = nft_plan_place(p, &s, rungs[k], b, &g, &rules);
				if (r < 0) {
					return r;
				}
			}
		}
	}
	return 0;
}

struct nft_plan_mark nft_plan_mark(const struct nft_plan *p)
{
	struct nft_plan_mark m = {.ports_count = p->ports_count,
				  .rung_count = p->rung_count,
				  .class_count = p->class_count};

	memcpy(m.classes, p->classes, sizeof(m.classes));
	return m;
}

void nft_plan_rollback(struct nft_plan *p, const struct nft_plan_mark *m)
{
	p->ports_count = m->ports_count;
	p->rung_count = m->rung_count;
	p->class_count = m->class_count;
	memcpy(p->classes, m->classes, sizeof(p->classes));
}

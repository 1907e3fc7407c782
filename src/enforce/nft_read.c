/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_read: asks the kernel, by their keys, which sources it has and what it refused them.
 * Layer: enforce.
 */
#include "enforce/nft_state.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

/* Keys asked for in one piece; 64 answers fit the receive buffer. */
#define READ_CHUNK 64

size_t nft_keys_of(const struct nft *n, const struct nft_rung *g, const struct source_key *s)
{
	return g->class.zone ? n->plan.opts->policy->networks[s->network].interface_count : 1;
}

struct nft_key nft_key_of(const struct nft *n, const struct nft_rung *g, const struct source_key *s,
			  size_t i)
{
	const struct network *network = &n->plan.opts->policy->networks[s->network];
	struct nft_key k;

	k.len = nft_put_key(s, &g->class, g->class.zone ? network->interfaces[i] : "", k.octets);
	return k;
}

/* Answers are told apart by the numbers of their questions. */
struct question {
	struct enforce_view *view;
	enum rung rung; /* RUNG_COUNT: it asks for the hits */
};

struct reading {
	struct nl_batch *b;
	struct question asked[READ_CHUNK];
	size_t count;
	int err;
};

static uint64_t counter_packets(struct str elem)
{
	struct str expr = nl_attr_find(elem, NFTA_SET_ELEM_EXPR);
	struct str data = nl_attr_find(expr, NFTA_EXPR_DATA);

	return nl_attr_uint(nl_attr_find(data, NFTA_COUNTER_PACKETS));
}

static void on_element(void *ctx, const struct nl_reply *r)
{
	struct reading *g = ctx;
	size_t i = r->seq - g->b->seq_first;

	if (i >= g->count) {
		return;
	}
	struct enforce_view *v = g->asked[i].view;
	if (r->is_error) {
		if (r->code != -ENOENT && r->code != 0) {
			g->err = r->code;
		}
		return;
	}
	struct str list = nl_attr_find(r->attrs, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct str elem = nl_attr_find(list, NFTA_LIST_ELEM);
	if (g->asked[i].rung == RUNG_COUNT) {
		v->hits += counter_packets(elem);
	} else {
		v->listed = true;
		v->rung = g->asked[i].rung;
	}
}

static int ask(struct nft *n, struct reading *g)
{
	int r = g->count == 0 ? 0 : nl_batch_end(n->batch);

	if (r == 0 && g->count > 0) {
		r = nl_exchange(n->sock, n->batch, on_element, g);
		r = r == -ENOENT ? 0 : r;
	}
	g->count = 0;
	return r < 0 ? r : g->err;
}

static int put_question(struct nft *n, struct reading *g, struct question q, const char *set,
			const struct nft_key *key)
{
	int r = g->count == READ_CHUNK ? ask(n, g) : 0;

	if (g->count == 0) {
		nl_batch_begin(n->batch, n->sock, false);
	}
	g->asked[g->count++] = q;
	nl_msg(n->batch, NFT_MSG_GETSETELEM, 0);
	nl_put_cstr(n->batch, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
	nl_put_cstr(n->batch, NFTA_SET_ELEM_LIST_SET, set);
	size_t list = nl_nest(n->batch, NFTA_SET_ELEM_LIST_ELEMENTS);
	size_t elem = nl_nest(n->batch, NFTA_LIST_ELEM);
	size_t value = nl_nest(n->batch, NFTA_SET_ELEM_KEY);
	nl_put(n->batch, NFTA_DATA_VALUE, key->octets, key->len);
	nl_nest_end(n->batch, value);
	nl_nest_end(n->batch, elem);
	nl_nest_end(n->batch, list);
	return r;
}

/* Every set that the source could be in, and its counter. Before our first load the table of an
 * earlier life may have any of them. */
static int put_questions(struct nft *n, struct reading *g, struct enforce_view *v)
{
	static const enum rung rungs[] = {RUNG_PASS, RUNG_WATCH, RUNG_THROTTLE, RUNG_BLOCK};
	struct nft_rung at;
	char hits[NFT_NAME_MAX];
	int r = 0;

	for (size_t k = 0; k < COUNT_OF(rungs) && r == 0; k++) {
		if (nft_plan_name(&n->plan, &v->source, rungs[k], &at) < 0) {
			return 0;
		}
		if (n->handle != 0 && !nft_plan_has(&n->plan, &at)) {
			continue;
		}
		for (size_t i = 0; i < nft_keys_of(n, &at, &v->source) && r == 0; i++) {
			struct nft_key key = nft_key_of(n, &at, &v->source, i);
			r = put_question(n, g, (struct question){v, at.rung}, at.set, &key);
		}
	}
	nft_object_name("hit", &at.class, hits);
	for (size_t i = 0; i < nft_keys_of(n, &at, &v->source) && r == 0; i++) {
		struct nft_key key = nft_key_of(n, &at, &v->source, i);
		r = put_question(n, g, (struct question){v, RUNG_COUNT}, hits, &key);
	}
	return r;
}

int nft_read(struct enforcer *e, struct enforce_view *views, size_t count, struct errmsg *reterr)
{
	struct nft *n = e->state;
	struct reading g = {.b = n->batch};
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		views[i].listed = false;
		views[i].rung = RUNG_PASS;
		views[i].hits = 0;
		r = put_questions(n, &g, &views[i]);
	}
	r = r < 0 ? r : ask(n, &g);
	return r < 0 ? err_set(reterr, r, "cannot read table inet %s back: %s", NFT_TABLE,
			       strerror(-r))
		     : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft: the backend that keeps `table inet postern` in this network namespace. Layer: enforce.
 *
 * The table is owned by our socket and persists after us where the kernel can do that (6.9):
 * then nobody but us changes it, `nft flush ruleset` passes it by, and it outlives us. On older
 * kernels it is a plain table and drift is looked for (docs/adr/0030).
 */
#include "enforce/enforce.h"

#include "base/assert.h"
#include "base/siphash.h"
#include "enforce/nft_elems.h"
#include "enforce/nft_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 0x2
#endif
/* Linux 6.9; not yet in the headers of Debian 12. */
#define TABLE_F_PERSIST 0x4U
#define TABLE_F_OURS (NFT_TABLE_F_OWNER | TABLE_F_PERSIST)

/* What the kernel answers when we and it disagree about which elements there are. */
#define IS_MISMATCH(r) ((r) == -ENOENT || (r) == -EEXIST || (r) == -EBUSY)

/* --- elements ------------------------------------------------------------------------------ */

static void put_keys(struct nft *n, struct nft_elems *e, uint16_t verb, const struct nft_rung *g,
		     const struct source_key *s, const char *set)
{
	for (size_t i = 0; i < nft_keys_of(n, g, s); i++) {
		struct nft_key k = nft_key_of(n, g, s, i);
		nft_elems_put(e, verb, set, (struct str){(const char *)k.octets, k.len});
	}
}

/* @return 0, or why this source cannot be done. */
static int put_action(struct nft *n, struct nft_elems *e, const struct enforce_action *a,
		      bool with_cut, bool *ret_rules)
{
	const struct source_key *s = &a->source;
	const struct nft_rung *g;
	struct nft_rung was;
	int r;

	if (a->was_listed) {
		r = nft_plan_name(&n->plan, s, a->was, &was);
		if (r < 0) {
			return r;
		}
		put_keys(n, e, NFT_MSG_DELSETELEM, &was, s, was.set);
		if (was.rung == RUNG_BLOCK && with_cut && !a->cut) {
			/* One that has run out is not there any more, and deleting it alone would
			 * fail. */
			put_keys(n, e, NFT_MSG_NEWSETELEM, &was, s, was.back);
			put_keys(n, e, NFT_MSG_DELSETELEM, &was, s, was.back);
		}
	}
	if (!a->listed) {
		return 0;
	}
	r = nft_plan_place(&n->plan, s, a->rung, n->batch, &g, ret_rules);
	if (r < 0) {
		return r;
	}
	put_keys(n, e, NFT_MSG_NEWSETELEM, g, s, g->set);
	if (a->cut && with_cut && g->rung == RUNG_BLOCK) {
		put_keys(n, e, NFT_MSG_NEWSETELEM, g, s, g->back);
	}
	return 0;
}

/* --- the table ----------------------------------------------------------------------------- */

struct table_info {
	bool found;
	uint32_t flags;
	uint64_t handle;
	uint32_t owner;
};

static void on_table(void *ctx, const struct nl_reply *r)
{
	struct table_info *t = ctx;

	if (!r->is_error && r->type == NFT_MSG_NEWTABLE) {
		t->found = true;
		t->flags = (uint32_t)nl_attr_uint(nl_attr_find(r->attrs, NFTA_TABLE_FLAGS));
		t->handle = nl_attr_uint(nl_attr_find(r->attrs, NFTA_TABLE_HANDLE));
		t->owner = (uint32_t)nl_attr_uint(nl_attr_find(r->attrs, NFTA_TABLE_OWNER));
	}
}

static int table_get(struct nft *n, struct table_info *ret)
{
	*ret = (struct table_info){0};
	nl_batch_begin(n->batch, n->sock, false);
	nl_msg(n->batch, NFT_MSG_GETTABLE, 0);
	nl_put_cstr(n->batch, NFTA_TABLE_NAME, NFT_TABLE);
	int r = nl_batch_end(n->batch);
	r = r < 0 ? r : nl_exchange(n->sock, n->batch, on_table, ret);
	return r == -ENOENT ? 0 : r;
}

static void on_generation(void *ctx, const struct nl_reply *r)
{
	uint32_t *generation = ctx;

	if (!r->is_error && r->type == NFT_MSG_NEWGEN) {
		*generation = (uint32_t)nl_attr_uint(nl_attr_find(r->attrs, NFTA_GEN_ID));
	}
}

static int generation_get(struct nft *n, uint32_t *ret)
{
	nl_batch_begin(n->batch, n->sock, false);
	nl_msg(n->batch, NFT_MSG_GETGEN, 0);
	int r = nl_batch_end(n->batch);
	return r < 0 ? r : nl_exchange(n->sock, n->batch, on_generation, ret);
}

static void on_rule(void *ctx, const struct nl_reply *r)
{
	static const struct siphash_key key = {0x706f737465726e00, 0x72756c6573000000};
	uint64_t *print = ctx;

	if (!r->is_error && r->type == NFT_MSG_NEWRULE) {
		*print = *print * 31 + siphash(&key, r->attrs.ptr, r->attrs.len);
	}
}

static int rules_print(struct nft *n, uint64_t *ret)
{
	*ret = 0;
	nl_batch_begin(n->batch, n->sock, false);
	nl_msg(n->batch, NFT_MSG_GETRULE, NLM_F_DUMP);
	nl_put_cstr(n->batch, NFTA_RULE_TABLE, NFT_TABLE);
	int r = nl_batch_end(n->batch);
	return r < 0 ? r : nl_exchange(n->sock, n->batch, on_rule, ret);
}

/* After a change of ours went through: remember how the ruleset looks. */
static int settle(struct nft *n, bool rules_changed)
{
	n->generation++;
	return rules_changed && !n->owned ? rules_print(n, &n->rules_print) : 0;
}

static int commit(struct nft *n)
{
	int r = nl_batch_end(n->batch);

	return r < 0 ? r : nl_exchange(n->sock, n->batch, NULL, NULL);
}

/* --- operations ---------------------------------------------------------------------------- */

static int nft_open(struct enforcer *e, struct errmsg *reterr)
{
	struct nft *n = calloc(1, sizeof(*n));
	uint32_t generation;

	e->state = n;
	if (n == NULL || (n->batch = nl_batch_new()) == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for the nft backend");
	}
	int r = nft_plan_init(&n->plan, &e->opts);
	if (r < 0) {
		return err_set(reterr, r,
			       r == -E2BIG ? "more than %d different ports"
					   : "no memory for the nft backend (%d)",
			       NFT_PORTS_MAX);
	}
	r = nl_open(&n->sock, reterr);
	if (r < 0) {
		return r;
	}
	r = generation_get(n, &generation);
	if (r < 0) {
		return err_set(reterr, r, "nf_tables does not answer (needs CAP_NET_ADMIN): %s",
			       strerror(-r));
	}
	n->generation = generation;
	n->owned = !e->opts.no_owner;
	return 0;
}

static const char *refusal(int r)
{
	return r == -EINVAL ? "a source that no rule can match" : "too many kinds of sources";
}

/* Everything, as one transaction. */
static int put_all(struct nft *n, enforce_next_fn *next, void *ctx, bool replace)
{
	struct nft_elems elems = {.b = n->batch};
	struct enforce_action a;
	bool rules;

	int r = nft_plan_reset(&n->plan);
	if (r < 0) {
		return r;
	}
	nl_batch_begin(n->batch, n->sock, true);
	if (replace) {
		nft_put_table_gone(n->batch);
	}
	nft_put_table(n->batch, &n->plan, n->owned ? TABLE_F_OURS : 0);
	r = nft_plan_expect(&n->plan, n->batch);
	if (r < 0) {
		return r;
	}
	while (next(ctx, &a)) {
		a.was_listed = false;
		r = put_action(n, &elems, &a, true, &rules);
		if (r < 0) {
			return r;
		}
	}
	nft_put_lookups(n->batch, &n->plan, false);
	return 0;
}

/* What is listed has no rewind: an old kernel is found out before, with an empty table. */
static int probe_owner(struct nft *n)
{
	static const char name[] = "postern_probe";

	nl_batch_begin(n->batch, n->sock, true);
	nl_msg(n->batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	nl_put_cstr(n->batch, NFTA_TABLE_NAME, name);
	nl_put_u32(n->batch, NFTA_TABLE_FLAGS, TABLE_F_OURS);
	nl_msg(n->batch, NFT_MSG_DELTABLE, 0);
	nl_put_cstr(n->batch, NFTA_TABLE_NAME, name);
	int r = commit(n);
	if (r == -EOPNOTSUPP || r == -EINVAL) {
		n->owned = false;
		r = 0;
	} else if (r == 0) {
		n->generation++;
	}
	return r;
}

/* A set of fixed size is fast and its memory is known; it costs 16 octets for each it could hold.
 */
static uint32_t room_for(size_t count, uint32_t most)
{
	uint32_t room = ENFORCE_SOURCES_MIN;

	while (room / 2 < count && room < most) {
		room *= 2;
	}
	return room < most ? room : most;
}

static int nft_load(struct enforcer *e, enforce_next_fn *next, void *ctx, size_t count,
		    struct errmsg *reterr)
{
	struct nft *n = e->state;
	struct table_info t;

	int r = n->handle == 0 && n->owned ? probe_owner(n) : 0;
	r = r < 0 ? r : table_get(n, &t);
	if (r < 0) {
		return err_set(reterr, r, "cannot look for table inet %s: %s", NFT_TABLE,
			       strerror(-r));
	}
	if ((t.flags & NFT_TABLE_F_OWNER) != 0 && t.handle != n->handle) {
		return err_set(reterr, -EBUSY, "table inet %s belongs to another process (port %u)",
			       NFT_TABLE, t.owner);
	}
	n->plan.set_size = room_for(count, e->opts.sources_max);
	r = put_all(n, next, ctx, t.found);
	if (r < 0) {
		return err_set(reterr, r, "cannot describe the table: %s", refusal(r));
	}
	r = commit(n);
	r = r < 0 ? r : settle(n, true);
	r = r < 0 ? r : table_get(n, &t);
	if (r < 0) {
		n->handle = 0;
		return err_set(reterr, r, "the kernel refused table inet %s: %s", NFT_TABLE,
			       strerror(-r));
	}
	n->handle = t.handle;
	return 0;
}

static int try_apply(struct nft *n, const struct enforce_action *acts, size_t count, bool with_cut,
		     enum enforce_applied *ret_each)
{
	struct nft_elems elems = {.b = n->batch};
	struct nft_plan_mark mark = nft_plan_mark(&n->plan);
	bool rules = false;
	int r = 0;

	nl_batch_begin(n->batch, n->sock, true);
	for (size_t i = 0; i < count && r == 0; i++) {
		r = put_action(n, &elems, &acts[i], with_cut, &rules);
		if (r < 0) {
			ret_each[i] = r == -ENOSPC ? APPLIED_FULL : APPLIED_REFUSED;
		}
	}
	if (r == 0 && rules) {
		nft_put_lookups(n->batch, &n->plan, true);
	}
	r = r < 0 ? r : commit(n);
	if (r < 0) {
		nft_plan_rollback(&n->plan, &mark);
		return r;
	}
	return settle(n, rules);
}

/* What we were told about the present may be wrong: ask the kernel. */
static int look_again(struct enforcer *e, struct enforce_action *acts, size_t count,
		      struct errmsg *reterr)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct enforce_view v = {.source = acts[i].source};
		r = e->ops->read(e, &v, 1, reterr);
		acts[i].was_listed = v.listed;
		acts[i].was = v.rung;
	}
	return r;
}

static int nft_apply(struct enforcer *e, const struct enforce_action *acts, size_t count,
		     enum enforce_applied *ret_each, struct errmsg *reterr)
{
	struct nft *n = e->state;

	for (size_t i = 0; i < count; i++) {
		ret_each[i] = APPLIED_FAILED;
	}
	if (count == 0) {
		return 0;
	}
	if (n->handle == 0) {
		return err_set(reterr, -ENODEV, "table inet %s is not loaded", NFT_TABLE);
	}
	int r = try_apply(n, acts, count, true, ret_each);
	if (r == -ENFILE) {
		/* Perhaps only too many sources were blocked within the last minutes: then the
		 * far sides are not reset, but the blocks stand. */
		r = try_apply(n, acts, count, false, ret_each);
	}
	if (IS_MISMATCH(r)) {
		struct enforce_action *again = calloc(count, sizeof(*again));
		if (again == NULL) {
			return err_set(reterr, -ENOMEM, "no memory for %zu actions", count);
		}
		memcpy(again, acts, count * sizeof(*again));
		int looked = look_again(e, again, count, reterr);
		r = looked < 0 ? looked : try_apply(n, again, count, true, ret_each);
		free(again);
	}
	for (size_t i = 0; i < count && (r == 0 || r == -ENFILE); i++) {
		ret_each[i] = r == 0 ? APPLIED_DONE : APPLIED_FULL;
	}
	return r < 0 ? err_set(reterr, r, "the kernel refused %zu changes of table inet %s: %s",
			       count, NFT_TABLE, strerror(-r))
		     : 0;
}

/* --- drift, clearing, end ------------------------------------------------------------------ */

static int nft_drift(struct enforcer *e, enum enforce_drift *ret, struct errmsg *reterr)
{
	struct nft *n = e->state;
	uint32_t generation = n->generation;
	struct table_info t;
	uint64_t print;

	*ret = DRIFT_NONE;
	int r = generation_get(n, &generation);
	if (r < 0 || (generation == n->generation && n->handle != 0)) {
		return r < 0 ? err_set(reterr, r, "nf_tables does not answer: %s", strerror(-r))
			     : 0;
	}
	r = table_get(n, &t);
	if (r < 0) {
		return err_set(reterr, r, "cannot look for table inet %s: %s", NFT_TABLE,
			       strerror(-r));
	}
	if (!t.found || t.handle != n->handle) {
		*ret = DRIFT_BROKEN;
	} else if (!n->owned) {
		r = rules_print(n, &print);
		if (r < 0) {
			return err_set(reterr, r, "cannot list the rules of table inet %s: %s",
				       NFT_TABLE, strerror(-r));
		}
		*ret = print == n->rules_print ? DRIFT_DOUBT : DRIFT_BROKEN;
	}
	n->generation = generation;
	return 0;
}

static int nft_clear(struct enforcer *e, struct errmsg *reterr)
{
	struct nft *n = e->state;
	struct table_info t;

	int r = table_get(n, &t);
	if (r == 0 && t.found) {
		nl_batch_begin(n->batch, n->sock, true);
		nft_put_table_gone(n->batch);
		r = commit(n);
		n->generation++;
	}
	if (r < 0 && r != -ENOENT) {
		return err_set(reterr, r,
			       r == -EPERM ? "table inet %s belongs to another process"
					   : "cannot remove table inet %s",
			       NFT_TABLE);
	}
	n->handle = 0;
	return 0;
}

static void nft_close(struct enforcer *e)
{
	struct nft *n = e->state;

	if (n != NULL) {
		nl_close(n->sock);
		nl_batch_free(n->batch);
		nft_plan_done(&n->plan);
		free(n);
	}
	e->state = NULL;
}

const struct enforce_ops enforce_nft = {
	.name = "nft",
	.open = nft_open,
	.load = nft_load,
	.apply = nft_apply,
	.read = nft_read,
	.drift = nft_drift,
	.clear = nft_clear,
	.close = nft_close,
};

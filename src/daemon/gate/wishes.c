/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wishes: orders by number, sources by key, and who rules whom. Layer: daemon.
 */
#include "daemon/gate/wishes.h"

#include "base/assert.h"
#include "sys/entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* A block that nobody has tried for so long is `unproved`. */
#define UNPROVED_AFTER_NS (60 * NS_PER_S)
/* A handshake that began before the kernel had the rule may end this long after it. */
#define PASSED_AFTER_NS NS_PER_S
/* A block is inert until nothing came through for this long. */
#define INERT_FOR_NS (600 * NS_PER_S)

static struct str wish_key(const void *item)
{
	const struct wish *x = item;

	return (struct str){(const char *)&x->id, sizeof(x->id)};
}

static struct str held_key(const void *item)
{
	return source_key_str(&((const struct held *)item)->source);
}

int wishes_init(struct wishes *w, const struct policy *policy)
{
	struct siphash_key key = entropy_siphash_key();

	*w = (struct wishes){.policy = policy};
	list_init(&w->all);
	for (size_t i = 0; i < CREDITOR_COUNT; i++) {
		list_init(&w->owing[i]);
	}
	list_init(&w->timed);
	list_init(&w->touched);
	w->wishes = map_new(WISHES_MAX, &key, wish_key);
	w->held = map_new(WISHES_MAX, &key, held_key);
	if (w->wishes == NULL || w->held == NULL) {
		wishes_done(w);
		return -ENOMEM;
	}
	return 0;
}

static void wish_free(struct wish *x)
{
	if (x != NULL) {
		free(x->blob);
		free(x->targets);
		free(x);
	}
}

void wishes_done(struct wishes *w)
{
	size_t pos = 0;
	struct wish *x;
	struct held *h;

	while (w->wishes != NULL && (x = map_next(w->wishes, &pos)) != NULL) {
		wish_free(x);
	}
	pos = 0;
	while (w->held != NULL && (h = map_next(w->held, &pos)) != NULL) {
		free(h);
	}
	map_free(w->wishes);
	map_free(w->held);
	*w = (struct wishes){0};
}

struct wish *wishes_find(const struct wishes *w, enum order_origin origin, uint64_t seq)
{
	struct wish_id id = {.seq = seq, .origin = origin};

	return map_find(w->wishes, (struct str){(const char *)&id, sizeof(id)});
}

struct held *wishes_find_held(const struct wishes *w, const struct source_key *s)
{
	return map_find(w->held, source_key_str(s));
}

void wishes_touch(struct wishes *w, struct held *h)
{
	if (!list_is_linked(&h->touched)) {
		list_push_back(&w->touched, &h->touched);
	}
}

struct held *wishes_next_touched(struct wishes *w)
{
	if (list_is_empty(&w->touched)) {
		return NULL;
	}
	struct held *h = CONTAINER_OF(w->touched.next, struct held, touched);
	list_remove(&h->touched);
	return h;
}

void wishes_drop_idle(struct wishes *w, struct held *h)
{
	if (h->refs == 0 && !h->listed && !list_is_linked(&h->touched)) {
		map_remove(w->held, source_key_str(&h->source));
		free(h);
	}
}

static enum place place_of(enum giver giver)
{
	static const enum place places[] = {
		[GIVER_POSTURE] = PLACE_POSTURE, [GIVER_JUDGE] = PLACE_JUDGE,
		[GIVER_GRANT] = PLACE_GRANT,     [GIVER_FACT] = PLACE_JUDGE,
		[GIVER_STAFF] = PLACE_STAFF,
	};
	static_assert(COUNT_OF(places) == GIVER_COUNT, "a place for every giver");

	return places[giver];
}

static bool network_observes(const struct wishes *w, uint16_t network)
{
	return network >= w->policy->network_count ||
	       w->policy->networks[network].mode == MODE_OBSERVE;
}

struct wish *held_ruler(const struct wishes *w, const struct held *h)
{
	struct wish *ruler = NULL;

	if (network_observes(w, h->source.network)) {
		return NULL;
	}
	for (size_t i = 0; i < PLACE_COUNT; i++) {
		struct wish *x = h->places[i];
		if (x != NULL && (ruler == NULL || x->order.giver > ruler->order.giver)) {
			ruler = x;
		}
	}
	return ruler;
}

unsigned wish_report_bits(const struct wish *x)
{
	return OWES_DESK_REPORT | (x->order.origin == ORIGIN_JUDGE ? OWES_JUDGE_REPORT : 0U);
}

static const unsigned owed_to[] = {
	[CREDITOR_DESK] = OWES_JOURNALED | OWES_DESK_REPORT,
	[CREDITOR_JUDGE] = OWES_JUDGE_REPORT,
};
static_assert(COUNT_OF(owed_to) == CREDITOR_COUNT, "debts for every creditor");

void wishes_owe(struct wishes *w, struct wish *x, unsigned what)
{
	x->owes |= what;
	for (size_t i = 0; i < CREDITOR_COUNT; i++) {
		if ((x->owes & owed_to[i]) != 0 && !list_is_linked(&x->owing[i])) {
			list_push_back(&w->owing[i], &x->owing[i]);
		}
	}
}

void wish_paid(struct wish *x, unsigned what)
{
	x->owes &= ~what;
	for (size_t i = 0; i < CREDITOR_COUNT; i++) {
		if ((x->owes & owed_to[i]) == 0 && list_is_linked(&x->owing[i])) {
			list_remove(&x->owing[i]);
		}
	}
}

static void set_state(struct wishes *w, struct wish *x, enum order_state state, struct wall now)
{
	if (x->state != state) {
		x->state = state;
		x->state_at = now;
		wishes_owe(w, x, wish_report_bits(x));
	}
}

void wishes_forget(struct wishes *w, struct wish *x)
{
	if (!x->over || !x->committed || x->owes != 0) {
		return;
	}
	ASSERT(x->standing == 0);
	for (size_t i = 0; i < x->target_count; i++) {
		x->targets[i]->refs--;
		wishes_drop_idle(w, x->targets[i]);
	}
	map_remove(w->wishes, wish_key(x));
	list_remove(&x->all);
	if (list_is_linked(&x->timed)) {
		list_remove(&x->timed);
	}
	wish_free(x);
}

/* The wish loses its place at one source. */
static void leave(struct wishes *w, struct held *h, enum place place, struct wall now)
{
	struct wish *x = h->places[place];

	if (x == NULL) {
		return;
	}
	h->places[place] = NULL;
	wishes_touch(w, h);
	x->standing--;
	if (x->standing == 0) {
		x->over = true;
		set_state(w, x, ORDER_RELEASED, now);
	}
}

void wishes_end(struct wishes *w, struct wish *x, enum order_state state, struct wall now)
{
	for (size_t i = 0; i < x->target_count; i++) {
		struct held *h = x->targets[i];
		enum place place = place_of(x->order.giver);
		if (h->places[place] == x) {
			leave(w, h, place, now);
		}
	}
	x->over = true;
	set_state(w, x, state, now);
}

void wishes_expire(struct wishes *w, struct wall now, wish_fn *ended, void *ctx)
{
	struct list *at = w->timed.next;

	while (at != &w->timed) {
		struct wish *x = CONTAINER_OF(at, struct wish, timed);
		at = at->next;
		if (x->over) {
			list_remove(&x->timed);
		} else if (x->order.expires_at.ns <= now.ns) {
			list_remove(&x->timed);
			wishes_end(w, x, ORDER_RELEASED, now);
			ended(ctx, x);
		}
	}
}

void wishes_commit(struct wishes *w, struct wish *x)
{
	x->committed = true;
	if (x->blob != NULL) {
		/* The desk has the evidence now; what is in force needs only the rest. */
		x->order.proof = STR_EMPTY;
		int n = order_encode(&x->order, x->blob, x->blob_len);
		if (n > 0) {
			x->blob_len = (size_t)n;
			int r = order_decode(x->blob, x->blob_len, &x->order);
			ASSERT(r == 0);
		}
	}
	wishes_forget(w, x);
}

static struct held *held_need(struct wishes *w, const struct source_key *s)
{
	struct held *h = wishes_find_held(w, s);

	if (h == NULL) {
		h = calloc(1, sizeof(*h));
		if (h == NULL) {
			return NULL;
		}
		h->source = *s;
		if (map_add(w->held, h) < 0) {
			free(h);
			return NULL;
		}
	}
	h->refs++;
	return h;
}

/* In which network a sibling is: that of the order when it is at home there too. */
static uint16_t network_of(const struct policy *p, uint16_t network, const struct prefix *prefix)
{
	const struct network *n = &p->networks[network];

	for (size_t i = 0; i < n->prefix_count; i++) {
		if (prefix_has_prefix(&n->prefixes[i], prefix)) {
			return network;
		}
	}
	uint16_t other = policy_find_network(p, &prefix->addr);
	return other == NETWORK_NONE ? network : other;
}

static void add_target(struct wishes *w, struct wish *x, const struct prefix *prefix)
{
	struct source_key key = {
		.network = network_of(w->policy, x->order.source.network, prefix),
		.prefix = *prefix,
	};
	bool closes = x->order.rung > RUNG_WATCH;

	if (closes && policy_is_never_block(w->policy, prefix)) {
		return;
	}
	struct held *h = held_need(w, &key);
	if (h != NULL) {
		x->targets[x->target_count++] = h;
	}
}

/* All sources of the server that this one belongs to. @return 0, or -ENOMEM. */
static int find_targets(struct wishes *w, struct wish *x)
{
	const struct prefix *own = &x->order.source.prefix;
	const struct server *server = policy_find_server(w->policy, own);
	size_t count = server == NULL ? 1 : server->source_count;

	x->targets = calloc(count, sizeof(struct held *));
	if (x->targets == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		add_target(w, x, server == NULL ? own : &server->sources[i]);
	}
	return x->target_count == 0 ? -ENOMEM : 0;
}

static void stand(struct wishes *w, struct wish *x, struct wall now)
{
	enum place place = place_of(x->order.giver);
	bool releases = x->order.rung == RUNG_PASS && x->order.expires_at.ns == 0;

	for (size_t i = 0; i < x->target_count; i++) {
		struct held *h = x->targets[i];
		for (size_t p = 0; releases && p < PLACE_COUNT; p++) {
			if (h->places[p] != NULL &&
			    (p == place || h->places[p]->order.giver <= x->order.giver)) {
				leave(w, h, (enum place)p, now);
			}
		}
		if (!releases) {
			leave(w, h, place, now);
			h->places[place] = x;
			x->standing++;
		}
		wishes_touch(w, h);
	}
	if (!releases && x->order.expires_at.ns != 0) {
		list_push_back(&w->timed, &x->timed);
	}
	x->over = releases;
}

static struct wish *wish_new(struct wishes *w, const struct order *o)
{
	struct wish *x = calloc(1, sizeof(*x));

	if (x == NULL) {
		return NULL;
	}
	x->id = (struct wish_id){.seq = o->seq, .origin = o->origin};
	x->blob_len = ORDER_ENCODED_MAX - (ORDER_REASON_MAX - o->reason.len) -
		      (ORDER_PROOF_MAX - o->proof.len);
	x->blob = malloc(x->blob_len);
	int n = x->blob == NULL ? -ENOMEM : order_encode(o, x->blob, x->blob_len);
	if (n < 0 || order_decode(x->blob, (size_t)n, &x->order) < 0 || map_add(w->wishes, x) < 0) {
		wish_free(x);
		return NULL;
	}
	x->blob_len = (size_t)n;
	list_push_back(&w->all, &x->all);
	return x;
}

enum wish_taken wishes_take(struct wishes *w, const struct order *o, struct wall now, bool refuse,
			    struct wish **ret)
{
	struct wish *x = wishes_find(w, o->origin, o->seq);
	bool closes = o->rung > RUNG_WATCH;

	if (x != NULL) {
		*ret = x;
		return WISH_KNOWN;
	}
	if (o->seq <= w->last_seq[o->origin]) {
		return WISH_OLD;
	}
	x = wish_new(w, o);
	if (x == NULL) {
		return WISH_FULL;
	}
	*ret = x;
	w->last_seq[o->origin] = o->seq;
	x->state_at = now;
	bool is_ours = o->source.network < w->policy->network_count && o->source.prefix.len > 0;
	if (!is_ours ||
	    (closes && (refuse || policy_is_never_block(w->policy, &o->source.prefix)))) {
		x->over = true;
		x->state = ORDER_REFUSED;
	} else if (o->mode == MODE_OBSERVE || network_observes(w, o->source.network)) {
		x->over = true;
		x->state = ORDER_WOULD;
	} else if (o->expires_at.ns != 0 && o->expires_at.ns <= now.ns) {
		x->over = true;
		x->state = ORDER_RELEASED;
	} else if (find_targets(w, x) < 0) {
		x->over = true;
		x->state = ORDER_REFUSED;
	} else {
		stand(w, x, now);
	}
	return WISH_NEW;
}

static bool is_done_at(const struct wishes *w, const struct wish *x, const struct held *h)
{
	const struct wish *ruler = held_ruler(w, h);

	if (ruler == NULL) {
		return !h->listed;
	}
	/* Someone above decides: then this one is not what is in the kernel. */
	return ruler == x && h->listed;
}

struct wish *wishes_passed(struct wishes *w, const struct source_key *s, struct wall at)
{
	const struct held *h = wishes_find_held(w, s);
	struct wish *x = h == NULL ? NULL : held_ruler(w, h);

	if (x == NULL || x->order.rung != RUNG_BLOCK || x->in_kernel_at.ns == 0 ||
	    at.ns - x->in_kernel_at.ns < PASSED_AFTER_NS) {
		return NULL;
	}
	x->passed_at = at;
	return x;
}

/* In the kernel, and of no effect. */
static bool is_inert(const struct wish *x, struct wall now)
{
	return x->passed_at.ns != 0 && now.ns - x->passed_at.ns < INERT_FOR_NS;
}

bool wish_settle(const struct wishes *w, struct wish *x, struct wall now)
{
	uint64_t hits = 0;
	bool done = true;

	if (x->state == ORDER_REFUSED || x->state == ORDER_WOULD) {
		return false;
	}
	bool releases = x->over && x->order.rung == RUNG_PASS && x->state == ORDER_WANTED;
	if (x->over && !releases) {
		return false;
	}
	for (size_t i = 0; i < x->target_count; i++) {
		const struct held *h = x->targets[i];
		if (releases) {
			done = done && (!h->listed || held_ruler(w, h) != NULL);
		} else {
			done = done && is_done_at(w, x, h);
			hits += h->hits_before + h->hits_now - h->hits_base;
		}
	}
	enum order_state state = ORDER_WANTED;
	if (!done || releases) {
		x->in_kernel_at.ns = 0;
	} else if (x->in_kernel_at.ns == 0) {
		x->in_kernel_at = now;
	}
	if (done && releases) {
		state = ORDER_RELEASED;
	} else if (done && is_inert(x, now)) {
		state = ORDER_INERT;
	} else if (done && hits > 0) {
		state = ORDER_PROVED;
	} else if (done) {
		bool old = (x->state == ORDER_INSTALLED || x->state == ORDER_UNPROVED) &&
			   now.ns - x->state_at.ns >= UNPROVED_AFTER_NS;
		bool was = x->state == ORDER_UNPROVED;
		state = old || was ? ORDER_UNPROVED : ORDER_INSTALLED;
	}
	bool changed = state != x->state || hits != x->hits;
	if (state != x->state) {
		x->state = state;
		x->state_at = now;
	}
	x->hits = hits;
	return changed;
}

struct order_report wish_report(const struct wish *x)
{
	return (struct order_report){
		.origin = x->order.origin,
		.seq = x->order.seq,
		.source = x->order.source,
		.state = x->state,
		.at = x->state_at,
		.apply_us = x->apply_us,
		.sessions_ended = x->sessions_ended,
		.hits = x->hits,
	};
}

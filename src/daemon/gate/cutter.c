/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cutter: rounds of asking and poking. Layer: daemon.
 */
#include "daemon/gate/cutter.h"

#include "base/cur.h"
#include "core/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

#define TICK_MS 50

struct cut {
	struct list item;
	uint64_t token;
	struct source_key source;
	enum order_origin origin;
	uint64_t seq;
	unsigned round;
	uint32_t first; /* sessions at the first answer */
	uint32_t left;  /* at the last one */
	bool waits;     /* for an answer, else for the next round */
	struct mono since;
};

static void cut_end(struct cutter *c, struct cut *cut)
{
	if (cut->first > cut->left) {
		c->ops->done(c->ctx, cut->origin, cut->seq, cut->first - cut->left);
	}
	list_remove(&cut->item);
	c->count--;
	free(cut);
}

static void ask(struct cutter *c, struct cut *cut)
{
	uint8_t body[64];
	struct enc e = enc_of(body, sizeof(body));

	cut->token = ++c->last_token;
	cut->waits = true;
	cut->since = mono_now();
	enc_uint(&e, 8, cut->token);
	wire_put_source(&e, &cut->source);
	int n = enc_end(&e);
	if (n < 0 || c->ops->ask(c->ctx, (struct str){(const char *)body, (size_t)n}) < 0) {
		c->skipped++;
		cut_end(c, cut);
	}
}

static void tick(void *ctx)
{
	struct cutter *c = ctx;
	struct list *at = c->cuts.next;
	int64_t now = mono_now().ns;

	while (at != &c->cuts) {
		struct cut *cut = CONTAINER_OF(at, struct cut, item);
		int64_t ms = (now - cut->since.ns) / NS_PER_MS;
		at = at->next;
		if (cut->waits && ms >= CUT_ANSWER_MS) {
			cut_end(c, cut);
		} else if (!cut->waits && ms >= CUT_ROUND_MS) {
			ask(c, cut);
		}
	}
	if (c->count == 0) {
		loop_timer_stop(c->timer);
	}
}

int cutter_init(struct cutter *c, const struct policy *policy, struct loop *loop,
		const struct cutter_ops *ops, void *ctx)
{
	*c = (struct cutter){.policy = policy, .ops = ops, .ctx = ctx};
	list_init(&c->cuts);
	c->timer = loop_timer(loop, tick, c);
	return c->timer == NULL ? -ENOMEM : 0;
}

void cutter_done(struct cutter *c)
{
	while (c->cuts.next != NULL && !list_is_empty(&c->cuts)) {
		struct cut *cut = CONTAINER_OF(c->cuts.next, struct cut, item);
		list_remove(&cut->item);
		free(cut);
	}
	loop_event_free(c->timer);
	poke_close(c->poke);
	*c = (struct cutter){0};
}

void cutter_begin(struct cutter *c, const struct source_key *source, const struct order *o)
{
	struct cut *cut = c->count < CUTS_MAX ? calloc(1, sizeof(*cut)) : NULL;

	if (cut == NULL) {
		c->skipped++;
		return;
	}
	*cut = (struct cut){.source = *source, .origin = o->origin, .seq = o->seq};
	list_push_back(&c->cuts, &cut->item);
	c->count++;
	loop_timer_every(c->timer, TICK_MS);
	ask(c, cut);
}

static struct cut *find(struct cutter *c, uint64_t token)
{
	struct list *at;

	for (at = c->cuts.next; at != &c->cuts; at = at->next) {
		struct cut *cut = CONTAINER_OF(at, struct cut, item);
		if (cut->waits && cut->token == token) {
			return cut;
		}
	}
	return NULL;
}

static struct poke_flow get_flow(struct cur *in)
{
	struct poke_flow f;

	wire_get_addr(in, &f.client);
	f.client_port = (uint16_t)cur_uint(in, 2, UINT16_MAX);
	wire_get_addr(in, &f.server);
	f.server_port = (uint16_t)cur_uint(in, 2, UINT16_MAX);
	return f;
}

/* Only what the block stops: this source as the client, the ports of its network. */
static bool is_meant(const struct cutter *c, const struct cut *cut, const struct poke_flow *f)
{
	return cut->source.network < c->policy->network_count &&
	       network_has_port(&c->policy->networks[cut->source.network], f->server_port) &&
	       f->client.family == f->server.family &&
	       prefix_has_addr(&cut->source.prefix, &f->client);
}

bool cutter_answer(struct cutter *c, struct str body)
{
	struct cur in = cur_of(body.ptr, body.len);
	uint64_t token = cur_uint(&in, 8, UINT64_MAX);
	size_t n = (size_t)cur_uint(&in, 2, UINT16_MAX);
	struct cut *cut = find(c, token);
	struct cur check = in;
	uint32_t left = 0;

	for (size_t i = 0; i < n && check.err == 0; i++) {
		(void)get_flow(&check);
	}
	if (cur_end(&check) < 0) {
		return false;
	}
	if (cut == NULL) {
		return true; /* too late: given up */
	}
	for (size_t i = 0; i < n; i++) {
		struct poke_flow f = get_flow(&in);
		if (!is_meant(c, cut, &f)) {
			continue;
		}
		left++;
		if (cut->round < CUT_ROUNDS - 1 && c->poke != NULL && poke_send(c->poke, &f) == 0) {
			c->poked++;
		}
	}
	cut->first = cut->round == 0 ? left : cut->first;
	cut->left = left;
	cut->waits = false;
	cut->since = mono_now();
	cut->round++;
	if (left == 0 || cut->round == CUT_ROUNDS) {
		cut_end(c, cut);
	}
	return true;
}

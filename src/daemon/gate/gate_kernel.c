/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_kernel: the difference between what is wished and what is in the kernel. Layer: daemon.
 */
#include "daemon/gate/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/poison.h"

/* Changes in one transaction. */
#define BATCH_MAX 1024
/* Counters and elements looked at in one step of the watch, so that an order never waits for
 * more than a few milliseconds. */
#define LOOK_MAX 512
/* Steps of GATE_WATCH_MS between two looks. */
#define LOOK_EVERY 5
#define DRIFT_EVERY 5
/* Sources compared one by one before the table is loaded at start. */
#define COMPARE_MAX 65536

static struct enforce_action action_for(const struct gate *g, const struct held *h)
{
	const struct wish *ruler = held_ruler(&g->wishes, h);
	struct enforce_action a = {.source = h->source, .was_listed = h->listed, .was = h->rung};

	if (ruler != NULL) {
		a.listed = true;
		a.rung = enforce_rung(ruler->order.rung);
		a.cut = a.rung == RUNG_BLOCK;
	}
	return a;
}

static void trouble(struct gate *g, const struct errmsg *err)
{
	g->kernel_failures++;
	if (!g->said_trouble) {
		LOG_EVENT(&g->child->log, LOG_LEVEL_ERROR, "gate.kernel", F_CSTR("why", err->text));
		g->said_trouble = true;
	}
}

static void no_trouble(struct gate *g)
{
	if (g->said_trouble) {
		LOG_EVENT(&g->child->log, LOG_LEVEL_NOTICE, "gate.kernel_recovered",
			  F_U64("failures", g->kernel_failures));
		g->said_trouble = false;
	}
}

static void set_listed(struct gate *g, struct held *h, bool listed, enum rung rung)
{
	g->listed += (size_t)listed;
	g->listed -= (size_t)h->listed;
	h->listed = listed;
	h->rung = rung;
}

static void settle_all_of(struct gate *g, struct held *h)
{
	for (size_t i = 0; i < PLACE_COUNT; i++) {
		if (h->places[i] != NULL) {
			gate_settle(g, h->places[i]);
		}
	}
}

struct batch {
	struct held *held[BATCH_MAX];
	struct enforce_action acts[BATCH_MAX];
	enum enforce_applied applied[BATCH_MAX];
	struct enforce_view views[BATCH_MAX];
	size_t n;
};

/* The kernel said yes: ask it what it has. */
static int read_back(struct gate *g, struct batch *b, struct errmsg *reterr)
{
	for (size_t i = 0; i < b->n; i++) {
		b->views[i] = (struct enforce_view){.source = b->acts[i].source};
	}
	int r = g->enforcer.ops->read(&g->enforcer, b->views, b->n, reterr);
	for (size_t i = 0; i < b->n && r == 0; i++) {
		struct held *h = b->held[i];
		const struct enforce_view *v = &b->views[i];
		bool was_block = h->listed && h->rung == RUNG_BLOCK;
		set_listed(g, h, v->listed, v->rung);
		if (v->listed != b->acts[i].listed || (v->listed && v->rung != b->acts[i].rung)) {
			r = err_set(reterr, -EIO, "the kernel does not have what it took");
			wishes_touch(&g->wishes, h);
		}
		h->hits_now = v->hits;
		if (!was_block) {
			h->hits_before = 0;
			h->hits_base = v->hits;
		}
	}
	return r;
}

static void cut_sessions(struct gate *g, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct wish *ruler = held_ruler(&g->wishes, b->held[i]);
		if (b->acts[i].cut && ruler != NULL) {
			cutter_begin(&g->cutter, &b->acts[i].source, &ruler->order);
		}
	}
}

static int apply_batch(struct gate *g, struct batch *b, struct errmsg *reterr)
{
	int r = g->enforcer.ops->apply(&g->enforcer, b->acts, b->n, b->applied, reterr);

	if (r == 0) {
		r = read_back(g, b, reterr);
		cut_sessions(g, b);
	} else {
		for (size_t i = 0; i < b->n; i++) {
			wishes_touch(&g->wishes, b->held[i]);
		}
	}
	return r;
}

static void after_batch(struct gate *g, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		settle_all_of(g, b->held[i]);
		wishes_drop_idle(&g->wishes, b->held[i]);
	}
}

int gate_apply(struct gate *g)
{
	static struct batch b; /* large; one gate a process */
	struct errmsg err = {.text = ""};
	struct held *h;
	int r = 0;

	if (g->panic || !g->loaded) {
		return -EAGAIN; /* the touched ones are part of the next load */
	}
	do {
		b.n = 0;
		while (b.n < BATCH_MAX && (h = wishes_next_touched(&g->wishes)) != NULL) {
			struct enforce_action a = action_for(g, h);
			if (a.listed == h->listed && (!a.listed || a.rung == h->rung)) {
				settle_all_of(g, h);
				wishes_drop_idle(&g->wishes, h);
				continue;
			}
			b.held[b.n] = h;
			b.acts[b.n++] = a;
		}
		r = b.n == 0 ? 0 : apply_batch(g, &b, &err);
		after_batch(g, &b);
	} while (r == 0 && b.n == BATCH_MAX);
	if (r == -ENFILE && g->listed < ENFORCE_SOURCES_MAX) {
		return gate_load(g); /* with more room */
	}
	if (r < 0) {
		trouble(g, &err);
	} else {
		no_trouble(g);
	}
	return r;
}

struct walk {
	const struct gate *g;
	size_t pos;
	int64_t cut_since_ns;
};

/* Gives every source that has to have an element. */
static bool next_listed(void *ctx, struct enforce_action *ret)
{
	struct walk *walk = ctx;
	struct held *h;

	while ((h = map_next(walk->g->wishes.held, &walk->pos)) != NULL) {
		*ret = action_for(walk->g, h);
		if (ret->listed) {
			/* Only a young block still has far sides to reset. */
			const struct wish *ruler = held_ruler(&walk->g->wishes, h);
			ret->cut = ret->cut && ruler->order.given_at.ns >= walk->cut_since_ns;
			return true;
		}
	}
	return false;
}

/* What the kernel still knows is kept before the table is made anew: its counts, and how much of
 * ours is not there.
 *
 * @return How many sources have to be listed. */
static size_t compare(struct gate *g, uint64_t *ret_missing)
{
	struct held *h;
	size_t pos = 0;
	size_t count = 0;

	*ret_missing = 0;
	while ((h = map_next(g->wishes.held, &pos)) != NULL) {
		struct enforce_view v = {.source = h->source};
		struct enforce_action a = action_for(g, h);
		count += a.listed;
		if (!a.listed || count > COMPARE_MAX ||
		    g->enforcer.ops->read(&g->enforcer, &v, 1, NULL) < 0) {
			continue;
		}
		*ret_missing += !v.listed || v.rung != a.rung;
		h->hits_now = v.hits > h->hits_now ? v.hits : h->hits_now;
	}
	return count;
}

static void mark_loaded(struct gate *g)
{
	struct held *h;
	size_t pos = 0;

	while ((h = map_next(g->wishes.held, &pos)) != NULL) {
		struct enforce_action a = action_for(g, h);
		set_listed(g, h, a.listed, a.rung);
		h->hits_before += h->hits_now - h->hits_base;
		h->hits_now = 0;
		h->hits_base = 0;
	}
}

/* After the map of sources has stood still. */
static void settle_everything(struct gate *g)
{
	struct list *at = g->wishes.all.next;

	while (at != &g->wishes.all) {
		struct wish *x = CONTAINER_OF(at, struct wish, all);
		at = at->next;
		gate_settle(g, x);
	}
	for (struct held *h; (h = wishes_next_touched(&g->wishes)) != NULL;) {
		wishes_drop_idle(&g->wishes, h);
	}
}

static bool enforces(const struct policy *p)
{
	for (size_t i = 0; i < p->network_count; i++) {
		if (p->networks[i].mode == MODE_ENFORCE) {
			return true;
		}
	}
	return false;
}

/* No network enforces: no rule of ours is in the kernel, not even an empty table. */
static int stay_out(struct gate *g)
{
	struct errmsg err = {.text = ""};
	int r = g->enforcer.ops->clear(&g->enforcer, &err);

	if (r < 0) {
		trouble(g, &err);
		return r;
	}
	g->idle = true;
	settle_everything(g);
	LOG_EVENT(&g->child->log, LOG_LEVEL_NOTICE, "gate.observes",
		  F_U64("orders", map_count(g->wishes.wishes)));
	return 0;
}

int gate_load(struct gate *g)
{
	if (!enforces(g->child->policy)) {
		return stay_out(g);
	}
	struct errmsg err = {.text = ""};
	struct walk walk = {.g = g, .cut_since_ns = wall_now().ns - ENFORCE_BACK_S * NS_PER_S};
	uint64_t missing;
	size_t count = compare(g, &missing);

	int r = g->enforcer.ops->load(&g->enforcer, next_listed, &walk, count, &err);
	if (r < 0) {
		g->loaded = false;
		trouble(g, &err);
		return r;
	}
	g->loaded = true;
	no_trouble(g);
	mark_loaded(g);
	settle_everything(g);
	LOG_EVENT(&g->child->log, LOG_LEVEL_NOTICE, "gate.loaded", F_U64("sources", g->listed),
		  F_U64("missing_before", missing));
	return 0;
}

/* Everybody out: an operator wants all mail open, now. */
static void enter_panic(struct gate *g)
{
	struct errmsg err = {.text = ""};
	struct held *h;
	size_t pos = 0;

	if (g->enforcer.ops->clear(&g->enforcer, &err) < 0) {
		trouble(g, &err);
		return; /* tried again at the next tick */
	}
	g->panic = true;
	g->loaded = false;
	while ((h = map_next(g->wishes.held, &pos)) != NULL) {
		set_listed(g, h, false, RUNG_PASS);
	}
	settle_everything(g);
	LOG_EVENT(&g->child->log, LOG_LEVEL_WARNING, "gate.panic_open",
		  F_CSTR("file", g->panic_path));
}

static void watch_panic(struct gate *g)
{
	bool asked = access(g->panic_path, F_OK) == 0;

	if (asked && !g->panic) {
		enter_panic(g);
	} else if (!asked && g->panic) {
		LOG_EVENT(&g->child->log, LOG_LEVEL_WARNING, "gate.panic_lifted",
			  F_CSTR("file", g->panic_path));
		g->panic = false;
	}
	if (!g->panic && !g->loaded && !g->idle) {
		(void)gate_load(g);
	}
}

static void watch_drift(struct gate *g)
{
	enum enforce_drift drift;
	struct errmsg err = {.text = ""};

	if (g->enforcer.ops->drift(&g->enforcer, &drift, &err) < 0) {
		trouble(g, &err);
		return;
	}
	if (drift == DRIFT_BROKEN) {
		LOG_EVENT(&g->child->log, LOG_LEVEL_WARNING, "gate.drift",
			  F_CSTR("what", "the table was removed or changed"));
		g->repairs++;
		(void)gate_load(g);
	}
}

/* A few sources at a time: do they still have their elements, and what was refused? */
static void watch_sources(struct gate *g)
{
	struct enforce_view views[LOOK_MAX];
	struct held *held[LOOK_MAX];
	struct held *h;
	size_t n = 0;
	bool lost = false;

	while (n < LOOK_MAX && (h = map_next(g->wishes.held, &g->hits_pos)) != NULL) {
		if (h->listed) {
			held[n] = h;
			views[n++] = (struct enforce_view){.source = h->source};
		}
	}
	if (n < LOOK_MAX) {
		g->hits_pos = 0;
	}
	if (n == 0 || g->enforcer.ops->read(&g->enforcer, views, n, NULL) < 0) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		lost = lost || !views[i].listed || views[i].rung != held[i]->rung;
		if (views[i].hits < held[i]->hits_now) {
			/* Its counter ran out of time and began anew. */
			held[i]->hits_before += held[i]->hits_now - held[i]->hits_base;
			held[i]->hits_base = 0;
		}
		held[i]->hits_now = views[i].hits;
		settle_all_of(g, held[i]);
	}
	if (lost) {
		LOG_EVENT(&g->child->log, LOG_LEVEL_WARNING, "gate.drift",
			  F_CSTR("what", "sources were removed or changed"));
		g->repairs++;
		(void)gate_load(g);
	}
}

void gate_watch(struct gate *g)
{
	g->ticks++;
	watch_panic(g);
	if (g->panic || !g->loaded) {
		return;
	}
	if (!list_is_empty(&g->wishes.touched) && gate_apply(g) == 0) {
		settle_everything(g); /* what failed before went through */
	}
	if (g->ticks % DRIFT_EVERY == 0) {
		watch_drift(g);
	}
	if (g->ticks % LOOK_EVERY == 0 && g->loaded) {
		watch_sources(g);
	}
}

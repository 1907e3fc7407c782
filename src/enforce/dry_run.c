/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dry_run: the backend that only remembers: for tests, and to see what a gate would do.
 * Layer: enforce.
 */
#include "enforce/enforce.h"

#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/poison.h"

struct dry_item {
	struct source_key source;
	enum rung rung;
};

struct dry_run {
	struct map *items;
};

static struct str item_key(const void *item)
{
	return source_key_str(&((const struct dry_item *)item)->source);
}

static struct map *items_new(const struct enforcer *e)
{
	struct siphash_key key = {0};

	if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
		return NULL;
	}
	return map_new(e->opts.sources_max, &key, item_key);
}

static void items_free(struct map *items)
{
	size_t pos = 0;
	struct dry_item *i;

	while (items != NULL && (i = map_next(items, &pos)) != NULL) {
		free(i);
	}
	map_free(items);
}

static int dry_open(struct enforcer *e, struct errmsg *reterr)
{
	struct dry_run *d = calloc(1, sizeof(*d));

	e->state = d;
	if (d == NULL || (d->items = items_new(e)) == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for the dry-run backend");
	}
	return 0;
}

static enum enforce_applied put(struct map *items, const struct enforce_action *a)
{
	struct dry_item *i = map_find(items, source_key_str(&a->source));

	if (!a->listed) {
		free(map_remove(items, source_key_str(&a->source)));
		return APPLIED_DONE;
	}
	if (i == NULL) {
		i = calloc(1, sizeof(*i));
		if (i == NULL) {
			return APPLIED_FAILED;
		}
		i->source = a->source;
		int r = map_add(items, i);
		if (r < 0) {
			free(i);
			return r == -ENOSPC ? APPLIED_FULL : APPLIED_FAILED;
		}
	}
	i->rung = enforce_rung(a->rung);
	return APPLIED_DONE;
}

static int dry_load(struct enforcer *e, enforce_next_fn *next, void *ctx, size_t count,
		    struct errmsg *reterr)
{
	(void)count; /* a map grows by itself */
	struct dry_run *d = e->state;
	struct map *fresh = items_new(e);
	struct enforce_action a;

	while (fresh != NULL && next(ctx, &a)) {
		if (put(fresh, &a) != APPLIED_DONE) {
			items_free(fresh);
			return err_set(reterr, -ENOSPC, "more sources than the backend holds");
		}
	}
	if (fresh == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for the dry-run backend");
	}
	items_free(d->items);
	d->items = fresh;
	return 0;
}

/* How many elements the actions add on the whole. */
static size_t added(const struct map *items, const struct enforce_action *acts, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		count += acts[i].listed && map_find(items, source_key_str(&acts[i].source)) == NULL;
	}
	return count;
}

static int dry_apply(struct enforcer *e, const struct enforce_action *acts, size_t n,
		     enum enforce_applied *ret_each, struct errmsg *reterr)
{
	struct dry_run *d = e->state;
	bool full = map_count(d->items) + added(d->items, acts, n) > e->opts.sources_max;
	int r = full ? err_set(reterr, -ENOSPC, "no room for more sources") : 0;

	for (size_t i = 0; i < n; i++) {
		ret_each[i] = full ? APPLIED_FULL : put(d->items, &acts[i]);
		if (ret_each[i] == APPLIED_FAILED && r == 0) {
			r = err_set(reterr, -ENOMEM, "no memory for the dry-run backend");
		}
	}
	return r;
}

static int dry_read(struct enforcer *e, struct enforce_view *views, size_t n, struct errmsg *reterr)
{
	struct dry_run *d = e->state;

	(void)reterr;
	for (size_t i = 0; i < n; i++) {
		const struct dry_item *item = map_find(d->items, source_key_str(&views[i].source));
		views[i].listed = item != NULL;
		views[i].rung = item != NULL ? item->rung : RUNG_PASS;
		views[i].hits = 0;
	}
	return 0;
}

static int dry_drift(struct enforcer *e, enum enforce_drift *ret, struct errmsg *reterr)
{
	(void)e;
	(void)reterr;
	*ret = DRIFT_NONE;
	return 0;
}

static int dry_clear(struct enforcer *e, struct errmsg *reterr)
{
	struct dry_run *d = e->state;
	struct map *fresh = items_new(e);

	if (fresh == NULL) {
		return err_set(reterr, -ENOMEM, "no memory for the dry-run backend");
	}
	items_free(d->items);
	d->items = fresh;
	return 0;
}

static void dry_close(struct enforcer *e)
{
	struct dry_run *d = e->state;

	if (d != NULL) {
		items_free(d->items);
		free(d);
	}
	e->state = NULL;
}

const struct enforce_ops enforce_dry_run = {
	.name = "dry-run",
	.open = dry_open,
	.load = dry_load,
	.apply = dry_apply,
	.read = dry_read,
	.drift = dry_drift,
	.clear = dry_clear,
	.close = dry_close,
};

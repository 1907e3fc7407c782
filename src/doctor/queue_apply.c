/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_apply: hold, look again, delete. Layer: doctor.
 */
#include "doctor/queue_apply.h"

#include "sys/entropy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/poison.h"

/* A message that is being delivered is locked, or moves while it is looked for. */
#define ROUNDS_MAX 6
#define WAIT_S 1

/* What becomes of the plan's messages, beside the order's items. */
enum state {
	STATE_OPEN,    /* to be done, as far as we know */
	STATE_GONE,    /* not in the queue */
	STATE_SAME,    /* there, and the plan's */
	STATE_CHANGED, /* another message */
};

struct apply {
	const struct queue_apply_opts *opts;
	struct queue_applied *result;
	uint8_t *states;
	bool *taken; /* given to the program to delete */
	struct str *batch;
	struct map *ids; /* struct queue_order_item */
};

static struct str item_key(const void *item)
{
	return ((const struct queue_order_item *)item)->id;
}

static void show(const struct apply *a, const char *what, size_t done, size_t of)
{
	if (a->opts->progress != NULL) {
		a->opts->progress(what, done, of);
	}
}

static bool is_held(const struct queue_info *in)
{
	return in->is_frozen || strcmp(in->place, "hold") == 0;
}

/* ---- looking ---- */

/* Look the plan's messages up in the queue. @param only  "hold", or NULL: anywhere. */
static int look(struct apply *a, const char *only, struct queue_list **ret, struct errmsg *reterr)
{
	struct queue_load_opts how = {.only = only, .ids = a->ids, .is_brief = true};
	const struct queue_order *o = a->opts->order;
	struct queue_list *l = queue_list_new();
	int r = l == NULL ? err_set(reterr, -ENOMEM, "no memory")
			  : queue_list_load(l, a->opts->dir, &how, reterr);

	for (size_t i = 0; i < o->count && r == 0; i++) {
		ssize_t at = queue_list_find(l, o->items[i].id);
		a->states[i] = at < 0 ? STATE_GONE
			       : memcmp(l->infos[at].check, o->items[i].check,
					QUEUE_CHECK_OCTETS) == 0
				       ? STATE_SAME
				       : STATE_CHANGED;
	}
	if (r < 0) {
		queue_list_free(l);
		return r;
	}
	*ret = l;
	return 0;
}

/* ---- doing ---- */

typedef bool want_fn(const struct apply *a, const struct queue_list *l, size_t i);

static bool want_hold(const struct apply *a, const struct queue_list *l, size_t i)
{
	ssize_t at = queue_list_find(l, a->opts->order->items[i].id);

	/* One that was not seen may be moving: to hold what is not there does no harm. Exim's
	 * messages never move. */
	if (at < 0) {
		return a->opts->dir->mta == LOG_MTA_POSTFIX;
	}
	return a->states[i] == STATE_SAME && !is_held(&l->infos[at]);
}

static bool want_delete(const struct apply *a, const struct queue_list *l, size_t i)
{
	ssize_t at = queue_list_find(l, a->opts->order->items[i].id);

	return a->states[i] == STATE_SAME && at >= 0 && is_held(&l->infos[at]);
}

/* On hold though it is not the plan's: an earlier run, or this one, took the wrong one. */
static bool want_release(const struct apply *a, const struct queue_list *l, size_t i)
{
	const struct queue_order_item *it = &a->opts->order->items[i];
	ssize_t at = queue_list_find(l, it->id);

	return a->states[i] == STATE_CHANGED && at >= 0 && is_held(&l->infos[at]) && !it->was_held;
}

static int do_to(struct apply *a, enum queue_verb verb, want_fn *want, const struct queue_list *l,
		 struct errmsg *reterr)
{
	static const char *const names[QUEUE_VERB_COUNT] = {[QUEUE_HOLD] = "holding",
							    [QUEUE_RELEASE] = "letting go",
							    [QUEUE_DELETE] = "deleting"};
	const struct queue_order *o = a->opts->order;
	size_t max = queue_tool_batch(a->opts->tool);
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < o->count && r == 0; i++) {
		if (want(a, l, i)) {
			a->batch[n++] = o->items[i].id;
			a->result->released += verb == QUEUE_RELEASE ? 1 : 0;
			a->taken[i] = a->taken[i] || verb == QUEUE_DELETE;
		}
		if (n == max) {
			r = queue_tool_run(a->opts->tool, verb, a->batch, n, reterr);
			n = 0;
			show(a, names[verb], i + 1, o->count);
		}
	}
	if (r == 0 && n > 0) {
		r = queue_tool_run(a->opts->tool, verb, a->batch, n, reterr);
		show(a, names[verb], o->count, o->count);
	}
	return r;
}

static uint64_t count_state(const struct apply *a, enum state s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < a->opts->order->count; i++) {
		n += a->states[i] == s ? 1 : 0;
	}
	return n;
}

/* One round: hold, look again, delete what is still the plan's, let go what is not. */
static int purge_round(struct apply *a, const struct queue_list *before, struct errmsg *reterr)
{
	bool is_postfix = a->opts->dir->mta == LOG_MTA_POSTFIX;
	struct queue_list *held = NULL;
	int r = do_to(a, QUEUE_HOLD, want_hold, before, reterr);

	if (r == 0) {
		show(a, "looking again", 0, a->opts->order->count);
		r = look(a, is_postfix ? "hold" : NULL, &held, reterr);
	}
	if (r == 0) {
		r = do_to(a, QUEUE_RELEASE, want_release, held, reterr);
	}
	if (r == 0) {
		r = do_to(a, QUEUE_DELETE, want_delete, held, reterr);
	}
	queue_list_free(held);
	return r;
}

static void sum_up(struct apply *a)
{
	a->result->left = count_state(a, STATE_SAME);
	a->result->changed = count_state(a, STATE_CHANGED);
	a->result->gone = 0;
	for (size_t i = 0; i < a->opts->order->count; i++) {
		bool is_gone = a->states[i] == STATE_GONE;
		a->result->deleted += is_gone && a->taken[i] ? 1 : 0;
		a->result->gone += is_gone && !a->taken[i] ? 1 : 0;
	}
}

static int purge(struct apply *a, struct queue_list *l, struct errmsg *reterr)
{
	int r = 0;

	for (int round = 0; round < ROUNDS_MAX && r == 0; round++) {
		if (round > 0) {
			(void)nanosleep(&(struct timespec){.tv_sec = WAIT_S}, NULL);
		}
		r = purge_round(a, l, reterr);
		queue_list_free(l);
		l = NULL;
		if (r == 0) {
			r = look(a, NULL, &l, reterr);
		}
		if (r == 0 && count_state(a, STATE_SAME) == 0) {
			break;
		}
	}
	if (r == 0) {
		sum_up(a);
	}
	queue_list_free(l);
	return r;
}

/* ---- before anything is done ---- */

static int check_sources(struct apply *a, const struct queue_list *l, struct errmsg *reterr)
{
	const struct queue_apply_opts *opts = a->opts;
	const struct queue_order *o = opts->order;

	for (size_t i = 0; i < o->source_count; i++) {
		const struct queue_source *s = queue_list_find_source(l, o->sources[i].kind,
								      o->sources[i].name);
		if (s == NULL || s->newest.ns <= o->made_at.ns ||
		    opts->now.ns - s->newest.ns > opts->quiet_ns) {
			continue;
		}
		(void)str_copy(a->result->still_sends, sizeof(a->result->still_sends),
			       o->sources[i].name);
		a->result->still_newest = s->newest;
		return err_set(reterr, -EBUSY,
			       "%s still sends: stop it first, else the queue fills again",
			       a->result->still_sends);
	}
	return 0;
}

static int check_changed(struct apply *a, const struct queue_list *l, struct errmsg *reterr)
{
	uint64_t changed = count_state(a, STATE_CHANGED);

	a->result->changed = changed;
	if (changed == 0) {
		return 0;
	}
	int r = do_to(a, QUEUE_RELEASE, want_release, l, reterr);
	if (r < 0) {
		return r;
	}
	return err_set(reterr, -ESTALE,
		       "the queue changed: %llu of the plan's ids belong to other messages now; "
		       "make a new plan",
		       (unsigned long long)changed);
}

/* The whole queue: also whether the sources sent since. */
static int look_at_all(struct apply *a, struct queue_list **ret, struct errmsg *reterr)
{
	struct map *ids = a->ids;

	a->ids = NULL;
	int r = look(a, NULL, ret, reterr);
	a->ids = ids;
	return r;
}

static int run(struct apply *a, struct errmsg *reterr)
{
	struct queue_list *l;

	show(a, "looking", 0, a->opts->order->count);
	int r = look_at_all(a, &l, reterr);
	if (r < 0) {
		return r;
	}
	r = check_sources(a, l, reterr);
	r = r < 0 ? r : check_changed(a, l, reterr);
	if (r < 0) {
		queue_list_free(l);
		return r;
	}
	return purge(a, l, reterr);
}

int queue_apply(const struct queue_apply_opts *opts, struct queue_applied *ret,
		struct errmsg *reterr)
{
	const struct siphash_key key = entropy_siphash_key();
	struct apply a = {.opts = opts,
			  .result = ret,
			  .states = calloc(opts->order->count + 1, 1),
			  .taken = calloc(opts->order->count + 1, sizeof(bool)),
			  .batch = calloc(QUEUE_TOOL_POSTFIX_MAX, sizeof(struct str)),
			  .ids = map_new(QUEUE_LIST_MAX, &key, item_key)};
	int r = a.states == NULL || a.taken == NULL || a.batch == NULL || a.ids == NULL ? -ENOMEM
											: 0;

	*ret = (struct queue_applied){.planned = opts->order->count};
	for (size_t i = 0; i < opts->order->count && r == 0; i++) {
		r = map_find(a.ids, opts->order->items[i].id) != NULL
			    ? -EBADMSG
			    : map_add(a.ids, &opts->order->items[i]);
	}
	r = r < 0 ? err_set(reterr, r,
			    r == -EBADMSG ? "the plan names a message twice" : "no memory")
		  : run(&a, reterr);
	free(a.states);
	free(a.taken);
	free(a.batch);
	map_free(a.ids);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_sources: a table of sources and one of which campaign each has had. Layer: cli.
 */
#include "cli/scan_sources.h"

#include "base/assert.h"
#include "base/map.h"
#include "core/campaign.h"
#include "core/judge_filter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

/* Beyond these, further sources are not printed, and further campaigns not counted. */
#define SOURCES_MAX 250000
#define CAMPAIGNS_MAX 131072
#define PAIRS_MAX 4000000

/* A capture is judged the same way on every machine: no secret in the tables. */
static const struct siphash_key key = {0x706f737465726e, 0x7363616e};

/* That a source has sent mail of a campaign. */
struct pair {
	uint64_t campaign;
	uint64_t source; /* its place in the order of appearance */
};

struct scan_sources {
	struct judge *judge;
	struct campaigns *campaigns;
	struct policy *own_policy; /* the defaults */
	struct map *sources;
	struct map *pairs;
	struct scan_source **order;
	size_t count;
	struct wall ticked;
};

static struct str source_key_of(const void *item)
{
	return source_key_str(&((const struct scan_source *)item)->key);
}

static struct str pair_key_of(const void *item)
{
	return (struct str){item, sizeof(struct pair)};
}

int scan_sources_new(const struct policy *policy, const struct score_rates *rates,
		     struct scan_sources **ret, struct errmsg *reterr)
{
	struct scan_sources *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (s == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	s->own_policy = policy == NULL ? policy_new() : NULL;
	s->sources = map_new(SOURCES_MAX, &key, source_key_of);
	s->pairs = map_new(PAIRS_MAX, &key, pair_key_of);
	s->campaigns = campaigns_new(CAMPAIGNS_MAX);
	if (s->sources == NULL || s->pairs == NULL || s->campaigns == NULL ||
	    (policy == NULL && s->own_policy == NULL)) {
		err_set(reterr, r, "no memory");
		goto out;
	}
	const struct judge_opts opts = {
		.policy = policy == NULL ? s->own_policy : policy,
		.filter = judge_filter_of(rates),
		.key = key,
		.sources_max = SOURCES_MAX,
	};
	s->judge = judge_new(&opts, reterr);
	if (s->judge == NULL) {
		goto out;
	}
	*ret = s;
	return 0;
out:
	scan_sources_free(s);
	return r;
}

void scan_sources_free(struct scan_sources *s)
{
	struct pair *p;
	size_t pos = 0;

	if (s == NULL) {
		return;
	}
	while (s->pairs != NULL && (p = map_next(s->pairs, &pos)) != NULL) {
		free(p);
	}
	for (size_t i = 0; i < s->count; i++) {
		free(s->order[i]->rungs);
		free(s->order[i]);
	}
	free(s->order);
	map_free(s->pairs);
	map_free(s->sources);
	campaigns_free(s->campaigns);
	judge_free(s->judge);
	policy_free(s->own_policy);
	free(s);
}

static struct scan_source *source_get(struct scan_sources *s, const struct source_key *k)
{
	struct scan_source *source = map_find(s->sources, source_key_str(k));

	if (source != NULL) {
		return source;
	}
	/* Room for 1, 2, 4, 8 … */
	if ((s->count & (s->count - 1)) == 0) {
		size_t room = s->count == 0 ? 1 : s->count * 2;
		struct scan_source **grown = realloc(s->order, room * sizeof(struct scan_source *));
		if (grown == NULL) {
			return NULL;
		}
		s->order = grown;
	}
	source = calloc(1, sizeof(*source));
	if (source == NULL) {
		return NULL;
	}
	source->key = *k;
	if (map_add(s->sources, source) < 0) {
		free(source);
		return NULL;
	}
	s->order[s->count++] = source;
	return source;
}

static void keep_rung(struct scan_source *source, const struct judge_event *e)
{
	if (source->rung_count == SCAN_RUNGS_MAX) {
		return;
	}
	size_t size = (source->rung_count + 1) * sizeof(*source->rungs);
	struct scan_rung *grown = realloc(source->rungs, size);
	if (grown != NULL) {
		source->rungs = grown;
		source->rungs[source->rung_count++] = (struct scan_rung){
			.rung = e->rung,
			.at_message = source->messages,
			.time = e->time,
		};
	}
}

static void take_events(struct scan_sources *s)
{
	struct judge_event e;

	while (judge_event_next(s->judge, &e)) {
		struct scan_source *source = e.type == JUDGE_MOVED ? source_get(s, &e.source)
								   : NULL;
		if (source != NULL) {
			keep_rung(source, &e);
		}
	}
}

static void go_on(struct scan_sources *s, struct wall now)
{
	if (now.ns - s->ticked.ns >= NS_PER_S) {
		s->ticked = now;
		judge_tick(s->judge, now);
		take_events(s);
	}
}

static uint64_t campaign_of(struct scan_sources *s, struct scan_source *source,
			    const struct message_obs *o)
{
	const struct campaign_key k = {
		.simhash = o->simhash, .urls_hash = o->urls_hash, .exact = o->campaign};

	if (!o->scored) {
		return 0;
	}
	uint64_t id = campaigns_take(s->campaigns, &k);
	struct pair *p = source == NULL ? NULL : calloc(1, sizeof(*p));
	if (p == NULL) {
		return id;
	}
	*p = (struct pair){.campaign = id, .source = (uint64_t)(uintptr_t)source};
	if (map_find(s->pairs, pair_key_of(p)) == NULL && map_add(s->pairs, p) == 0) {
		source->campaigns++;
	} else {
		free(p);
	}
	return id;
}

uint64_t scan_sources_message(struct scan_sources *s, const struct message_obs *o)
{
	go_on(s, o->time);
	struct scan_source *source = source_get(s, &o->source);
	if (source != NULL) {
		source->is_seen = true;
		source->messages++;
		source->recipients += o->rcpts;
		source->rejected += o->rcpts_refused;
	}
	uint64_t campaign = campaign_of(s, source, o);
	judge_message(s->judge, o);
	take_events(s);
	return campaign;
}

void scan_sources_session(struct scan_sources *s, const struct session_obs *o)
{
	go_on(s, o->time);
	struct scan_source *source = source_get(s, &o->source);
	if (source != NULL && o->event != SESSION_TRIED) {
		source->is_seen = true;
	}
	judge_session(s->judge, o);
	take_events(s);
}

const struct scan_source *scan_sources_next(const struct scan_sources *s, size_t *pos)
{
	while (*pos < s->count) {
		const struct scan_source *source = s->order[(*pos)++];
		if (source->is_seen || source->rung_count > 0) {
			return source;
		}
	}
	return NULL;
}

bool scan_sources_proof(const struct scan_sources *s, const struct scan_source *source,
			struct proof *ret)
{
	return judge_proof_of(s->judge, &source->key, ret);
}

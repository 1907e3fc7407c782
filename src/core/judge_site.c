/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_site: legitimate mail as each network has it: the sources' votes, the hourly step, and the
 * tables that follow. Layer: core (pure).
 *
 * Hours are those of the observations, so that the same observations give the same tables. A step
 * is one network at a time, between two observations, and costs a few milliseconds at most.
 */
#include "core/judge_inside.h"

#include <stdlib.h>

#include "base/poison.h"

#define HOUR_S 3600
/* Networks without votes that are passed over between two observations. */
#define SITES_PER_CALL 64

const struct evidence_rules *judge_rules(const struct judge *j, const struct source_state *s)
{
	return s->key.network < j->site_count ? &j->sites[s->key.network].rules : &j->rules;
}

const struct judge_filter *judge_filter_in_force(const struct judge *j,
						 const struct source_state *s)
{
	return s->key.network < j->site_count ? &j->sites[s->key.network].filter : &j->opts.filter;
}

bool judge_learns(const struct judge *j)
{
	return j->opts.learns_f0 && j->opts.filter.bin_count == SCORE_BINS;
}

/* ---- votes ---- */

static bool has_room(struct judge *j)
{
	if (j->votes != NULL) {
		return j->free_votes > 0;
	}
	j->votes = calloc(SITE_VOTES_MAX, sizeof(*j->votes));
	j->vote_free = calloc(SITE_VOTES_MAX, sizeof(*j->vote_free));
	if (j->votes == NULL || j->vote_free == NULL) {
		free(j->votes);
		free(j->vote_free);
		j->votes = NULL;
		j->vote_free = NULL;
		return false;
	}
	for (uint32_t i = 0; i < SITE_VOTES_MAX; i++) {
		j->vote_free[i] = (uint16_t)(SITE_VOTES_MAX - 1 - i);
	}
	j->free_votes = SITE_VOTES_MAX;
	return true;
}

struct site_vote *judge_site_take(struct judge *j, struct source_state *s)
{
	if (s->key.network >= j->site_count) {
		return NULL;
	}
	if (s->vote == 0) {
		struct site *site = &j->sites[s->key.network];
		if (site->votes == SITE_SOURCES_MAX || !has_room(j)) {
			return NULL;
		}
		uint16_t at = j->vote_free[--j->free_votes];
		j->votes[at] = (struct site_vote){.owner = s->index, .network = s->key.network};
		s->vote = (uint16_t)(at + 1);
		site->votes++;
	}
	return &j->votes[s->vote - 1];
}

void judge_site_drop(struct judge *j, struct source_state *s)
{
	if (s->vote != 0) {
		j->votes[s->vote - 1] = (struct site_vote){.owner = SOURCE_NONE, .hour = 0};
		j->vote_free[j->free_votes++] = (uint16_t)(s->vote - 1);
		j->sites[s->key.network].votes--;
		s->vote = 0;
	}
}

void judge_site_note(struct judge *j, struct source_state *s, const struct message_obs *o)
{
	if (!judge_learns(j) || o->bin >= SCORE_BINS ||
	    (s->vote == 0 && s->content_trials < SITE_TRIALS_MIN)) {
		return;
	}
	struct site_vote *v = judge_site_take(j, s);
	if (v != NULL) {
		score_histogram_add(&v->histogram, o->bin);
		v->hour = seconds_of(o->time) / HOUR_S;
	}
}

/* ---- the step ---- */

/* The tables that follow from the estimate; the ones of before stay when they can't be made. */
static void use(struct judge *j, struct site *site)
{
	struct judge_filter f = j->opts.filter;
	struct ztable z;

	memcpy(f.f0_ppm, site->f0.f0_ppm, sizeof(site->f0.f0_ppm));
	f.f0_version = site->f0.version;
	if (ztable_make(&j->opts.policy->decision, &f, &z, NULL) == 0) {
		site->filter = f;
		site->z = z;
	}
}

/* The histograms of a network's voters. Who was silent for a week gives its place to others. */
static size_t gather(struct judge *j, uint32_t network, struct score_histogram *all)
{
	size_t n = 0;

	for (uint32_t i = 0; i < SITE_VOTES_MAX && n < SITE_SOURCES_MAX; i++) {
		const struct site_vote *v = &j->votes[i];
		if (v->hour == 0 || v->network != network) {
			continue;
		}
		if (v->hour + SITE_VOTE_HOURS < j->site_hour) {
			judge_site_drop(j, source_table_at(j->table, v->owner));
		} else {
			all[n++] = v->histogram;
		}
	}
	return n;
}

static void step(struct judge *j, uint32_t network)
{
	struct site *site = &j->sites[network];
	struct score_histogram *all = calloc(SITE_SOURCES_MAX, sizeof(*all));

	if (all == NULL) {
		return; /* the estimate of before is as good */
	}
	uint32_t before = site->f0.version;
	size_t n = gather(j, network, all);
	site_f0_step(&site->f0, all, n, j->is_guarded || j->brake.is_on);
	free(all);
	if (site->f0.version != before) {
		use(j, site);
	}
}

void judge_site_time(struct judge *j, struct wall now)
{
	uint32_t hour = seconds_of(now) / HOUR_S;

	if (!judge_learns(j)) {
		return;
	}
	if (hour > j->site_hour) {
		/* The first hour has seen nothing yet. */
		j->site_next = j->site_hour == 0 ? j->site_count : 0;
		j->site_hour = hour;
	}
	for (unsigned i = 0; i < SITES_PER_CALL && j->site_next < j->site_count; i++) {
		uint32_t network = j->site_next++;
		if (j->sites[network].votes > 0) {
			step(j, network);
			return;
		}
	}
}

/* ---- life ---- */

static void begin(struct judge *j, struct site *site)
{
	*site = (struct site){.filter = j->opts.filter, .z = j->z};
	site_f0_init(&site->f0, j->opts.filter.f0_ppm);
	site->rules = (struct evidence_rules){.z = &site->z, .d = &j->opts.policy->decision};
}

void judge_site_reset(struct judge *j)
{
	for (uint32_t i = 0; j->votes != NULL && i < SITE_VOTES_MAX; i++) {
		if (j->votes[i].hour != 0) {
			struct source_state *s = source_table_at(j->table, j->votes[i].owner);
			if (s != NULL) {
				s->vote = 0;
			}
		}
	}
	free(j->votes);
	free(j->vote_free);
	j->votes = NULL;
	j->vote_free = NULL;
	j->free_votes = 0;
	j->site_hour = 0;
	j->site_next = 0;
	for (uint32_t i = 0; i < j->site_count; i++) {
		begin(j, &j->sites[i]);
	}
}

void judge_site_adopt(struct judge *j, struct site *sites)
{
	judge_site_reset(j);
	free(j->sites);
	j->sites = sites;
	j->site_count = (uint32_t)j->opts.policy->network_count;
	judge_site_reset(j);
}

void judge_site_done(struct judge *j)
{
	free(j->votes);
	free(j->vote_free);
	free(j->sites);
}

bool judge_site_of(const struct judge *j, uint16_t network, struct site_f0 *ret)
{
	if (!judge_learns(j) || network >= j->site_count) {
		return false;
	}
	*ret = j->sites[network].f0;
	return true;
}

/* ---- checkpoint ---- */

void judge_site_put(struct enc *e, const struct judge *j)
{
	enc_uint(e, 8, j->opts.filter.weights_version);
	enc_uint(e, 4, j->site_hour);
	enc_uint(e, 2, j->site_next);
	for (uint32_t i = 0; i < j->site_count; i++) {
		const struct site_f0 *f = &j->sites[i].f0;
		enc_uint(e, 4, f->version);
		enc_uint(e, 4, f->voters);
		for (size_t b = 0; f->version > 0 && b < SCORE_BINS; b++) {
			enc_uint(e, 4, f->f0_ppm[b]);
		}
	}
}

void judge_site_get(struct cur *c, struct judge *j, const uint16_t *to, size_t count)
{
	bool fits = cur_uint(c, 8, UINT64_MAX) == j->opts.filter.weights_version && judge_learns(j);
	uint32_t hour = (uint32_t)cur_uint(c, 4, UINT32_MAX / HOUR_S);
	uint32_t next = (uint32_t)cur_uint(c, 2, NETWORKS_MAX);

	for (size_t i = 0; i < count; i++) {
		struct site *site = to[i] < j->site_count ? &j->sites[to[i]] : NULL;
		struct site_f0 f = {0};
		f.version = (uint32_t)cur_uint(c, 4, UINT32_MAX);
		f.voters = (uint32_t)cur_uint(c, 4, SITE_SOURCES_MAX);
		for (size_t b = 0; f.version > 0 && b < SCORE_BINS; b++) {
			f.f0_ppm[b] = (uint32_t)cur_uint(c, 4, 1000000);
		}
		if (c->err == 0 && fits && site != NULL) {
			site->f0.voters = f.voters;
			if (f.version > 0 && site_f0_take(&site->f0, f.f0_ppm, f.version)) {
				use(j, site);
			}
		}
	}
	/* Votes on other weights' bins say nothing, and their hour is over. */
	j->takes_votes = fits;
	j->site_hour = fits ? hour : 0;
	j->site_next = fits ? next : 0;
}

void judge_site_put_vote(struct enc *e, const struct judge *j, const struct source_state *s)
{
	enc_bool(e, s->vote != 0);
	if (s->vote != 0) {
		const struct site_vote *v = &j->votes[s->vote - 1];
		enc_uint(e, 4, v->hour);
		for (size_t b = 0; b < SCORE_BINS; b++) {
			enc_uint(e, 2, v->histogram.counts[b]);
		}
	}
}

bool judge_site_get_vote(struct cur *c, struct site_vote *ret)
{
	*ret = (struct site_vote){.owner = SOURCE_NONE};
	if (!cur_bool(c)) {
		return false;
	}
	ret->hour = (uint32_t)cur_uint(c, 4, UINT32_MAX / HOUR_S);
	for (size_t b = 0; b < SCORE_BINS; b++) {
		ret->histogram.counts[b] = (uint16_t)cur_uint(c, 2, UINT16_MAX);
	}
	return ret->hour != 0;
}

void judge_site_set_vote(struct judge *j, struct source_state *s, const struct site_vote *vote)
{
	struct site_vote *v = j->takes_votes ? judge_site_take(j, s) : NULL;

	if (v != NULL) {
		v->hour = vote->hour;
		v->histogram = vote->histogram;
	}
}

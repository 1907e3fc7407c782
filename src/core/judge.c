/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: takes observations in. Layer: core (pure).
 */
#include "core/judge_inside.h"

#include "base/assert.h"

#include <errno.h>

#include "base/poison.h"

#define DAY_S (24 * 3600)
/* Content sums of a new source whose tenant is known start here (DECISION §3). */
#define PRIOR_MICRO 2000000
/* Held sources looked at in one tick; the next tick goes on where this one stopped. */
#define TICK_SOURCES 4096

static bool list_add(struct index_list *l, uint32_t index)
{
	if (l->count == l->size) {
		uint32_t size = l->size == 0 ? 64 : l->size * 2;
		uint32_t *items = realloc(l->items, size * sizeof(*items));
		if (items == NULL) {
			return false;
		}
		l->items = items;
		l->size = size;
	}
	l->items[l->count++] = index;
	return true;
}

void judge_note_changed(struct judge *j, struct source_state *s)
{
	/* Names left over from forgotten sources are swept when they become many. */
	if ((s->flags & STATE_IS_CHANGED) == 0 &&
	    j->changed.count < 2 * source_table_end(j->table) && list_add(&j->changed, s->index)) {
		s->flags |= STATE_IS_CHANGED;
	}
}

void judge_hold(struct judge *j, struct source_state *s, uint32_t now_s)
{
	bool wants = s->rung != RUNG_PASS || s->ordered != RUNG_PASS ||
		     (s->flags & STATE_HAS_STANDING) != 0 || now_s < s->probation_until_s;

	if (wants && s->held_at == 0 && list_add(&j->held, s->index)) {
		s->held_at = j->held.count;
	} else if (!wants && s->held_at != 0) {
		uint32_t place = s->held_at - 1;
		uint32_t last = j->held.items[--j->held.count];
		j->held.items[place] = last;
		source_table_at(j->table, last)->held_at = place + 1;
		s->held_at = 0;
	}
}

/* A source has a vote on how much the filter flags once it has shown enough. */
void judge_vote(struct judge *j, struct source_state *s, bool add)
{
	if (s->recent_trials < GUARD_TRIALS_MIN) {
		return;
	}
	uint32_t permille = s->recent_bad * UINT32_C(1000) / s->recent_trials;
	if (add) {
		median_add(&j->flagged_share, permille);
	} else {
		median_remove(&j->flagged_share, permille);
	}
}

static uint32_t guard_limit_ppm(const struct judge *j)
{
	return j->z.content[0].theta0_ppm / 2;
}

static void look_at_filter(struct judge *j, struct wall now)
{
	uint32_t ppm = median_permille(&j->flagged_share) * 1000;
	uint32_t limit = guard_limit_ppm(j);
	bool is_enough = j->flagged_share.count >= GUARD_SOURCES_MIN;

	/* Off again only well below, so that it does not flutter. */
	if (!j->is_guarded && is_enough && ppm > limit) {
		j->is_guarded = true;
		judge_emit(j, JUDGE_GUARD_ON, now);
	} else if (j->is_guarded && (!is_enough || ppm < limit / 4 * 3)) {
		j->is_guarded = false;
		judge_emit(j, JUDGE_GUARD_OFF, now);
	}
}

/* Put the source on its server's chain. */
void judge_link(struct judge *j, struct source_state *s)
{
	s->server = server_book_find(j->servers, &s->key.prefix);
	s->sibling = SOURCE_NONE;
	if (s->server != SERVER_NONE) {
		s->sibling = j->server_first[s->server];
		j->server_first[s->server] = s->index;
	}
}

static void unlink_state(struct judge *j, struct source_state *s)
{
	if (s->server == SERVER_NONE) {
		return;
	}
	uint32_t *at = &j->server_first[s->server];
	while (*at != s->index) {
		at = &source_table_at(j->table, *at)->sibling;
	}
	*at = s->sibling;
}

static void forget(struct source_state *s, void *ctx)
{
	struct judge *j = ctx;

	ASSERT(s->held_at == 0);
	judge_log_drop(j, s);
	judge_site_drop(j, s);
	judge_vote(j, s, false);
	unlink_state(j, s);
	j->stats.by_rung[s->rung]--;
	j->stats.forgotten++;
}

static void count_active(struct judge *j, struct source_state *s, uint32_t now_s)
{
	uint32_t day = now_s / DAY_S;

	if (day > j->day) {
		j->active_yesterday = day == j->day + 1 ? j->active_today : 0;
		j->active_today = 0;
		j->day = day;
	}
	if (day == j->day && s->last_s / DAY_S != day) {
		j->active_today++;
	}
	if (now_s > s->last_s) {
		s->last_s = now_s;
	}
}

uint32_t judge_active(const struct judge *j)
{
	return j->active_today > j->active_yesterday ? j->active_today : j->active_yesterday;
}

/* The state of a source that something was just seen of; NULL when there is no room. */
static struct source_state *touch(struct judge *j, const struct source_key *k, struct wall time)
{
	uint32_t now_s = seconds_of(time);
	struct source_state *s = source_table_touch(j->table, k, forget, j);

	if (s == NULL) {
		return NULL;
	}
	if (s->first_s == 0) {
		s->first_s = now_s;
		judge_link(j, s);
		j->stats.by_rung[RUNG_PASS]++;
		for (size_t i = 0; i < CONTENT_LEGS; i++) {
			if (j->opts.has_prior && s->server != SERVER_NONE &&
			    j->z.content[s->pi0_level].is_on[i]) {
				s->content[i].s = PRIOR_MICRO;
			}
		}
	}
	count_active(j, s, now_s);
	return s;
}

static bool is_trusted(const struct judge *j, const struct source_key *k)
{
	const struct policy *p = j->opts.policy;

	return k->network < p->network_count && p->networks[k->network].sources_verified;
}

static struct outside outside_of(struct judge *j, const struct source_state *s)
{
	return (struct outside){
		.is_trusted = is_trusted(j, &s->key),
		.is_blocked = judge_server_rung(j, s) == RUNG_BLOCK,
	};
}

/* Compare the campaign with what other tenants send, where both are known. */
static void look_around(struct judge *j, const struct source_state *s, const struct message_obs *o,
			struct outside *x)
{
	bool has_text = o->scored && copy_id_of(o).value != 0;

	if (s->server == SERVER_NONE || !has_text || (o->far == FAR_NONE && !x->is_trusted)) {
		return;
	}
	if (j->sharing == NULL) {
		j->sharing = sharing_new();
		if (j->sharing == NULL) {
			return;
		}
	}
	uint32_t tenant = server_book_get(j->servers, s->server)->tenant;
	x->has_shared = true;
	x->is_shared = sharing_note(j->sharing, o, tenant, seconds_of(o->time));
}

void judge_message(struct judge *j, const struct message_obs *o)
{
	j->stats.messages++;
	j->stats.one_sided += o->far == FAR_NONE;
	judge_site_time(j, o->time);
	struct source_state *s = touch(j, &o->source, o->time);
	if (s == NULL) {
		return;
	}
	struct outside x = outside_of(j, s);
	look_around(j, s, o, &x);
	judge_vote(j, s, false);
	judge_log_message(j, s, o, x);
	uint32_t trials = s->content_trials;
	struct asked_sums before;
	judge_opinion_begin(s, &before);
	evidence_message(s, o, judge_rules(j, s), x, source_table_budget(j->table));
	if (s->content_trials != trials) {
		judge_site_note(j, s, o);
		if (o->is_asked) {
			judge_opinion_note(j, s, o, &before);
		}
	}
	judge_vote(j, s, true);
	judge_settle(j, s, o->time);
	judge_log_rest(j, s);
	judge_note_changed(j, s);
	look_at_filter(j, o->time);
}

void judge_ahead(const struct judge *j, const struct message_obs *list, size_t n)
{
	ASSERT(n <= JUDGE_BATCH_MAX);

	for (unsigned step = AHEAD_SLOT; step < AHEAD_COUNT && n > 1; step++) {
		for (size_t i = 0; i < n; i++) {
			source_table_ahead(j->table, &list[i].source, (enum source_ahead)step);
		}
	}
}

void judge_session(struct judge *j, const struct session_obs *o)
{
	j->stats.sessions++;
	judge_site_time(j, o->time);
	struct source_state *s = touch(j, &o->source, o->time);
	if (s == NULL) {
		return;
	}
	struct outside x = outside_of(j, s);
	if (x.is_blocked) {
		judge_say_passed(j, s, o);
	}
	judge_log_session(j, s, o, x);
	evidence_session(s, o, judge_rules(j, s), x, source_table_budget(j->table));
	judge_settle(j, s, o->time);
	judge_log_rest(j, s);
	judge_note_changed(j, s);
}

static void take_trap(struct source_facts *f, uint64_t campaign)
{
	f->trap_hits += f->trap_hits < UINT32_MAX;
	for (uint32_t i = 0; i < f->trap_campaign_count; i++) {
		if (f->trap_campaigns[i] == campaign) {
			return;
		}
	}
	if (f->trap_campaign_count < COUNT_OF(f->trap_campaigns)) {
		f->trap_campaigns[f->trap_campaign_count++] = campaign;
	}
}

/* Complaints: act on the lower bound of .3 %, clear on the upper bound of .1 % (DECISION §4). */
static void take_complaints(struct source_facts *f, uint32_t bad, uint32_t total)
{
	f->complaints = bad;
	f->delivered = total;
	if (share_is_above(bad, total, 3)) {
		f->complaint_alarm = true;
	} else if (share_is_below(bad, total, 1)) {
		f->complaint_alarm = false;
	}
}

void judge_fact(struct judge *j, const struct judge_fact *fact)
{
	struct source_state *s = touch(j, &fact->source, fact->time);
	struct source_facts *f = s == NULL ? NULL
					   : source_state_facts(s, source_table_budget(j->table));

	if (f == NULL) {
		return;
	}
	switch (fact->type) {
	case FACT_PHISHING:
		f->is_phishing = true;
		break;
	case FACT_TRAP:
		take_trap(f, fact->campaign);
		break;
	case FACT_VOTES:
		f->votes_bad = fact->bad;
		f->votes_total = fact->total;
		break;
	case FACT_COMPLAINTS:
		take_complaints(f, fact->bad, fact->total);
		break;
	case FACT_LISTING:
		/* Trust is held to what one kind can say at most. */
		f->listing_micro = fact->nats_micro < 100000000 ? fact->nats_micro : 100000000;
		break;
	case FACT_COUNT:
		break;
	}
	judge_log_restart(j, s);
	judge_settle(j, s, fact->time);
	judge_note_changed(j, s);
}

void judge_tick(struct judge *j, struct wall now)
{
	judge_site_time(j, now);
	uint32_t n = j->held.count < TICK_SOURCES ? j->held.count : TICK_SOURCES;

	for (uint32_t i = 0; i < n && j->held.count > 0; i++) {
		if (j->event_count + 4 > JUDGE_EVENTS_MAX) {
			return; /* let the caller fetch them first */
		}
		j->tick_next = (j->tick_next + 1) % j->held.count;
		struct source_state *s = source_table_at(j->table, j->held.items[j->tick_next]);
		enum rung was = (enum rung)s->rung;
		evidence_wait(s, now, source_table_budget(j->table));
		judge_settle(j, s, now);
		if ((enum rung)s->rung != was) {
			judge_note_changed(j, s);
		}
	}
}

bool judge_event_next(struct judge *j, struct judge_event *ret)
{
	if (j->event_count == 0) {
		return false;
	}
	*ret = j->events[j->event_first];
	j->event_first = (j->event_first + 1) % JUDGE_EVENTS_MAX;
	j->event_count--;
	return true;
}

bool judge_changed_next(struct judge *j, struct source_key *ret)
{
	while (j->changed.count > 0) {
		struct source_state *s = source_table_at(j->table,
							 j->changed.items[--j->changed.count]);
		if (s != NULL && (s->flags & STATE_IS_CHANGED) != 0) {
			s->flags &= (uint8_t)~STATE_IS_CHANGED;
			*ret = s->key;
			return true;
		}
	}
	return false;
}

void judge_standing(struct judge *j, const struct source_key *k, enum rung rung, enum giver giver,
		    struct wall until)
{
	struct source_state *s = source_table_find(j->table, k);

	if (s == NULL) {
		s = touch(j, k, (struct wall){0});
	}
	if (s == NULL) {
		return;
	}
	s->flags |= STATE_HAS_STANDING;
	s->standing_rung = (uint8_t)rung;
	s->standing_giver = (uint8_t)giver;
	s->standing_until_s = until.ns == 0 ? 0 : seconds_of(until);
	judge_settle(j, s, wall_of_seconds(s->last_s));
	judge_note_changed(j, s);
}

static void pardon_one(struct judge *j, struct source_state *s, uint32_t until_s)
{
	judge_vote(j, s, false);
	judge_opinion_forget(j, s);
	judge_site_drop(j, s); /* what it sent while abused is no vote */
	source_state_reset(s, source_table_budget(j->table));
	s->flags &= (uint8_t)~STATE_HAS_STANDING;
	s->probation_until_s = until_s;
	j->stats.by_rung[s->rung]--;
	j->stats.by_rung[RUNG_PASS]++;
	s->rung = RUNG_PASS;
	s->verdict = VERDICT_UNKNOWN;
	judge_log_drop(j, s);
	judge_note_changed(j, s);
}

void judge_pardon(struct judge *j, const struct source_key *k, struct wall probation_until)
{
	struct source_state *s = source_table_find(j->table, k);
	uint32_t until_s = probation_until.ns == 0 ? 0 : seconds_of(probation_until);

	if (s == NULL) {
		return;
	}
	if (until_s != 0 && s->probation_until_s == until_s) {
		return; /* told again: what was seen since then stays */
	}
	uint32_t first = s->server == SERVER_NONE ? s->index : j->server_first[s->server];
	for (uint32_t i = first; i != SOURCE_NONE;) {
		struct source_state *one = source_table_at(j->table, i);
		pardon_one(j, one, until_s);
		i = one->sibling;
	}
	/* All are at rest: now what was ordered for them can be taken back. */
	for (uint32_t i = first; i != SOURCE_NONE;) {
		struct source_state *one = source_table_at(j->table, i);
		judge_settle(j, one, wall_of_seconds(one->last_s));
		judge_hold(j, one, one->last_s);
		i = one->sibling;
	}
}

void judge_drop_logs(struct judge *j)
{
	for (uint32_t i = 0; j->table != NULL && i < source_table_end(j->table); i++) {
		struct source_state *s = source_table_at(j->table, i);
		if (s != NULL) {
			judge_log_drop(j, s);
		}
	}
}

void judge_forwarder(struct judge *j, const struct source_key *k, uint32_t pi0_ppm)
{
	struct source_state *s = source_table_find(j->table, k);

	if (s != NULL) {
		s->pi0_level = (uint8_t)ztable_level(&j->z, pi0_ppm);
		judge_log_restart(j, s);
	}
}

void judge_brake_lift(struct judge *j, struct wall now)
{
	if (j->brake.is_on) {
		judge_emit(j, JUDGE_BRAKE_OFF, now);
	}
	brake_lift(&j->brake);
}

static int check_opts(const struct judge_opts *o, struct ztable *z, struct errmsg *reterr)
{
	ASSERT(o->policy != NULL);
	return ztable_make(&o->policy->decision, &o->filter, z, reterr);
}

/* Another policy: its servers, and every source's place among them. */
static int adopt(struct judge *j, const struct judge_opts *o, const struct ztable *z)
{
	struct server_book *servers = server_book_new(o->policy, &o->key);
	uint32_t *first = servers == NULL ? NULL
					  : calloc(server_book_count(servers) + 1, sizeof(*first));

	struct site *sites = calloc(o->policy->network_count + 1, sizeof(*sites));

	if (first == NULL || sites == NULL) {
		free(first);
		free(sites);
		server_book_free(servers);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < server_book_count(servers); i++) {
		first[i] = SOURCE_NONE;
	}
	server_book_free(j->servers);
	free(j->server_first);
	j->servers = servers;
	j->server_first = first;
	j->opts = *o;
	j->z = *z;
	j->rules = (struct evidence_rules){.z = &j->z, .d = &o->policy->decision};
	judge_site_adopt(j, sites);
	for (uint32_t i = 0; i < source_table_end(j->table); i++) {
		struct source_state *s = source_table_at(j->table, i);
		if (s != NULL) {
			judge_link(j, s);
			judge_log_restart(j, s); /* under the new rules */
		}
	}
	return 0;
}

struct judge *judge_new(const struct judge_opts *o, struct errmsg *reterr)
{
	struct judge *j = calloc(1, sizeof(*j));
	uint32_t max = o->sources_max == 0 ? JUDGE_SOURCES_MAX : o->sources_max;
	struct ztable z;

	if (check_opts(o, &z, reterr) < 0) {
		free(j);
		return NULL;
	}
	if (j == NULL) {
		err_set(reterr, -ENOMEM, "judge: out of memory");
		return NULL;
	}
	j->table = source_table_new(max, &o->key);
	if (j->table == NULL || brake_init(&j->brake) < 0 || adopt(j, o, &z) < 0) {
		err_set(reterr, -ENOMEM, "judge: out of memory");
		judge_free(j);
		return NULL;
	}
	return j;
}

int judge_reload(struct judge *j, const struct judge_opts *o, struct errmsg *reterr)
{
	struct ztable z;
	int r = check_opts(o, &z, reterr);

	if (r == 0) {
		r = adopt(j, o, &z);
	}
	return r < 0 ? err_set(reterr, r, "judge: the new policy was not taken") : 0;
}

void judge_free(struct judge *j)
{
	if (j != NULL) {
		judge_drop_logs(j);
		source_table_free(j->table);
		server_book_free(j->servers);
		free(j->server_first);
		sharing_free(j->sharing);
		judge_site_done(j);
		free(j->asked);
		brake_done(&j->brake);
		free(j->changed.items);
		free(j->held.items);
		free(j);
	}
}

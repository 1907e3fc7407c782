/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_opinion: messages that another filter was asked about, until its answer comes.
 *
 * A ring: each answer is taken once and then forgotten, an answer to what was never counted, was
 * forgotten or pardoned is none, and after a restart none is waited for. Layer: core (pure).
 */
#include "core/judge_inside.h"

#include <stdlib.h>

#include "base/poison.h"

/* Older answers are none. */
#define LATE_S 300

struct asked {
	struct source_key source;
	uint64_t session;
	uint32_t index;
	uint32_t time_s; /* 0: free */
	struct late_opinion counted;
};

void judge_opinion_begin(const struct source_state *s, struct asked_sums *ret)
{
	for (size_t i = 0; i < CONTENT_LEGS; i++) {
		ret->s[i] = s->content[i].s;
	}
}

void judge_opinion_note(struct judge *j, const struct source_state *s, const struct message_obs *o,
			const struct asked_sums *before)
{
	if (j->asked == NULL) {
		j->asked = calloc(JUDGE_ASKED_MAX, sizeof(*j->asked));
		if (j->asked == NULL) {
			return;
		}
	}
	struct asked *a = &j->asked[j->asked_next++ % JUDGE_ASKED_MAX];
	*a = (struct asked){
		.source = o->source,
		.session = o->session,
		.index = o->index,
		.time_s = seconds_of(o->time),
		.counted = {.was_flagged = o->flagged, .bin = o->bin, .copy = copy_id_of(o)},
	};
	for (size_t i = 0; i < CONTENT_LEGS; i++) {
		a->counted.before_micro[i] = before->s[i];
		a->counted.after_micro[i] = s->content[i].s;
	}
}

void judge_opinion_forget(struct judge *j, const struct source_state *s)
{
	for (size_t i = 0; j->asked != NULL && i < JUDGE_ASKED_MAX; i++) {
		if (source_is_equal(&j->asked[i].source, &s->key)) {
			j->asked[i].time_s = 0;
		}
	}
}

static struct asked *find(struct judge *j, const struct opinion_obs *o)
{
	for (size_t i = 0; j->asked != NULL && i < JUDGE_ASKED_MAX; i++) {
		struct asked *a = &j->asked[i];
		if (a->time_s != 0 && a->session == o->session && a->index == o->index &&
		    source_is_equal(&a->source, &o->source)) {
			return a;
		}
	}
	return NULL;
}

void judge_opinion(struct judge *j, const struct opinion_obs *o)
{
	struct asked *a = find(j, o);
	struct source_state *s = a == NULL ? NULL : source_table_find(j->table, &o->source);
	uint32_t now_s = seconds_of(o->time);

	if (a == NULL || s == NULL || (now_s > a->time_s && now_s - a->time_s > LATE_S)) {
		j->stats.opinions_late++;
		return;
	}
	struct late_opinion late = a->counted;
	a->time_s = 0;
	late.time = o->time;
	late.flagged = o->flagged;
	late.nats_micro = o->nats_micro;
	j->stats.opinions++;
	judge_site_time(j, o->time);
	judge_vote(j, s, false);
	judge_log_opinion(j, s, &late);
	evidence_opinion(s, &late, judge_rules(j, s), source_table_budget(j->table));
	judge_vote(j, s, true);
	judge_settle(j, s, o->time);
	judge_log_rest(j, s);
	judge_note_changed(j, s);
}

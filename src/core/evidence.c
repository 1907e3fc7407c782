/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence: observations into sums. Layer: core (pure).
 */
#include "core/evidence.h"

#include "base/assert.h"
#include "core/opinion.h"

#include "base/poison.h"

/* What any source may do in an hour before anything is counted (DECISION §4). */
static const uint32_t flow_floor_per_h[] = {
	[FLOW_CONNECTIONS] = 20,
	[FLOW_DESTINATIONS] = 10,
	[FLOW_FAILURES] = 5,
};
static_assert(COUNT_OF(flow_floor_per_h) == FLOW_COUNT, "a floor for every flow");

#define DAY_S (24 * 3600)
/* What an answer may add to a leg or take from it. */
#define OPINION_MOST_MICRO 5000000

static void count(uint32_t *n, uint32_t more)
{
	*n = more > UINT32_MAX - *n ? UINT32_MAX : *n + more;
}

struct thresholds thresholds_of(const struct source_state *s, const struct decision_policy *d,
				uint32_t now_s)
{
	struct thresholds t = {.h = (int32_t)d->h_micro, .h2 = (int32_t)d->h2_micro};

	if (now_s < s->probation_until_s) {
		t.h = t.h / 8 * 5;
		t.h2 = t.h2 / 8 * 5;
	}
	return t;
}

/* Does anything alarm? Then the running hour is not what is usual. */
static bool is_blamed(const struct source_state *s)
{
	bool blamed = false;

	for (size_t i = 0; i < FLOW_COUNT; i++) {
		blamed |= leg_has_alarm(&s->flow[i].leg);
	}
	for (size_t i = 0; i < CONTENT_LEGS; i++) {
		blamed |= leg_has_alarm(&s->content[i]);
	}
	for (size_t i = 0; i < TRIAL_KIND_COUNT; i++) {
		blamed |= leg_has_alarm(&s->trial[i].leg);
	}
	return blamed;
}

static void end_hours(struct source_state *s, uint32_t hours, struct budget *b)
{
	bool blamed = is_blamed(s);

	for (size_t i = 0; i < FLOW_COUNT; i++) {
		flow_leg_learn(&s->flow[i], hours, blamed);
	}
	s->sender_new = 0;
	fewset_clear(&s->destinations, b);
}

/* The sums fall, hour by hour as long as there is something to fall. */
static void wait_units(struct source_state *s, uint32_t unit, struct budget *b)
{
	bool is_falling = true;

	while (s->flow_unit < unit) {
		uint32_t left = FLOW_UNITS_PER_HOUR - s->flow_unit % FLOW_UNITS_PER_HOUR;
		uint32_t hours = is_falling ? 1 : (unit - s->flow_unit) / FLOW_UNITS_PER_HOUR;
		uint32_t units = unit - s->flow_unit < left ? unit - s->flow_unit : left;
		if (!is_falling && left == FLOW_UNITS_PER_HOUR && hours > 0) {
			end_hours(s, hours, b);
			s->flow_unit += hours * FLOW_UNITS_PER_HOUR;
			continue;
		}
		is_falling = false;
		for (size_t i = 0; i < FLOW_COUNT; i++) {
			flow_leg_wait(&s->flow[i], units, flow_floor_per_h[i]);
			is_falling |= s->flow[i].leg.s > 0;
		}
		s->flow_unit += units;
		if (units == left) {
			end_hours(s, 1, b);
		}
	}
}

void evidence_wait(struct source_state *s, struct wall now, struct budget *b)
{
	uint32_t unit = flow_unit_of(now);
	uint16_t day = (uint16_t)(seconds_of(now) / DAY_S);

	if (s->flow_unit == 0) {
		s->flow_unit = unit;
	}
	wait_units(s, unit, b);
	if (day > s->helo_day) {
		s->helo_day = day;
		fewset_clear(&s->helos, b);
	}
}

/* Was all of the message there to be read? */
static bool is_whole(const struct message_obs *o)
{
	switch (o->state) {
	case MESSAGE_ACCEPTED:
	case MESSAGE_REJECTED:
	case MESSAGE_DEFERRED:
	case MESSAGE_UNANSWERED:
		return true;
	case MESSAGE_ABORTED:
	case MESSAGE_LOST:
	case MESSAGE_STATE_COUNT:
		break;
	}
	return false;
}

/* The mirror of the weakest leg that is on: how much speaks for a healthy source. */
static void count_good(struct source_state *s, int32_t z, int32_t h)
{
	int64_t good = (int64_t)s->good_micro - z;

	s->good_micro = good < 0 ? 0 : (int32_t)(good > h ? h : good);
}

static void remember_flagged(struct source_state *s, const struct message_obs *o, uint32_t now_s,
			     struct budget *b)
{
	static const uint8_t none[SHA256_SIZE];

	count(&s->flagged, 1);
	s->last_flagged_s = now_s;
	if (s->first_flagged_s == 0) {
		s->first_flagged_s = now_s;
	}
	if (memcmp(o->sample, none, sizeof(none)) != 0) {
		source_state_add_sample(s, o->sample, b);
	}
}

/*
 * A campaign with listed URLs: a fixed amount a list, each held to its own limit in 24 hours. They
 * support, and never accuse: whoever writes about phishing links to it too.
 */
static void take_lists(struct source_state *s, const struct message_obs *o,
		       const struct evidence_rules *rules, struct budget *b)
{
	uint32_t now_s = seconds_of(o->time);
	struct source_facts *f = source_state_facts(s, b);
	uint32_t sum = 0;

	if (f == NULL) {
		return;
	}
	if (f->list_since_s == 0 || source_facts_listed(f, now_s) == 0) {
		f->list_since_s = now_s;
		f->list_campaigns = 0;
		memset(f->list_hits, 0, sizeof(f->list_hits));
	}
	f->list_campaigns = (uint16_t)(f->list_campaigns + (f->list_campaigns < UINT16_MAX));
	for (size_t i = 0; i < LISTS_MAX; i++) {
		const struct list_rule *rule = &rules->d->lists[i];
		bool is_hit = (o->listed & 1U << i) != 0 && f->list_hits[i] < UINT8_MAX;
		f->list_hits[i] = (uint8_t)(f->list_hits[i] + is_hit);
		uint64_t given = (uint64_t)f->list_hits[i] * rule->nats_micro;
		sum += given < rule->most_micro ? (uint32_t)given : rule->most_micro;
	}
	f->list_micro = sum;
}

/* One counted copy, with the far side's answer: every leg takes its ratio, rationed. */
static void content_step(struct source_state *s, const struct message_obs *o,
			 const struct evidence_rules *rules, struct copy *copy, struct thresholds t)
{
	const struct content_z *c = &rules->z->content[s->pi0_level];
	uint32_t now_s = seconds_of(o->time);
	bool mirrored = false;

	count(&s->content_trials, 1);
	count(&s->content_bad, o->flagged);
	s->recent_trials++;
	s->recent_bad = (uint16_t)(s->recent_bad + o->flagged);
	if (s->recent_trials >= RECENT_TRIALS_MAX) {
		s->recent_trials /= 2;
		s->recent_bad /= 2;
	}
	for (size_t leg = 0; leg < CONTENT_LEGS; leg++) {
		if (!c->is_on[leg]) {
			s->content[leg] = (struct leg){0};
			continue;
		}
		int32_t z = ztable_content(c, leg, o->flagged, o->bin);
		if (copy != NULL) {
			z = copy_ration(copy, leg, z, (int32_t)rules->d->copies_nats_micro);
			copy->given_micro[leg] += z;
		}
		leg_step(&s->content[leg], z, t.h, now_s);
		if (!mirrored) {
			mirrored = true;
			count_good(s, z, t.h);
		}
	}
}

/* The same without its answer: one leg of its own, which never goes above throttle. */
static void one_sided_step(struct source_state *s, const struct message_obs *o,
			   const struct evidence_rules *rules, struct thresholds t)
{
	const struct content_z *c = &rules->z->content[s->pi0_level];
	size_t leg = c->is_on[1] ? 1 : CONTENT_LEGS - 1;
	int32_t z = ztable_content(c, leg, o->flagged, o->bin);

	trial_leg_step(
		&s->one_sided,
		&(struct trials){.good = !o->flagged, .bad = o->flagged, .z_good = z, .z_bad = z},
		t.h, seconds_of(o->time));
}

static void take_content(struct source_state *s, const struct message_obs *o,
			 const struct evidence_rules *rules, bool two_sided, struct budget *b)
{
	uint32_t now_s = seconds_of(o->time);
	struct thresholds t = thresholds_of(s, rules->d, now_s);
	bool is_new;

	if (!o->scored || !is_whole(o)) {
		return;
	}
	struct copy *copy = copies_touch(&s->copies, o, now_s, b, &is_new);
	if (two_sided) {
		count(&s->campaigns, is_new || copy == NULL);
		if (o->listed != 0 && (is_new || copy == NULL)) {
			take_lists(s, o, rules, b);
		}
		if (o->flagged) {
			remember_flagged(s, o, now_s, b);
		}
	}
	if (copy != NULL) {
		uint8_t *counted = two_sided ? &copy->counted : &copy->counted_one_sided;
		bool *flagged = two_sided ? &copy->is_flagged : &copy->is_flagged_one_sided;
		*flagged |= o->flagged;
		if (*counted >= rules->d->copies_counted) {
			return;
		}
		++*counted;
	}
	if (two_sided) {
		content_step(s, o, rules, copy, t);
	} else {
		one_sided_step(s, o, rules, t);
	}
}

static void step(struct source_state *s, enum trial_kind kind, const struct trial_z *z, bool is_bad,
		 const struct thresholds *t, uint32_t now_s)
{
	trial_leg_step(&s->trial[kind],
		       &(struct trials){
			       .good = !is_bad, .bad = is_bad, .z_good = z->good, .z_bad = z->bad},
		       t->h, now_s);
}

/* Only replies that were read count. */
static void take_replies(struct source_state *s, const struct message_obs *o,
			 const struct evidence_rules *rules)
{
	uint32_t now_s = seconds_of(o->time);
	struct thresholds t = thresholds_of(s, rules->d, now_s);
	const struct trial_z *z = &rules->z->recipients;
	uint32_t answered = o->rcpts_accepted + o->rcpts_refused;

	if (answered > 0) {
		trial_leg_step(&s->trial[TRIAL_RECIPIENTS],
			       &(struct trials){.good = answered - o->rcpts_unknown,
						.bad = o->rcpts_unknown,
						.z_good = z->good,
						.z_bad = z->bad},
			       t.h, now_s);
		count(&s->recipients, answered);
		count(&s->recipients_unknown, o->rcpts_unknown);
	}
	bool is_bad = o->refusal == REFUSAL_SPAM || o->refusal == REFUSAL_POLICY ||
		      o->refusal == REFUSAL_BLOCKLIST;
	if (is_bad || o->state == MESSAGE_ACCEPTED) {
		step(s, TRIAL_OPINION, &rules->z->opinion, is_bad, &t, now_s);
	}
}

static void take_identity(struct source_state *s, const struct message_obs *o,
			  const struct evidence_rules *rules, struct budget *b)
{
	uint32_t now_s = seconds_of(o->time);
	struct thresholds t = thresholds_of(s, rules->d, now_s);

	if (o->index == 0 && o->helo != 0) {
		bool is_new = fewset_add(&s->helos, o->helo, b);
		/* Many machines may share an IPv6 prefix: there only literals are odd. */
		bool is_many = is_new && s->helos.count > HELO_NAMES_MAX && o->client.family == 4;
		step(s, TRIAL_HELO, &rules->z->helo, o->helo_is_literal || is_many, &t, now_s);
	}
	if (o->sender_domain != 0) {
		bool is_bad = false;
		if (fewset_add(&s->senders, o->sender_domain, b)) {
			is_bad = s->sender_new >= SENDER_NEW_MAX;
			s->sender_new = (uint8_t)(s->sender_new + (s->sender_new < UINT8_MAX));
		}
		step(s, TRIAL_SENDER, &rules->z->sender, is_bad, &t, now_s);
	}
}

void evidence_message(struct source_state *s, const struct message_obs *o,
		      const struct evidence_rules *rules, struct outside x, struct budget *b)
{
	bool two_sided = o->far != FAR_NONE || x.is_trusted;

	evidence_wait(s, o->time, b);
	if (two_sided) {
		count(&s->messages, 1);
	}
	take_content(s, o, rules, two_sided, b);
	if (o->far == FAR_REPLIED) {
		take_replies(s, o, rules);
	}
	if (two_sided) {
		take_identity(s, o, rules, b);
	}
	if (two_sided && x.has_shared) {
		uint32_t now_s = seconds_of(o->time);
		struct thresholds t = thresholds_of(s, rules->d, now_s);
		step(s, TRIAL_SHARED, &rules->z->shared, x.is_shared, &t, now_s);
	}
}

/* A campaign that another filter makes flagged counts as flagged. */
static void flag_late(struct source_state *s, struct copy *copy, uint32_t now_s)
{
	count(&s->content_bad, 1);
	if (s->content_bad > s->content_trials) {
		s->content_bad = s->content_trials;
	}
	s->recent_bad = (uint16_t)(s->recent_bad + (s->recent_bad < s->recent_trials));
	count(&s->flagged, 1);
	s->last_flagged_s = now_s;
	if (s->first_flagged_s == 0) {
		s->first_flagged_s = now_s;
	}
	if (copy != NULL) {
		copy->is_flagged = true;
	}
}

void evidence_opinion(struct source_state *s, const struct late_opinion *o,
		      const struct evidence_rules *rules, struct budget *b)
{
	const struct content_z *c = &rules->z->content[s->pi0_level];
	uint32_t now_s = seconds_of(o->time);
	struct thresholds t = thresholds_of(s, rules->d, now_s);
	size_t column = ztable_column(c, o->was_flagged, o->bin);
	uint32_t ratio = opinion_ratio_milli(o->nats_micro);
	struct copy *copy = copies_find(&s->copies, o->copy);
	bool mirrored = false;

	evidence_wait(s, o->time, b);
	for (size_t leg = 0; leg < CONTENT_LEGS; leg++) {
		if (!c->is_on[leg]) {
			continue;
		}
		/* From where the sum stood then, so that what was cut off at zero is not given back
		 * twice. */
		int64_t then = (int64_t)o->before_micro[leg] +
			       ztable_opinion(rules->z, c, leg, column, ratio);
		int64_t more = (then < 0 ? 0 : then) - o->after_micro[leg];
		int32_t z = (int32_t)(more > OPINION_MOST_MICRO    ? OPINION_MOST_MICRO
				      : more < -OPINION_MOST_MICRO ? -OPINION_MOST_MICRO
								   : more);
		if (copy != NULL) {
			z = copy_ration(copy, leg, z, (int32_t)rules->d->copies_nats_micro);
			copy->given_micro[leg] += z;
		}
		leg_step(&s->content[leg], z, t.h, now_s);
		if (!mirrored) {
			mirrored = true;
			count_good(s, z, t.h);
		}
	}
	if (o->flagged && !o->was_flagged) {
		flag_late(s, copy, now_s);
	}
}

/* Not keyed: a source that makes its own destinations collide is only counted too low. */
static uint64_t destination_hash(const struct addr *a)
{
	uint64_t h = a->family;

	for (size_t i = 0; i < sizeof(a->octets); i++) {
		h = (h ^ a->octets[i]) * UINT64_C(0x100000001b3);
	}
	return h;
}

void evidence_session(struct source_state *s, const struct session_obs *o,
		      const struct evidence_rules *rules, struct outside x, struct budget *b)
{
	uint32_t now_s = seconds_of(o->time);
	struct thresholds t = thresholds_of(s, rules->d, now_s);
	bool is_vouched = o->verified || x.is_trusted;

	evidence_wait(s, o->time, b);
	/* Without a handshake nobody knows whose packet it was. */
	if (o->event == SESSION_ENDED ||
	    (!is_vouched && (o->event != SESSION_OPENED || o->far == FAR_NONE))) {
		return;
	}
	if (x.is_blocked) {
		count(&s->defiance, 1);
		return;
	}
	int32_t z = rules->z->fanout;
	flow_leg_event(&s->flow[FLOW_CONNECTIONS], z, t.h, now_s);
	if (o->event == SESSION_TRIED) {
		flow_leg_event(&s->flow[FLOW_FAILURES], z, t.h, now_s);
	}
	if (fewset_add(&s->destinations, destination_hash(&o->destination), b)) {
		flow_leg_event(&s->flow[FLOW_DESTINATIONS], z, t.h, now_s);
	}
}

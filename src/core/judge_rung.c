/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_rung: moves sources on the ladder and says so. Layer: core (pure).
 */
#include "core/judge_inside.h"

#include "base/poison.h"

/* Said in one second, of all sources. */
#define PASSED_PER_S 16

struct judge_event *judge_emit(struct judge *j, enum judge_event_type type, struct wall now)
{
	static_assert(JUDGE_EVENTS_MAX > 4, "room for all that one call can say");
	if (j->event_count == JUDGE_EVENTS_MAX) {
		/* The oldest goes: whoever does not fetch learns the last state in the end. */
		j->event_first = (j->event_first + 1) % JUDGE_EVENTS_MAX;
		j->event_count--;
		j->stats.events_lost++;
	}
	struct judge_event *e = &j->events[(j->event_first + j->event_count++) % JUDGE_EVENTS_MAX];
	*e = (struct judge_event){.type = type, .time = now};
	return e;
}

static const struct network *network_of(const struct judge *j, const struct source_state *s)
{
	const struct policy *p = j->opts.policy;

	return s->key.network < p->network_count ? &p->networks[s->key.network] : NULL;
}

/* Both sides were seen to greet each other, and not by forged packets. What is too much is left
 * out: the next ones come. */
void judge_say_passed(struct judge *j, const struct source_state *s, const struct session_obs *o)
{
	const struct network *n = network_of(j, s);
	uint32_t now_s = seconds_of(o->time);

	if (o->event != SESSION_OPENED || (o->far == FAR_NONE && !o->verified) || n == NULL ||
	    n->mode != MODE_ENFORCE) {
		return;
	}
	if (now_s != j->passed_s) {
		j->passed_s = now_s;
		j->passed_count = 0;
	}
	if (j->passed_count++ < PASSED_PER_S) {
		judge_emit(j, JUDGE_PASSED, o->time)->source = s->key;
	}
}

static void emit_source(struct judge *j, struct source_state *s, enum judge_event_type type,
			struct wall now)
{
	const struct network *n = network_of(j, s);
	struct judge_event *e = judge_emit(j, type, now);

	e->source = s->key;
	e->from = (enum rung)s->ordered;
	e->rung = (enum rung)s->rung;
	e->verdict = (enum verdict)s->verdict;
	e->giver = (enum giver)s->giver;
	e->mode = n != NULL ? n->mode : MODE_OBSERVE;
	judge_make_proof(j, s, now, &e->proof);
}

/* The highest rung that was ordered for a sibling of s on the same server. */
static enum rung rung_of_others(const struct judge *j, const struct source_state *s)
{
	enum rung highest = RUNG_PASS;

	if (s->server == SERVER_NONE) {
		return highest;
	}
	for (uint32_t i = j->server_first[s->server]; i != SOURCE_NONE;) {
		const struct source_state *other = source_table_at(j->table, i);
		if (other != s && other->ordered > highest) {
			highest = (enum rung)other->ordered;
		}
		i = other->sibling;
	}
	return highest;
}

enum rung judge_server_rung(const struct judge *j, const struct source_state *s)
{
	enum rung others = rung_of_others(j, s);
	enum rung own = (enum rung)s->rung;

	/* Watching is for one source; what stops mail is for the whole server. */
	return others > RUNG_WATCH && others > own ? others : own;
}

static void say_move(struct judge *j, struct source_state *s, struct wall now)
{
	emit_source(j, s, JUDGE_MOVED, now);
	s->ordered = s->rung;
}

/* A sibling may have leaned on the order that is going away. */
static void say_siblings(struct judge *j, struct source_state *s, struct wall now)
{
	if (s->server == SERVER_NONE) {
		return;
	}
	for (uint32_t i = j->server_first[s->server]; i != SOURCE_NONE;) {
		struct source_state *other = source_table_at(j->table, i);
		if (other != s && other->rung > RUNG_WATCH && other->rung > other->ordered &&
		    other->rung > rung_of_others(j, other)) {
			say_move(j, other, now);
		}
		i = other->sibling;
	}
}

static void move(struct judge *j, struct source_state *s, enum rung rung, struct wall now)
{
	uint32_t now_s = seconds_of(now);

	if (rung != (enum rung)s->rung) {
		j->stats.by_rung[s->rung]--;
		j->stats.by_rung[rung]++;
		s->rung = (uint8_t)rung;
		s->rung_since_s = now_s;
	}
	judge_hold(j, s, now_s);
	if (s->rung == s->ordered) {
		return;
	}
	bool is_covered = s->rung > s->ordered && s->rung > RUNG_WATCH &&
			  (enum rung)s->rung <= rung_of_others(j, s);
	if (is_covered) {
		return;
	}
	bool is_lower = s->rung < s->ordered;
	say_move(j, s, now);
	if (is_lower) {
		say_siblings(j, s, now);
	}
}

static bool is_waiting(const struct judge *j, const struct source_state *s, uint32_t now_s)
{
	const struct network *n = network_of(j, s);

	return n != NULL && n->posture == POSTURE_TRUSTED && s->giver == GIVER_JUDGE &&
	       now_s - s->abused_since_s < TRUSTED_WAIT_S;
}

static struct ladder_limits limits_of(const struct judge *j, const struct source_state *s,
				      uint32_t now_s)
{
	struct ladder_limits l = {
		.has_relay = j->opts.has_relay,
		.is_never_block = policy_is_never_block(j->opts.policy, &s->key.prefix),
		.is_waiting = is_waiting(j, s, now_s),
	};

	if (s->server != SERVER_NONE) {
		l.is_shared = server_book_get(j->servers, s->server)->is_shared;
	}
	return l;
}

/* One more block asks the brake first; a server that is shut already is not one more. */
static enum rung ask_brake(struct judge *j, struct source_state *s, enum rung next, struct wall now)
{
	uint32_t now_s = seconds_of(now);
	uint32_t active = judge_active(j);
	bool was_on = j->brake.is_on;

	if (next != RUNG_BLOCK || s->rung == RUNG_BLOCK || rung_of_others(j, s) == RUNG_BLOCK ||
	    brake_ask(&j->brake, &j->opts.policy->decision, active, now_s)) {
		return next;
	}
	if (!was_on) {
		struct judge_event *e = judge_emit(j, JUDGE_BRAKE_ON, now);
		e->blocks = brake_blocks(&j->brake, &j->opts.policy->decision, now_s);
		e->window_s = j->opts.policy->decision.brake_window_s;
	}
	return s->rung > RUNG_THROTTLE ? (enum rung)s->rung : RUNG_THROTTLE;
}

/* What is concluded, before anybody asks what may be done about it. */
static struct finding conclude(struct judge *j, struct source_state *s, uint32_t now_s)
{
	struct thresholds t = thresholds_of(s, &j->opts.policy->decision, now_s);
	struct finding f = witness_find(s, &t, judge_rules(j, s)->z, now_s, j->is_guarded);

	if (s->rung == RUNG_BLOCK && f.verdict != VERDICT_ABUSED && s->verdict == VERDICT_ABUSED) {
		/* Behind a block nothing new is seen; that it was abused stays true. */
		f.verdict = VERDICT_ABUSED;
		f.rung = RUNG_BLOCK;
		return f;
	}
	if (f.verdict == VERDICT_ABUSED && s->verdict != VERDICT_ABUSED) {
		s->abused_since_s = now_s;
	}
	s->verdict = (uint8_t)f.verdict;
	s->giver = (uint8_t)f.giver;
	s->rule = (uint8_t)f.rule;
	s->rule_main = (uint8_t)f.main_kind;
	s->rule_support = (uint8_t)f.support;
	return f;
}

static void say_spike(struct judge *j, struct source_state *s, bool has_spike, struct wall now)
{
	if (!has_spike) {
		s->flags &= (uint8_t)~STATE_IS_SPIKE;
	} else if ((s->flags & STATE_IS_SPIKE) == 0) {
		s->flags |= STATE_IS_SPIKE;
		emit_source(j, s, JUDGE_SPIKE, now);
	}
}

/* Does staff or a grant hold the source where it is? */
static bool is_standing(struct source_state *s, enum giver giver, uint32_t now_s)
{
	if ((s->flags & STATE_HAS_STANDING) == 0) {
		return false;
	}
	if (s->standing_until_s != 0 && now_s >= s->standing_until_s) {
		s->flags &= (uint8_t)~STATE_HAS_STANDING;
		return false;
	}
	return giver <= (enum giver)s->standing_giver;
}

void judge_settle(struct judge *j, struct source_state *s, struct wall now)
{
	uint32_t now_s = seconds_of(now);
	struct finding f = conclude(j, s, now_s);
	bool had_standing = (s->flags & STATE_HAS_STANDING) != 0;

	if (is_standing(s, f.giver, now_s)) {
		/* Whoever set it has told the gate; the judge has nothing to add. */
		s->ordered = s->standing_rung;
		move(j, s, (enum rung)s->standing_rung, now);
		say_spike(j, s, f.has_spike, now);
		return;
	}
	struct ladder_limits l = limits_of(j, s, now_s);
	enum rung allowed = ladder_limit(f.rung, &l);
	if (allowed >= (enum rung)s->rung) {
		s->rung_since_s = now_s;
	}
	uint32_t held_s = now_s > s->rung_since_s ? now_s - s->rung_since_s : 0;
	enum rung next = ladder_next((enum rung)s->rung, allowed, held_s);
	if (had_standing && (s->flags & STATE_HAS_STANDING) == 0) {
		next = allowed; /* what staff set is over: back to where the evidence puts it */
	}
	move(j, s, ask_brake(j, s, next, now), now);
	say_spike(j, s, f.has_spike, now);
}

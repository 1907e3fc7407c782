/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_state: memory of one source, and its form in a checkpoint. Layer: core (pure).
 */
#include "core/source_state.h"

#include "core/wire.h"

#include <errno.h>
#include <stddef.h>

#include "base/poison.h"

#define SUM_MICRO_MAX 200000000 /* twice the largest threshold that ztable_make takes */

static_assert(COPIES_MAX * COPY_ENCODED_SIZE + 3 * FEWSET_ENCODED_MAX +
			      PROOF_SAMPLES_MAX * SHA256_SIZE + 600 <=
		      SOURCE_STATE_ENCODED_MAX,
	      "the largest state fits");

void source_state_forget(struct source_state *s, struct budget *b)
{
	fewset_clear(&s->destinations, b);
	fewset_clear(&s->senders, b);
	fewset_clear(&s->helos, b);
	copies_clear(&s->copies, b);
	if (s->sample_room > 0) {
		budget_free(b, s->samples, (size_t)s->sample_room * SHA256_SIZE);
		s->samples = NULL;
		s->sample_room = 0;
		s->sample_count = 0;
	}
	if (s->facts != NULL) {
		budget_free(b, s->facts, sizeof(*s->facts));
		s->facts = NULL;
	}
}

void source_state_reset(struct source_state *s, struct budget *b)
{
	source_state_forget(s, b);
	struct source_state fresh = {
		.key = s->key,
		.index = s->index,
		.log = s->log,
		.server = s->server,
		.sibling = s->sibling,
		.held_at = s->held_at,
		.first_s = s->first_s,
		.last_s = s->last_s,
		.rung_since_s = s->rung_since_s,
		.standing_until_s = s->standing_until_s,
		.probation_until_s = s->probation_until_s,
		.rung = s->rung,
		.ordered = s->ordered,
		.giver = s->giver,
		.flags = s->flags & (uint8_t)~STATE_IS_SPIKE,
		.standing_rung = s->standing_rung,
		.standing_giver = s->standing_giver,
		.pi0_level = s->pi0_level,
		.rule_main = KIND_COUNT,
		.rule_support = KIND_COUNT,
		.flow_unit = s->flow_unit,
	};
	for (size_t i = 0; i < FLOW_COUNT; i++) {
		fresh.flow[i].usual_per_kh = s->flow[i].usual_per_kh;
	}
	*s = fresh;
}

uint32_t source_facts_listed(const struct source_facts *f, uint32_t now_s)
{
	return now_s - f->list_since_s < LIST_WINDOW_S || now_s < f->list_since_s ? f->list_micro
										  : 0;
}

struct source_facts *source_state_facts(struct source_state *s, struct budget *b)
{
	if (s->facts == NULL) {
		s->facts = budget_grow(b, NULL, 0, sizeof(*s->facts));
	}
	return s->facts;
}

void source_state_add_sample(struct source_state *s, const uint8_t hash[static SHA256_SIZE],
			     struct budget *b)
{
	if (s->sample_count == s->sample_room && s->sample_room < PROOF_SAMPLES_MAX) {
		size_t room = s->sample_room == 0 ? 1 : (size_t)s->sample_room * 2;
		void *grown = budget_grow(b, s->samples, (size_t)s->sample_room * SHA256_SIZE,
					  room * SHA256_SIZE);
		if (grown != NULL) {
			s->samples = grown;
			s->sample_room = (uint8_t)room;
		}
	}
	if (s->sample_room == 0) {
		return;
	}
	if (s->sample_count == s->sample_room) {
		memmove(s->samples[0], s->samples[1], (size_t)(s->sample_room - 1) * SHA256_SIZE);
		s->sample_count--;
	}
	memcpy(s->samples[s->sample_count++], hash, SHA256_SIZE);
}

/* The plain numbers, one row each: where it lies, how many octets, and the largest that is sane. */
struct field {
	uint16_t offset;
	uint8_t octets;
	uint32_t max;
};

#define FIELD(name, most)                                                                          \
	{                                                                                          \
		offsetof(struct source_state, name), sizeof(((struct source_state *)0)->name),     \
			most                                                                       \
	}
#define LEG(name) FIELD(name.s, SUM_MICRO_MAX), FIELD(name.reached_s, UINT32_MAX)
#define TRIAL_LEG(name) LEG(name.leg), FIELD(name.trials, UINT32_MAX), FIELD(name.bad, UINT32_MAX)
#define FLOW_LEG(name)                                                                             \
	LEG(name.leg), FIELD(name.usual_per_kh, UINT32_MAX), FIELD(name.count, UINT32_MAX)

static const struct field fields[] = {
	FIELD(first_s, UINT32_MAX),
	FIELD(last_s, UINT32_MAX),
	FIELD(rung_since_s, UINT32_MAX),
	FIELD(abused_since_s, UINT32_MAX),
	FIELD(standing_until_s, UINT32_MAX),
	FIELD(probation_until_s, UINT32_MAX),
	FIELD(verdict, VERDICT_COUNT - 1),
	FIELD(rung, RUNG_COUNT - 1),
	FIELD(ordered, RUNG_COUNT - 1),
	FIELD(giver, GIVER_COUNT - 1),
	FIELD(standing_rung, RUNG_COUNT - 1),
	FIELD(standing_giver, GIVER_COUNT - 1),
	FIELD(pi0_level, PI0_LEVELS - 1),
	FIELD(rule, RULE_COUNT - 1),
	FIELD(rule_main, KIND_COUNT),
	FIELD(rule_support, KIND_COUNT),
	FIELD(sender_new, UINT8_MAX),
	FIELD(helo_day, UINT16_MAX),
	FIELD(recent_trials, RECENT_TRIALS_MAX),
	FIELD(recent_bad, RECENT_TRIALS_MAX),
	LEG(content[0]),
	LEG(content[1]),
	LEG(content[2]),
	FIELD(content_trials, UINT32_MAX),
	FIELD(content_bad, UINT32_MAX),
	FIELD(good_micro, SUM_MICRO_MAX),
	TRIAL_LEG(one_sided),
	TRIAL_LEG(trial[TRIAL_RECIPIENTS]),
	TRIAL_LEG(trial[TRIAL_OPINION]),
	TRIAL_LEG(trial[TRIAL_SHARED]),
	TRIAL_LEG(trial[TRIAL_HELO]),
	TRIAL_LEG(trial[TRIAL_SENDER]),
	FLOW_LEG(flow[FLOW_CONNECTIONS]),
	FLOW_LEG(flow[FLOW_DESTINATIONS]),
	FLOW_LEG(flow[FLOW_FAILURES]),
	FIELD(flow_unit, UINT32_MAX),
	FIELD(messages, UINT32_MAX),
	FIELD(flagged, UINT32_MAX),
	FIELD(recipients, UINT32_MAX),
	FIELD(recipients_unknown, UINT32_MAX),
	FIELD(campaigns, UINT32_MAX),
	FIELD(first_flagged_s, UINT32_MAX),
	FIELD(last_flagged_s, UINT32_MAX),
	FIELD(defiance, UINT32_MAX),
};

static uint32_t field_load(const struct source_state *s, const struct field *f)
{
	const char *at = (const char *)s + f->offset;
	uint8_t v1;
	uint16_t v2;
	uint32_t v4;

	switch (f->octets) {
	case 1:
		memcpy(&v1, at, 1);
		return v1;
	case 2:
		memcpy(&v2, at, 2);
		return v2;
	default:
		memcpy(&v4, at, 4);
		return v4;
	}
}

static void field_store(struct source_state *s, const struct field *f, uint32_t v)
{
	char *at = (char *)s + f->offset;
	uint8_t v1 = (uint8_t)v;
	uint16_t v2 = (uint16_t)v;

	switch (f->octets) {
	case 1:
		memcpy(at, &v1, 1);
		break;
	case 2:
		memcpy(at, &v2, 2);
		break;
	default:
		memcpy(at, &v, 4);
	}
}

/* Most numbers of most sources are zero: a bit says which are there. */
static void put_fields(struct enc *e, const struct source_state *s)
{
	for (size_t i = 0; i < COUNT_OF(fields); i += 8) {
		unsigned bits = 0;
		for (size_t b = 0; b < 8 && i + b < COUNT_OF(fields); b++) {
			bits |= (unsigned)(field_load(s, &fields[i + b]) != 0) << b;
		}
		enc_uint(e, 1, bits);
		for (size_t b = 0; b < 8; b++) {
			if ((bits >> b & 1) != 0) {
				enc_uint(e, fields[i + b].octets, field_load(s, &fields[i + b]));
			}
		}
	}
}

static void get_fields(struct cur *c, struct source_state *s)
{
	for (size_t i = 0; i < COUNT_OF(fields); i += 8) {
		unsigned bits = (unsigned)cur_uint(c, 1, UINT8_MAX);
		for (size_t b = 0; b < 8 && bits >> b != 0; b++) {
			if ((bits >> b & 1) == 0) {
				continue;
			}
			if (i + b >= COUNT_OF(fields)) {
				c->err = -EBADMSG;
				return;
			}
			const struct field *f = &fields[i + b];
			field_store(s, f, (uint32_t)cur_uint(c, f->octets, f->max));
		}
	}
}

static void put_facts(struct enc *e, const struct source_facts *f)
{
	enc_bool(e, f != NULL);
	if (f == NULL) {
		return;
	}
	enc_bool(e, f->is_phishing);
	enc_bool(e, f->complaint_alarm);
	enc_uint(e, 4, f->trap_hits);
	enc_uint(e, 8, f->trap_campaigns[0]);
	enc_uint(e, 8, f->trap_campaigns[1]);
	enc_uint(e, 4, f->trap_campaign_count);
	enc_uint(e, 4, f->votes_bad);
	enc_uint(e, 4, f->votes_total);
	enc_uint(e, 4, f->complaints);
	enc_uint(e, 4, f->delivered);
	enc_uint(e, 4, f->listing_micro);
	enc_uint(e, 4, f->list_since_s);
	enc_uint(e, 4, f->list_micro);
	enc_uint(e, 2, f->list_campaigns);
	enc_bytes(e, f->list_hits, sizeof(f->list_hits));
}

static void get_facts(struct cur *c, unsigned version, struct source_state *s, struct budget *b)
{
	struct source_facts f = {0};

	if (!cur_bool(c)) {
		return;
	}
	f.is_phishing = cur_bool(c);
	f.complaint_alarm = cur_bool(c);
	f.trap_hits = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	f.trap_campaigns[0] = cur_uint(c, 8, UINT64_MAX);
	f.trap_campaigns[1] = cur_uint(c, 8, UINT64_MAX);
	f.trap_campaign_count = (uint32_t)cur_uint(c, 4, 2);
	f.votes_bad = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	f.votes_total = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	f.complaints = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	f.delivered = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	f.listing_micro = (uint32_t)cur_uint(c, 4, SUM_MICRO_MAX);
	if (version > 1) {
		f.list_since_s = (uint32_t)cur_uint(c, 4, UINT32_MAX);
		f.list_micro = (uint32_t)cur_uint(c, 4, SUM_MICRO_MAX);
		f.list_campaigns = (uint16_t)cur_uint(c, 2, UINT16_MAX);
		cur_copy(c, f.list_hits, sizeof(f.list_hits));
	}
	struct source_facts *at = source_state_facts(s, b);
	if (at != NULL) {
		*at = f;
	}
}

void source_state_put(struct enc *e, const struct source_state *s)
{
	wire_put_source(e, &s->key);
	enc_uint(e, 1, s->flags & STATE_KEPT);
	put_fields(e, s);
	fewset_put(e, &s->destinations);
	fewset_put(e, &s->senders);
	fewset_put(e, &s->helos);
	copies_put(e, &s->copies);
	enc_uint(e, 1, s->sample_count);
	enc_bytes(e, s->samples, (size_t)s->sample_count * SHA256_SIZE);
	put_facts(e, s->facts);
}

void source_state_get(struct cur *c, unsigned version, struct source_state *ret, struct budget *b)
{
	struct source_state s = {.server = SERVER_NONE, .sibling = SOURCE_NONE};

	wire_get_source(c, &s.key);
	s.flags = (uint8_t)cur_uint(c, 1, STATE_KEPT) & STATE_KEPT;
	get_fields(c, &s);
	if (s.recent_bad > s.recent_trials || s.content_bad > s.content_trials) {
		c->err = -EBADMSG;
	}
	fewset_get(c, &s.destinations, b);
	fewset_get(c, &s.senders, b);
	fewset_get(c, &s.helos, b);
	copies_get(c, &s.copies, b);
	size_t samples = (size_t)cur_uint(c, 1, PROOF_SAMPLES_MAX);
	for (size_t i = 0; i < samples && c->err == 0; i++) {
		uint8_t hash[SHA256_SIZE];
		cur_copy(c, hash, sizeof(hash));
		source_state_add_sample(&s, hash, b);
	}
	get_facts(c, version, &s, b);
	if (c->err != 0) {
		source_state_forget(&s, b);
		s = (struct source_state){0};
	}
	*ret = s;
}

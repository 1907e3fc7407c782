/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler: chance, suspicion and a rate. Layer: daemon.
 */
#include "daemon/tap/sampler.h"

#include "core/legs.h"

#include "base/poison.h"

#define ONE 1000000
/* A rate may be used up this much at once. */
#define BURST_S 10

void sampler_init(struct sampler *s, const struct policy *policy, const struct siphash_key *key)
{
	*s = (struct sampler){.policy = policy, .key = *key, .prng = {.state = key->k0 ^ key->k1}};
}

static bool is_suspect(struct sampler *s, const struct message_obs *o)
{
	uint64_t h = siphash(&s->key, &o->source, sizeof(o->source));
	size_t at = h % SAMPLER_PLACES;
	uint32_t tag = (uint32_t)(h >> 32) | 1;
	uint32_t now_s = seconds_of(o->time);

	if (o->flagged) {
		s->places[at].tag = tag;
		s->places[at].until_s = now_s + SAMPLER_SUSPECT_S;
	}
	return s->places[at].tag == tag && now_s < s->places[at].until_s;
}

static void fill(struct sampler *s, struct wall now)
{
	int64_t ms = (now.ns - s->filled_at.ns) / NS_PER_MS;
	bool is_first = s->filled_at.ns == 0 || ms > BURST_S * 1000;

	if (ms <= 0) {
		return;
	}
	for (size_t i = 0; i < s->policy->opinion_count; i++) {
		int64_t rate = s->policy->opinions[i].rate_per_min;
		int64_t most = rate * ONE * BURST_S / 60;
		most = most < ONE ? ONE : most;
		/* After a long silence, or at the first message, the bucket is full: `ms` is
		 * bounded. */
		int64_t tokens = is_first ? most : s->tokens_micro[i] + rate * ONE / 60 * ms / 1000;
		s->tokens_micro[i] = tokens > most ? most : tokens;
	}
	s->filled_at = now;
}

unsigned sampler_choose(struct sampler *s, const struct message_obs *o)
{
	unsigned chosen = 0;

	if (s->policy->opinion_count == 0 || !o->scored || o->far == FAR_NONE ||
	    o->source.network >= s->policy->network_count) {
		return 0;
	}
	bool suspect = is_suspect(s, o);
	enum content_policy content = s->policy->networks[o->source.network].content;
	if (content == CONTENT_NONE || (content == CONTENT_SUSPECTS && !suspect)) {
		return 0;
	}
	fill(s, o->time);
	for (size_t i = 0; i < s->policy->opinion_count; i++) {
		bool wanted = prng_below(&s->prng, ONE) < s->policy->opinions[i].share_ppm;
		if (!wanted && !suspect) {
			continue;
		}
		if (s->tokens_micro[i] < ONE) {
			s->over_rate++;
			continue;
		}
		s->tokens_micro[i] -= ONE;
		chosen |= 1U << i;
	}
	s->chosen += chosen != 0;
	return chosen;
}

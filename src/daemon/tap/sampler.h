/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sampler: which messages other filters are asked about: a share of all, and those of sources that
 * were flagged within the hour, both within a rate. Respects what each network's `content` allows.
 * Layer: daemon.
 */
#ifndef DAEMON_TAP_SAMPLER_H
#define DAEMON_TAP_SAMPLER_H

#include "base/attr.h"
#include "base/jsonw.h"
#include "base/prng.h"
#include "base/siphash.h"
#include "core/observation.h"
#include "core/policy.h"

/* Sources whose flagged mail is remembered; two that fall on the same place share it. */
#define SAMPLER_PLACES 4096
#define SAMPLER_SUSPECT_S 3600

struct sampler {
	const struct policy *policy;
	struct prng prng;
	struct siphash_key key;
	struct {
		uint32_t tag;
		uint32_t until_s;
	} places[SAMPLER_PLACES];
	int64_t tokens_micro[OPINIONS_MAX]; /* questions that may be asked now */
	struct wall filled_at;
	uint64_t chosen;
	uint64_t over_rate;
};

/** @param policy  Borrowed. */
void sampler_init(struct sampler *s, const struct policy *policy, const struct siphash_key *key);
/** @return A bit for each service that is to be asked; 0: none. */
unsigned sampler_choose(struct sampler *s, const struct message_obs *o);

#endif

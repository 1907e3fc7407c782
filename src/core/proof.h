/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: what a verdict rests on: the state of every leg, the thresholds, the rule, the versions
 * and the samples. It is stored with the order and the case, printed by `postern why`, and
 * enough to explain the verdict years later. Layer: core (pure).
 */
#ifndef CORE_PROOF_H
#define CORE_PROOF_H

#include "core/observation.h"

#define PROOF_LEGS_MAX 24
#define PROOF_SAMPLES_MAX 8
#define PROOF_RULE_MAX 64

struct proof_leg {
	enum kind kind;
	uint32_t pi1_ppm; /* the leg's tuning: 900,000 is "0.9" */
	int32_t s_micro;  /* sum now */
	int32_t h_micro;  /* threshold */
	uint32_t trials;
	uint32_t bad;
	struct wall reached_at; /* first over the threshold; ns 0: never */
};

struct proof {
	struct source_key source;
	struct wall time;
	enum verdict verdict;
	enum rung rung;
	uint64_t messages; /* counted from the far side's answers, like all below */
	uint64_t flagged;
	uint64_t recipients;
	uint64_t recipients_unknown;
	uint32_t campaigns; /* distinct ones; exact up to 32 */
	uint32_t campaigns_flagged;
	struct wall first_flagged; /* ns 0: none */
	struct wall last_flagged;
	char rule[PROOF_RULE_MAX]; /* which line of DECISION §2 decided, in words; ends in NUL */
	uint32_t rule_version;
	uint64_t weights_version; /* first octets of the weights' SHA-256 */
	struct proof_leg legs[PROOF_LEGS_MAX];
	size_t leg_count;
	uint8_t samples[PROOF_SAMPLES_MAX][SHA256_SIZE]; /* newest last */
	size_t sample_count;
};

#define PROOF_ENCODED_MAX 2048

MUSTUSE int proof_encode(const struct proof *p, void *data, size_t size);
/** @return 0, or -EBADMSG. */
MUSTUSE int proof_decode(const void *data, size_t len, struct proof *ret);

struct jsonw;
/** The `evidence` array of a source or case: {kind, leg, s, h, trials, bad}, as in `scan`. */
void proof_write_evidence(const struct proof *p, struct jsonw *w, const char *key);

#endif

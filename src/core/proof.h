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
#define PROOF_BINS_MAX 16

/* What the legs of kind `fanout`, and one of kind `listing`, count; else PROOF_STREAM_NONE. */
enum proof_stream {
	PROOF_STREAM_NONE,
	PROOF_STREAM_CONNECTIONS,
	PROOF_STREAM_DESTINATIONS,
	PROOF_STREAM_FAILURES,
	PROOF_STREAM_URLS, /* kind listing: campaigns with URLs that are on lists */
	PROOF_STREAM_COUNT,
};

struct proof_leg {
	enum kind kind;
	enum proof_stream stream;
	bool is_one_sided; /* from mail without the far side's answer: never above throttle */
	uint32_t pi1_ppm;  /* the leg's tuning: 900,000 is "0.9"; for fanout how many times usual */
	int32_t s_micro;   /* sum now */
	int32_t h_micro;   /* threshold */
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
	uint32_t campaigns; /* distinct ones; exact as long as there are at most 64 in 24 h */
	uint32_t campaigns_flagged;
	struct wall first_flagged; /* ns 0: none */
	struct wall last_flagged;
	uint32_t defiance;         /* connections tried while blocked */
	int32_t h2_micro;          /* threshold of a second witness */
	char rule[PROOF_RULE_MAX]; /* which line of DECISION §2 decided, in words; ends in NUL */
	uint32_t rule_version;
	uint64_t weights_version; /* first octets of the weights' SHA-256 */
	uint32_t f0_version;      /* steps that the network's f0 was learned in; 0: as shipped */
	uint32_t f0_ppm[PROOF_BINS_MAX]; /* that f0: share of legitimate mail in each bin */
	size_t f0_count;                 /* 0: it is the weights' own */
	struct proof_leg legs[PROOF_LEGS_MAX];
	size_t leg_count;
	uint8_t samples[PROOF_SAMPLES_MAX][SHA256_SIZE]; /* newest last */
	size_t sample_count;
};

#define PROOF_ENCODED_MAX 2048

MUSTUSE int proof_encode(const struct proof *p, void *data, size_t size);
/** @return 0, or -EBADMSG. */
MUSTUSE int proof_decode(const void *data, size_t len, struct proof *ret);

/* "4x destinations", "0.15 one-sided" and the NUL */
#define PROOF_LEG_TEXT_SIZE 32
/** The name of a leg within its kind: "0.9", "4x connections". @return ret_text */
char *proof_leg_format(const struct proof_leg *leg, char ret_text[static PROOF_LEG_TEXT_SIZE]);

struct buf;
/**
 * The verdict in words, for `postern why` and notices to staff: what decided, what was counted,
 * each leg with its sum, threshold and share of bad trials, and the versions. Lines end in LF.
 */
void proof_write_text(const struct proof *p, struct buf *out);

struct jsonw;
/** The `evidence` array of a source or case: {kind, leg, s, h, trials, bad}, as in `scan`. */
void proof_write_evidence(const struct proof *p, struct jsonw *w, const char *key);

#endif

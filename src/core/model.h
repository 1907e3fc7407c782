/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: the weights of the filter: their file, and the score of a message's features in whole
 * numbers.
 *
 * A weights file has a form and a features version, names by hash the list of messages it was
 * trained on, and ends in the SHA-256 of all before. What does not fit is refused with a text.
 * The sums are whole numbers, so the same features give the same bits on every machine; only
 * core/train.c, which makes the numbers, computes in fractions. Layer: core (pure).
 */
#ifndef CORE_MODEL_H
#define CORE_MODEL_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sha256.h"
#include "core/features.h"
#include "core/score.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_FORM 1
/* Octets of a weights file, at most. */
#define MODEL_BYTES_MAX (8 * 1024 * 1024)
/* Points of the curve from logits to scores: one each 2 nats from -64 to 64. */
#define MODEL_CURVE_POINTS 65
/* The curve's distance between points, in millionths of a nat. */
#define MODEL_CURVE_STEP 2000000
/* Parts of one in which a cell's square counts. */
#define MODEL_SQUARE_UNIT 25
/* Logits are held inside of this; real ones are below 100 nats. */
#define MODEL_LOGIT_MAX INT64_C(1000000000)

/* One bin: what it says, and how much it adds to the length of the message's vector. */
struct model_cell {
	int8_t weight;
	uint8_t square;
};

struct model_member {
	unsigned bits;      /* binary logarithm of the number of cells */
	uint32_t unit_nano; /* nats that a weight of 1 is worth, in billionths */
	uint32_t floor;     /* added to the squares: few features don't make a verdict */
	int32_t bias_micro;
	int32_t share_micro; /* its part in the sum of the members */
	struct model_cell *cells;
};

struct model {
	struct model_member members[MEMBER_COUNT];
	int64_t threshold_micro;             /* logit from which a message is flagged */
	int64_t edges_micro[SCORE_BINS - 1]; /* logits between the bins, rising */
	uint32_t curve[MODEL_CURVE_POINTS];  /* score_micro by logit minus threshold; rising */
	uint32_t tpr_ppm;                    /* at the threshold, on left-out groups */
	uint32_t fpr_ppm;
	uint32_t f0_ppm[SCORE_BINS];
	uint32_t f1_ppm[SCORE_BINS];
	uint32_t ham_count; /* messages it was trained on */
	uint32_t spam_count;
	uint8_t list_hash[SHA256_OCTETS]; /* of the list of those messages */
	uint8_t hash[SHA256_OCTETS];      /* of the file; set by model_decode and model_encode */
};

/** Empty members with room for their cells. @return NULL without memory. */
MUSTUSE struct model *model_new(void);
/** NULL is allowed. */
void model_free(struct model *m);

/** Append the file to `ret` and set m->hash. @return 0, or what buf_end says. */
MUSTUSE int model_encode(struct model *m, struct buf *ret);
/** @return 0; -EBADMSG with a text that says what does not fit; -ENOMEM. */
MUSTUSE int model_decode(struct str file, struct model **ret, struct errmsg *reterr);

/* Which bins were seen already in a message; all zero between calls. */
struct model_seen {
	uint64_t bits[(1 << 20) / 64];
};

/**
 * What one member says about a message.
 *
 * @param bins  As features_read gives them, doubles included.
 * @param seen  Scratch; left all zero.
 * @return A logit in millionths of a nat; 0 when there is no feature.
 */
int64_t model_member_logit(const struct model_member *m, const uint32_t *bins, size_t n,
			   struct model_seen *seen);

/* No member says more than this: one that is very sure of a text it doesn't know is wrong. */
#define MODEL_MEMBER_MAX 5000000
/* The sender looks the same in all mail of one source: it must not flag all of it by itself. */
#define MODEL_FROM_MAX 3000000
/* What runs of words and themes say against spam at most: innocent sentences around it are cheap.
 */
#define MODEL_ACQUIT_MAX 2000000
/* Words below which a message says too little for a verdict: a sum that speaks for spam counts by
 * how many of them there are. */
#define MODEL_WORDS_FULL 16

/** The members' logits to one. @param words  Of the message (tokens.count). */
int64_t model_sum(const struct model *m, const int64_t logits[static MEMBER_COUNT], size_t words);
/** 0 to 1,000,000; 500,000 is the threshold. */
uint32_t model_score_micro(const struct model *m, int64_t logit);
uint8_t model_bin(const struct model *m, int64_t logit);
/** The first octets of the file's hash. */
uint64_t model_version(const struct model *m);

#endif

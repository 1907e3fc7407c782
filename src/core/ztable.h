/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ztable: the log-likelihood ratios of every trial, made once when a policy or filter is loaded.
 *
 * Millionths of a nat. Logarithms are computed with whole numbers, so the tables are the same
 * bits on every machine. Layer: core (pure). Source: DECISION §1, §3, §4.
 */
#ifndef CORE_ZTABLE_H
#define CORE_ZTABLE_H

#include "base/err.h"
#include "core/judge.h"

#define CONTENT_LEGS 3
/* Shares of spam taken as healthy: the default, and what a grant `forwarder` may raise it to. */
#define PI0_LEVELS 4
/* A grant raises π0 to this at most. */
#define PI0_MAX_PPM 200000
/* A leg whose π1 would exceed this is off: nothing is left to tell apart. */
#define PI1_MAX_PPM 950000

/* The content legs at one π0. */
struct content_z {
	uint32_t pi0_ppm;
	uint32_t theta0_ppm; /* share of flagged mail of a healthy source, at most */
	bool is_on[CONTENT_LEGS];
	bool may_block[CONTENT_LEGS]; /* the weakest leg makes suspects only */
	uint32_t pi1_ppm[CONTENT_LEGS];
	size_t bin_count;                        /* 0: [leg][0] not flagged, [leg][1] flagged */
	int32_t z[CONTENT_LEGS][JUDGE_BINS_MAX]; /* by bin, or by flag */
};

/* A trial of a kind with a good and a bad outcome. */
struct trial_z {
	uint32_t theta1_ppm;
	int32_t good;
	int32_t bad;
};

struct ztable {
	struct content_z content[PI0_LEVELS];
	struct trial_z recipients;
	struct trial_z opinion;
	struct trial_z shared;
	struct trial_z helo;
	struct trial_z sender;
	/* Shares of each bin, or of not flagged and flagged: for answers that come later. */
	uint32_t f0_ppm[JUDGE_BINS_MAX];
	uint32_t f1_ppm[JUDGE_BINS_MAX];
	int32_t fanout; /* of one event more: ln(λ1/λ0) */
};

/* λ1 = 4 λ0 (DECISION §4) */
#define FANOUT_TIMES 4

/** ln(num / den) in millionths, to the nearest but for 1; num, den > 0. Held within ±40 nats. */
PURE int32_t ln_micro(uint64_t num, uint64_t den);

/**
 * @return 0; -EINVAL when the filter's or policy's numbers make no sense (with text).
 */
MUSTUSE int ztable_make(const struct decision_policy *d, const struct judge_filter *f,
			struct ztable *ret, struct errmsg *reterr);

/** The z of one message's content on leg `leg`. */
static inline int32_t ztable_content(const struct content_z *c, size_t leg, bool flagged,
				     uint8_t bin)
{
	size_t column = c->bin_count == 0 ? flagged : bin;

	if (c->bin_count > 0 && column >= c->bin_count) {
		column = c->bin_count - 1;
	}
	return c->z[leg][column];
}

/**
 * The same when another filter's answer is known, which is `ratio_milli` thousandths as likely for
 * spam as for legitimate mail of this bin.
 */
int32_t ztable_opinion(const struct ztable *t, const struct content_z *c, size_t leg, size_t column,
		       uint32_t ratio_milli);

/** The column of z that a message's content is in. */
static inline size_t ztable_column(const struct content_z *c, bool flagged, uint8_t bin)
{
	return c->bin_count == 0 ? flagged : bin < c->bin_count ? bin : c->bin_count - 1;
}

/** The level whose π0 is the largest not above `pi0_ppm`. */
size_t ztable_level(const struct ztable *t, uint32_t pi0_ppm);

#endif

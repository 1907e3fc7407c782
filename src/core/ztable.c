/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ztable: log-likelihood ratios without floating point. Layer: core (pure).
 */
#include "core/ztable.h"

#include "base/assert.h"

#include <errno.h>
#include <inttypes.h>

#include "base/poison.h"

#define PPM UINT64_C(1000000)
#define LN_LIMIT_MICRO 40000000
/* ln 2 in thousand-millionths */
#define LN2_NANO INT64_C(693147181)
#define LOG2_BITS 30

/* log2(x) with LOG2_BITS after the point, by squaring: each step doubles the logarithm and gives
 * one more bit. The error stays below 2^-24. */
static int64_t log2_fixed(uint64_t x)
{
	unsigned whole = 63 - (unsigned)__builtin_clzll(x);
	uint64_t m = (x << (63 - whole)) >> 32; /* 1 ≤ m < 2, with 31 bits after the point */
	int64_t r = whole;

	for (int i = 0; i < LOG2_BITS; i++) {
		m = m * m >> 31;
		r <<= 1;
		if (m >> 32 != 0) {
			r |= 1;
			m >>= 1;
		}
	}
	return r;
}

int32_t ln_micro(uint64_t num, uint64_t den)
{
	ASSERT(num > 0 && den > 0);
	int64_t d = log2_fixed(num) - log2_fixed(den);
	bool is_negative = d < 0;

	/* 24 bits after the point are left, so that the product fits. */
	uint64_t size = (uint64_t)(is_negative ? -d : d) >> (LOG2_BITS - 24);
	uint64_t nano = size * (uint64_t)LN2_NANO >> 24;
	int64_t micro = (int64_t)((nano + 500) / 1000);

	if (micro > LN_LIMIT_MICRO) {
		micro = LN_LIMIT_MICRO;
	}
	return (int32_t)(is_negative ? -micro : micro);
}

/* π·f1 + (1−π)·f0, in millionths of millionths; never 0. */
static uint64_t mix(uint32_t pi_ppm, uint32_t f1_ppm, uint32_t f0_ppm)
{
	uint64_t p = (uint64_t)pi_ppm * f1_ppm + (PPM - pi_ppm) * f0_ppm;

	return p > 0 ? p : 1;
}

static struct trial_z trial(uint32_t theta0_ppm, uint32_t theta1_ppm)
{
	return (struct trial_z){
		.theta1_ppm = theta1_ppm,
		.good = ln_micro(PPM - theta1_ppm, PPM - theta0_ppm),
		.bad = ln_micro(theta1_ppm, theta0_ppm),
	};
}

static void make_leg(struct content_z *c, size_t leg, const struct judge_filter *f)
{
	uint32_t pi1 = c->pi1_ppm[leg];

	if (f->bin_count == 0) {
		uint64_t bad1 = mix(pi1, f->tpr_ppm, f->fpr_ppm);
		uint64_t bad0 = mix(c->pi0_ppm, f->tpr_ppm, f->fpr_ppm);
		c->z[leg][1] = ln_micro(bad1, bad0);
		c->z[leg][0] = ln_micro(PPM * PPM - bad1, PPM * PPM - bad0);
		return;
	}
	for (size_t b = 0; b < f->bin_count; b++) {
		c->z[leg][b] = ln_micro(mix(pi1, f->f1_ppm[b], f->f0_ppm[b]),
					mix(c->pi0_ppm, f->f1_ppm[b], f->f0_ppm[b]));
	}
}

static struct content_z make_content(uint32_t pi0_ppm, const struct decision_policy *d,
				     const struct judge_filter *f)
{
	struct content_z c = {.pi0_ppm = pi0_ppm, .bin_count = f->bin_count};

	c.theta0_ppm = (uint32_t)(mix(pi0_ppm, f->tpr_ppm, f->fpr_ppm) / PPM);
	for (size_t leg = 0; leg < CONTENT_LEGS; leg++) {
		uint32_t pi1 = d->pi1_ppm[leg];
		c.pi1_ppm[leg] = pi1 > 3 * pi0_ppm ? pi1 : 3 * pi0_ppm;
		c.is_on[leg] = c.pi1_ppm[leg] <= PI1_MAX_PPM;
		c.may_block[leg] = leg > 0;
		/* Equal legs are one: the later, which may block. */
		if (leg > 0 && c.pi1_ppm[leg - 1] == c.pi1_ppm[leg]) {
			c.is_on[leg - 1] = false;
		}
		make_leg(&c, leg, f);
	}
	return c;
}

static int check_filter(const struct judge_filter *f, struct errmsg *reterr)
{
	uint64_t sum0 = 0;
	uint64_t sum1 = 0;

	if (f->fpr_ppm == 0 || f->tpr_ppm >= PPM || f->tpr_ppm <= f->fpr_ppm) {
		return err_set(reterr, -EINVAL,
			       "filter: shares of flagged mail %" PRIu32 " and %" PRIu32
			       " ppm: must be 0 < legitimate < spam < 1000000",
			       f->fpr_ppm, f->tpr_ppm);
	}
	if (f->bin_count == 1 || f->bin_count > JUDGE_BINS_MAX) {
		return err_set(reterr, -EINVAL, "filter: %zu bins: must be 0 or 2 to %d",
			       f->bin_count, JUDGE_BINS_MAX);
	}
	for (size_t b = 0; b < f->bin_count; b++) {
		sum0 += f->f0_ppm[b];
		sum1 += f->f1_ppm[b];
	}
	/* Shares may be rounded: one percent is left for that. */
	if (f->bin_count > 0 &&
	    (sum0 < 990000 || sum0 > 1010000 || sum1 < 990000 || sum1 > 1010000)) {
		return err_set(reterr, -EINVAL, "filter: the bins' shares do not add up to 1");
	}
	return 0;
}

static void keep_shares(struct ztable *t, const struct judge_filter *f)
{
	for (size_t b = 0; b < f->bin_count; b++) {
		t->f0_ppm[b] = f->f0_ppm[b];
		t->f1_ppm[b] = f->f1_ppm[b];
	}
	if (f->bin_count == 0) {
		t->f0_ppm[0] = (uint32_t)PPM - f->fpr_ppm;
		t->f0_ppm[1] = f->fpr_ppm;
		t->f1_ppm[0] = (uint32_t)PPM - f->tpr_ppm;
		t->f1_ppm[1] = f->tpr_ppm;
	}
}

int ztable_make(const struct decision_policy *d, const struct judge_filter *f, struct ztable *ret,
		struct errmsg *reterr)
{
	uint32_t pi0[PI0_LEVELS] = {d->pi0_ppm, 100000, 150000, PI0_MAX_PPM};
	struct ztable t = {0};

	int r = check_filter(f, reterr);
	if (r < 0) {
		return r;
	}
	if (d->pi0_ppm == 0 || d->pi0_ppm > PI0_MAX_PPM || d->h_micro < 1000000 ||
	    d->h_micro > 100000000 || d->h2_micro == 0 || d->h2_micro > d->h_micro) {
		return err_set(reterr, -EINVAL, "decision: thresholds or shares out of range");
	}
	for (size_t leg = 0; leg < CONTENT_LEGS; leg++) {
		if (d->pi1_ppm[leg] == 0 || d->pi1_ppm[leg] >= PPM ||
		    (leg > 0 && d->pi1_ppm[leg] < d->pi1_ppm[leg - 1])) {
			return err_set(reterr, -EINVAL,
				       "decision: leg shares must rise and be below 1");
		}
	}
	for (size_t level = 0; level < PI0_LEVELS; level++) {
		/* A default above a level swallows it. */
		uint32_t share = pi0[level] > d->pi0_ppm ? pi0[level] : d->pi0_ppm;
		t.content[level] = make_content(share, d, f);
	}
	keep_shares(&t, f);
	t.recipients = trial(50000, 300000);
	t.opinion = trial(10000, 300000);
	t.shared = trial(1000, 500000);
	t.helo = trial(20000, 600000);
	t.sender = trial(50000, 700000);
	t.fanout = ln_micro(FANOUT_TIMES, 1);
	*ret = t;
	return 0;
}

int32_t ztable_opinion(const struct ztable *t, const struct content_z *c, size_t leg, size_t column,
		       uint32_t ratio_milli)
{
	/* At most e^4 times a million: the sums below fit 64 bits. */
	uint32_t f1 = (uint32_t)((uint64_t)t->f1_ppm[column] * ratio_milli / 1000);

	return ln_micro(mix(c->pi1_ppm[leg], f1, t->f0_ppm[column]),
			mix(c->pi0_ppm, f1, t->f0_ppm[column]));
}

size_t ztable_level(const struct ztable *t, uint32_t pi0_ppm)
{
	size_t level = 0;

	for (size_t i = 1; i < PI0_LEVELS; i++) {
		if (t->content[i].pi0_ppm <= pi0_ppm) {
			level = i;
		}
	}
	return level;
}

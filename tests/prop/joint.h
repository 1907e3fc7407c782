/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joint: the joint simulation of DECISION §5, written down as plainly as it can be, in floating
 * point and without a line of the judge: what an ideal judge would let out at given rates.
 */
#ifndef TESTS_PROP_JOINT_H
#define TESTS_PROP_JOINT_H

#include "base/prng.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/* What a source sends, and what the filter is. */
struct joint_case {
	double spam;    /* share of spam in what it sends */
	double tpr;     /* share of spam that is flagged */
	double fpr;     /* share of legitimate mail that is flagged */
	unsigned rcpts; /* a message */
	double unknown; /* share of them that are refused as unknown, of spam */
};

#define JOINT_H 16.0
#define JOINT_H2 6.0
#define JOINT_PI0 0.05
#define JOINT_NEVER 100000

static inline double joint_ratio(double p1, double p0, bool bad)
{
	return bad ? log(p1 / p0) : log((1 - p1) / (1 - p0));
}

static inline double joint_step(double s, double z)
{
	return s + z > 0 ? s + z : 0;
}

/**
 * One source from the moment it turns.
 *
 * @return Spam messages sent until the block, the one that decided included; JOINT_NEVER when it
 *         was not blocked in that many messages.
 */
static inline unsigned joint_run(const struct joint_case *c, struct prng *p)
{
	const double pi1[3] = {0.15, 0.5, 0.9};
	double content[3] = {0};
	double recipients = 0;
	bool content_alarm = false;
	bool recipients_alarm = false;
	unsigned spam = 0;
	unsigned flagged = 0;

	for (unsigned n = 0; n < JOINT_NEVER; n++) {
		bool is_spam = prng_unit(p) < c->spam;
		bool is_flagged = prng_unit(p) < (is_spam ? c->tpr : c->fpr);
		double most = 0;

		spam += is_spam;
		flagged += is_flagged;
		for (size_t leg = 0; leg < 3; leg++) {
			double p1 = pi1[leg] * c->tpr + (1 - pi1[leg]) * c->fpr;
			double p0 = JOINT_PI0 * c->tpr + (1 - JOINT_PI0) * c->fpr;
			content[leg] = joint_step(content[leg], joint_ratio(p1, p0, is_flagged));
			most = content[leg] > most ? content[leg] : most;
			content_alarm |= leg > 0 && content[leg] >= JOINT_H && flagged >= 3;
		}
		for (unsigned r = 0; r < c->rcpts; r++) {
			bool is_bad = is_spam && prng_unit(p) < c->unknown;
			recipients = joint_step(recipients, joint_ratio(0.3, 0.05, is_bad));
			recipients_alarm |= recipients >= JOINT_H;
		}
		bool content_supports = most >= JOINT_H2 && flagged >= 2;
		if ((content_alarm && recipients >= JOINT_H2) ||
		    (recipients_alarm && content_supports)) {
			return spam;
		}
	}
	return JOINT_NEVER;
}

static inline double joint_mean(const struct joint_case *c, unsigned runs, uint64_t seed)
{
	struct prng p = {.state = seed};
	double sum = 0;

	for (unsigned i = 0; i < runs; i++) {
		sum += joint_run(c, &p);
	}
	return sum / runs;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fit: one member's weights from messages: logistic regression by AdaGrad over presence of bins,
 * scaled by the root of their inverse frequency, then put into whole numbers.
 *
 * The only arithmetic is + - * / and the root, which IEEE 754 fixes to the last bit, so the same
 * messages in the same order give the same weights on every machine. Layer: core (pure).
 *
 * Source: Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011).
 */
#ifndef CORE_FIT_H
#define CORE_FIT_H

#include "base/attr.h"
#include "core/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fit_doc {
	const uint32_t *bins; /* without doubles */
	uint32_t count;
	uint32_t group; /* below 32 */
	bool is_spam;
	double weight; /* how much it counts; all of them are 1 on average */
};

struct fit_opts {
	double rate;         /* step of AdaGrad */
	unsigned passes;     /* over all messages */
	unsigned runs;       /* with other orders; their weights are averaged */
	unsigned groups_min; /* a bin must occur in so many groups */
	double decay;        /* pulls a bin's weight to 0 whenever it is seen */
	uint32_t floor;      /* of the vector's squared length, in MODEL_SQUARE_UNIT */
};

/**
 * Fit one member.
 *
 * @param ret  Its bits say how many cells; cells, unit, floor and bias are set.
 * @return 0, or -ENOMEM.
 */
MUSTUSE int fit_member(const struct fit_opts *o, const struct fit_doc *docs, size_t n,
		       struct model_member *ret);

/** Natural logarithm of a positive number and logistic function, by + - * / alone. */
PURE double fit_log(double x);
PURE double fit_logistic(double x);

#endif

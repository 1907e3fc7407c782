/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_f0: how legitimate mail of this network scores, learned from its sources.
 *
 * Each source has one vote, its own histogram of score bins; the estimate of a bin is the median
 * of the votes. It stands until half of the sources are bad, however much each of them sends.
 * It moves slowly, never far from what was shipped, and not at all while the filter's health is
 * in doubt (DECISION §3). Layer: core (pure).
 */
#ifndef CORE_SITE_F0_H
#define CORE_SITE_F0_H

#include "base/attr.h"
#include "core/score.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Messages a source must have sent before it votes. */
#define SITE_MESSAGES_MIN 20
/* Sources that must vote before anything is learned. */
#define SITE_SOURCES_MIN 20
/* Sources that are asked at most; a caller with more gives a sample. */
#define SITE_SOURCES_MAX 8192
/* A step goes this part of the way to the votes: at one step an hour, half of it in 44 hours. */
#define SITE_STEP 64
/* The estimate stays within this factor of what was shipped. */
#define SITE_SPAN 8

/* How the messages of one source scored; old ones fade, since all counts halve when one is full. */
struct score_histogram {
	uint16_t counts[SCORE_BINS];
};

void score_histogram_add(struct score_histogram *h, uint8_t bin);

struct site_f0 {
	uint32_t shipped_ppm[SCORE_BINS];
	uint32_t f0_ppm[SCORE_BINS]; /* the estimate; its sum is 1,000,000 but for rounding */
	uint32_t voters;             /* sources that voted in the last step */
	uint32_t version;            /* steps that were made; 0: it is what was shipped */
};

/** Begin with what was shipped. */
void site_f0_init(struct site_f0 *f, const uint32_t shipped_ppm[static SCORE_BINS]);

/**
 * Move one step towards the median of the sources. Without enough voters nothing moves.
 *
 * @param all     One histogram a source; those with too few messages don't vote.
 * @param n       At most SITE_SOURCES_MAX; further ones are not looked at.
 * @param frozen  The filter's health is in doubt, or a brake is on: only voters is set.
 *
 * Cost: sorts the votes of each bin.
 */
void site_f0_step(struct site_f0 *f, const struct score_histogram *all, size_t n, bool frozen);

/**
 * Go on from an estimate that was saved.
 *
 * @return false: it is none, or beyond what is allowed; nothing has changed.
 */
MUSTUSE bool site_f0_take(struct site_f0 *f, const uint32_t f0_ppm[static SCORE_BINS],
			  uint32_t version);

#endif

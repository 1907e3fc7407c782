/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opinion: what another filter's score of a message is worth beside our own.
 *
 * Its score moves ours on the logistic scale, by weights that were fitted on left-out groups
 * (docs/filter.md); the same shift, in nats and with our own part taken out, is what a late answer
 * still adds to the evidence. Whole numbers: the same scores give the same bits everywhere.
 * Layer: core (pure). Source: DECISION §6.
 */
#ifndef CORE_OPINION_H
#define CORE_OPINION_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored and sent: append, never reorder. */
enum opinion_kind {
	OPINION_SPAMD,
	OPINION_RSPAMD,
	OPINION_KIND_COUNT,
};

/* What one answer may say at most, either way. */
#define OPINION_NATS_MAX_MICRO 4000000
/* Scores beyond this are held to it. */
#define OPINION_SCORE_MAX_MICRO INT64_C(1000000000)

const char *opinion_kind_name(enum opinion_kind k);

/* The other filters' answers about one message. */
struct opinions {
	bool has[OPINION_KIND_COUNT];
	int64_t score_micro[OPINION_KIND_COUNT]; /* in their own points */
};

struct opinion_sum {
	uint32_t score_micro; /* ours and theirs together, 0 to 1,000,000 */
	bool flagged;         /* at 0.5 or over */
	int32_t nats_micro;   /* ln of how much more likely the answers are for spam than for
				 legitimate mail of our score */
};

/** @param score_micro  Our own score; without any answer it is also the result. */
struct opinion_sum opinion_add(uint32_t score_micro, const struct opinions *o);

/** e^nats in thousandths, for OPINION_NATS_MAX_MICRO either way. */
uint32_t opinion_ratio_milli(int32_t nats_micro);

#endif

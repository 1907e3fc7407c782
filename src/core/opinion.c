/* SPDX-License-Identifier: Apache-2.0 */
/*
 * opinion: weights and their sums. Layer: core (pure).
 */
#include "core/opinion.h"

#include "base/assert.h"
#include "core/ztable.h"

#include "base/poison.h"

#define ONE 1000000

/* ln(s / (1 − s)) of a score, and how far it goes: .0003 to .9997. */
#define LOGIT_MAX_MICRO 8000000

/*
 * Fitted on left-out scores by tests/bench/filter/opinion-fit (docs/filter.md). A point of theirs
 * moves our logit by `point`, counted from `centre`: no more legitimate mail is flagged than with
 * our score alone, and what the answers say of it is 1 on average. `worth` is what a unit that the
 * logit was moved by is worth in nats.
 */
struct weight {
	int64_t point_micro;
	int64_t centre_micro;
	int64_t low_micro; /* scores are held within these */
	int64_t high_micro;
	int64_t worth_permille;
};

static const struct weight weights[] = {
	[OPINION_SPAMD] = {312500, 1700000, 1000000, 12000000, 2000},
	[OPINION_RSPAMD] = {62500, 6300000, -3000000, 15000000, 1277},
};
static_assert(COUNT_OF(weights) == OPINION_KIND_COUNT, "weights for every kind");

static const char *const names[] = {"spamd", "rspamd"};
static_assert(COUNT_OF(names) == OPINION_KIND_COUNT, "a name for every value");

const char *opinion_kind_name(enum opinion_kind k)
{
	ASSERT(k < OPINION_KIND_COUNT);
	return names[k];
}

static int64_t hold(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

static int64_t logit_of(uint32_t score_micro)
{
	uint64_t s = (uint64_t)hold(score_micro, 1, ONE - 1);

	return hold(ln_micro(s, ONE - s), -LOGIT_MAX_MICRO, LOGIT_MAX_MICRO);
}

/* The smallest score whose logit is not below. */
static uint32_t score_of(int64_t logit_micro)
{
	uint32_t low = 0;
	uint32_t high = ONE;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		uint64_t s = (uint64_t)hold(middle, 1, ONE - 1);
		if (ln_micro(s, ONE - s) >= logit_micro) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low;
}

struct opinion_sum opinion_add(uint32_t score_micro, const struct opinions *o)
{
	struct opinion_sum sum = {.score_micro = score_micro, .flagged = score_micro >= ONE / 2};
	int64_t own = logit_of(score_micro);
	int64_t moved = own;
	int64_t worth = 0; /* the least sure of those that answered */

	for (size_t k = 0; k < OPINION_KIND_COUNT; k++) {
		const struct weight *w = &weights[k];
		if (o->has[k]) {
			int64_t points = hold(o->score_micro[k], w->low_micro, w->high_micro) -
					 w->centre_micro;
			moved += points * w->point_micro / ONE;
			worth = worth == 0 || w->worth_permille < worth ? w->worth_permille : worth;
		}
	}
	if (worth == 0) {
		return sum;
	}
	moved = hold(moved, -LOGIT_MAX_MICRO, LOGIT_MAX_MICRO);
	sum.score_micro = score_of(moved);
	sum.flagged = sum.score_micro >= ONE / 2;
	sum.nats_micro = (int32_t)hold((moved - own) * worth / 1000, -OPINION_NATS_MAX_MICRO,
				       OPINION_NATS_MAX_MICRO);
	return sum;
}

uint32_t opinion_ratio_milli(int32_t nats_micro)
{
	int64_t nats = hold(nats_micro, -OPINION_NATS_MAX_MICRO, OPINION_NATS_MAX_MICRO);
	uint32_t low = 1;
	uint32_t high = 54599; /* e^4 */

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (ln_micro(middle, 1000) >= nats) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low;
}

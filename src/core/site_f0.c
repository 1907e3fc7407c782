/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site_f0: medians of histograms. Layer: core (pure).
 */
#include "core/site_f0.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define WHOLE 1000000
/* Of the factor that makes medians sum to one. */
#define SCALE_ONE (UINT64_C(1) << 20)

void score_histogram_add(struct score_histogram *h, uint8_t bin)
{
	ASSERT(bin < SCORE_BINS);
	if (h->counts[bin] == UINT16_MAX) {
		for (size_t b = 0; b < SCORE_BINS; b++) {
			h->counts[b] /= 2;
		}
	}
	h->counts[bin]++;
}

void site_f0_init(struct site_f0 *f, const uint32_t shipped_ppm[static SCORE_BINS])
{
	*f = (struct site_f0){.voters = 0};
	memcpy(f->shipped_ppm, shipped_ppm, sizeof(f->shipped_ppm));
	memcpy(f->f0_ppm, shipped_ppm, sizeof(f->f0_ppm));
}

static uint32_t messages_of(const struct score_histogram *h)
{
	uint32_t sum = 0;

	for (size_t b = 0; b < SCORE_BINS; b++) {
		sum += h->counts[b];
	}
	return sum;
}

static int rising(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The median over the voters of their share in one bin. */
static uint32_t median_share(const struct score_histogram *all, size_t n, size_t bin,
			     uint32_t *votes)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t messages = messages_of(&all[i]);

		if (messages >= SITE_MESSAGES_MIN) {
			votes[count++] = (uint32_t)((uint64_t)all[i].counts[bin] * WHOLE /
						    messages);
		}
	}
	qsort(votes, count, sizeof(votes[0]), rising);
	return votes[count / 2];
}

static uint64_t low_of(const struct site_f0 *f, size_t bin)
{
	uint32_t low = f->shipped_ppm[bin] / SITE_SPAN;

	return low > 0 ? low : 1;
}

static uint64_t high_of(const struct site_f0 *f, size_t bin)
{
	return (uint64_t)f->shipped_ppm[bin] * SITE_SPAN + 1;
}

static uint64_t scaled(const struct site_f0 *f, size_t bin, uint64_t median, uint64_t scale)
{
	uint64_t v = median * scale / SCALE_ONE;
	uint64_t low = low_of(f, bin);
	uint64_t high = high_of(f, bin);

	return v < low ? low : v > high ? high : v;
}

/* Medians of shares don't sum to one. The largest scale at which they, held within their bounds,
 * sum to one at most: there is one, since all lower bounds together are an eighth. */
static uint64_t find_scale(const struct site_f0 *f, const uint64_t medians[static SCORE_BINS])
{
	uint64_t low = 0;
	uint64_t high = SCALE_ONE * WHOLE;

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;
		uint64_t sum = 0;
		for (size_t b = 0; b < SCORE_BINS; b++) {
			sum += scaled(f, b, medians[b], middle);
		}
		if (sum <= WHOLE) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

/* A rare bin that most have never seen counts as what was shipped: no score is ever impossible. */
static void vote(struct site_f0 *f, const struct score_histogram *all, size_t n, uint32_t *votes)
{
	uint64_t medians[SCORE_BINS];

	for (size_t b = 0; b < SCORE_BINS; b++) {
		uint32_t m = median_share(all, n, b, votes);
		medians[b] = m == 0 ? f->shipped_ppm[b] : m;
	}
	uint64_t scale = find_scale(f, medians);
	for (size_t b = 0; b < SCORE_BINS; b++) {
		int64_t way = (int64_t)scaled(f, b, medians[b], scale) - (int64_t)f->f0_ppm[b];
		int64_t step = way / SITE_STEP;
		if (step == 0 && way != 0) {
			step = way > 0 ? 1 : -1;
		}
		f->f0_ppm[b] = (uint32_t)((int64_t)f->f0_ppm[b] + step);
	}
	f->version += f->version < UINT32_MAX;
}

void site_f0_step(struct site_f0 *f, const struct score_histogram *all, size_t n, bool frozen)
{
	size_t count = n < SITE_SOURCES_MAX ? n : SITE_SOURCES_MAX;
	uint32_t *votes = calloc(count + 1, sizeof(*votes));

	if (votes == NULL) {
		return; /* the estimate of before is as good */
	}
	f->voters = 0;
	for (size_t i = 0; i < count; i++) {
		f->voters += messages_of(&all[i]) >= SITE_MESSAGES_MIN ? 1 : 0;
	}
	if (!frozen && f->voters >= SITE_SOURCES_MIN) {
		vote(f, all, count, votes);
	}
	free(votes);
}

bool site_f0_take(struct site_f0 *f, const uint32_t f0_ppm[static SCORE_BINS], uint32_t version)
{
	uint64_t sum = 0;

	for (size_t b = 0; b < SCORE_BINS; b++) {
		sum += f0_ppm[b];
		if (f0_ppm[b] > high_of(f, b) || f0_ppm[b] + 1 < low_of(f, b)) {
			return false;
		}
	}
	/* What was shipped may itself be rounded. */
	if (sum < WHOLE / 100 * 99 || sum > WHOLE / 100 * 101) {
		return false;
	}
	memcpy(f->f0_ppm, f0_ppm, sizeof(f->f0_ppm));
	f->version = version;
	return true;
}

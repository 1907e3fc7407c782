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

static uint32_t hold(uint64_t v, uint32_t shipped)
{
	uint32_t low = shipped / SITE_SPAN;
	uint64_t high = (uint64_t)shipped * SITE_SPAN;

	return (uint32_t)(v < low ? low : v > high ? high : v);
}

/* Medians of shares don't sum to one: rare bins come out as nothing. They get what was shipped
 * instead, so that no score is ever impossible. */
static void vote(struct site_f0 *f, const struct score_histogram *all, size_t n, uint32_t *votes)
{
	uint32_t medians[SCORE_BINS];
	uint64_t sum = 0;

	for (size_t b = 0; b < SCORE_BINS; b++) {
		uint32_t m = median_share(all, n, b, votes);

		medians[b] = hold(m == 0 ? f->shipped_ppm[b] : m, f->shipped_ppm[b]);
		sum += medians[b];
	}
	for (size_t b = 0; b < SCORE_BINS && sum > 0; b++) {
		int64_t target = (int64_t)((uint64_t)medians[b] * WHOLE / sum);
		int64_t way = target - (int64_t)f->f0_ppm[b];
		int64_t step = way / SITE_STEP;

		if (step == 0 && way != 0) {
			step = way > 0 ? 1 : -1;
		}
		f->f0_ppm[b] = (uint32_t)((int64_t)f->f0_ppm[b] + step);
	}
	f->is_learned = true;
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

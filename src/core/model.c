/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: sums of weights in whole numbers. Layer: core (pure).
 */
#include "core/model.h"

#include "base/assert.h"

#include <stdlib.h>

#include "base/poison.h"

static_assert(sizeof(struct model_cell) == 2, "two octets a bin, as in the file");

struct model *model_new(void)
{
	struct model *m = calloc(1, sizeof(*m));

	for (enum member i = 0; m != NULL && i < MEMBER_COUNT; i++) {
		m->members[i].bits = features_bits(i);
		m->members[i].cells = calloc((size_t)1 << m->members[i].bits,
					     sizeof(struct model_cell));
		if (m->members[i].cells == NULL) {
			model_free(m);
			m = NULL;
		}
	}
	return m;
}

void model_free(struct model *m)
{
	if (m == NULL) {
		return;
	}
	for (enum member i = 0; i < MEMBER_COUNT; i++) {
		free(m->members[i].cells);
	}
	free(m);
}

/* The whole root of n, rounded down. */
static uint64_t root(uint64_t n)
{
	uint64_t result = 0;

	for (uint64_t bit = UINT64_C(1) << 31; bit != 0; bit >>= 1) {
		uint64_t more = result | bit;

		if (more * more <= n) {
			result = more;
		}
	}
	return result;
}

static int64_t clamp(int64_t v, int64_t limit)
{
	return v > limit ? limit : v < -limit ? -limit : v;
}

/* Cells asked for ahead of their use: they lie anywhere in a table larger than a cache. */
#define PREFETCH 24

int64_t model_member_logit(const struct model_member *m, const uint32_t *bins, size_t n,
			   struct model_seen *seen)
{
	int64_t sum = 0;
	uint64_t squares = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t bin = bins[i];
		if (i + PREFETCH < n) {
			__builtin_prefetch(&m->cells[bins[i + PREFETCH]]);
		}
		uint64_t *word = &seen->bits[bin / 64];
		uint64_t bit = UINT64_C(1) << (bin % 64);

		ASSERT(bin >> m->bits == 0);
		if ((*word & bit) == 0) {
			*word |= bit;
			sum += m->cells[bin].weight;
			squares += m->cells[bin].square;
		}
	}
	for (size_t i = 0; i < n; i++) {
		seen->bits[bins[i] / 64] = 0;
	}
	if (squares == 0) {
		return 0;
	}
	/* FEATURES_MAX cells of 255 at most: 22 bits, and 20 of fraction under the root. */
	uint64_t length = root((squares + m->floor) << 20);
	int64_t scaled = sum * 1024 * 1024 / (int64_t)length; /* in 1024ths of a weight */

	return clamp(scaled * m->unit_nano / 1024 / 1000 + m->bias_micro, MODEL_LOGIT_MAX);
}

static int64_t held(enum member i, int64_t logit)
{
	switch (i) {
	case MEMBER_FROM:
		return clamp(logit, MODEL_FROM_MAX);
	case MEMBER_FRAMES:
	case MEMBER_ENDINGS:
	case MEMBER_THEMES:
		logit = logit > -MODEL_ACQUIT_MAX ? logit : -MODEL_ACQUIT_MAX;
		break;
	case MEMBER_WORDS:
	case MEMBER_CHARS:
	case MEMBER_HEAD:
	case MEMBER_STYLE:
	case MEMBER_COUNT:
		break;
	}
	return clamp(logit, MODEL_MEMBER_MAX);
}

int64_t model_sum(const struct model *m, const int64_t logits[static MEMBER_COUNT], size_t words)
{
	int64_t parts = words < MODEL_WORDS_FULL ? (int64_t)words : MODEL_WORDS_FULL;
	int64_t sum = 0;

	for (enum member i = 0; i < MEMBER_COUNT; i++) {
		sum += held(i, logits[i]) * m->members[i].share_micro / 1000000;
	}
	return clamp(sum > 0 ? sum * parts / MODEL_WORDS_FULL : sum, MODEL_LOGIT_MAX);
}

uint32_t model_score_micro(const struct model *m, int64_t logit)
{
	const int64_t half = (int64_t)MODEL_CURVE_STEP * (MODEL_CURVE_POINTS / 2);
	int64_t at = logit - m->threshold_micro + half;

	if (at <= 0) {
		return m->curve[0];
	}
	if (at >= 2 * half) {
		return m->curve[MODEL_CURVE_POINTS - 1];
	}
	size_t i = (size_t)(at / MODEL_CURVE_STEP);
	int64_t rest = at % MODEL_CURVE_STEP;
	int64_t rise = (int64_t)m->curve[i + 1] - m->curve[i];

	return m->curve[i] + (uint32_t)(rise * rest / MODEL_CURVE_STEP);
}

uint8_t model_bin(const struct model *m, int64_t logit)
{
	uint8_t bin = 0;

	while (bin < SCORE_BINS - 1 && logit >= m->edges_micro[bin]) {
		bin++;
	}
	return bin;
}

uint64_t model_version(const struct model *m)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++) {
		v = v << 8 | m->hash[i];
	}
	return v;
}

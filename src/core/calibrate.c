/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibrate: counts along the scores from the top. Layer: core (pure).
 */
#include "core/calibrate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/poison.h"

struct point {
	int64_t logit;
	double weight; /* all of a class are 1 */
	bool is_spam;
};

/* Shares of left-out legitimate mail over the edges between the bins, the lowest edge first. */
static const double edge_tails[SCORE_BINS - 1] = {.7, .4, .2, .08, .03, .01, .003};

/* The members say much the same, so their sum is too sure of itself: a quarter of it is about
 * what the bins' ratios say. */
#define CURVE_SLOPE 0.25

static int falling(const void *a, const void *b)
{
	const struct point *x = a;
	const struct point *y = b;

	if (x->logit != y->logit) {
		return x->logit < y->logit ? 1 : -1;
	}
	return (int)x->is_spam - (int)y->is_spam;
}

static bool is_wanted(const struct train_group *groups, int group, int ham, int spam)
{
	int only = groups[group].is_spam ? spam : ham;

	return only >= 0 ? group == only : !groups[group].is_test_only;
}

/* The points sorted from the most spam-like; each group weighs the same within its class. */
static int make_points(const struct train *t, int ham, int spam, struct point **ret, size_t *ret_n)
{
	size_t group_count;
	size_t result_count;
	const struct train_group *groups = train_groups(t, &group_count);
	const struct train_result *results = train_results(t, &result_count);
	size_t sizes[TRAIN_GROUPS_MAX] = {0};
	double classes[2] = {0, 0};
	struct point *points = calloc(result_count + 1, sizeof(*points));
	size_t n = 0;

	if (points == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i < result_count; i++) {
		sizes[results[i].group]++;
	}
	for (size_t g = 0; g < group_count; g++) {
		if (sizes[g] > 0 && is_wanted(groups, (int)g, ham, spam)) {
			classes[groups[g].is_spam] += 1;
		}
	}
	for (size_t i = 0; i < result_count; i++) {
		int g = results[i].group;

		if (is_wanted(groups, g, ham, spam)) {
			points[n++] = (struct point){
				.logit = results[i].logit,
				.weight = 1 / classes[groups[g].is_spam] / (double)sizes[g],
				.is_spam = groups[g].is_spam,
			};
		}
	}
	qsort(points, n, sizeof(*points), falling);
	*ret = points;
	*ret_n = n;
	return 0;
}

/* The lowest logit that at most this share of legitimate mail reaches. */
static int64_t tail_logit(const struct point *points, size_t n, double share)
{
	double ham = 0;
	int64_t last = MODEL_LOGIT_MAX;

	for (size_t i = 0; i < n; i++) {
		if (!points[i].is_spam) {
			ham += points[i].weight;
			if (ham > share) {
				return points[i].logit + 1;
			}
		}
		last = points[i].logit;
	}
	return last;
}

static uint32_t ppm(double share)
{
	return share >= 1 ? 1000000 : share <= 0 ? 0 : (uint32_t)(share * 1e6 + 0.5);
}

int calibrate(const struct train *t, uint32_t fpr_ppm, struct model *ret)
{
	struct point *points;
	size_t n;
	double over[2] = {0, 0};
	double bins[2][SCORE_BINS] = {{0}};
	int r = make_points(t, -1, -1, &points, &n);

	if (r < 0) {
		return r;
	}
	ret->threshold_micro = tail_logit(points, n, fpr_ppm / 1e6);
	for (size_t i = 0; i < SCORE_BINS - 1; i++) {
		ret->edges_micro[i] = tail_logit(points, n, edge_tails[i]);
	}
	for (size_t i = 0; i < n; i++) {
		const struct point *p = &points[i];

		over[p->is_spam] += p->logit >= ret->threshold_micro ? p->weight : 0;
		bins[p->is_spam][model_bin(ret, p->logit)] += p->weight;
	}
	ret->fpr_ppm = ppm(over[0]);
	ret->tpr_ppm = ppm(over[1]);
	for (size_t b = 0; b < SCORE_BINS; b++) {
		ret->f0_ppm[b] = ppm(bins[0][b]);
		ret->f1_ppm[b] = ppm(bins[1][b]);
	}
	for (size_t i = 0; i < MODEL_CURVE_POINTS; i++) {
		double nats = ((double)i - MODEL_CURVE_POINTS / 2) * MODEL_CURVE_STEP / 1e6;

		ret->curve[i] = ppm(fit_logistic(CURVE_SLOPE * nats));
	}
	free(points);
	return 0;
}

int calibrate_quality(const struct train *t, int group_ham, int group_spam, struct quality *ret)
{
	struct point *points;
	size_t n;
	double ham = 0;
	double spam = 0;
	double area = 0;
	struct quality q = {0};
	int r = make_points(t, group_ham, group_spam, &points, &n);

	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < n;) { /* equal scores are one step of the curve */
		double step[2] = {0, 0};
		int64_t logit = points[i].logit;

		for (; i < n && points[i].logit == logit; i++) {
			step[points[i].is_spam] += points[i].weight;
		}
		area += step[0] * (spam + step[1] / 2);
		ham += step[0];
		spam += step[1];
		q.tpr_at_1 = ham <= 0.01 ? spam : q.tpr_at_1;
		q.tpr_at_5 = ham <= 0.05 ? spam : q.tpr_at_5;
	}
	q.auc = area;
	*ret = q;
	free(points);
	return 0;
}

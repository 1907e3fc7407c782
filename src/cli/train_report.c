/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_report: quality by group. Layer: cli.
 */
#include "cli/train_report.h"

#include "core/calibrate.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "base/poison.h"

/* The interval that holds the true share with 95 %. Source: Wilson (1927). */
static void wilson(double k, double n, double *ret_low, double *ret_high)
{
	const double z = 1.959964;
	double p = n > 0 ? k / n : 0;
	double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
	double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);

	*ret_low = n > 0 && k > 0 ? centre - half : 0;
	*ret_high = n > 0 ? centre + half : 1;
}

static void print_group(const struct train *t, const struct model *m, int group)
{
	size_t n;
	size_t group_count;
	const struct train_result *results = train_results(t, &n);
	const struct train_group *g = &train_groups(t, &group_count)[group];
	double flagged = 0;
	double scored = 0;
	double low;
	double high;

	for (size_t i = 0; i < n; i++) {
		if (results[i].group == group) {
			scored += 1;
			flagged += results[i].logit >= m->threshold_micro ? 1 : 0;
		}
	}
	/* A group that was left out more than once counts each of its messages once. */
	double size = (double)train_group_size(t, group);
	double share = scored > 0 ? flagged / scored : 0;

	wilson(share * size, size, &low, &high);
	printf("%-22s %-4s %6.0f   %.4f  [%.4f, %.4f]%s\n", g->name, g->is_spam ? "spam" : "ham",
	       size, share, low, high, g->is_test_only ? "  not trained on" : "");
}

static void print_unseen(const struct train *t, int group)
{
	size_t group_count;
	const struct train_group *g = &train_groups(t, &group_count)[group];
	double flagged = (double)train_unseen_flagged(t, group);
	double size = (double)train_group_size(t, group);
	double low;
	double high;

	if (g->is_recent) {
		wilson(flagged, size, &low, &high);
		printf("%-22s %-4s %6.0f   %.4f  [%.4f, %.4f]\n", g->name,
		       g->is_spam ? "spam" : "ham", size, flagged / size, low, high);
	}
}

int train_report_print(const struct train *t, const struct model *m)
{
	struct quality q;
	size_t group_count;
	int r = calibrate_quality(t, -1, -1, &q);

	(void)train_groups(t, &group_count);
	if (r < 0) {
		return r;
	}
	printf("left-out groups, every group weighing the same:\n"
	       "AUC %.4f   TPR at 1 %% FPR %.4f   at 5 %% %.4f\n"
	       "threshold: TPR %.4f FPR %.4f\n\n",
	       q.auc, q.tpr_at_1, q.tpr_at_5, m->tpr_ppm / 1e6, m->fpr_ppm / 1e6);
	printf("%-22s %-4s %6s   %s\n", "group", "", "mails", "flagged [95 %]");
	for (size_t g = 0; g < group_count; g++) {
		print_group(t, m, (int)g);
	}
	printf("\nwithout any recent spam in training:\n");
	for (size_t g = 0; g < group_count; g++) {
		print_unseen(t, (int)g);
	}
	printf("\nbin  f0      f1      ln(f1/f0)\n");
	for (size_t b = 0; b < SCORE_BINS; b++) {
		printf("%zu    %.4f  %.4f  %+.2f\n", b, m->f0_ppm[b] / 1e6, m->f1_ppm[b] / 1e6,
		       log((m->f1_ppm[b] + 100.0) / (m->f0_ppm[b] + 100.0)));
	}
	return 0;
}

int train_report_scores(const struct train *t, const char *path)
{
	size_t n;
	size_t group_count;
	const struct train_result *results = train_results(t, &n);
	const struct train_group *groups = train_groups(t, &group_count);
	FILE *f = fopen(path, "we");

	if (f == NULL) {
		return -errno;
	}
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "%s %zu", groups[results[i].group].name, results[i].message);
		for (enum member m = 0; m < MEMBER_COUNT; m++) {
			fprintf(f, " %.4f", (double)results[i].members[m] / 1e6);
		}
		fprintf(f, " %.4f\n", (double)results[i].logit / 1e6);
	}
	return fclose(f) == 0 ? 0 : -EIO;
}

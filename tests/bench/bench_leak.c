/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the table of DECISION §5 as the judge's own tables and legs give it, and the joint figures
 * of the whole judge beside an independent simulation.
 *
 * usage: bench_leak [RUNS]
 */
#include "../prop/turned.h"

#include "base/num.h"
#include "core/legs.h"
#include "core/ztable.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

#define RUNS_DEFAULT 4000
#define H_MICRO 16000000
#define MESSAGES_MAX 20000
#define JUDGE_RUNS 60

static const double rates[][2] = {{.998, .004}, {.78, .01}, {.72, .003}, {.38, .01}};
static const double shares[] = {.1, .2, .5, .7, .95};

/* Means to compare with, from DECISION §5: until the first alarm. */
static const double expected[][5] = {
	{116, 24.8, 10.0, 8.0, 6.3},
	{172, 36, 14.2, 11.4, 9.3},
	{165, 35, 14.5, 11.7, 10.1},
	{449, 89, 35, 28, 24},
};

struct delays {
	unsigned *first;    /* spam until any leg alarms */
	unsigned *blocking; /* spam until a leg that may block does */
};

static int compare(const void *a, const void *b)
{
	const unsigned *x = a;
	const unsigned *y = b;

	return (*x > *y) - (*x < *y);
}

static void one_source(const struct content_z *z, const struct joint_case *c, struct prng *p,
		       unsigned *ret_first, unsigned *ret_blocking)
{
	struct leg legs[CONTENT_LEGS] = {0};
	unsigned spam = 0;

	*ret_first = *ret_blocking = MESSAGES_MAX;
	for (unsigned n = 0; n < MESSAGES_MAX && *ret_blocking == MESSAGES_MAX; n++) {
		bool is_spam = prng_unit(p) < c->spam;
		bool flagged = prng_unit(p) < (is_spam ? c->tpr : c->fpr);
		uint8_t bin = turned_bin(p, is_spam ? turned_f1 : turned_f0);
		spam += is_spam;
		for (size_t leg = 0; leg < CONTENT_LEGS; leg++) {
			leg_step(&legs[leg], ztable_content(z, leg, flagged, bin), H_MICRO, 1);
			if (leg_has_alarm(&legs[leg]) && *ret_first == MESSAGES_MAX) {
				*ret_first = spam;
			}
			if (leg_has_alarm(&legs[leg]) && z->may_block[leg]) {
				*ret_blocking = spam;
			}
		}
	}
}

static void print_cell(unsigned *n, unsigned runs)
{
	double sum = 0;

	qsort(n, runs, sizeof(*n), compare);
	for (unsigned i = 0; i < runs; i++) {
		sum += n[i];
	}
	if (n[runs / 2] == MESSAGES_MAX) {
		printf("   rarely    ");
	} else {
		printf(" %5.1f (%4u) ", sum / runs, n[runs / 100 * 99]);
	}
}

static void print_row(const char *name, const struct judge_filter *f, const double rate[2],
		      unsigned runs, struct delays d)
{
	struct policy *policy = policy_new();
	struct ztable z;
	struct prng p = {.state = 1};

	if (policy == NULL || ztable_make(&policy->decision, f, &z, NULL) < 0) {
		exit(EXIT_FAILURE);
	}
	printf("%-12s", name);
	for (size_t i = 0; i < COUNT_OF(shares); i++) {
		const struct joint_case c = {.spam = shares[i], .tpr = rate[0], .fpr = rate[1]};
		for (unsigned k = 0; k < runs; k++) {
			one_source(&z.content[0], &c, &p, &d.first[k], &d.blocking[k]);
		}
		print_cell(d.first, runs);
		printf("·");
		print_cell(d.blocking, runs);
	}
	printf("\n");
	policy_free(policy);
}

static struct judge_filter graded(void)
{
	struct judge_filter f = {.tpr_ppm = 775500, .fpr_ppm = 11000, .bin_count = 8};

	for (size_t b = 0; b < 8; b++) {
		f.f0_ppm[b] = turned_f0[b];
		f.f1_ppm[b] = turned_f1[b];
	}
	return f;
}

static void print_content(unsigned runs, struct delays d)
{
	static const double two_bins[2] = {.7755, .011};
	char name[32];

	printf("Spam let out by content alone, mean (P99): first alarm · a leg that may block\n");
	printf("filter      ");
	for (size_t i = 0; i < COUNT_OF(shares); i++) {
		printf("    share %.2f               ", shares[i]);
	}
	printf("\n");
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		const struct joint_case c = {.tpr = rates[i][0], .fpr = rates[i][1]};
		struct judge_filter f = turned_filter(&c);
		snprintf(name, sizeof(name), "%.3f/%.3f", rates[i][0], rates[i][1]);
		print_row(name, &f, rates[i], runs, d);
		printf("  DECISION  ");
		for (size_t k = 0; k < COUNT_OF(shares); k++) {
			printf(" %5.1f                     ", expected[i][k]);
		}
		printf("\n");
	}
	struct judge_filter bins = graded();
	struct judge_filter flags = {.tpr_ppm = bins.tpr_ppm, .fpr_ppm = bins.fpr_ppm};
	print_row("8 bins", &bins, two_bins, runs, d);
	print_row("1 threshold", &flags, two_bins, runs, d);
}

static void print_joint(void)
{
	printf("\nThe whole judge (content and recipients), mean of %d seeded runs in virtual "
	       "time\n",
	       JUDGE_RUNS);
	printf("filter       recipients unknown   judge   joint simulation   ratio\n");
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		for (unsigned rcpts = 1; rcpts <= 3; rcpts += 2) {
			struct joint_case c = {.spam = .95,
					       .tpr = rates[i][0],
					       .fpr = rates[i][1],
					       .rcpts = rcpts,
					       .unknown = .4};
			struct judge_filter f = turned_filter(&c);
			double judge = turned_mean(&c, &f, JUDGE_RUNS, 1);
			double joint = joint_mean(&c, 10000, 77);
			printf("%.3f/%.3f  %10u %7.2f %7.1f %18.1f %7.2f\n", c.tpr, c.fpr, rcpts,
			       c.unknown, judge, joint, judge / joint);
		}
	}
}

int main(int argc, char **argv)
{
	uint64_t runs = RUNS_DEFAULT;

	if (argc > 2 ||
	    (argc == 2 && (num_parse_u64(str_of(argv[1]), 1000000, &runs) < 0 || runs < 100))) {
		fprintf(stderr, "usage: bench_leak [RUNS]\n");
		return 2;
	}
	struct delays d = {.first = calloc(runs, sizeof(unsigned)),
			   .blocking = calloc(runs, sizeof(unsigned))};
	if (d.first == NULL || d.blocking == NULL) {
		return EXIT_FAILURE;
	}
	print_content((unsigned)runs, d);
	print_joint();
	free(d.first);
	free(d.blocking);
	return EXIT_SUCCESS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much spam gets out until content alarms, with this filter's left-out scores before the real
 * judge: flagged or not against eight bins, and f0 as shipped against f0 as the network has it.
 *
 * usage: bench_judge_table SCORES [LEGITIMATE-GROUP]   (SCORES: from `postern train --scores`)
 */
#include "base/num.h"
#include "base/prng.h"
#include "core/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define GROUPS_MAX 64
#define RUNS 200
#define MESSAGES_MAX 5000
#define LINE_SIZE 512

struct group {
	char name[64];
	double *scores;
	size_t count;
	size_t room;
};

struct side {
	struct group *groups[GROUPS_MAX];
	size_t count;
};

static struct group all[GROUPS_MAX];
static size_t group_count;
static double edges[SCORE_BINS - 1]; /* rising */
static double threshold;

static void *must(void *p)
{
	if (p == NULL) {
		fprintf(stderr, "no memory\n");
		exit(EXIT_FAILURE);
	}
	return p;
}

static struct group *group_of(struct str name)
{
	for (size_t i = 0; i < group_count; i++) {
		if (str_is_equal(str_of(all[i].name), name)) {
			return &all[i];
		}
	}
	if (group_count == GROUPS_MAX) {
		fprintf(stderr, "too many groups\n");
		exit(EXIT_FAILURE);
	}
	str_copy(all[group_count].name, sizeof(all[0].name), name);
	return &all[group_count++];
}

static void read_scores(const char *path)
{
	char line[LINE_SIZE];
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(2);
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		struct str rest = str_trim(str_of(line));
		struct str last = rest;
		struct group *g = group_of(str_take_until(&rest, ' '));
		int64_t micro = 0;
		while (str_find_char(last, ' ') < last.len) {
			(void)str_take_until(&last, ' ');
		}
		if (num_parse_micro(last, &micro) < 0) {
			continue;
		}
		if (g->count == g->room) {
			g->room = g->room == 0 ? 256 : g->room * 2;
			g->scores = must(realloc(g->scores, g->room * sizeof(*g->scores)));
		}
		g->scores[g->count++] = (double)micro / 1e6;
	}
	fclose(f);
}

static struct side side_of(bool spam, const char *only)
{
	struct side s = {.count = 0};

	for (size_t i = 0; i < group_count; i++) {
		bool is_spam = str_has_prefix(str_of(all[i].name), STR("spam"));
		bool is_scored_only = strcmp(all[i].name, "spam-2010-newsletter") == 0;
		if (is_spam == spam && !is_scored_only && all[i].count > 0 &&
		    (only == NULL || strcmp(all[i].name, only) == 0)) {
			s.groups[s.count++] = &all[i];
		}
	}
	return s;
}

/* The share of a side, groups weighing the same, at or over a score. */
static double share_over(const struct side *s, double limit)
{
	double share = 0;

	for (size_t g = 0; g < s->count; g++) {
		size_t n = 0;
		for (size_t i = 0; i < s->groups[g]->count; i++) {
			n += s->groups[g]->scores[i] >= limit;
		}
		share += (double)n / (double)s->groups[g]->count / (double)s->count;
	}
	return share;
}

static double limit_of(const struct side *s, double share)
{
	double low = -100;
	double high = 100;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;
		if (share_over(s, middle) > share) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return high;
}

static uint8_t bin_of(double score)
{
	uint8_t bin = 0;

	while (bin < SCORE_BINS - 1 && score >= edges[bin]) {
		bin++;
	}
	return bin;
}

static void shares_of(const struct side *s, uint32_t ret[static SCORE_BINS])
{
	double over = 1;

	for (size_t b = 0; b < SCORE_BINS; b++) {
		double next = b + 1 < SCORE_BINS ? share_over(s, edges[b]) : 0;
		ret[b] = (uint32_t)((over - next) * 1e6) + 1;
		over = next;
	}
}

/* Where the network's own mail takes f0 in time, by the judge's own rule. */
static void learn(const struct side *site, uint32_t f0[static SCORE_BINS])
{
	static struct score_histogram votes[SITE_SOURCES_MIN];
	struct site_f0 f;
	uint32_t shares[SCORE_BINS];

	shares_of(site, shares);
	for (size_t i = 0; i < SITE_SOURCES_MIN; i++) {
		for (size_t b = 0; b < SCORE_BINS; b++) {
			votes[i].counts[b] = (uint16_t)(shares[b] / 20);
		}
	}
	site_f0_init(&f, f0);
	for (int hour = 0; hour < 2000; hour++) {
		site_f0_step(&f, votes, SITE_SOURCES_MIN, false);
	}
	memcpy(f0, f.f0_ppm, sizeof(f.f0_ppm));
}

static double draw(const struct side *s, struct prng *p)
{
	const struct group *g = s->groups[prng_below(p, (uint32_t)s->count)];

	return g->scores[prng_below(p, (uint32_t)g->count)];
}

static bool has_alarm(const struct judge *j, const struct source_key *k)
{
	struct proof p;

	if (!judge_proof_of(j, k, &p)) {
		return false;
	}
	for (size_t i = 0; i < p.leg_count; i++) {
		if (p.legs[i].kind == KIND_CONTENT && p.legs[i].reached_at.ns != 0) {
			return true;
		}
	}
	return false;
}

/* Spam that one new source lets out; MESSAGES_MAX + 1 when it is not found. */
static unsigned one_source(struct judge *j, const struct side *ham, const struct side *spam,
			   double share, struct prng *p)
{
	static uint32_t number;
	static struct wall now = {INT64_C(1700000000) * NS_PER_S};
	uint32_t n = ++number;
	const struct addr a = addr_v4(
		(const uint8_t[4]){10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n});
	struct message_obs o = {.source = source_of(NETWORK_NONE, &a, 64),
				.client = a,
				.dport = 25,
				.index = 1,
				.state = MESSAGE_ACCEPTED,
				.far = FAR_ACKED,
				.scored = true};
	struct judge_event e;
	unsigned leaked = 0;

	for (unsigned i = 0; i < MESSAGES_MAX; i++) {
		bool is_spam = prng_unit(p) < share;
		double score = draw(is_spam ? spam : ham, p);
		leaked += is_spam;
		now.ns += NS_PER_S;
		o.time = now;
		o.simhash = prng_next(p);
		o.flagged = score >= threshold;
		o.bin = bin_of(score);
		judge_message(j, &o);
		while (judge_event_next(j, &e)) {
		}
		if (has_alarm(j, &o.source)) {
			return leaked;
		}
	}
	return MESSAGES_MAX + 1;
}

static void row(const char *name, const struct judge_filter *f, const struct side *ham,
		const struct side *spam)
{
	static const double shares[] = {.1, .2, .5, .7, .95};
	struct policy *policy = must(policy_new());
	const struct judge_opts opts = {.policy = policy, .filter = *f, .key = {1, 2}};
	struct judge *j = must(judge_new(&opts, NULL));
	struct prng p = {.state = 5};
	unsigned healthy = 0;

	printf("%-34s", name);
	for (size_t i = 0; i < COUNT_OF(shares); i++) {
		double sum = 0;
		unsigned found = 0;
		for (unsigned k = 0; k < RUNS; k++) {
			unsigned leaked = one_source(j, ham, spam, shares[i], &p);
			found += leaked <= MESSAGES_MAX;
			sum += leaked <= MESSAGES_MAX ? leaked : 0;
		}
		printf("%8.1f (%3u%%)", found > 0 ? sum / found : 0, found * 100 / RUNS);
	}
	for (unsigned k = 0; k < RUNS; k++) {
		healthy += one_source(j, ham, spam, 0, &p) <= MESSAGES_MAX;
	}
	printf("   %u of %u\n", healthy, RUNS);
	judge_free(j);
	policy_free(policy);
}

int main(int argc, char **argv)
{
	static const double tails[] = {.7, .4, .2, .08, .03, .01, .003};
	static_assert(COUNT_OF(tails) == SCORE_BINS - 1, "an edge between each two bins");

	if (argc < 2 || argc > 3) {
		printf("bench_judge_table: skipped: wants SCORES from `postern train --scores`\n");
		return 0;
	}
	read_scores(argv[1]);
	struct side ham = side_of(false, NULL);
	struct side spam = side_of(true, NULL);
	struct side site = side_of(false, argc == 3 ? argv[2] : NULL);
	if (ham.count == 0 || spam.count == 0 || site.count == 0) {
		fprintf(stderr, "no such groups in %s\n", argv[1]);
		return 2;
	}
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		edges[i] = limit_of(&ham, tails[i]);
	}
	threshold = limit_of(&ham, .006); /* where the shipped one stands */
	struct judge_filter flags = {.tpr_ppm = (uint32_t)(share_over(&spam, threshold) * 1e6),
				     .fpr_ppm = (uint32_t)(share_over(&ham, threshold) * 1e6) + 1};
	struct judge_filter bins = flags;
	bins.bin_count = SCORE_BINS;
	shares_of(&ham, bins.f0_ppm);
	shares_of(&spam, bins.f1_ppm);
	struct judge_filter learned = bins;
	learn(&site, learned.f0_ppm);
	printf("Spam let out until content alarms: mean of %d sources (found)\n%-34s", RUNS, "");
	printf("   share .10      share .20      share .50      share .70      share .95   healthy "
	       "alarmed in %d messages\n",
	       MESSAGES_MAX);
	row("flagged or not", &flags, &site, &spam);
	row("eight bins, f0 as shipped", &bins, &site, &spam);
	row("eight bins, f0 as learned", &learned, &site, &spam);
	return EXIT_SUCCESS;
}

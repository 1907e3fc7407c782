/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_driver: weeks of a network's mail in a second: runs the judge on a clock of its own, until
 * an hour ago, and leaves a checkpoint for the daemon to go on from.
 *
 *   judge_driver CONFIG CHECKPOINT learned|guarded|braked
 *
 * Forty sources send legitimate mail that scores a little higher than the weights expect. guarded:
 * the filter flags a third of it at the end; braked: so many were blocked that the brake is on.
 * Prints the steps that f0 of the first network was learned in.
 */
#include "base/prng.h"
#include "conf/conf.h"
#include "conf/report.h"
#include "conf/weights.h"
#include "core/judge_filter.h"
#include "daemon/judge/checkpoint.h"
#include "sys/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define SOURCES 40
#define HOURS 200
#define HOUR_NS (INT64_C(3600) * NS_PER_S)
#define BLOCKED 8

struct driver {
	struct judge *judge;
	struct judge_filter filter;
	struct addr base; /* the first network's first address */
	struct prng prng;
	struct wall now;
};

NORETURN static void fail(const char *what)
{
	fprintf(stderr, "judge_driver: %s\n", what);
	exit(1);
}

static struct message_obs message_of(struct driver *d, unsigned source)
{
	struct message_obs o = {
		.time = d->now,
		.client = d->base,
		.destination = addr_v4((const uint8_t[4]){198, 51, 100, 25}),
		.dport = 25,
		.index = 1,
		.state = MESSAGE_ACCEPTED,
		.far = FAR_REPLIED,
		.reply_code = 250,
		.rcpts = 1,
		.rcpts_accepted = 1,
		.scored = true,
		.simhash = prng_next(&d->prng),
	};

	o.client.octets[3] = (uint8_t)(o.client.octets[3] + source);
	o.source = source_of(0, &o.client, 64);
	return o;
}

static void give(struct driver *d, const struct message_obs *o)
{
	struct judge_event e;

	judge_message(d->judge, o);
	while (judge_event_next(d->judge, &e)) {
	}
	d->now.ns += NS_PER_S;
}

/* A bin as the weights expect it, or the next one: legitimate mail that looks a little worse. */
static uint8_t draw(struct driver *d)
{
	uint32_t at = (uint32_t)prng_below(&d->prng, 1000000);
	uint8_t bin = 0;

	while (bin < SCORE_BINS - 1 && at >= d->filter.f0_ppm[bin]) {
		at -= d->filter.f0_ppm[bin++];
	}
	return bin < SCORE_BINS - 2 && prng_below(&d->prng, 4) == 0 ? (uint8_t)(bin + 1) : bin;
}

static void live(struct driver *d)
{
	struct wall end = {wall_now().ns / HOUR_NS * HOUR_NS - HOUR_NS};

	for (int hour = HOURS; hour >= 0; hour--) {
		d->now.ns = end.ns - hour * HOUR_NS;
		for (unsigned i = 0; i < SOURCES; i++) {
			struct message_obs o = message_of(d, 100 + i);
			o.bin = draw(d);
			give(d, &o);
		}
	}
}

static void flag_a_third(struct driver *d)
{
	for (unsigned i = 0; i < SOURCES * 40; i++) {
		struct message_obs o = message_of(d, 100 + i % SOURCES);
		o.bin = draw(d);
		o.flagged = i / SOURCES % 3 == 0;
		give(d, &o);
	}
}

/* Blocked for spam to people who do not exist, and pardoned: the brake stays until staff lift it.
 */
static void block_some(struct driver *d)
{
	for (unsigned i = 0; i < BLOCKED; i++) {
		struct message_obs o = message_of(d, 60 + i);
		for (int n = 0; n < 12; n++) {
			o = message_of(d, 60 + i);
			o.bin = SCORE_BINS - 1;
			o.flagged = true;
			o.rcpts = o.rcpts_refused = o.rcpts_unknown = 3;
			o.rcpts_accepted = 0;
			give(d, &o);
		}
		judge_pardon(d->judge, &o.source, (struct wall){0});
	}
}

static void check(const struct driver *d, const char *mode)
{
	struct judge_stats st;

	judge_stats(d->judge, &st);
	if (st.is_guarded != (strcmp(mode, "guarded") == 0) ||
	    st.is_braked != (strcmp(mode, "braked") == 0)) {
		fail("the judge is not in the state that was asked for");
	}
}

static void save(const struct driver *d, const char *path)
{
	struct checkpoint c = {.fd = -1};
	struct errmsg err = {.text = ""};

	if (checkpoint_init(&c, "/nowhere", &err) < 0) {
		fail(err.text);
	}
	snprintf(c.path, sizeof(c.path), "%s", path);
	snprintf(c.path_new, sizeof(c.path_new), "%.4000s.new", path);
	if (checkpoint_write(&c, d->judge, 0, &err) < 0) {
		fail(err.text);
	}
	checkpoint_done(&c);
}

int main(int argc, char **argv)
{
	struct driver d = {.prng = {.state = 11}};
	struct errmsg err = {.text = ""};
	struct conf_report *report = conf_report_new();
	struct policy *policy = NULL;
	struct scorer *scorer = NULL;
	struct site_f0 f0;

	if (argc != 4 || report == NULL || conf_load(argv[1], report, &policy) < 0) {
		fail("usage: judge_driver CONFIG CHECKPOINT learned|guarded|braked");
	}
	if (weights_load(NULL, &scorer, &err) < 0) {
		fail(err.text);
	}
	const struct score_rates rates = scorer_rates(scorer);
	d.filter = judge_filter_of(&rates);
	d.base = policy->networks[0].prefixes[0].addr;
	const struct judge_opts opts = {
		.policy = policy, .filter = d.filter, .has_prior = true, .learns_f0 = true};
	d.judge = judge_new(&opts, &err);
	if (d.judge == NULL) {
		fail(err.text);
	}
	live(&d);
	if (strcmp(argv[3], "guarded") == 0) {
		flag_a_third(&d);
	} else if (strcmp(argv[3], "braked") == 0) {
		block_some(&d);
	}
	check(&d, argv[3]);
	save(&d, argv[2]);
	if (!judge_site_of(d.judge, 0, &f0)) {
		fail("nothing was learned");
	}
	printf("%u\n", f0.version);
	judge_free(d.judge);
	scorer_free(scorer);
	policy_free(policy);
	conf_report_free(report);
	return 0;
}

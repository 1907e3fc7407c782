/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the desk's store takes events and sources, and how long its lists take over a million
 * sources. Usage: bench_store [DIR [SOURCES [EVENTS]]]; DIR must be empty.
 */
#include "base/num.h"
#include "store/cases.h"
#include "store/events.h"
#include "store/sources.h"
#include "sys/loop.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

#define BATCH 1000
#define PAGES 50

static struct store *st;
static struct errmsg err;

static void check(int r)
{
	if (r < 0) {
		(void)fprintf(stderr, "bench_store: %s\n", err.text);
		exit(1);
	}
}

static double since(struct mono begin)
{
	return (double)(mono_now().ns - begin.ns) / (double)NS_PER_S;
}

static void write_events(uint64_t n)
{
	struct mono begin = mono_now();

	for (uint64_t i = 0; i < n; i++) {
		char source[32];
		int len = snprintf(source, sizeof(source), "192.0.%llu.%llu",
				   (unsigned long long)(i / 256 % 256),
				   (unsigned long long)(i % 256));
		const struct event_row e = {
			.at = {wall_now().ns},
			.what = STR("verdict"),
			.network = STR("customers"),
			.source = {source, (size_t)len},
			.text = STR("suspect, rung throttle: one main kind at h"),
		};
		check(events_add(st, &e, &err));
	}
	check(events_flush(st, &err));
	double s = since(begin);
	printf("events   %llu rows in %.2f s: %.0f rows/s (at least 40000)\n",
	       (unsigned long long)n, s, (double)n / s);
}

static void write_sources(uint64_t n)
{
	static const char proof[400];
	struct mono begin = mono_now();

	for (uint64_t i = 0; i < n; i++) {
		char source[32];
		char tenant[32];
		if (i % BATCH == 0) {
			check(store_begin(st, &err));
		}
		(void)snprintf(source, sizeof(source), "10.%llu.%llu.%llu",
			       (unsigned long long)(i >> 16 & 255),
			       (unsigned long long)(i >> 8 & 255), (unsigned long long)(i & 255));
		(void)snprintf(tenant, sizeof(tenant), "t%llu", (unsigned long long)(i / 20));
		const struct source_row row = {
			.network = i % 4 == 0 ? STR("dc1") : STR("dc2"),
			.source = str_of(source),
			.tenant = str_of(tenant),
			.verdict = i % 1000 == 0  ? VERDICT_ABUSED
				   : i % 100 == 0 ? VERDICT_SUSPECT
						  : VERDICT_HEALTHY,
			.rung = i % 1000 == 0 ? RUNG_BLOCK : RUNG_PASS,
			.messages = i,
			.seen_at = {wall_now().ns},
			.proof = {proof, sizeof(proof)},
		};
		check(sources_put(st, &row, &err));
		if (i % BATCH == BATCH - 1 || i + 1 == n) {
			check(store_end(st, 0, &err));
		}
	}
	double s = since(begin);
	printf("sources  %llu rows in %.2f s: %.0f rows/s\n", (unsigned long long)n, s,
	       (double)n / s);
}

static void count_source(const struct source_row *row, void *ctx)
{
	(void)row;
	(*(uint64_t *)ctx)++;
}

/* The slowest of the first PAGES pages. */
static void time_list(const char *name, const struct source_filter *f)
{
	struct page page = {.limit = 100};
	struct page_end end = {.cursor = ""};
	double worst = 0;
	uint64_t rows = 0;
	int pages = 0;

	do {
		page.cursor = str_of(end.cursor);
		struct mono begin = mono_now();
		check(sources_list(st, f, &page, count_source, &rows, &end, &err));
		double s = since(begin);
		worst = s > worst ? s : worst;
		pages++;
	} while (end.cursor[0] != '\0' && pages < PAGES);
	printf("list     %-22s %3d pages of 100, slowest %6.2f ms (under 100)\n", name, pages,
	       worst * 1e3);
}

static void time_lists(void)
{
	const struct source_filter any = {.verdict = -1, .rung = -1};
	struct source_filter f = any;
	uint64_t counts[VERDICT_COUNT];

	time_list("all", &f);
	f.network = STR("dc1");
	time_list("network", &f);
	f = any;
	f.tenant = STR("t77");
	time_list("tenant", &f);
	f = any;
	f.prefix = STR("10.1");
	time_list("prefix", &f);
	f = any;
	f.rung = RUNG_BLOCK;
	time_list("rung block", &f);
	f = any;
	f.verdict = VERDICT_HEALTHY;
	f.network = STR("dc2");
	time_list("network and verdict", &f);
	struct mono begin = mono_now();
	check(sources_count(st, counts, &err));
	printf("count    by verdict: %.2f ms (under 100)\n", since(begin) * 1e3);
}

int main(int argc, char **argv)
{
	uint64_t sources = 1000000;
	uint64_t events = 400000;

	if (argc > 4 || (argc > 2 && num_parse_u64(str_of(argv[2]), UINT32_MAX, &sources) < 0) ||
	    (argc > 3 && num_parse_u64(str_of(argv[3]), UINT32_MAX, &events) < 0)) {
		(void)fprintf(stderr, "usage: bench_store [DIR [SOURCES [EVENTS]]]\n");
		return 2;
	}
	check(store_open(argc > 1 ? argv[1] : NULL, &st, &err));
	write_events(events);
	write_sources(sources);
	time_lists();
	store_close(st);
	return 0;
}

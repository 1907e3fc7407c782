/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge against DESIGN §12: a million sources in memory, observations per CPU-second, and how
 * long the slowest of them take.
 *
 * usage: bench_judge [SOURCES [OBSERVATIONS]]
 */
#include "base/num.h"
#include "base/prng.h"
#include "core/judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

#define SOURCES_DEFAULT 1000000
#define OBSERVATIONS_DEFAULT 4000000
#define TIMED 200000

struct bench {
	struct policy *policy;
	struct judge *judge;
	struct prng prng;
	struct wall now;
	uint32_t sources;
	uint32_t *took_ns;
	uint64_t moves;
};

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static double resident_mib(void)
{
	char text[128];
	uint64_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f != NULL && fgets(text, sizeof(text), f) != NULL) {
		struct str s = str_of(text);
		(void)str_take_until(&s, ' ');
		(void)!num_parse_u64(str_take_until(&s, ' '), UINT64_MAX, &pages);
	}
	if (f != NULL) {
		fclose(f);
	}
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static struct message_obs message(struct bench *b, uint32_t source)
{
	const struct addr a = addr_v4((const uint8_t[4]){10, (uint8_t)(source >> 16),
							 (uint8_t)(source >> 8), (uint8_t)source});
	uint64_t r = prng_next(&b->prng);
	struct message_obs o = {
		.time = b->now,
		.source = source_of(NETWORK_NONE, &a, 64),
		.client = a,
		.destination = addr_v4((const uint8_t[4]){198, 51, (uint8_t)(r >> 8), (uint8_t)r}),
		.dport = 25,
		.state = MESSAGE_ACCEPTED,
		.far = FAR_REPLIED,
		.reply_code = 250,
		.rcpts = 1,
		.rcpts_accepted = 1,
		.scored = true,
		.flagged = r % 200 == 0, /* half a percent of all mail */
		.simhash = prng_next(&b->prng),
		.sender_domain = source % 3 + 1 + source,
		.helo = source + 1,
	};

	return o;
}

static void fetch(struct bench *b)
{
	struct judge_event e;

	while (judge_event_next(b->judge, &e)) {
		b->moves++;
	}
}

static void observe(struct bench *b, uint32_t source)
{
	struct message_obs o = message(b, source);

	judge_message(b->judge, &o);
	fetch(b);
	b->now.ns += NS_PER_MS;
}

/* A tenth of the sources send nine tenths of the mail. */
static uint32_t pick(struct bench *b)
{
	uint32_t busy = b->sources / 10 + 1;

	return (uint32_t)prng_below(&b->prng, prng_below(&b->prng, 10) == 0 ? b->sources : busy);
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a;
	const uint32_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void fill(struct bench *b)
{
	double before = resident_mib();
	int64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);

	for (uint32_t i = 0; i < b->sources; i++) {
		observe(b, i);
	}
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	double after = resident_mib();
	printf("judge.sources        %" PRIu32 "\n", b->sources);
	printf("judge.memory         %.0f MiB, %.0f octets a source (at most 512 MiB a million)\n",
	       after - before, (after - before) * (1 << 20) / b->sources);
	printf("judge.first_sight    %.2f M sources a CPU-second\n",
	       (double)b->sources / ((double)cpu / 1e9) / 1e6);
}

/* One at a time, each timed: how long a decision takes. */
static void time_each(struct bench *b)
{
	for (size_t i = 0; i < TIMED; i++) {
		struct message_obs o = message(b, pick(b));
		int64_t start = clock_ns(CLOCK_MONOTONIC);
		judge_message(b->judge, &o);
		fetch(b);
		b->took_ns[i] = (uint32_t)(clock_ns(CLOCK_MONOTONIC) - start);
		b->now.ns += NS_PER_MS;
	}
	qsort(b->took_ns, TIMED, sizeof(*b->took_ns), compare);
	printf("judge.latency        p50 %.1f us, p99 %.1f us, p99.9 %.1f us (p99 at most 200)\n",
	       b->took_ns[TIMED / 2] / 1e3, b->took_ns[TIMED / 100 * 99] / 1e3,
	       b->took_ns[TIMED / 1000 * 999] / 1e3);
}

/* In batches, as the process takes them; making up the observations is not counted. */
static void time_all(struct bench *b, size_t observations, const char *name)
{
	static struct message_obs list[4096];
	int64_t cpu = 0;
	size_t done = 0;

	while (done < observations) {
		for (size_t i = 0; i < COUNT_OF(list); i++) {
			list[i] = message(b, pick(b));
			b->now.ns += NS_PER_MS;
		}
		int64_t start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
		for (size_t i = 0; i < COUNT_OF(list); i += JUDGE_BATCH_MAX) {
			judge_ahead(b->judge, &list[i], JUDGE_BATCH_MAX);
			for (size_t k = 0; k < JUDGE_BATCH_MAX; k++) {
				judge_message(b->judge, &list[i + k]);
				fetch(b);
			}
		}
		cpu += clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start;
		done += COUNT_OF(list);
	}
	printf("judge.%-15s%.2f M observations a CPU-second (at least 2)\n", name,
	       (double)done / ((double)cpu / 1e9) / 1e6);
}

/* What one read that no cache holds costs here and now: the floor under all of the above. */
static void time_memory(void)
{
	const size_t n = (size_t)1 << 22;
	struct line {
		uint64_t next;
		uint64_t rest[7];
	} *lines = calloc(n, sizeof(*lines));
	struct prng p = {3};
	uint64_t at = 0;

	if (lines == NULL) {
		return;
	}
	for (size_t i = 0; i < n; i++) {
		lines[i].next = prng_next(&p) % n;
	}
	int64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	for (size_t i = 0; i < 1000000; i++) {
		at = (lines[at].next + i) % n;
	}
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("judge.memory_read    %.0f ns a dependent read of uncached memory (at %zu)\n",
	       (double)cpu / 1e6, (size_t)at);
	free(lines);
}

static void save(struct bench *b)
{
	struct judge_save s = {0};
	struct buf out;
	int64_t slowest = 0;
	uint64_t octets = 0;
	bool done = false;

	buf_init(&out, (size_t)1 << 20);
	while (!done) {
		int64_t start = clock_ns(CLOCK_MONOTONIC);
		buf_clear(&out);
		done = judge_save(b->judge, &s, 64 << 10, &out);
		int64_t took = clock_ns(CLOCK_MONOTONIC) - start;
		slowest = took > slowest ? took : slowest;
		octets += out.len;
	}
	printf("judge.checkpoint     %.0f MiB, slowest part %.2f ms\n", (double)octets / (1 << 20),
	       (double)slowest / 1e6);
	buf_done(&out);
}

int main(int argc, char **argv)
{
	uint64_t sources = SOURCES_DEFAULT;
	uint64_t observations = OBSERVATIONS_DEFAULT;
	struct bench b = {.prng = {1}, .now = {INT64_C(1700000000) * NS_PER_S}};

	if (argc > 3 || (argc > 1 && num_parse_u64(str_of(argv[1]), 16000000, &sources) < 0) ||
	    (argc > 2 && num_parse_u64(str_of(argv[2]), 1000000000, &observations) < 0) ||
	    sources == 0 || observations < 16000) {
		fprintf(stderr, "usage: bench_judge [SOURCES [OBSERVATIONS]]\n");
		return 2;
	}
	b.sources = (uint32_t)sources;
	b.policy = policy_new();
	b.took_ns = calloc(TIMED, sizeof(*b.took_ns));
	struct judge_opts o = {.policy = b.policy,
			       .filter = {.tpr_ppm = 780000, .fpr_ppm = 10000},
			       .key = {1, 2},
			       .sources_max = b.sources};
	b.judge = b.policy == NULL ? NULL : judge_new(&o, NULL);
	if (b.judge == NULL || b.took_ns == NULL) {
		return EXIT_FAILURE;
	}
	fill(&b);
	time_all(&b, observations, "speed");
	time_each(&b);
	printf("judge.memory_after   %.0f MiB\njudge.moves          %" PRIu64 "\n", resident_mib(),
	       b.moves);
	time_memory();
	save(&b);
	judge_free(b.judge);
	policy_free(b.policy);
	free(b.took_ns);
	return EXIT_SUCCESS;
}

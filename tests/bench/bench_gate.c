/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_gate: a million sources into the kernel, and single changes beside them, against the nft
 * program in the same run. In a network namespace of its own; needs root.
 */
#include "enforce/enforce.h"
#include "sys/loop.h"

#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/poison.h"

#define SOURCES 1000000
#define CHANGES 2000
#define NFT_CHANGES 20

static size_t given;

static struct source_key source(size_t i)
{
	const uint8_t octets[4] = {(uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
				   (uint8_t)i};
	struct addr a = addr_v4(octets);

	return source_of(0, &a, 64);
}

static bool next(void *ctx, struct enforce_action *ret)
{
	(void)ctx;
	if (given == SOURCES) {
		return false;
	}
	*ret = (struct enforce_action){
		.source = source((11U << 24) + given++), .listed = true, .rung = RUNG_BLOCK};
	return true;
}

static double seconds_since(struct mono begin)
{
	return (double)(mono_now().ns - begin.ns) / 1e9;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* One block as the gate does it: written, acknowledged, read back. */
static double change(struct enforcer *e, size_t i)
{
	struct enforce_action a = {
		.source = source((12U << 24) + i), .listed = true, .rung = RUNG_BLOCK, .cut = true};
	struct enforce_view v = {.source = a.source};
	enum enforce_applied each;
	struct errmsg err;
	struct mono begin = mono_now();

	if (e->ops->apply(e, &a, 1, &each, &err) < 0 || e->ops->read(e, &v, 1, &err) < 0 ||
	    !v.listed) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(1);
	}
	return seconds_since(begin) * 1e6;
}

static double nft(const char *text)
{
	char *const argv[] = {"nft", (char *)(uintptr_t)text, NULL};
	struct mono begin = mono_now();
	int status = 1;
	pid_t pid;

	if (posix_spawnp(&pid, "nft", NULL, NULL, argv, NULL) != 0 ||
	    waitpid(pid, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "bench: nft failed\n");
		exit(1);
	}
	return seconds_since(begin) * 1e6;
}

static double bench_nft(void)
{
	double us[NFT_CHANGES];
	char text[96];

	nft("add table inet peer; add set inet peer s { type ipv4_addr; size 65536; }");
	for (size_t i = 0; i < NFT_CHANGES; i++) {
		snprintf(text, sizeof(text), "add element inet peer s { 12.0.0.%zu }", i);
		us[i] = nft(text);
	}
	qsort(us, NFT_CHANGES, sizeof(us[0]), by_value);
	return us[NFT_CHANGES / 2];
}

int main(void)
{
	static double us[CHANGES];
	static struct prefix prefixes[1];
	static struct network network = {.name = "bench",
					 .prefixes = prefixes,
					 .prefix_count = 1,
					 .ports = {25, 465},
					 .port_count = 2,
					 .mode = MODE_ENFORCE,
					 .feel = FEEL_RESET,
					 .throttle_per_min = 6,
					 .throttle_burst = 3,
					 .v6_source_len = 64};
	struct policy policy = {.networks = &network, .network_count = 1};
	struct enforce_opts opts = {.policy = &policy};
	struct enforcer e;
	struct errmsg err = {.text = "needs root for a network namespace"};

	if (unshare(CLONE_NEWNET) < 0 || prefix_parse(STR("8.0.0.0/5"), &prefixes[0]) < 0 ||
	    enforce_open(&e, STR("nft"), &opts, &err) < 0) {
		fprintf(stderr, "bench: %s\n", err.text);
		return 1;
	}
	for (size_t round = 0; round < 2; round++) {
		struct mono begin = mono_now();
		given = 0;
		if (e.ops->load(&e, next, NULL, SOURCES, &err) < 0) {
			fprintf(stderr, "bench: %s\n", err.text);
			return 1;
		}
		printf("%d sources %s, one transaction: %.2f s\n", SOURCES,
		       round == 0 ? "into an empty kernel" : "replaced", seconds_since(begin));
	}
	for (size_t i = 0; i < CHANGES; i++) {
		us[i] = change(&e, i);
	}
	qsort(us, CHANGES, sizeof(us[0]), by_value);
	printf("one block beside them, read back: median %.0f us, p99 %.0f us, most %.0f us\n",
	       us[CHANGES / 2], us[CHANGES * 99 / 100], us[CHANGES - 1]);
	double peer = bench_nft();
	printf("nft program, one element into a small set: median %.0f us: %.0f times ours\n", peer,
	       peer / us[CHANGES / 2]);
	enforce_close(&e);
	return 0;
}

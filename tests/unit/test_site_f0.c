/* SPDX-License-Identifier: Apache-2.0 */
/* The network's own f0: one vote a source, slow, bounded, and frozen when told. */
#include "base/prng.h"
#include "core/site_f0.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

#define SOURCES 101

static const uint32_t shipped[SCORE_BINS] = {300000, 300000, 200000, 120000,
					     50000,  20000,  7000,   3000};
static struct score_histogram all[SOURCES];

/* Sources whose mail falls into bins by these shares of a thousand. */
static void fill(size_t from, size_t to, const unsigned shares[static SCORE_BINS],
		 unsigned messages)
{
	struct prng prng = {from + 1};

	for (size_t i = from; i < to; i++) {
		all[i] = (struct score_histogram){{0}};
		for (unsigned k = 0; k < messages; k++) {
			unsigned at = (unsigned)prng_below(&prng, 1000);
			uint8_t bin = 0;

			while (bin < SCORE_BINS - 1 && at >= shares[bin]) {
				at -= shares[bin++];
			}
			score_histogram_add(&all[i], bin);
		}
	}
}

static const unsigned clean[SCORE_BINS] = {100, 200, 300, 250, 100, 30, 15, 5};
static const unsigned bad[SCORE_BINS] = {0, 0, 0, 0, 0, 0, 50, 950};

static void it_follows_the_median(void **state)
{
	struct site_f0 f;

	(void)state;
	fill(0, 61, clean, 400);
	fill(61, SOURCES, bad, 60000); /* two in five are bad, and send far more */
	site_f0_init(&f, shipped);
	for (int hour = 0; hour < 1000; hour++) {
		site_f0_step(&f, all, SOURCES, false);
	}
	assert_int_equal(f.version, 1000);
	assert_int_equal(f.voters, SOURCES);
	assert_true(f.f0_ppm[0] < 150000);
	assert_true(f.f0_ppm[2] > 200000);
	assert_true(f.f0_ppm[7] <= shipped[7] * SITE_SPAN);
	uint64_t sum = 0;

	for (size_t b = 0; b < SCORE_BINS; b++) {
		sum += f.f0_ppm[b];
	}
	assert_true(sum > 999000 && sum < 1001000);
}

static void it_is_slow(void **state)
{
	struct site_f0 f;

	(void)state;
	fill(0, SOURCES, clean, 400);
	site_f0_init(&f, shipped);
	site_f0_step(&f, all, SOURCES, false);
	assert_true(f.f0_ppm[0] > shipped[0] * 9 / 10 && f.f0_ppm[0] < shipped[0]);
}

static void it_waits_for_voters_and_for_health(void **state)
{
	struct site_f0 f;

	(void)state;
	fill(0, SOURCES, clean, 400);
	fill(SITE_SOURCES_MIN - 1, SOURCES, clean, SITE_MESSAGES_MIN - 1);
	site_f0_init(&f, shipped);
	site_f0_step(&f, all, SOURCES, false);
	assert_int_equal(f.voters, SITE_SOURCES_MIN - 1);
	assert_memory_equal(f.f0_ppm, shipped, sizeof(shipped));
	fill(0, SOURCES, clean, 400);
	site_f0_step(&f, all, SOURCES, true);
	assert_int_equal(f.voters, SOURCES);
	assert_memory_equal(f.f0_ppm, shipped, sizeof(shipped));
	site_f0_step(&f, NULL, 0, false);
	assert_memory_equal(f.f0_ppm, shipped, sizeof(shipped));
}

static void assert_bounded(const struct site_f0 *f)
{
	uint64_t sum = 0;

	for (size_t b = 0; b < SCORE_BINS; b++) {
		assert_true(f->f0_ppm[b] <= shipped[b] * SITE_SPAN + 1);
		assert_true(f->f0_ppm[b] >= shipped[b] / SITE_SPAN);
		sum += f->f0_ppm[b];
	}
	assert_true(sum > 997000 && sum < 1003000);
}

static void nothing_moves_it_beyond_its_bound(void **state)
{
	struct prng prng = {77};

	(void)state;
	for (int world = 0; world < 40; world++) {
		unsigned shares[SCORE_BINS] = {0};
		struct site_f0 f;

		/* Everybody is bad, in one way or in two: the worst that can be. */
		shares[prng_below(&prng, SCORE_BINS)] += 500;
		shares[prng_below(&prng, SCORE_BINS)] += 500;
		fill(0, SOURCES, shares, 200);
		site_f0_init(&f, shipped);
		for (int hour = 0; hour < 1500; hour++) {
			site_f0_step(&f, all, SOURCES, false);
			assert_bounded(&f);
		}
	}
}

/* Just under half of the sources send nothing but what looks like spam: the estimate stays within
 * what the good ones send. */
static void just_under_half_is_not_enough(void **state)
{
	struct site_f0 f;
	struct site_f0 alone;

	(void)state;
	fill(0, 52, clean, 4000);
	fill(52, SOURCES, bad, 60000);
	site_f0_init(&f, shipped);
	site_f0_init(&alone, shipped);
	for (int hour = 0; hour < 2000; hour++) {
		site_f0_step(&f, all, SOURCES, false);
		site_f0_step(&alone, all, 52, false);
	}
	assert_bounded(&f);
	/* Good sources have 5 in a thousand there; the bad ones 950. */
	assert_true(f.f0_ppm[7] < 12000 && alone.f0_ppm[7] < 7000);
}

static void it_goes_on_from_what_was_saved(void **state)
{
	struct site_f0 f;
	struct site_f0 again;
	uint32_t broken[SCORE_BINS];

	(void)state;
	fill(0, SOURCES, clean, 400);
	site_f0_init(&f, shipped);
	site_f0_step(&f, all, SOURCES, false);
	site_f0_init(&again, shipped);
	assert_true(site_f0_take(&again, f.f0_ppm, f.version));
	assert_memory_equal(again.f0_ppm, f.f0_ppm, sizeof(f.f0_ppm));
	memcpy(broken, f.f0_ppm, sizeof(broken));
	broken[7] = shipped[7] * SITE_SPAN + 2; /* over its bound */
	assert_false(site_f0_take(&again, broken, 5));
	memcpy(broken, f.f0_ppm, sizeof(broken));
	broken[0] += 20000; /* more than all */
	assert_false(site_f0_take(&again, broken, 5));
	assert_int_equal(again.version, 1);
}

static void old_messages_fade(void **state)
{
	struct score_histogram h = {{0}};

	(void)state;
	for (size_t i = 0; i < 70000; i++) {
		score_histogram_add(&h, 3);
	}
	assert_true(h.counts[3] > 30000);
	for (size_t i = 0; i < 200000; i++) {
		score_histogram_add(&h, 4);
	}
	assert_true(h.counts[3] < h.counts[4] / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_follows_the_median),
		cmocka_unit_test(it_is_slow),
		cmocka_unit_test(it_waits_for_voters_and_for_health),
		cmocka_unit_test(nothing_moves_it_beyond_its_bound),
		cmocka_unit_test(just_under_half_is_not_enough),
		cmocka_unit_test(it_goes_on_from_what_was_saved),
		cmocka_unit_test(old_messages_fade),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

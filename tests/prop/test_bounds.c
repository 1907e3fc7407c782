/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DECISION §1 promises, checked by simulation with fixed seeds: the exact delays of its
 * table, and the bound on false alarms.
 */
#include "core/evidence.h"
#include "core/legs.h"
#include "turned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/poison.h"

#define RUNS 40000

struct row {
	double theta0;
	double theta1;
	double alpha;
	double bound; /* Wald's lower bound on the mean */
	double exact; /* by dynamic programming */
	unsigned p99;
};

static const struct row rows[] = {
	{.02, .6, 1e-5, 6.7, 7.6, 19}, {.05, .6, 1e-5, 9.9, 11.0, 25},
	{.05, .8, 1e-5, 6.0, 6.7, 14}, {.05, .9, 1e-6, 5.7, 6.2, 12},
	{.10, .8, 1e-5, 8.3, 9.1, 20},
};

static int compare(const void *a, const void *b)
{
	const unsigned *x = a;
	const unsigned *y = b;

	return (*x > *y) - (*x < *y);
}

static unsigned sprt(const struct row *r, struct prng *p)
{
	const double beta = .01;
	uint64_t t1 = (uint64_t)(r->theta1 * 1e6 + .5);
	uint64_t t0 = (uint64_t)(r->theta0 * 1e6 + .5);
	int32_t bad = ln_micro(t1, t0);
	int32_t good = ln_micro(1000000 - t1, 1000000 - t0);
	double upper = log((1 - beta) / r->alpha) * 1e6;
	double lower = log(beta / (1 - r->alpha)) * 1e6;
	int64_t s = 0;
	unsigned n = 0;

	do {
		s += prng_unit(p) < r->theta1 ? bad : good;
		n++;
	} while ((double)s < upper && (double)s > lower);
	return n;
}

static void delays_are_those_of_the_table(void **state)
{
	(void)state;
	static unsigned n[RUNS];
	struct prng p = {.state = 11};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		double sum = 0;
		for (size_t k = 0; k < RUNS; k++) {
			n[k] = sprt(&rows[i], &p);
			sum += n[k];
		}
		qsort(n, RUNS, sizeof(n[0]), compare);
		double mean = sum / RUNS;
		printf("%.2f %.2f %.0e: mean %.2f (table %.1f), P99 %u (table %u)\n",
		       rows[i].theta0, rows[i].theta1, rows[i].alpha, mean, rows[i].exact,
		       n[RUNS / 100 * 99], rows[i].p99);
		assert_true(fabs(mean - rows[i].exact) < .15 && mean > rows[i].bound);
		assert_true(n[RUNS / 100 * 99] + 1 >= rows[i].p99 &&
			    n[RUNS / 100 * 99] <= rows[i].p99 + 1);
	}
}

/* P(false alarm within M trials) ≤ M·e^−h, at an h small enough to see some. */
static void false_alarms_stay_under_the_bound(void **state)
{
	(void)state;
	const uint32_t theta0 = 50000;
	const uint32_t theta1 = 300000;
	const int32_t h = 9000000;
	const unsigned trials = 1000;
	const unsigned sources = 4000;
	struct prng p = {.state = 5};
	unsigned alarmed = 0;

	for (unsigned i = 0; i < sources; i++) {
		struct leg leg = {0};
		for (unsigned k = 0; k < trials && !leg_has_alarm(&leg); k++) {
			bool bad = prng_below(&p, 1000000) < theta0;
			leg_step(&leg,
				 bad ? ln_micro(theta1, theta0)
				     : ln_micro(1000000 - theta1, 1000000 - theta0),
				 h, 1);
		}
		alarmed += leg_has_alarm(&leg);
	}
	double bound = trials * exp(-9.0);
	printf("false alarms: %.4f of sources, bound %.4f\n", (double)alarmed / sources, bound);
	assert_true((double)alarmed / sources <= bound);
	assert_true(alarmed > 0);
}

/* Legitimate sources at and under π0, whole judge: none is cut off. */
static void healthy_sources_are_left_alone(void **state)
{
	(void)state;
	static const double shares[] = {0, .02, .05};
	const unsigned messages = 5000;
	unsigned throttled = 0;

	for (size_t i = 0; i < COUNT_OF(shares); i++) {
		for (unsigned seed = 1; seed <= 20; seed++) {
			const struct joint_case c = {.spam = shares[i],
						     .tpr = .998,
						     .fpr = .004,
						     .rcpts = 1,
						     .unknown = .3};
			struct judge_filter f = turned_filter(&c);
			struct prng p = {.state = seed};
			struct turned t;
			struct judge_event e;
			assert_true(turned_init(&t, &f));
			for (unsigned n = 0; n < messages; n++) {
				struct message_obs o = turned_message(&t, &c, &p,
								      prng_unit(&p) < c.spam);
				t.now.ns += 60 * NS_PER_S;
				judge_message(t.judge, &o);
				while (judge_event_next(t.judge, &e)) {
					throttled += e.rung >= RUNG_THROTTLE;
					assert_true(e.rung < RUNG_BLOCK);
				}
			}
			turned_done(&t);
		}
	}
	printf("healthy sources throttled: %u of 60\n", throttled);
	assert_int_equal(throttled, 0);
}

/* Waiting twice for half as long is waiting once: the clock's ticks change no bits. */
static void waiting_in_pieces_is_waiting(void **state)
{
	(void)state;
	struct budget b = {.max = SIZE_MAX / 2};
	struct prng p = {.state = 8};

	for (unsigned run = 0; run < 300; run++) {
		struct source_state once = {0};
		struct source_state often = {0};
		int64_t at = INT64_C(1700000000) * NS_PER_S;
		for (unsigned step = 0; step < 20; step++) {
			uint64_t gap = prng_below(&p, 4) == 0 ? prng_below(&p, 200000)
							      : prng_below(&p, 200);
			int64_t next = at + (int64_t)gap * NS_PER_S;
			for (unsigned k = 0; k < 5; k++) {
				evidence_wait(&often, (struct wall){at + (next - at) / 5 * k}, &b);
			}
			at = next;
			evidence_wait(&once, (struct wall){at}, &b);
			evidence_wait(&often, (struct wall){at}, &b);
			for (uint64_t n = prng_below(&p, 15); n > 0; n--) {
				for (size_t i = 0; i < FLOW_COUNT; i++) {
					flow_leg_event(&once.flow[i], 1386294, 16000000, 1);
					flow_leg_event(&often.flow[i], 1386294, 16000000, 1);
				}
			}
		}
		assert_memory_equal(once.flow, often.flow, sizeof(once.flow));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_are_those_of_the_table),
		cmocka_unit_test(false_alarms_stay_under_the_bound),
		cmocka_unit_test(healthy_sources_are_left_alone),
		cmocka_unit_test(waiting_in_pieces_is_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legs: the sums of Page's CUSUM test, S ← max(0, S + z), and the Poisson form for events in time.
 *
 * An alarm belongs to one excursion of the sum above zero: it stands from the moment S reaches h
 * until S is back at zero. S is held at twice h, so that mending shows in bounded time.
 * Layer: core (pure). Source: DECISION §1 and §4.
 */
#ifndef CORE_LEGS_H
#define CORE_LEGS_H

#include "base/attr.h"
#include "base/clock.h"

#include <stdbool.h>
#include <stdint.h>

/* All zero is a leg at rest. */
struct leg {
	int32_t s;          /* millionths of a nat, never negative */
	uint32_t reached_s; /* since when the alarm stands, seconds of 1970; 0: none */
};

/* A leg whose trials nobody else counts. */
struct trial_leg {
	struct leg leg;
	uint32_t trials;
	uint32_t bad;
};

/* Events in time against their usual rate. */
struct flow_leg {
	struct leg leg;
	uint32_t usual_per_kh; /* slow mean: events in 1,000 hours */
	uint32_t count;        /* in the running hour */
};

/* Seconds of 1970, held to 1 … 2^32−1, so that 0 can mean never. */
uint32_t seconds_of(struct wall t);
struct wall wall_of_seconds(uint32_t s);

/** One step; z may be any. */
void leg_step(struct leg *leg, int64_t z, int32_t h, uint32_t now_s);
static inline bool leg_has_alarm(const struct leg *leg)
{
	return leg->reached_s != 0;
}

/* Trials of one message. */
struct trials {
	uint32_t good;
	uint32_t bad;
	int32_t z_good;
	int32_t z_bad;
};

void trial_leg_step(struct trial_leg *t, const struct trials *n, int32_t h, uint32_t now_s);

/* Silence is counted in whole units of 3.6 s on one fixed grid, a thousandth of an hour, so that
 * waiting twice for half as long gives the same bits. */
#define FLOW_UNIT_NS (INT64_C(3600) * NS_PER_MS)
#define FLOW_UNITS_PER_HOUR 1000

/** The grid's number of a time, at least 1. */
uint32_t flow_unit_of(struct wall t);

/** Units of silence. @param floor_per_h  what any source of its class may do. */
void flow_leg_wait(struct flow_leg *f, uint32_t units, uint32_t floor_per_h);
void flow_leg_event(struct flow_leg *f, int32_t z, int32_t h, uint32_t now_s);
/** `hours` ended: the first had `count` events, the rest none. Not learned while `is_blamed`. */
void flow_leg_learn(struct flow_leg *f, uint32_t hours, bool is_blamed);

#endif

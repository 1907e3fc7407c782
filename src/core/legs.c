/* SPDX-License-Identifier: Apache-2.0 */
/*
 * legs: CUSUM sums in whole numbers. Layer: core (pure).
 */
#include "core/legs.h"

#include "base/assert.h"
#include "core/ztable.h"

#include "base/poison.h"

/* The slow mean halves in 7 days: per hour it keeps 2^(−1/168) of itself, here in 2^-32. */
#define KEEP_PER_HOUR UINT64_C(4277283299)

uint32_t seconds_of(struct wall t)
{
	int64_t s = t.ns / NS_PER_S;

	if (s < 1) {
		return 1;
	}
	return s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

struct wall wall_of_seconds(uint32_t s)
{
	return (struct wall){(int64_t)s * NS_PER_S};
}

void leg_step(struct leg *leg, int64_t z, int32_t h, uint32_t now_s)
{
	ASSERT(h > 0 && h <= INT32_MAX / 2);
	int64_t s = leg->s + z;

	if (s <= 0) {
		*leg = (struct leg){0};
		return;
	}
	leg->s = (int32_t)(s > 2 * (int64_t)h ? 2 * (int64_t)h : s);
	if (leg->s >= h && leg->reached_s == 0) {
		leg->reached_s = now_s;
	}
}

static uint32_t add_held(uint32_t a, uint32_t b)
{
	return b > UINT32_MAX - a ? UINT32_MAX : a + b;
}

void trial_leg_step(struct trial_leg *t, const struct trials *n, int32_t h, uint32_t now_s)
{
	/* One step for all: the sum of their ratios keeps the bound, whatever their order was. */
	leg_step(&t->leg, (int64_t)n->bad * n->z_bad + (int64_t)n->good * n->z_good, h, now_s);
	t->trials = add_held(add_held(t->trials, n->good), n->bad);
	t->bad = add_held(t->bad, n->bad);
}

/* What is usual, in events in 1,000 hours. */
static uint64_t usual(const struct flow_leg *f, uint32_t floor_per_h)
{
	uint64_t floor = (uint64_t)floor_per_h * 1000;

	return f->usual_per_kh > floor ? f->usual_per_kh : floor;
}

uint32_t flow_unit_of(struct wall t)
{
	int64_t unit = t.ns / FLOW_UNIT_NS;

	if (unit < 1) {
		return 1;
	}
	return unit > UINT32_MAX ? UINT32_MAX : (uint32_t)unit;
}

void flow_leg_wait(struct flow_leg *f, uint32_t units, uint32_t floor_per_h)
{
	if (f->leg.s == 0) {
		return;
	}
	/* (λ1 − λ0)·Δt: events in 1,000 hours times thousandths of an hour are millionths */
	uint64_t fall = (FANOUT_TIMES - 1) * usual(f, floor_per_h) * units;
	if (fall >= (uint64_t)f->leg.s) {
		f->leg = (struct leg){0};
	} else {
		f->leg.s -= (int32_t)fall;
	}
}

void flow_leg_event(struct flow_leg *f, int32_t z, int32_t h, uint32_t now_s)
{
	leg_step(&f->leg, z, h, now_s);
	if (f->count < UINT32_MAX) {
		f->count++;
	}
}

void flow_leg_learn(struct flow_leg *f, uint32_t hours, bool is_blamed)
{
	uint64_t mean = f->usual_per_kh;
	uint64_t seen = (uint64_t)f->count * 1000;

	if (seen > UINT32_MAX) {
		seen = UINT32_MAX;
	}
	f->count = 0;
	if (is_blamed) {
		return;
	}
	for (uint32_t i = 0; i < hours && (mean > 0 || i == 0); i++) {
		uint64_t x = i == 0 ? seen : 0;
		mean = (mean * KEEP_PER_HOUR + x * ((UINT64_C(1) << 32) - KEEP_PER_HOUR)) >> 32;
	}
	f->usual_per_kh = mean > UINT32_MAX ? UINT32_MAX : (uint32_t)mean;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prng: seeded numbers for simulations, samples and tests: the same seed gives the same numbers
 * on every machine. Never for secrets. Layer: base.
 *
 * Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (splitmix64).
 */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include "base/attr.h"

#include <stdint.h>

struct prng {
	uint64_t state;
};

static inline uint64_t prng_next(struct prng *p)
{
	uint64_t z = p->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/** Evenly from 0 to n - 1; n is not 0. The bias of 2^-32 and less is left in. */
static inline uint64_t prng_below(struct prng *p, uint32_t n)
{
	return ((prng_next(p) >> 32) * n) >> 32;
}

/** Evenly from 0 up to, not including, 1. */
static inline double prng_unit(struct prng *p)
{
	return (double)(prng_next(p) >> 11) * 0x1p-53;
}

#endif

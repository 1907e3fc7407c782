/* SPDX-License-Identifier: Apache-2.0 */
/*
 * median: the running median of a share over many sources, each having one vote that it may
 * change. In thousandths; every change costs a few steps. Layer: core (pure).
 */
#ifndef CORE_MEDIAN_H
#define CORE_MEDIAN_H

#include <stdint.h>

#define MEDIAN_STEPS 1001

/* All zero is empty. */
struct median {
	uint32_t votes[MEDIAN_STEPS];
	uint32_t count;
	uint32_t below; /* votes under `at` */
	uint32_t at;
};

/** @param permille  0 to 1000. */
void median_add(struct median *m, uint32_t permille);
/** One vote that was added before. */
void median_remove(struct median *m, uint32_t permille);

/** The lower median; 0 when empty. */
static inline uint32_t median_permille(const struct median *m)
{
	return m->at;
}

#endif

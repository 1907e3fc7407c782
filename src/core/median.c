/* SPDX-License-Identifier: Apache-2.0 */
/*
 * median: a histogram and a finger on its middle. Layer: core (pure).
 */
#include "core/median.h"

#include "base/assert.h"

#include "base/poison.h"

/* Move the finger until fewer than half of the votes lie below it, and half or more up to it. */
static void settle(struct median *m)
{
	while (m->at > 0 && m->below * UINT64_C(2) >= m->count) {
		m->at--;
		m->below -= m->votes[m->at];
	}
	while (m->at + 1 < MEDIAN_STEPS && (m->below + m->votes[m->at]) * UINT64_C(2) < m->count) {
		m->below += m->votes[m->at];
		m->at++;
	}
}

void median_add(struct median *m, uint32_t permille)
{
	ASSERT(permille < MEDIAN_STEPS);
	m->votes[permille]++;
	m->count++;
	m->below += permille < m->at;
	settle(m);
}

void median_remove(struct median *m, uint32_t permille)
{
	ASSERT(permille < MEDIAN_STEPS && m->votes[permille] > 0);
	m->votes[permille]--;
	m->count--;
	m->below -= permille < m->at;
	settle(m);
}

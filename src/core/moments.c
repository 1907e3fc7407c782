/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moments: seconds of a source. Layer: core (pure).
 */
#include "core/moments.h"

#include <stdlib.h>

#include "base/poison.h"

#define FIRST_SIZE 4

static int grow(struct moments *m, size_t *room)
{
	uint32_t size = m->size == 0 ? FIRST_SIZE : m->size * 2;

	if (size > MOMENTS_MAX || size - m->size > *room) {
		return -1;
	}
	uint32_t *grown = realloc(m->at, size * sizeof(*grown));
	if (grown == NULL) {
		return -1;
	}
	*room -= size - m->size;
	m->at = grown;
	m->size = size;
	return 0;
}

void moments_add(struct moments *m, struct wall time, size_t *room)
{
	int64_t second = time.ns / NS_PER_S;

	if (second <= 0 || second > UINT32_MAX || (m->count > 0 && m->at[m->count - 1] == second) ||
	    (m->count == m->size && grow(m, room) < 0)) {
		return;
	}
	m->at[m->count++] = (uint32_t)second;
}

void moments_done(struct moments *m, size_t *room)
{
	*room += m->size;
	free(m->at);
	*m = (struct moments){.at = NULL};
}

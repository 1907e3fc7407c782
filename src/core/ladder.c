/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ladder: which rung is taken. Layer: core (pure).
 */
#include "core/ladder.h"

#include "base/attr.h"

#include "base/poison.h"

enum rung ladder_limit(enum rung wish, const struct ladder_limits *l)
{
	enum rung rung = wish;

	if (rung == RUNG_BLOCK && (l->is_braked || l->is_waiting)) {
		rung = RUNG_THROTTLE;
	}
	if (rung > RUNG_THROTTLE && l->is_shared) {
		rung = RUNG_THROTTLE;
	}
	if (rung == RUNG_DIVERT && !l->has_relay) {
		rung = RUNG_THROTTLE;
	}
	if (rung > RUNG_WATCH && l->is_never_block) {
		rung = RUNG_WATCH;
	}
	return rung;
}

enum rung ladder_next(enum rung now, enum rung allowed, uint32_t held_s)
{
	if (allowed > now) {
		return allowed;
	}
	if (now == RUNG_BLOCK || held_s < RUNG_HOLD_S) {
		return now;
	}
	return allowed;
}

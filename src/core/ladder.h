/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ladder: from the rung that the evidence asks for to the rung that can and may be taken.
 *
 * What a network cannot do falls to the next milder rung, never to a harsher one.
 * Layer: core (pure). Source: DESIGN §7, DECISION §2.
 */
#ifndef CORE_LADDER_H
#define CORE_LADDER_H

#include "core/words.h"

#include <stdbool.h>
#include <stdint.h>

/* A source of a trusted network is blocked this long after staff were asked (DESIGN §7). */
#define TRUSTED_WAIT_S (30 * 60)
/* A rung below block is left no sooner than this after the evidence for it is gone. */
#define RUNG_HOLD_S 3600

struct ladder_limits {
	bool has_relay;
	bool is_never_block;
	bool is_shared;  /* many customers behind it: stops at throttle */
	bool is_braked;  /* no further blocks for now */
	bool is_waiting; /* staff of a trusted network have not had their time yet */
};

/** The rung that is taken when `wish` is wanted. Never above `wish`. */
enum rung ladder_limit(enum rung wish, const struct ladder_limits *l);

/**
 * Where a source goes from where it is. Up at once; down from block never by itself (that is an
 * unblock); down from the others when they are `held_s` old.
 */
enum rung ladder_next(enum rung now, enum rung allowed, uint32_t held_s);

#endif

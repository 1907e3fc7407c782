/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brake: a bad model or rule must not cut off a network. Counts automatic blocks; when more than
 * max(blocks, share of the active sources) would fall into one window, it refuses further ones
 * until staff lift it. Layer: core (pure). Source: DECISION §2.
 */
#ifndef CORE_BRAKE_H
#define CORE_BRAKE_H

#include "base/attr.h"
#include "base/cur.h"
#include "core/policy.h"

/* Blocks that are remembered: the limit is held to it, whatever the share. */
#define BRAKE_BLOCKS_MAX 16384

struct brake {
	uint32_t *times; /* a ring of BRAKE_BLOCKS_MAX, seconds of 1970 */
	uint32_t first;
	uint32_t count;
	bool is_on;
};

/** @return 0 or -ENOMEM. */
MUSTUSE int brake_init(struct brake *b);
void brake_done(struct brake *b);

uint32_t brake_limit(const struct decision_policy *d, uint32_t active);
/** Automatic blocks within the window before now. */
uint32_t brake_blocks(struct brake *b, const struct decision_policy *d, uint32_t now_s);
/**
 * Ask for one more block; when granted it is counted.
 *
 * @return false: not now; the brake is on.
 */
MUSTUSE bool brake_ask(struct brake *b, const struct decision_policy *d, uint32_t active,
		       uint32_t now_s);
/** Staff: the count starts anew. */
void brake_lift(struct brake *b);

/* Octets of the encoded form, at most. */
#define BRAKE_ENCODED_MAX (5 + 4 * BRAKE_BLOCKS_MAX)
void brake_put(struct enc *e, const struct brake *b);
void brake_get(struct cur *c, struct brake *b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_proof: the proof of what one source's state says. Layer: core (pure).
 */
#ifndef CORE_STATE_PROOF_H
#define CORE_STATE_PROOF_H

#include "core/witness.h"

/** Its rung is the source's own; what filter was in force says state_proof_filter. */
void state_proof_make(const struct source_state *s, const struct evidence_rules *rules,
		      struct wall now, struct proof *ret);

/** The weights, and f0 where it was learned, that the evidence was counted with. */
void state_proof_filter(const struct judge_filter *f, struct proof *ret);

#endif

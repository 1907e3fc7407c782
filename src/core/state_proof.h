/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_proof: the proof of what one source's state says. Layer: core (pure).
 */
#ifndef CORE_STATE_PROOF_H
#define CORE_STATE_PROOF_H

#include "core/witness.h"

/** Its rung is the source's own; the weights' version is left 0: the caller knows them. */
void state_proof_make(const struct source_state *s, const struct evidence_rules *rules,
		      struct wall now, struct proof *ret);

#endif

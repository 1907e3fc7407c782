/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: what weighed most in a score, in words a person reads. Layer: core (pure).
 */
#ifndef CORE_EXPLAIN_H
#define CORE_EXPLAIN_H

#include "core/model.h"
#include "core/score.h"
#include "core/tokens.h"

/**
 * Fill in the reasons of a score: what speaks for spam when it is flagged or near it, else what
 * speaks for legitimate mail; the weightiest first.
 *
 * @param logits  Of the members.
 * @param ret     Its reasons are set; the rest is read.
 */
void explain_score(const struct model *m, const struct score_input *in, const struct tokens *t,
		   const int64_t logits[static MEMBER_COUNT], struct score *ret);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness: what the sums of one source mean: the two-witness table, and decisive facts.
 *
 * Kinds are never added up: they depend on each other. One that alarms makes a suspect at most,
 * a second one beside it makes the source abused. Layer: core (pure). Source: DECISION §2.
 */
#ifndef CORE_WITNESS_H
#define CORE_WITNESS_H

#include "core/evidence.h"

/* Changes when the same sums would lead to another verdict: proofs carry it. */
#define RULE_VERSION 1
/* Campaigns with flagged mail that content needs to alarm, and to support. */
#define CAMPAIGNS_FOR_ALARM 3
#define CAMPAIGNS_FOR_SUPPORT 2

struct finding {
	enum verdict verdict;
	enum rung rung; /* wished for; what can be done is the ladder's business */
	enum giver giver;
	enum rule rule;
	enum kind main_kind; /* KIND_COUNT: none */
	enum kind support;   /* KIND_COUNT: none */
	bool has_spike;      /* a shape kind alarms */
};

/**
 * @param is_guarded  The filter flags too much everywhere: content stops at watch.
 */
struct finding witness_find(const struct source_state *s, const struct thresholds *t,
			    const struct ztable *z, uint32_t now_s, bool is_guarded);

/** The rule in words, "content alarmed, supported by recipients". @return ret_text */
char *witness_rule_format(enum rule rule, enum kind main_kind, enum kind support,
			  char ret_text[static PROOF_RULE_MAX]);

/** Is at least this share of spam among votes proved: exact one-sided 95 % bound over .9? */
bool votes_are_decisive(uint32_t bad, uint32_t total);
/** Two-sided 95 % Wilson bounds of bad/total: is the lower one above, the upper one below? */
bool share_is_above(uint32_t bad, uint32_t total, uint32_t permille);
bool share_is_below(uint32_t bad, uint32_t total, uint32_t permille);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * campaign: which messages are near-copies of each other.
 *
 * A message has up to three identities, in this order: the simhash of its text, two being near
 * when at most 5 of 64 bits differ; the exact hash of its set of URL hosts, when it has hardly
 * any text; and an exact hash of its content, when it has neither. Merging evidence is all
 * this is for: it never accuses anybody (DECISION §3). Layer: core (pure).
 */
#ifndef CORE_CAMPAIGN_H
#define CORE_CAMPAIGN_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two texts with at most so many different bits are copies (docs/filter.md has what others merge).
 */
#define CAMPAIGN_HAMMING_MAX 5
/* Different shingles a text must have before its simhash means anything: in a shorter one the frame
 * that a program puts around it decides. */
#define CAMPAIGN_SHINGLES_MIN 20
/* With fewer than these it is the links that are sent, not the text. */
#define CAMPAIGN_SHINGLES_FEW 8
/* Words of a text that are looked at; the rest doesn't change its simhash. */
#define CAMPAIGN_WORDS_MAX 2048
/* Octets of one word that are looked at. */
#define CAMPAIGN_WORD_MAX 64
/* URL hosts of one message that are looked at. */
#define CAMPAIGN_HOSTS_MAX 64

struct campaign_key {
	uint64_t simhash;   /* 0: too little text */
	uint64_t urls_hash; /* 0: no URLs */
	uint64_t exact;     /* of the message's content */
};

/**
 * The simhash of a text: over shingles of three words, digits being one digit, letters lower
 * case, and everything else between words. Lines that quote (`>`, `|`) are left out, unless too
 * little is left without them.
 *
 * @param text  Decoded UTF-8; other octets do no harm.
 * @param ret_shingles  How many different ones there were; may be NULL.
 * @return 0 when there are fewer than CAMPAIGN_SHINGLES_MIN.
 *
 * Source: Charikar, "Similarity estimation techniques from rounding algorithms" (2002).
 */
uint64_t campaign_simhash(struct str text, uint32_t *ret_shingles);

/** A hash of the set of host names, in any order, case and number. @return 0 when n is 0. */
uint64_t campaign_urls_hash(const struct str *hosts, size_t n);

/** A hash of any octets; never 0. */
PURE uint64_t campaign_exact_hash(struct str content);

/** Are two messages copies, by the first identity that both have? Never for two empty keys. */
PURE bool campaign_is_near(const struct campaign_key *a, const struct campaign_key *b);

/*
 * The table of campaigns, shared over sources. It never scans: the simhash is cut into four
 * pieces of 16 bits. Two copies share one of them, or differ by one bit in the first or in the
 * second, since five bits over four pieces leave three pieces with one. When it is full, the
 * campaign seen longest ago is forgotten.
 */
struct campaigns;

/* Campaigns with one piece in common that a look-up walks, and with a piece one bit away; beyond it
 * the oldest are not found again, so that nobody can make a look-up slow. */
#define CAMPAIGN_WALK_MAX 64
#define CAMPAIGN_WALK_BESIDE_MAX 8

/** @param max  Campaigns it holds, 16 to 16,777,216. @return NULL without memory. */
MUSTUSE struct campaigns *campaigns_new(size_t max);
/** NULL is allowed. */
void campaigns_free(struct campaigns *c);

/**
 * The campaign a message belongs to: the first one that is near, else a new one.
 *
 * @return Its identity: the same for all copies while it is remembered; never 0.
 */
uint64_t campaigns_take(struct campaigns *c, const struct campaign_key *key);
/** The same without adding or remembering the look-up. @return 0 when there is none. */
uint64_t campaigns_find(const struct campaigns *c, const struct campaign_key *key);
size_t campaigns_count(const struct campaigns *c);

#endif

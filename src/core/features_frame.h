/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features_frame: the members that read how something is said and not what it is about: runs of
 * words in which only common words, marks and shapes stand as they are, and anything else by its
 * length or its ending. A topic that was never seen is still offered in the old sentences.
 * Layer: core (pure).
 */
#ifndef CORE_FEATURES_FRAME_H
#define CORE_FEATURES_FRAME_H

#include "core/tokens.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_BITS 18
/* Bins that one word begins, at most. */
#define FRAME_RUNS 3

/** Is this one of the common English words? @param word  Normalised, without the `^`. */
bool frame_is_common(const char *word, size_t len);

/** Runs of 3 to 5, other words by their length. @return How many, at most FRAME_RUNS a word. */
size_t frame_read(const struct tokens *t, uint32_t *ret);
/** Runs of 3, other words by their last three octets. @return How many. */
size_t frame_read_endings(const struct tokens *t, uint32_t *ret);

#endif

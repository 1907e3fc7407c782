/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features_shape: the members that read shapes instead of words: the style of the text, and the
 * look of the From name and address.
 *
 * Each shape has a handful of levels; a bin is one level of one shape. Layer: core (pure).
 */
#ifndef CORE_FEATURES_SHAPE_H
#define CORE_FEATURES_SHAPE_H

#include "core/score.h"
#include "core/tokens.h"

#include <stddef.h>
#include <stdint.h>

/* Levels of one shape; a bin is shape * SHAPE_LEVELS + level. */
#define SHAPE_LEVELS 8
#define SHAPE_BITS 9
/* Bins one message can set. */
#define SHAPES_MAX ((1 << SHAPE_BITS) / SHAPE_LEVELS)

size_t shape_read_style(const struct score_input *in, const struct tokens *t, uint32_t *ret);
size_t shape_read_from(const struct score_input *in, uint32_t *ret);
/** The meaning of a bin's higher levels, or NULL. */
const char *shape_describe(uint32_t bin);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features_theme: the member that reads what a message is about, by themes of words
 * (core/themes.list): a word that no training mail had stands beside those that it had. What
 * unasked mail has always sold is counted together, too, so that a ware that is new to the weights
 * is not unknown to them. Layer: core (pure).
 */
#ifndef CORE_FEATURES_THEME_H
#define CORE_FEATURES_THEME_H

#include "core/tokens.h"

#include <stddef.h>
#include <stdint.h>

#define THEME_BITS 10
/* Bins that one message can set. */
#define THEME_BINS_MAX (UINT32_C(1) << THEME_BITS)
/* Bins of one theme: a bin under `theme_count() * THEME_LEVELS` is theme * THEME_LEVELS + level. */
#define THEME_LEVELS 8

/** The bins of a message, those of themes first and in their order. @return How many. */
size_t theme_read(const struct tokens *t, uint32_t *ret);

uint32_t theme_count(void);
/** What a theme is called: "medicines". */
const char *theme_name(uint32_t theme);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe_inside: what the recipes of the platforms share. Layer: core (pure).
 */
#ifndef CORE_RECIPE_INSIDE_H
#define CORE_RECIPE_INSIDE_H

#include "core/recipe.h"

/** The ports with `sep` between them. */
void recipe_ports_add(const struct recipe *r, const char *sep, struct buf *out);
/** Was this family (4 or 6) asked for? */
bool recipe_has_family(const struct recipe *r, unsigned family);

void recipe_nftables_write(const struct recipe *r, struct buf *out);
void recipe_debian_write(const struct recipe *r, struct buf *out);
void recipe_ubuntu_write(const struct recipe *r, struct buf *out);
void recipe_almalinux_write(const struct recipe *r, struct buf *out);
void recipe_windows_write(const struct recipe *r, struct buf *out);

#endif

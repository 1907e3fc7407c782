/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: the pieces that messages between processes, journal and checkpoint share.
 * Layer: core (pure).
 */
#ifndef CORE_WIRE_H
#define CORE_WIRE_H

#include "base/cur.h"
#include "core/source.h"

/* Each is checked on the way in: a prefix with bits after its length, or an unknown family, makes
 * the cursor fail. */
void wire_put_addr(struct enc *e, const struct addr *a);
void wire_get_addr(struct cur *c, struct addr *ret);
/** The first octet of a stored or sent form; any other than `version` makes the cursor fail. */
void wire_get_version(struct cur *c, uint8_t version);
/** The same where older forms are still read. @return The version; the cursor fails unless it is
 * `oldest` to `newest`. */
unsigned wire_get_version_of(struct cur *c, uint8_t oldest, uint8_t newest);
void wire_put_source(struct enc *e, const struct source_key *k);
void wire_get_source(struct cur *c, struct source_key *ret);

#endif

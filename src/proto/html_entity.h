/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_entity: named and numbered characters of HTML. Layer: proto (pure).
 */
#ifndef PROTO_HTML_ENTITY_H
#define PROTO_HTML_ENTITY_H

#include "base/buf.h"
#include "base/str.h"

#include <stdint.h>

/* Longest reference that is read, without "&" and ";". */
#define HTML_ENTITY_MAX 10

/**
 * @param name  What stands between "&" and ";": "amp", "#228", "#xE4".
 * @return The code point, or 0 when it is none.
 */
uint32_t html_entity_find(struct str name);

/** Append an attribute's value with its references resolved. */
void html_entity_decode(struct str in, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * idna: host names in the one form in which they can be compared: lower case, letters outside of
 * ASCII as Punycode (RFC 3492).
 *
 * Only the encoding: no normalisation and no case folding beyond ASCII, so that "É" and "é" stay
 * two names. That can miss a name, never confuse two. Layer: proto (pure).
 */
#ifndef PROTO_IDNA_H
#define PROTO_IDNA_H

#include "base/attr.h"
#include "base/str.h"

/* Octets of a name in ASCII, its NUL not counted. RFC 1035, 2.3.4. */
#define IDNA_NAME_MAX 253
#define IDNA_LABEL_MAX 63

/**
 * @param name  UTF-8 or ASCII; a final dot is dropped.
 * @param ret   IDNA_NAME_MAX + 1 octets; ends in NUL.
 * @return Octets written; 0 when it is no name: empty, too long, an empty label, an octet that no
 *         name has, broken UTF-8.
 */
size_t idna_to_ascii(struct str name, char *ret);

#endif

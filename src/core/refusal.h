/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal: what kind of refusal a server's reply is, out of its code and text.
 *
 * For the witness `opinion` (spam, policy, blocklist) and for counting recipients that do not
 * exist. It reads words, it decides nothing. Layer: core (pure).
 */
#ifndef CORE_REFUSAL_H
#define CORE_REFUSAL_H

#include "base/attr.h"
#include "core/observation.h"

/* Octets of a reply that are read. */
#define REFUSAL_TEXT_MAX 1024

/**
 * @param code  Of the reply; under 400 is REFUSAL_NONE.
 * @param text  Its text without the codes, lines joined with LF or blanks. Addresses in it say
 *              nothing: an address may be spam@example.org.
 * @return The class; REFUSAL_UNKNOWN_USER only for 5xx, because a 4xx may be grey-listing.
 *
 * Sources: RFC 3463 and its registry, and the texts of Postfix, Exim, sendmail, qmail, Exchange,
 * Google, Microsoft, Yahoo, Apple, Proofpoint, Mimecast, Barracuda and others.
 */
enum refusal refusal_of(uint16_t code, struct str text);

/** "unknown_user", "spam", …; never NULL for a value of the list. */
const char *refusal_name(enum refusal v);

#endif

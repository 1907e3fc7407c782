/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact: takes the recipients' addresses out of a message's head before it is kept or shown: a
 * recipient is a domain (docs/privacy.md). Layer: core (pure).
 */
#ifndef CORE_REDACT_H
#define CORE_REDACT_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/* Different addresses that are looked for outside of the recipients' fields. */
#define REDACT_ADDRESSES_MAX 64

/**
 * Copy a message's head without its recipients.
 *
 * To, Cc, Bcc and their like keep only "hidden@domain" of each address; so does what follows
 * "for" in a Received field, and each of those addresses wherever else it stands in the clear,
 * also in the body. What is encoded (base64) is not looked into. Everything else stays as it is,
 * also who sent it.
 *
 * @param out  Appended to; when it is full the copy ends there, and that is no failure.
 *
 * Cost: each octet is looked at a bounded number of times.
 */
void redact_head(struct str head, struct buf *out);

#endif

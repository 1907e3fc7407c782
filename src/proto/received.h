/* SPDX-License-Identifier: Apache-2.0 */
/*
 * received: what one Received field says, in the forms of Postfix, Exim, sendmail, qmail,
 * Exchange and their kin. Layer: proto (pure).
 */
#ifndef PROTO_RECEIVED_H
#define PROTO_RECEIVED_H

#include "base/attr.h"
#include "base/str.h"
#include "proto/addr.h"

#include <stdbool.h>

/* Views into the field; empty where it does not say so. */
struct received {
	struct str from; /* what stands after "from": often only what the client called itself */
	struct str verified; /* the name that the writer looked up itself */
	struct addr address; /* of the client; family 0: none */
	struct str by;       /* who wrote the line */
	struct str account;  /* authenticated sender, or the local user */
	struct str uid;      /* of the local user, digits */
	bool is_local;       /* handed in on that host: there was no hop before */
};

/** Never fails: nonsense says nothing. */
struct received received_parse(struct str field);

#endif

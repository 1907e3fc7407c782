/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_5424: a syslog line of the newer form, as logs have it: "<22>1 TIME HOST APP PROCID MSGID SD
 * MSG", with or without the priority, or an octet count (RFC 6587) before it. Layer: proto (pure).
 */
#ifndef PROTO_LOG_5424_H
#define PROTO_LOG_5424_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>

/* Behind the time. A nil value ("-") is empty. All views borrow from the line. */
struct log_5424 {
	struct str host;
	struct str app;
	struct str text; /* without a byte order mark and without the blank that rsyslog adds */
};

/** What follows an octet count, when a priority follows it; else all of it. */
struct str log_5424_skip_count(struct str line);

/** Does it begin with the version, behind the priority? Then a time follows the two octets. */
static inline bool log_5424_is(struct str text)
{
	return text.len > 2 && text.ptr[1] == ' ' && text.ptr[0] == '1';
}

/**
 * Take apart what follows the time.
 *
 * @return false: it is not of this form.
 *
 * Cost: each octet is looked at once. Source: RFC 5424, 6.
 */
MUSTUSE bool log_5424_take(struct str rest, struct log_5424 *ret);

#endif

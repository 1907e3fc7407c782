/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_hello: reads the server name out of the first octets of a TLS client. Layer: proto (pure).
 *
 * Source: RFC 8446, 4.1.2 and 5.1; RFC 6066, 3.
 */
#ifndef PROTO_TLS_HELLO_H
#define PROTO_TLS_HELLO_H

#include "base/attr.h"
#include "base/str.h"

/* Octets that a hello may take; of a longer one nothing is known. */
#define TLS_HELLO_MAX (16 * 1024)
/* Longest host name. */
#define TLS_NAME_MAX 255

enum tls_hello_out {
	TLS_HELLO_MORE, /* call again with more octets after these */
	TLS_HELLO_NAME, /* *ret_name is set */
	TLS_HELLO_NONE, /* a hello without a name, */
	TLS_HELLO_NOT,  /* or no hello at all */
	TLS_HELLO_OUT_COUNT,
};

/**
 * @param in        All octets of the client from its first TLS record on.
 * @param ret_name  A view into `in`: host name as sent, printable ASCII without blanks.
 *
 * A hello that is spread over several records is read as far as its first one goes.
 */
MUSTUSE enum tls_hello_out tls_hello_parse(struct str in, struct str *ret_name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin: where a message came from, out of its header: through which host of ours, from which
 * script and account, and which lines may be believed.
 *
 * Received lines are read from the top, where the recipient's own server wrote. Each line names
 * whom it took the message from; if the next line was not written there, the chain is broken and
 * all below may be invented. Only lines of known hosts, at or above the break, are believed. The
 * other way round, a program that delivers by itself leaves no line of ours at all.
 * Layer: core (pure).
 */
#ifndef CORE_ORIGIN_H
#define CORE_ORIGIN_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Received lines that are looked at; a loop makes more. */
#define ORIGIN_HOPS_MAX 64
/* Octets of one believed line that are kept. */
#define ORIGIN_LINE_MAX 2048
#define ORIGIN_PATTERNS_MAX 256

enum origin_path {
	ORIGIN_PATH_RELAYED, /* a known host took the message and passed it on */
	ORIGIN_PATH_DIRECT,  /* it went from a known host to the recipient's server by itself */
	ORIGIN_PATH_UNKNOWN,
	ORIGIN_PATH_COUNT,
};

/* Borrowed until origin_free. A NULL pointer: not said. */
struct origin_result {
	enum origin_path path;
	struct str host; /* relayed: the known host nearest to the recipient; direct: the sender */
	struct str script;          /* file or URL */
	struct str account;         /* that logged in, or the local user */
	struct str uid;             /* digits */
	bool is_id_known;           /* the right side of Message-ID is a known host */
	bool is_received_known;     /* a believed line names one */
	bool is_x_known;            /* an X- field of scripts and panels names one */
	const struct str *believed; /* "Received: …", from the top */
	size_t believed_count;
};

struct origin;

/** @return NULL without memory. */
MUSTUSE struct origin *origin_new(void);
/** NULL is allowed. */
void origin_free(struct origin *o);
/**
 * What a known host is: a name with `*` and `?` ("*.example.net"), an address or a prefix. A name
 * without signs is that host alone. Without any, the host that handed the message to the
 * recipient's server is taken for known, and its site with it.
 *
 * @return 0, or -ENOSPC.
 */
MUSTUSE int origin_add_host(struct origin *o, struct str pattern);
/** A field of the outermost header, unfolded, in order from the top. */
void origin_add_field(struct origin *o, struct str name, struct str value);
/** After all fields. */
const struct origin_result *origin_end(struct origin *o);

/** "relayed", "direct", "unknown". */
const char *origin_path_name(enum origin_path v);

#endif

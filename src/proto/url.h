/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url: finds URLs in text and takes them apart, as generously as browsers do. Layer: proto (pure).
 */
#ifndef PROTO_URL_H
#define PROTO_URL_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>

/* Views into the URL; empty where it has no such piece. */
struct url {
	struct str scheme;
	struct str host; /* without user, port and final dot; as it was written */
	struct str path; /* from the slash on, with query and fragment */
	bool has_user;
	bool has_port;
	bool is_address; /* the host is an IP address in any notation browsers take */
};

/** Never fails: "//host/", "path", "mailto:a@host" and nonsense have fewer pieces. */
struct url url_split(struct str s);

/* A search through one text. */
struct url_finder {
	struct str text;
	size_t at;     /* what lies before has been looked at */
	size_t scheme; /* next "://" at or behind it */
	size_t www;    /* next "www." */
};

struct url_finder url_finder_start(struct str text);

/**
 * Find the next "scheme://…" or "www.…" in plain text.
 *
 * @return A view into text without the punctuation behind it; a NULL pointer: no more.
 *
 * Cost: the whole search is linear in the text.
 */
struct str url_find(struct url_finder *f);

/** Are these hosts one, or one under the other? "www." and case do not count. */
bool url_is_same_site(struct str a, struct str b);

#endif

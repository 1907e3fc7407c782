/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url_list: reads a list of phishing URLs, hosts or domains as others publish them: one a line, or
 * a column of a CSV file.
 *
 * In pieces of any size, with bounded memory, whatever the file is. A line that holds no entry is
 * counted and passed over, the first of them is remembered. Layer: core (pure).
 */
#ifndef CORE_URL_LIST_H
#define CORE_URL_LIST_H

#include "base/buf.h"
#include "core/policy.h"
#include "core/url_set.h"

/* Octets of a line; a longer one is passed over to its end. */
#define URL_LIST_LINE_MAX 8192
/* Octets of the first bad line that are kept for people. */
#define URL_LIST_SHOWN_MAX 64

/** Is this domain one that strangers register names below: "co.uk", "github.io"?
 * @param name  Lower case, ASCII, as idna_to_ascii makes it. */
typedef bool url_suffix_fn(const void *suffixes, const char *name);

/* Lines of one kind: how many, and the first of them for people. */
struct url_list_lines {
	uint64_t count;
	uint64_t first;                    /* counted from 1; 0: none */
	char text[URL_LIST_SHOWN_MAX + 1]; /* printable ASCII */
};

/* Read and changed by these functions only. */
struct url_list {
	struct list_format format;
	struct siphash_key key;
	size_t max;
	url_suffix_fn *is_suffix; /* NULL: nobody can tell */
	const void *suffixes;
	struct buf line;  /* the part of a line that was in the piece before */
	bool is_too_long; /* the running line is passed over */
	uint64_t *hashes;
	size_t count;
	size_t room;
	unsigned kinds;
	/* for people */
	uint64_t lines;
	uint64_t left_out; /* entries over `max` */
	struct url_list_lines malformed;
	struct url_list_lines public; /* suffixes, listed as domains: kept as hosts */
	int err;                      /* -ENOMEM; it sticks */
};

/** @param max  Entries kept; further ones are counted. At most URL_SET_MAX. */
void url_list_init(struct url_list *l, const struct list_format *f, const struct siphash_key *key,
		   size_t max);
void url_list_done(struct url_list *l);
/** Before the first octets: a domain entry that is a public suffix stands for that host alone. */
void url_list_know_suffixes(struct url_list *l, url_suffix_fn *is_suffix, const void *suffixes);
/** The next octets of the file. */
void url_list_step(struct url_list *l, struct str octets);
/** The file ends. @return 0 or -ENOMEM. */
MUSTUSE int url_list_end(struct url_list *l);

#endif

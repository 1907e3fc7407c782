/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html: reduces HTML to the text a reader sees, in a stream, with links and what is hidden.
 *
 * No tree is built: open elements are a bounded stack that knows names and looks. Style sheets
 * are not applied; where one is present, a colour counts as hiding only on a background that an
 * element itself names. Layer: proto (pure).
 */
#ifndef PROTO_HTML_H
#define PROTO_HTML_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of one tag that are kept; the rest (a picture as data: URL) is passed over. */
#define HTML_TAG_MAX 4096
/* Open elements that are known; what lies deeper looks like the deepest one. */
#define HTML_DEPTH_MAX 128
/* Octets of a URL that are kept. */
#define HTML_URL_MAX 1024

enum html_link_kind {
	HTML_LINK_HREF,
	HTML_LINK_IMAGE,
	HTML_LINK_KIND_COUNT,
};

/* What the text goes to and who hears of links. */
struct html_out {
	struct buf *text;   /* visible; newlines for blocks; appended up to its maximum */
	struct buf *hidden; /* up to its maximum */
	void *ctx;
	/**
	 * A link.
	 * @param url  Entities resolved, blanks trimmed, cut at HTML_URL_MAX; borrowed for the
	 * call.
	 * @return A number for link_text, or -1 when that is not wanted.
	 */
	int (*link)(void *ctx, enum html_link_kind kind, struct str url, bool is_hidden);
	/** The element of that link ended; `text` is what it shows, borrowed for the call. */
	void (*link_text)(void *ctx, int number, struct str text);
};

struct html_facts {
	uint64_t text_chars; /* visible, blanks not counted */
	uint64_t hidden_chars;
	uint32_t tags;
	uint32_t comments;
	uint32_t images;
	uint32_t zero_images; /* one pixel or none in both directions */
	bool has_form;
	bool has_script;
	bool has_frame;   /* iframe, object, embed */
	bool has_refresh; /* <meta http-equiv=refresh> */
	bool is_text_cut;
};

struct html;

/** @return NULL without memory. */
MUSTUSE struct html *html_new(const struct html_out *out);
/** NULL is allowed. */
void html_free(struct html *h);
/** Begin another document with another output. */
void html_reset(struct html *h, const struct html_out *out);

/**
 * @param in  UTF-8 in whole characters, any cut between them.
 *
 * Cost: each octet is looked at a bounded number of times.
 */
void html_step(struct html *h, struct str in);
/** The document ends. */
void html_end(struct html *h);

const struct html_facts *html_facts(const struct html *h);
/** Octets of one machine, for accounting. */
size_t html_size(void);

#endif

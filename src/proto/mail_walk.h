/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_walk: what the files mail*.c share about one walk; nobody else includes it.
 *
 * mail.c cuts the octets into header fields and the octets of parts, mail_field.c reads fields,
 * mail_leaf.c turns parts into text. Layer: proto (pure).
 */
#ifndef PROTO_MAIL_WALK_H
#define PROTO_MAIL_WALK_H

#include "base/arena.h"
#include "base/buf.h"
#include "proto/charset.h"
#include "proto/html.h"
#include "proto/mail.h"
#include "proto/mail_decode.h"

/* RFC 2046 allows 70 octets. */
#define MAIL_BOUNDARY_MAX 200
/* A line that may be a boundary, with "--" at both ends and some blanks. */
#define MAIL_DASHES_MAX 256

enum mail_at {
	MAIL_AT_HEADER,
	MAIL_AT_LEAF,
	MAIL_AT_SKIP, /* preamble, epilogue, parts beyond the limits */
};

enum mail_eol {
	MAIL_EOL_NONE,
	MAIL_EOL_LF,
	MAIL_EOL_CRLF,
	MAIL_EOL_CR, /* perhaps the first half */
};

/* An open multipart. */
struct mail_level {
	struct str boundary; /* in the arena */
	uint32_t part;
	bool is_alternative;
	bool is_digest;
};

struct mail {
	mail_field_fn *on_field;
	void *ctx;
	struct arena *arena;
	struct mail_view view;
	enum mail_at at;

	/* Cutting: where in a line we are, and what cannot be decided yet. */
	bool is_line_start;
	enum mail_eol eol; /* held: it may belong to a boundary */
	size_t dashes_len; /* a line that begins with "-" is gathered */
	char dashes[MAIL_DASHES_MAX];
	struct mail_level levels[MAIL_DEPTH_MAX];
	size_t level_count;

	/* The header being read. */
	struct buf field;
	bool is_field_open;
	bool is_first_line;
	bool has_type;
	struct buf type;        /* Content-Type */
	struct buf disposition; /* Content-Disposition */
	enum mail_encoding encoding;
	bool is_digest_child;

	/* The part being read. */
	uint32_t current;
	uint8_t depth;
	bool is_nested;
	struct mail_qp qp;
	struct mail_base64 base64;
	uint64_t base64_dark; /* octets of base64 that are not blank, when it is only measured */
	uint64_t base64_pads;
	struct charset_decoder decoder;
	bool is_after_cr;  /* in text */
	struct html *html; /* made at the first HTML part, kept */
	struct buf text;
	struct buf hidden;
	struct mail_part parts[MAIL_PARTS_MAX];
	struct mail_link links[MAIL_LINKS_MAX];
};

/* mail_field.c */

/** A whole field is in m->field. */
void mail_field_end(struct mail *m);
/** The header of the current part is over: fills its part in. */
void mail_header_end(struct mail *m);

/* mail_leaf.c */

/** m->current is a leaf whose octets come now. */
void mail_leaf_begin(struct mail *m);
void mail_leaf_step(struct mail *m, struct str in);
/** Octets are missing. */
void mail_leaf_gap(struct mail *m);
void mail_leaf_end(struct mail *m);

#endif

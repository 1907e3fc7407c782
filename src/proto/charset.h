/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charset: octets of any charset that mail uses in earnest become valid UTF-8, in a stream.
 *
 * The tables are our own (tools/gen-charsets) and not iconv's, which opens files. Known are
 * UTF-8, -16 and -7, the ISO 8859 and Windows families, KOI8, GBK, Big5, Shift_JIS, EUC-JP,
 * ISO-2022-JP, EUC-KR and some of DOS and Macintosh. US-ASCII is read as UTF-8 and ISO 8859-1 as
 * Windows-1252, as all readers do. What the charset does not have comes out as `\xNN` for each
 * octet, and so does NUL. Layer: proto (pure).
 */
#ifndef PROTO_CHARSET_H
#define PROTO_CHARSET_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that charset_step writes at most for n octets of input. */
#define CHARSET_OUT_MAX(n) (4 * (n) + 32)
/* Octets of one character that may lie in the cut before. */
#define CHARSET_HELD_MAX 8

struct charset;

/** By its name in any spelling. @return NULL when it is not known. */
const struct charset *charset_find(struct str name);
/** UTF-8: also for text that says nothing or something unknown. */
const struct charset *charset_utf8(void);

struct charset_decoder {
	const struct charset *charset;
	uint8_t held[CHARSET_HELD_MAX]; /* start of a character */
	uint8_t held_len;
	uint8_t mode;  /* of those that shift */
	uint32_t bits; /* UTF-7 */
	uint8_t bit_count;
	uint16_t high;  /* UTF-16: first of a pair */
	bool is_broken; /* something was escaped */
	bool has_nul;
};

struct charset_decoder charset_start(const struct charset *charset);

/**
 * @param out  Room for CHARSET_OUT_MAX(in.len) octets.
 * @return Octets written: whole characters, valid UTF-8.
 */
MUSTUSE size_t charset_step(struct charset_decoder *d, struct str in, char *out);
/** The text ends: an unfinished character is escaped. `out` has room for CHARSET_OUT_MAX(0). */
MUSTUSE size_t charset_end(struct charset_decoder *d, char *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_word: header text into UTF-8: encoded words (RFC 2047), as readers read them, broken ones
 * too. Layer: proto (pure).
 */
#ifndef PROTO_MAIL_WORD_H
#define PROTO_MAIL_WORD_H

#include "base/buf.h"
#include "base/str.h"

/**
 * Decode header text and append it.
 *
 * Words of one charset that stand side by side are decoded as one, so a character may be split
 * over them. What looks like an encoded word and is none stays as it is. Raw octets are read as
 * UTF-8; those that are not come out as `\xNN`.
 *
 * @param in   Unfolded.
 * @param out  Gets valid UTF-8, up to its maximum.
 * @return Facts for the view's flags (enum mail_flag).
 *
 * Cost: linear. Source: RFC 2047, RFC 2231 section 5.
 */
unsigned mail_word_decode(struct str in, struct buf *out);

/** Append octets of a named charset as UTF-8; unknown names are read as UTF-8. */
unsigned mail_word_add_charset(struct str in, struct str charset, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_decode: quoted-printable and base64 in a stream, any cut, broken input included.
 * Layer: proto (pure).
 */
#ifndef PROTO_MAIL_DECODE_H
#define PROTO_MAIL_DECODE_H

#include "base/attr.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets that one call writes at most for n octets of input. */
#define MAIL_DECODE_OUT_MAX(n) ((n) + 8)

/* All zero is the start. */
struct mail_qp {
	uint8_t at;     /* inside of an escape: how far */
	char first;     /* its first digit, or the blank after `=` */
	bool is_header; /* RFC 2047's Q: an underscore is a blank */
	bool is_broken;
};

struct mail_base64 {
	uint32_t bits;
	uint8_t count; /* digits in bits, 0 to 3 */
	bool is_broken;
};

/** @return Octets written. What is no escape stays as it is, and is_broken is set. */
MUSTUSE size_t mail_qp_step(struct mail_qp *d, struct str in, char *out);
/** An escape that was begun is written as it stands. */
MUSTUSE size_t mail_qp_end(struct mail_qp *d, char *out);

/** @return Octets written. Octets that are no digits are passed over. */
MUSTUSE size_t mail_base64_step(struct mail_base64 *d, struct str in, char *out);
/** What is left of an unfinished group of four. */
MUSTUSE size_t mail_base64_end(struct mail_base64 *d, char *out);

/** Octets of `in` that are neither blanks nor line ends, for sizes without decoding. */
size_t mail_count_dark(struct str in);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate: compressed octets in, plain ones out, for four formats behind one face. Layer: doctor.
 */
#ifndef DOCTOR_INFLATE_H
#define DOCTOR_INFLATE_H

#include "base/attr.h"
#include "base/str.h"

#include <stddef.h>

enum inflate_format {
	INFLATE_PLAIN,
	INFLATE_GZIP,
	INFLATE_XZ,
	INFLATE_ZSTD,
	INFLATE_BZIP2,
	INFLATE_FORMAT_COUNT,
};

/* Octets that inflate_detect wants to see. */
#define INFLATE_MAGIC_MAX 6

/** Told by the first octets of a file. */
enum inflate_format inflate_detect(struct str head);

struct inflate;

/** @return NULL without memory. Not for INFLATE_PLAIN. */
MUSTUSE struct inflate *inflate_new(enum inflate_format format);
void inflate_free(struct inflate *z);

/**
 * Inflate as much as fits.
 *
 * @param in       In: compressed octets. Out: what was not used yet.
 * @param out      Room for plain octets.
 * @param ret_len  Octets written.
 * @return 1: go on (more input or more room); 0: the end of a member was reached and nothing
 *         follows in `in`; -EBADMSG: not this format, or broken.
 */
MUSTUSE int inflate_step(struct inflate *z, struct str *in, char *out, size_t size,
			 size_t *ret_len);

#endif

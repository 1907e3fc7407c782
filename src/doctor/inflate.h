/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inflate: compressed octets in, plain ones out, for four formats behind one face. Layer: doctor.
 */
#ifndef DOCTOR_INFLATE_H
#define DOCTOR_INFLATE_H

#include "base/attr.h"
#include "base/gunzip.h"
#include "base/str.h"

#include <stdbool.h>
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

/* Octets of those handed out last that can be kept. */
#define INFLATE_KEEP_MAX GUNZIP_KEEP_MAX

/**
 * Inflate some more.
 *
 * @param in       In: compressed octets. Out: what was not used yet.
 * @param is_last  None come after these.
 * @param view     In: the end of what was handed out last, as far as it is still wanted, at most
 *                 INFLATE_KEEP_MAX octets. Out: the same octets and new ones behind them, borrowed
 *                 until the next call; also set on failure: they are good.
 * @return 1: go on, with more input if nothing new came; 0: the end of a member was reached and
 *         nothing follows in `in`; -EBADMSG: not this format, or broken, or it ends within a
 *         member.
 */
MUSTUSE int inflate_step(struct inflate *z, struct str *in, bool is_last, struct str *view);

#endif

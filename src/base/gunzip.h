/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip: gzip members in, plain octets out; RFC 1951 and 1952. Layer: base.
 *
 * Several times as fast as the usual library on text, in bounded memory (about 180 KiB), and
 * resumable at any octet (docs/adr/0041). Checksums and lengths are verified. It reads files that
 * strangers may have made: every length and distance is checked.
 */
#ifndef BASE_GUNZIP_H
#define BASE_GUNZIP_H

#include "base/attr.h"
#include "base/str.h"

struct gunzip;

/** @return NULL without memory. */
MUSTUSE struct gunzip *gunzip_new(void);
/** NULL is allowed. */
void gunzip_free(struct gunzip *g);

/**
 * Inflate as much as fits. Members that follow each other are one text; zeros behind the last one
 * are padding.
 *
 * @param in       In: compressed octets. Out: what was not used yet.
 * @param out      Room for plain octets.
 * @param ret_len  Octets written; also set on failure: they are good.
 * @return 1: go on (more input or more room); 0: a member ended, and nothing is left in `in`;
 *         -EBADMSG: not gzip, or broken from here on.
 */
MUSTUSE int gunzip_step(struct gunzip *g, struct str *in, char *out, size_t size, size_t *ret_len);

#endif

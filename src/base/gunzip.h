/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip: gzip members in, plain octets out; RFC 1951 and 1952. Layer: base.
 *
 * Several times as fast as the usual library on text, in bounded memory (about 220 KiB), and
 * resumable at any octet (docs/adr/0041). Octets are handed out where they were made. Checksums and
 * lengths are verified. It reads files that strangers may have made: every length and distance is
 * checked.
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

/* Octets of those handed out last that can be kept. */
#define GUNZIP_KEEP_MAX ((size_t)64 << 10)

/**
 * Inflate some more. Members that follow each other are one text; zeros behind the last one are
 * padding.
 *
 * @param in    In: compressed octets. Out: what was not used yet.
 * @param view  In: the end of what was handed out last, as far as it is still wanted, at most
 *              GUNZIP_KEEP_MAX octets. Out: the same octets and new ones behind them, borrowed
 *              until the next call; also set on failure: they are good.
 * @return 1: go on, with more input if nothing new came; 0: a member ended, and nothing is left in
 *         `in`; -EBADMSG: not gzip, or broken from here on.
 */
MUSTUSE int gunzip_step(struct gunzip *g, struct str *in, struct str *view);

#endif

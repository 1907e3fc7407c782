/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suffixes: the domains below which strangers register names ("co.uk", "github.io"), as the
 * public suffix list of this machine says, else the one that came with libpsl. Layer: conf.
 */
#ifndef CONF_SUFFIXES_H
#define CONF_SUFFIXES_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>

struct suffixes;

/** @return 0, or a negative errno with a text: no list is to be had. */
MUSTUSE int suffixes_load(struct suffixes **ret, struct errmsg *reterr);
/** NULL is allowed. */
void suffixes_free(struct suffixes *s);
/** @param suffixes  struct suffixes. @param name  Lower case, ASCII (Punycode) or UTF-8. */
bool suffixes_has(const void *suffixes, const char *name);

#endif

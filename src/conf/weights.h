/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weights: where the filter's weights lie, and a scorer from them. Layer: conf.
 *
 * Looked up in this order: the path given, $POSTERN_WEIGHTS, share/postern/weights/ beside the
 * folder of the running program (installed), share/weights/ of the tree it was built in. A delta
 * of the operator's own mail is $POSTERN_DELTA or DELTA_FILE; it need not be there.
 */
#ifndef CONF_WEIGHTS_H
#define CONF_WEIGHTS_H

#include "base/attr.h"
#include "base/err.h"
#include "core/score.h"

#include <stddef.h>

#define WEIGHTS_FILE "postern.weights"

/**
 * Find the file.
 *
 * @param ret_path  Ends in NUL.
 * @return 0; -ENOENT with a text; -ENAMETOOLONG.
 */
MUSTUSE int weights_find(const char *given, char *ret_path, size_t size, struct errmsg *reterr);

/**
 * Find and load.
 *
 * @param given  A path, or NULL to look it up.
 * @return 0; -EBADMSG when it does not fit; another negative errno; always with a text.
 */
MUSTUSE int weights_load(const char *given, struct scorer **ret, struct errmsg *reterr);

/* What the operator taught the filter; weights_load adds it when it looked the weights up. */
#define DELTA_FILE "/etc/postern/filter.delta"

/** Add a delta. @return 0, or a negative errno with a text. */
MUSTUSE int weights_add_delta(const char *path, struct scorer *s, struct errmsg *reterr);

#endif

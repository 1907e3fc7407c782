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
#include "base/buf.h"
#include "base/err.h"
#include "core/score.h"

#include <limits.h>
#include <stddef.h>

#define WEIGHTS_FILE "postern.weights"

/**
 * Find the file and read it.
 *
 * @param ret_path  Ends in NUL; for what is said of the content.
 * @param ret       Made here; for the caller to end, on failure too.
 * @return 0; -ENOENT with a text; -ENAMETOOLONG; what file_read returns.
 */
MUSTUSE int weights_read(const char *given, char ret_path[static PATH_MAX], struct buf *ret,
			 struct errmsg *reterr);

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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: the text of a failure, filled by the layer that knows most about it.
 *
 * Functions that can fail return a negative errno and, where a person will read about it, take
 * a `struct errmsg *reterr` as their last argument. It is set on failure only; NULL is allowed
 * everywhere and means that nobody wants the text. Layer: base.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

struct errmsg {
	char text[512]; /* ends in NUL; longer texts are cut */
};

/**
 * Fill the text and hand the code through, so that a failure is one line.
 *
 * @param code  Negative errno. 0 means that errno was lost: it becomes -EIO.
 * @return code
 */
int err_set(struct errmsg *reterr, int code, const char *fmt, ...) PRINTF(3, 4);

/**
 * Put "context: " before the text that is there.
 *
 * @return code, as it came.
 */
int err_prefix(struct errmsg *reterr, int code, const char *fmt, ...) PRINTF(3, 4);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assert: the end of a process that broke a promise of its own. Layer: base.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

void assert_fail(const char *cond, const char *file, int line)
{
	fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, cond);
	abort();
}

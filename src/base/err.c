/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err: texts of failures. Layer: base.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

int err_set(struct errmsg *reterr, int code, const char *fmt, ...)
{
	if (reterr != NULL) {
		va_list args;
		va_start(args, fmt);
		vsnprintf(reterr->text, sizeof(reterr->text), fmt, args);
		va_end(args);
	}
	return code != 0 ? code : -EIO;
}

int err_prefix(struct errmsg *reterr, int code, const char *fmt, ...)
{
	if (reterr != NULL) {
		char head[sizeof(reterr->text)];
		char tail[sizeof(reterr->text)];
		va_list args;

		va_start(args, fmt);
		vsnprintf(head, sizeof(head), fmt, args);
		va_end(args);
		memcpy(tail, reterr->text, sizeof(tail));
		tail[sizeof(tail) - 1] = '\0';
		int n = snprintf(reterr->text, sizeof(reterr->text), "%.255s: %.255s", head, tail);
		if (n < 0) {
			reterr->text[0] = '\0';
		}
	}
	return code;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * php_log: where PHP logs its mail, as its own files say (mail.log of php.ini, of what is included
 * into it, of FPM's pools), with rotated ones beside it. Below a root nothing outside of it is
 * named, whatever links there are. Layer: doctor.
 */
#ifndef DOCTOR_PHP_LOG_H
#define DOCTOR_PHP_LOG_H

#include "base/attr.h"
#include "base/err.h"

/* Different settings that are followed, and logs that are named for each. */
#define PHP_LOG_SETTINGS_MAX 256
#define PHP_LOG_FILES_MAX 64

/** @param path  As this process can open it. @return 0, or a negative errno that ends the search.
 */
typedef int php_log_fn(void *ctx, const char *path, struct errmsg *reterr);

/** @param root  "" or "/copy". @return 0, what `fn` returned, or -ENOMEM. */
MUSTUSE int php_log_find(const char *root, php_log_fn *fn, void *ctx, struct errmsg *reterr);

#endif

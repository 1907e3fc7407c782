/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail_glob: paths that a pattern means below a folder, never outside of it. Layer: doctor.
 */
#ifndef DOCTOR_JAIL_GLOB_H
#define DOCTOR_JAIL_GLOB_H

#include "base/attr.h"
#include "doctor/jail.h"

/* Parts of a pattern that may hold a "*"; a pattern with more means nothing. */
#define JAIL_GLOB_STARS_MAX 4

/** @param path  Below the root; borrowed. What is there, if anything, is the caller's to look at.
 * @return 0 to go on; anything else ends the search and is its answer. */
typedef int jail_glob_fn(void *ctx, const char *path);

/**
 * Tell each path that a pattern means, in no order: links are followed inside.
 *
 * @param pattern  "/home/(star)/logs/mail.log", "/var/log/mail.log(star)": a star is any number of
 *                 octets of a name, one in a part; hidden names are passed over.
 * @return 0, or what `fn` answered. A folder that can't be read has no names.
 */
MUSTUSE int jail_glob(const struct jail *j, const char *pattern, jail_glob_fn *fn, void *ctx);

#endif

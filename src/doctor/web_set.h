/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_set: the access logs of a machine's sites: what was named, or what is found where Apache,
 * nginx and panels write, inside of a folder. Layer: doctor.
 */
#ifndef DOCTOR_WEB_SET_H
#define DOCTOR_WEB_SET_H

#include "base/attr.h"
#include "base/err.h"
#include "core/attribution.h"
#include "doctor/jail.h"

#include <stdbool.h>

/* Files and folders that are looked at; what is beyond is left out and counted. */
#define WEB_SET_MAX 4000
#define WEB_FOLDERS_MAX 4000

struct web_set_file {
	char *path;   /* owned; as it is told */
	char *inside; /* owned; in the jail; NULL: it was named */
	char *site;   /* owned; of a log of one site, as its name says; else empty */
	uint32_t log; /* the same for all rotated files of one log */
	unsigned long long dev;
	unsigned long long ino;
};

struct web_set {
	struct jail jail;
	struct web_set_file *files;
	size_t count;
	size_t size;
	uint32_t logs;
	size_t left_out;
};

/** @param root  "" is the machine itself. @return 0, or a negative errno. */
MUSTUSE int web_set_init(struct web_set *set, const char *root, struct errmsg *reterr);
void web_set_done(struct web_set *set);
/** Add one file that was named. */
MUSTUSE int web_set_add(struct web_set *set, const char *path, struct errmsg *reterr);
/** Add what is found. @return 0, or -ENOMEM. */
MUSTUSE int web_set_find(struct web_set *set, const char *root, struct errmsg *reterr);
/** @return A descriptor, to be closed; or a negative errno. */
MUSTUSE int web_set_open(const struct web_set *set, size_t file);
/** Is it a log of the site that a source belongs to, by its user or the folder of its script? */
bool web_set_is_of(const struct web_set_file *f, const struct attribution_sender *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_read: reads of one access log the stretches that are asked for: of a plain file by looking
 * for their times in it, of a packed one in its order. Layer: doctor.
 */
#ifndef DOCTOR_WEB_READ_H
#define DOCTOR_WEB_READ_H

#include "base/attr.h"
#include "base/err.h"
#include "core/web_join.h"

struct web_read_opts {
	const char *path; /* for texts */
	struct str site;
	uint32_t file;
	uint32_t log;
	int64_t *octets_left; /* plain ones that may still be read; 0: reading ends */
};

/**
 * @param fd  Taken over.
 * @return 0; 1: not all was read, because too much is asked for; -EBADMSG: it is damaged from some
 *         place on; or another negative errno.
 */
MUSTUSE int web_read(int fd, const struct web_read_opts *opts, struct web_join *j,
		     struct errmsg *reterr);

/** The oldest time of the first lines, in seconds; 0: none of them has one. @param fd
 * Taken over. */
int64_t web_read_begin(int fd, const char *path);

/**
 * The number of the line that begins at an octet of the (unpacked) text.
 *
 * @param fd  Taken over.
 * @return From 1; 0: it could not be counted.
 */
uint64_t web_read_line(int fd, uint64_t offset);

#endif

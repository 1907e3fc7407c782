/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_set: the logs of a machine, in the order of their time: what was named, or what is found
 * where mail servers write. Layer: doctor.
 */
#ifndef DOCTOR_LOG_SET_H
#define DOCTOR_LOG_SET_H

#include "base/attr.h"
#include "base/err.h"
#include "doctor/jail.h"
#include "doctor/log_file.h"
#include "proto/log_time.h"

#include <stdbool.h>
#include <stddef.h>

/* Files that are looked at; beyond it the oldest are left out and said to be. */
#define LOG_SET_MAX 1000

struct log_set_file {
	char *path;           /* owned; as it is told */
	char *inside;         /* owned; in the jail; NULL: it was named */
	struct wall after;    /* of a journal: only what is younger; ns 0: all of it */
	struct wall begin;    /* of its first line with a time; ns 0: none found */
	bool is_lead;         /* PHP's log: read first, so that the mail log finds its scripts */
	struct log_time time; /* ready for reading: the year of the first line */
	int64_t written_s;    /* its file's time */
	unsigned long long dev;
	unsigned long long ino;
	bool is_queue; /* not a log: the mail queue, which evidence names */
};

struct log_set {
	struct log_set_file *files; /* oldest first */
	size_t count;
	size_t size;
	size_t left_out; /* over LOG_SET_MAX */
	struct jail jail;
	bool has_jail; /* something was looked for */
};

/** Add one file. The same file twice (by device and inode) is one. */
MUSTUSE int log_set_add(struct log_set *set, const char *path, struct errmsg *reterr);
/**
 * Add what is found below `root` ("" or "/copy") where mail servers write, once for a set; no link
 * leads out of it. Beside files of syslog the journal counts for what came after their last line:
 * there is no syslog any more, or it has stopped.
 */
MUSTUSE int log_set_find(struct log_set *set, const char *root, struct errmsg *reterr);
/** Open one for reading. */
MUSTUSE int log_set_open(const struct log_set *set, const struct log_set_file *f,
			 struct log_file **ret, struct errmsg *reterr);
/** The queue that is asked beside the logs: last, after log_set_sort. */
MUSTUSE int log_set_add_queue(struct log_set *set, const char *path, struct errmsg *reterr);
/** Order by the time of the first lines; logs of the same set come oldest first. */
void log_set_sort(struct log_set *set);
void log_set_done(struct log_set *set);

/* For log_set_find. */

/** A file below the root, unless it is empty or gone. */
MUSTUSE int log_set_add_inside(struct log_set *set, const char *root, const char *inside,
			       struct errmsg *reterr);
/** What a journal has after a time (ns 0: all), if that began more than a minute ago. */
MUSTUSE int log_set_add_journal(struct log_set *set, const char *path, struct wall after,
				struct errmsg *reterr);
/** The time of a found file's last line; ns 0: it has none. @param ret_has_zone  Is it sure? */
struct wall log_set_file_end(const struct log_set *set, const struct log_set_file *f,
			     bool *ret_has_zone);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_dir: finds the queue of this machine's mail server and walks its files. No link is ever
 * followed, and a name that is no queue id is passed over. Layer: doctor.
 */
#ifndef DOCTOR_QUEUE_DIR_H
#define DOCTOR_QUEUE_DIR_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "proto/log_event.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

struct queue_dir {
	enum log_mta mta;
	int fd;              /* owned; -1: none */
	char path[PATH_MAX]; /* without a slash at its end */
};

/* One file that holds the envelope of a message; all borrowed for the call. */
struct queue_file {
	const char *place; /* "deferred", "hold" …; "input" of Exim */
	const char *name;  /* in `dir_fd` */
	const char *hash;  /* the hashed folder that it is in; "": none */
	struct str id;
	int dir_fd;
	int fd; /* open for reading */
	struct stat st;
};

/** @return 0 to go on; anything else ends the walk and is its answer. */
typedef int queue_visit_fn(void *ctx, const struct queue_file *f);

/** By its name in plans and options: "postfix", "exim", "qmail", "sendmail". NONE: no such. */
enum log_mta queue_mta_of(struct str name);
const char *queue_mta_name(enum log_mta mta);

/**
 * Open a queue.
 *
 * @param root   "" or the folder of a copy.
 * @param queue  Its folder below `root`; NULL: where mail servers have it. Of several the first
 *               one that is not empty is taken.
 * @param mta    LOG_MTA_NONE: told by what is in the folder.
 * @return 0; -ENOENT: none found; else a negative errno.
 */
MUSTUSE int queue_dir_open(const char *root, const char *queue, enum log_mta mta,
			   struct queue_dir *ret, struct errmsg *reterr);
void queue_dir_close(struct queue_dir *q);

/**
 * Visit all messages.
 *
 * @param only  Only this part ("hold"); NULL: all.
 * @return 0, what `visit` answered, or a negative errno.
 */
MUSTUSE int queue_dir_walk(const struct queue_dir *q, const char *only, queue_visit_fn *visit,
			   void *ctx);

#endif

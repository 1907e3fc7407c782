/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_tool: runs the mail server's own programs, never through a shell: names come as arguments
 * or lines on standard input, and all of them were checked to be queue ids. Layer: doctor.
 */
#ifndef DOCTOR_QUEUE_TOOL_H
#define DOCTOR_QUEUE_TOOL_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "doctor/queue_dir.h"

struct queue_tool {
	enum log_mta mta;
	char path[PATH_MAX];   /* postsuper, or exim */
	char config[PATH_MAX]; /* Postfix: the folder of the instance's main.cf; empty: its own */
};

/**
 * Find the programs that manage this queue, and make sure that it is this one.
 *
 * @param given   Path of postsuper or exim; NULL: where packages have it.
 * @param config  Postfix: configuration folder of the instance; NULL: found by its queue.
 * @return 0; -ENOENT: no program; -ESTALE: it works on another queue; all with a text.
 */
MUSTUSE int queue_tool_find(const struct queue_dir *q, const char *given, const char *config,
			    struct queue_tool *ret, struct errmsg *reterr);

/* What can be done with messages. */
enum queue_verb {
	QUEUE_HOLD,
	QUEUE_RELEASE,
	QUEUE_DELETE, /* Postfix: of those on hold only */
	QUEUE_VERB_COUNT,
};

/* Ids in one call of the program. */
#define QUEUE_TOOL_POSTFIX_MAX 2000
#define QUEUE_TOOL_EXIM_MAX 100

/** How many ids one call takes. */
size_t queue_tool_batch(const struct queue_tool *t);

/**
 * Do it to these messages, at most queue_tool_batch of them. Whether it happened is seen in the
 * queue, not in what the program says.
 *
 * @return 0; a negative errno with a text when the program could not run or failed as a whole.
 */
MUSTUSE int queue_tool_run(const struct queue_tool *t, enum queue_verb verb, const struct str *ids,
			   size_t n, struct errmsg *reterr);

#endif

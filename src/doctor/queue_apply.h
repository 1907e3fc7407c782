/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_apply: does what a plan says: holds the messages, looks at each again, deletes what is
 * still what the plan means, and lets go what is not. A run that was killed is finished by the
 * next. Layer: doctor.
 */
#ifndef DOCTOR_QUEUE_APPLY_H
#define DOCTOR_QUEUE_APPLY_H

#include "base/attr.h"
#include "base/err.h"
#include "doctor/queue_plan.h"
#include "doctor/queue_tool.h"

struct queue_apply_opts {
	const struct queue_order *order;
	const struct queue_dir *dir;
	const struct queue_tool *tool;
	struct wall now;
	int64_t quiet_ns; /* a source that sent after the plan and within this time still sends */
	void (*progress)(const char *what, size_t done, size_t of); /* may be NULL */
};

struct queue_applied {
	uint64_t planned;
	uint64_t deleted;
	uint64_t gone;     /* were not there any more */
	uint64_t changed;  /* another message has the id now: not touched, or let go */
	uint64_t released; /* of them, those that were on hold */
	uint64_t left;     /* could not be deleted: locked */
	char still_sends[ATTRIBUTION_TEXT_MAX]; /* the source; empty: none */
	struct wall still_newest;
};

/**
 * Purge.
 *
 * @return 0: see `left` and `changed`; -EBUSY: a source still sends, nothing was done; -ESTALE: the
 *         queue is not the plan's, nothing was deleted; else a negative errno. All with a text.
 */
MUSTUSE int queue_apply(const struct queue_apply_opts *opts, struct queue_applied *ret,
			struct errmsg *reterr);

#endif

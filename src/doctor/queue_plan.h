/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_plan: what of a queue goes and what stays, in groups; as JSON, in words, and read back.
 * Layer: doctor.
 */
#ifndef DOCTOR_QUEUE_PLAN_H
#define DOCTOR_QUEUE_PLAN_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "doctor/queue_list.h"

#define QUEUE_GROUPS_MAX 400
#define QUEUE_SUBJECTS_MAX 3
/* Octets of a plan's file. */
#define QUEUE_PLAN_MAX ((size_t)256 << 20)

struct queue_group {
	enum queue_fate fate;
	uint32_t source;  /* of the list; QUEUE_NO_SOURCE: several */
	uint8_t campaign; /* of QUEUE_CHOICE: the number to choose it by */
	uint64_t messages;
	uint64_t rcpts;
	uint64_t bytes;
	struct wall oldest;
	struct wall newest;
	struct str subjects[QUEUE_SUBJECTS_MAX]; /* different ones */
	size_t subject_count;
};

struct queue_plan {
	const struct queue_list *list;
	const struct queue_dir *dir;
	const bool *accused; /* by the number of the source */
	struct queue_group groups[QUEUE_GROUPS_MAX];
	size_t group_count;
	struct wall made_at;
	struct wall since;
	struct wall until;
	const char *root;   /* "": this machine's own queue */
	const char *backup; /* file with envelopes and headers; NULL: none */
	uint64_t goes;      /* messages */
	uint64_t goes_rcpts;
	size_t choices; /* groups that somebody has to choose from */
	char list_hash[SHA256_TEXT_SIZE];
};

/** Does a message of this fate go? */
bool queue_fate_goes(uint8_t fate);

/** Sum the list up, after queue_select. */
void queue_plan_sum(struct queue_plan *p);

/** One JSON object, with the list of what goes. */
void queue_plan_json(const struct queue_plan *p, struct buf *out);
/** For a person. */
void queue_plan_text(const struct queue_plan *p, struct buf *out);

/* A plan that was read back. */
struct queue_order_item {
	struct str id; /* the order's */
	uint8_t check[QUEUE_CHECK_OCTETS];
	bool was_held; /* on hold, or frozen, before we came */
};

struct queue_order {
	enum log_mta mta;
	char queue[PATH_MAX];
	struct wall made_at;
	struct queue_order_item *items; /* owned */
	size_t count;
	struct {
		enum source_kind kind;
		struct str name;
	} sources[QUEUE_GROUPS_MAX];
	size_t source_count;
	bool is_copy;        /* made from a copy of the files */
	struct arena *texts; /* owned */
};

/**
 * Read a plan.
 *
 * @return 0; -EBADMSG: not a plan; -ESTALE: its list is not the one it was made with; else a
 *         negative errno. All with a text.
 */
MUSTUSE int queue_order_read(const char *path, struct queue_order *ret, struct errmsg *reterr);
void queue_order_done(struct queue_order *o);

#endif

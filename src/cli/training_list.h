/* SPDX-License-Identifier: Apache-2.0 */
/*
 * training_list: which messages weights are made from, by group and hash, never by content.
 * Layer: cli.
 *
 * A text file: "group NAME ham|spam WEIGHT [test]" lines, each followed by the hashes of its
 * messages (the first half of SHA-256, in hexadecimal), in rising order. `#` begins a comment.
 * The messages of group NAME lie in the folder NAME, one a file.
 */
#ifndef CLI_TRAINING_LIST_H
#define CLI_TRAINING_LIST_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/train.h"

#include <stddef.h>
#include <stdint.h>

#define LIST_HASH 16
/* Octets of a list, at most. */
#define LIST_BYTES_MAX (16 * 1024 * 1024)
/* Messages of one group, at most. */
#define LIST_MESSAGES_MAX 1000000

struct list_message {
	uint8_t hash[LIST_HASH];
	char *path; /* owned; NULL until it was found */
};

struct list_group {
	struct train_group group;
	struct list_message *messages; /* in order of their hashes, none twice */
	size_t count;
	size_t room;
};

struct training_list {
	struct list_group groups[TRAIN_GROUPS_MAX];
	size_t group_count;
};

/** @return NULL without memory. */
MUSTUSE struct training_list *training_list_new(void);
/** NULL is allowed. */
void training_list_free(struct training_list *l);

/** Read groups, with or without hashes. @return 0; -EINVAL with a text that names the line. */
MUSTUSE int training_list_read(struct str text, const char *name, struct training_list *ret,
			       struct errmsg *reterr);
/** Append the whole list as text. @return 0, or what buf_end says. */
MUSTUSE int training_list_write(const struct training_list *l, struct buf *ret);

/**
 * Find the messages under `folder`. A group without hashes takes all that its folder has; of
 * one with hashes every message must be there, and others are passed over.
 *
 * @return 0; -ENOENT with a text that says how many are missing; another negative errno.
 */
MUSTUSE int training_list_find(struct training_list *l, const char *folder, struct errmsg *reterr);

#endif

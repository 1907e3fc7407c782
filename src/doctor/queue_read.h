/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_read: one queued message: its file read, its envelope parsed, its text looked at.
 * Layer: doctor.
 */
#ifndef DOCTOR_QUEUE_READ_H
#define DOCTOR_QUEUE_READ_H

#include "base/attr.h"
#include "base/buf.h"
#include "core/queue_marks.h"
#include "doctor/queue_dir.h"
#include "proto/mail.h"
#include "proto/queue_mail.h"

struct queue_reader {
	struct mail *walker;
	struct siphash_key key;
	bool is_brief;      /* set by the caller: the header alone, no marks */
	struct buf file;    /* as it lies there */
	struct buf journal; /* Exim's -J, then -D; qmail's info, local and remote */
	struct buf content; /* header and start of the body */
	struct buf rcpts;   /* one a line */
	struct buf form;    /* names of the header's fields */
	struct buf script;
	/* What the last queue_read found; borrowed from the above. */
	struct queue_mail mail;
	struct queue_marks marks;
	const struct mail_view *view;
	uint64_t size_bytes;
	bool is_bounce;
	bool is_odd; /* its script lies where no mail comes from, or was eval()'d */
};

/** @return 0, or -ENOMEM. */
MUSTUSE int queue_reader_init(struct queue_reader *r, const struct siphash_key *key);
void queue_reader_done(struct queue_reader *r);

/** @return 0; -EBADMSG: not a queue file; else a negative errno. */
MUSTUSE int queue_read(struct queue_reader *r, const struct queue_dir *q,
		       const struct queue_file *f);

#endif

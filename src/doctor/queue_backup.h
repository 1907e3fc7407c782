/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_backup: envelope and header of what a plan deletes, one JSON object a line, never a body.
 * Layer: doctor.
 */
#ifndef DOCTOR_QUEUE_BACKUP_H
#define DOCTOR_QUEUE_BACKUP_H

#include "base/attr.h"
#include "base/err.h"
#include "doctor/queue_list.h"

/**
 * Write it, mode 0600; a file that is there already is replaced.
 *
 * @param l  The list after queue_select.
 * @return 0, or a negative errno with a text.
 */
MUSTUSE int queue_backup_write(const char *path, const struct queue_list *l,
			       const struct queue_dir *dir, struct errmsg *reterr);

#endif

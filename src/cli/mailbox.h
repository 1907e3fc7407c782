/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox: every message of a file, an mbox or a folder, in one order. Layer: cli.
 *
 * A file is an mbox only when it begins with a "From " line; each further message begins at a
 * line "From ADDRESS DATE" that follows an empty one. Folders (and those of a maildir) are read
 * in byte order of their names. In a file without any LF, CR ends the lines.
 */
#ifndef CLI_MAILBOX_H
#define CLI_MAILBOX_H

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Folders in folders that are read. */
#define MAILBOX_DEPTH_MAX 8

/**
 * One message.
 *
 * @param file   Its path, ends in NUL.
 * @param index  Of the message in its file, from 0.
 * @param octets Borrowed for the call.
 * @return 0 to go on; anything else ends the walk.
 */
typedef int mailbox_fn(void *ctx, const char *file, uint64_t index, struct str octets);

/**
 * Walk a file or folder.
 *
 * @return 0; what `visit` returned; or a negative errno with a text that names the file.
 */
MUSTUSE int mailbox_walk(const char *path, mailbox_fn *visit, void *ctx, struct errmsg *reterr);

/** Cut the next message of an mbox, or all of any other file, off `rest`; its "From " line is
 * dropped. `is_first` at the start of the file. */
struct str mailbox_take(struct str *rest, bool is_first);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files: whole files, written so that a crash leaves the old or the new one. Layer: sys.
 */
#ifndef SYS_FILES_H
#define SYS_FILES_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <sys/types.h>

/**
 * Append all of a file to `ret`, whose maximum is the limit.
 *
 * @return 0; -EMSGSIZE when the file is larger; else a negative errno, with a text that names
 *         the file.
 */
MUSTUSE int file_read(const char *path, struct buf *ret, struct errmsg *reterr);

/**
 * Replace a file: write PATH.new, fsync, rename, fsync the folder.
 *
 * @return 0, or a negative errno (the old file is still there).
 */
MUSTUSE int file_write(const char *path, struct str content, mode_t mode, struct errmsg *reterr);

/** Write all octets, going on after short writes and EINTR. @return 0, or a negative errno. */
MUSTUSE int file_write_all(int fd, struct str content);

/**
 * Make a folder with this owner and mode, or give an existing one this owner and mode. Parents
 * must exist.
 */
MUSTUSE int file_make_dir(const char *path, uid_t uid, gid_t gid, mode_t mode,
			  struct errmsg *reterr);

/** Make a folder and what is missing above it, mode 0755. */
MUSTUSE int file_make_path(const char *path, struct errmsg *reterr);

#endif

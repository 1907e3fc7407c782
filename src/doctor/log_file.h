/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_file: one log, plain or compressed (gzip, xz, zstd, bzip2: told by its first octets, not by
 * its name), read line by line; or the journal of systemd, exported to a file or by its own
 * program: then each entry is a line; or a stream of counted frames, each a line. Layer: doctor.
 */
#ifndef DOCTOR_LOG_FILE_H
#define DOCTOR_LOG_FILE_H

#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A longer line is cut: what follows its first part is dropped and counted. */
#define LOG_FILE_LINE_MAX (64 * 1024)

/* A path that begins so means the journal in the folder behind it; none: this machine's. */
#define LOG_FILE_JOURNAL "journal:"

struct log_file;

bool log_file_is_journal(const char *path);

/**
 * @param ret  To be closed with log_file_close.
 * @return 0, or a negative errno with a text that names the file.
 */
MUSTUSE int log_file_open(const char *path, struct log_file **ret, struct errmsg *reterr);

/**
 * The same of a journal.
 *
 * @param path   As above.
 * @param after  Only what came in the seconds after that one; ns 0: all of it.
 */
MUSTUSE int log_file_open_journal(const char *path, struct wall after, struct log_file **ret,
				  struct errmsg *reterr);

/**
 * The same of a file that is open.
 *
 * @param fd    Taken over, closed after a failure too.
 * @param name  For texts.
 */
MUSTUSE int log_file_open_fd(int fd, const char *name, struct log_file **ret,
			     struct errmsg *reterr);

/**
 * The next piece of the log that ends at a line's end (or at the file's), borrowed until the next
 * call.
 *
 * @param ret  One or many whole lines with their newlines; the last may lack it at the end of the
 *             file.
 * @return 1; 0 at the end; -EBADMSG when the compressed octets make no sense from here on (what
 *         was read before is good); else a negative errno.
 */
MUSTUSE int log_file_read(struct log_file *f, struct str *ret, struct errmsg *reterr);
/** NULL is allowed. */
void log_file_close(struct log_file *f);

#endif

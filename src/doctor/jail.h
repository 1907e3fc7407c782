/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jail: files below a folder, never outside of it: a link that leads up or to "/" stays inside,
 * as it would after chroot, whoever changes the tree meanwhile. Opening a pipe or a device never
 * blocks: only regular files and folders are opened. Layer: doctor.
 */
#ifndef DOCTOR_JAIL_H
#define DOCTOR_JAIL_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

#define JAIL_PATH_MAX 4096
/* Links on the way to one file, where they are followed by hand; the kernel follows 40. */
#define JAIL_LINKS_MAX 20
#define JAIL_PARTS_MAX 64

struct jail {
	int root;        /* of the folder; -1: closed */
	bool is_by_hand; /* the kernel is not asked; for tests of the other way */
};

/** @param root  "" or "/" is the machine itself. @return 0, or a negative errno. */
MUSTUSE int jail_open(struct jail *j, const char *root);
void jail_close(struct jail *j);

/**
 * A folder below it, links followed inside.
 *
 * @return Its descriptor for reading, to be closed; or a negative errno (-ELOOP: too many links).
 */
MUSTUSE int jail_open_dir(const struct jail *j, const char *path);
/** The same, and no link is followed: -ELOOP or -ENOTDIR where there is one. */
MUSTUSE int jail_open_dir_plain(const struct jail *j, const char *path);
/** A regular file for reading, links followed inside. @return Its descriptor, or as jail_read. */
MUSTUSE int jail_open_file(const struct jail *j, const char *path);
/**
 * Append a regular file, links followed inside.
 *
 * @return 0; -EMSGSIZE when it is larger than what `ret` may hold; -EISDIR or -EINVAL when it is
 *         no regular file; else a negative errno.
 */
MUSTUSE int jail_read(const struct jail *j, const char *path, struct buf *ret);
/** The same for a file of a folder that is open, and no link is followed. */
MUSTUSE int jail_read_at(int dir, const char *name, struct buf *ret);
/** Is there a regular file or a folder? */
bool jail_has(const struct jail *j, const char *path);

#endif

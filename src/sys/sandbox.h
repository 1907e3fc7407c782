/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: a process gives up what it does not need before it reads the first hostile octet.
 *
 * Layers, in this order: user, capabilities and their bounding set, no_new_privs, Landlock,
 * seccomp. A layer that cannot be had is an error, or, where the configuration says `best`, is
 * left out and reported. Layer: sys.
 */
#ifndef SYS_SANDBOX_H
#define SYS_SANDBOX_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* Bits: what holds. */
enum sandbox_layer {
	SANDBOX_USER = 1,
	SANDBOX_CAPABILITIES = 2,
	SANDBOX_NO_NEW_PRIVS = 4,
	SANDBOX_LANDLOCK = 8,
	SANDBOX_SECCOMP = 16,
	SANDBOX_ALL = 31,
};

enum sandbox_cap {
	SANDBOX_CAP_NET_ADMIN = 1,
	SANDBOX_CAP_NET_RAW = 2,
};

/* Which system calls a process may make; sandbox_syscalls.c has the lists. */
enum sandbox_profile {
	SANDBOX_PARSER,  /* no new descriptors: works on what it was given */
	SANDBOX_FILES,   /* and files in its own folder */
	SANDBOX_NETLINK, /* and netlink and raw sockets */
	SANDBOX_SERVER,  /* and listens and connects, with the threads of its libraries */
	SANDBOX_PROFILE_COUNT,
};

#define SANDBOX_PATHS_MAX 26

struct sandbox {
	const char *user;                        /* name of a system user */
	unsigned caps;                           /* enum sandbox_cap bits that stay */
	const char *writable[SANDBOX_PATHS_MAX]; /* folders to read and write; NULL ends */
	const char *readable[SANDBOX_PATHS_MAX]; /* files and folders to read; missing ones are
						    skipped */
	enum sandbox_profile profile;
	bool required; /* a missing layer is an error */
};

/**
 * Enter. There is no way back.
 *
 * @param ret_layers  Set on success: the layers that hold.
 * @return 0, or a negative errno with a text that names the layer and what to do. After a failure
 *         the process has given up an unknown part and must end.
 */
MUSTUSE int sandbox_enter(const struct sandbox *s, unsigned *ret_layers, struct errmsg *reterr);

/** "user capabilities no_new_privs landlock seccomp": one name a bit, for status. */
const char *sandbox_layer_name(enum sandbox_layer layer);

/* Within sys: installs the seccomp allow-list. @return 0, or a negative errno. */
MUSTUSE int sandbox_filter_syscalls(enum sandbox_profile profile);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live: connections to mail ports of other machines that are open now, and whose they are.
 *
 * A mail server delivers as a user of its own. A connection to port 25 by any other user bypasses
 * it. What a process calls itself is shown and never believed: only its user counts. Connections
 * of other network namespaces (containers) are not seen. Layer: doctor.
 */
#ifndef DOCTOR_LIVE_H
#define DOCTOR_LIVE_H

#include "base/attr.h"
#include "base/err.h"
#include "proto/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* Further connections are counted only. */
#define LIVE_SOCKETS_MAX 256
#define LIVE_TEXT_MAX 512

struct live_process {
	uint32_t pid;            /* 0: not found; it had ended, or it is not ours to see */
	char exe[LIVE_TEXT_MAX]; /* ends in " (deleted)" when the file is gone */
	char cwd[LIVE_TEXT_MAX];
	char cmdline[LIVE_TEXT_MAX]; /* what it calls itself, blanks between */
};

struct live_socket {
	struct addr local;
	struct addr remote;
	uint16_t local_port;
	uint16_t port;
	bool is_open; /* established; else it tries */
	uint32_t uid;
	char user[64]; /* empty: nobody of that number in passwd */
	uint64_t inode;
	struct live_process process;
	struct live_process parent;
};

struct live {
	struct live_socket *sockets; /* owned; of users that are no mail server's */
	size_t count;
	size_t left_out;
	size_t by_mta; /* connections of the mail server's own users, in the last look */
	unsigned seconds;
	bool is_blind; /* some processes could not be looked into: not root */
};

struct live_opts {
	const char *root;             /* "" or a copy's folder */
	const char *const *mta_users; /* more users that may send */
	size_t mta_user_count;
};

/** @return 0; -ENOENT: there is no proc/net/tcp below root; or a negative errno. */
MUSTUSE int live_begin(const struct live_opts *o, struct live *ret, struct errmsg *reterr);
/** Look (again): new connections are added. */
MUSTUSE int live_look(const struct live_opts *o, struct live *l, struct errmsg *reterr);
void live_done(struct live *l);

/** Is it a connection to port 25 of another machine? The other ports may be a login at a relay. */
bool live_is_direct(const struct live_socket *s);

#endif

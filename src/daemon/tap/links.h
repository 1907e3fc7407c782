/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links: what changes about the machine's interfaces and addresses, told by the kernel.
 *
 * A ring is silent for ever when its interface was deleted and made again; and what the machine
 * itself sends is its own only while the sender is one of its addresses. Layer: daemon.
 */
#ifndef DAEMON_TAP_LINKS_H
#define DAEMON_TAP_LINKS_H

#include "base/attr.h"
#include "base/err.h"
#include "proto/addr.h"

#include <stdbool.h>
#include <stddef.h>

/* Addresses of this machine that are remembered; frames of further ones are not taken for ours. */
#define LINKS_ADDRS_MAX 4096

struct links;

/** An interface with this name is there (again) and up, under this number. */
typedef void links_up_fn(void *ctx, const char *name, unsigned ifindex);

/** Needs no privilege, but a socket: before the sandbox. */
MUSTUSE int links_new(struct links **ret, struct errmsg *reterr);
/** NULL is allowed. */
void links_free(struct links *l);
int links_fd(const struct links *l);
/** Read what the kernel has told. */
void links_read(struct links *l, links_up_fn *up, void *ctx);

/** The addresses of this machine, borrowed until the next links_read. */
const struct addr *links_addrs(const struct links *l, size_t *ret_count);

#endif

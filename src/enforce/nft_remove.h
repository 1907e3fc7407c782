/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_remove: takes our table away from outside of the gate, for an operator who wants all mail
 * open at once. Layer: enforce.
 */
#ifndef ENFORCE_NFT_REMOVE_H
#define ENFORCE_NFT_REMOVE_H

#include "base/attr.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct nft_found {
	bool found;
	uint32_t owner; /* netlink port of the living process that owns it; 0: nobody */
};

/** Is our table in this network namespace, and whose is it? @return 0, or a negative errno. */
MUSTUSE int nft_remove_look(struct nft_found *ret, struct errmsg *reterr);

/**
 * Remove it.
 *
 * @return 0, also when there is none; -EPERM: it belongs to a living process, or we are not
 *         allowed to.
 */
MUSTUSE int nft_remove(struct errmsg *reterr);

/** The process that has this netlink port open. @return its id, or 0 when it is not found. */
pid_t nft_remove_find_owner(uint32_t port);

#endif

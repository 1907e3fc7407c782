/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_state: what the files of the nft backend share. Layer: enforce.
 */
#ifndef ENFORCE_NFT_STATE_H
#define ENFORCE_NFT_STATE_H

#include "enforce/nft_table.h"

struct nft {
	struct nl_sock *sock;
	struct nl_batch *batch;
	struct nft_plan plan;
	bool owned;
	uint64_t handle;      /* of our table; 0: not loaded */
	uint32_t generation;  /* of the ruleset when last looked at, plus our own changes */
	uint64_t rules_print; /* of all our rules, as the kernel lists them */
};

struct nft_key {
	uint8_t octets[32];
	size_t len;
};

/** A source of a zone has an element for each interface of its network, any other has one. */
size_t nft_keys_of(const struct nft *n, const struct nft_rung *g, const struct source_key *s);
/** The i-th of them. */
struct nft_key nft_key_of(const struct nft *n, const struct nft_rung *g, const struct source_key *s,
			  size_t i);
/** The backend's `read`. */
int nft_read(struct enforcer *e, struct enforce_view *views, size_t count, struct errmsg *reterr);

#endif

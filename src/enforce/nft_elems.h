/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_elems: changes of elements, packed into as few messages as they fit in. Layer: enforce.
 */
#ifndef ENFORCE_NFT_ELEMS_H
#define ENFORCE_NFT_ELEMS_H

#include "enforce/nft_table.h"

/* Writes elements, as many into one message as fit while set and verb stay the same. */
struct nft_elems {
	struct nl_batch *b;
	uint32_t seq; /* of the message that takes more; another one may have been begun since */
	uint16_t verb;
	char set[NFT_NAME_MAX];
};

/**
 * Add or delete one element.
 *
 * @param verb  NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM.
 */
void nft_elems_put(struct nft_elems *e, uint16_t verb, const char *set, struct str key);

#endif

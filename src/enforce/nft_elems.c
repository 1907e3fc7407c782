/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_elems: messages of elements. Layer: enforce.
 */
#include "enforce/nft_elems.h"

#include "base/poison.h"

void nft_elems_put(struct nft_elems *e, uint16_t verb, const char *set, struct str key)
{
	bool same = e->seq == e->b->seq && e->verb == verb &&
		    str_is_equal(str_of(e->set), str_of(set));

	if (!same || nl_msg_len(e->b) > NL_MSG_FULL) {
		nl_msg(e->b, verb, verb == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
		nl_put_cstr(e->b, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE);
		nl_put_cstr(e->b, NFTA_SET_ELEM_LIST_SET, set);
		nl_nest_lazy(e->b, NFTA_SET_ELEM_LIST_ELEMENTS);
		e->seq = e->b->seq;
		e->verb = verb;
		str_copy(e->set, sizeof(e->set), str_of(set));
	}
	size_t elem = nl_nest(e->b, NFTA_LIST_ELEM);
	size_t mark = nl_nest(e->b, NFTA_SET_ELEM_KEY);
	nl_put(e->b, NFTA_DATA_VALUE, key.ptr, key.len);
	nl_nest_end(e->b, mark);
	nl_nest_end(e->b, elem);
}

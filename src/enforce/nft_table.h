/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nft_table: the plan of `table inet postern`: which maps, sets and chains it has, and the
 * messages that make them.
 *
 * A plan grows: the first source of a new prefix length, or on a rung that its network feels in
 * its own way, adds what it needs. Only look-ups in use are in the rules. Layer: enforce.
 */
#ifndef ENFORCE_NFT_TABLE_H
#define ENFORCE_NFT_TABLE_H

#include "enforce/enforce.h"
#include "enforce/nft_expr.h"

/* Prefix lengths in use at once, zones apart; a source of one more is refused. */
#define NFT_CLASSES_MAX 32
/* Chains for rungs: prefix lengths × ways to feel; a source that needs one more is refused. */
#define NFT_RUNGS_MAX 4096
/* Different lists of ports. */
#define NFT_PORTSETS_MAX 256
#define NFT_NAME_MAX 128

/* What the maps of sources say: the rung in the upper half, which of its chains in the lower. The
 * map `rungs` turns it into a chain. */
#define NFT_VALUE(rung, index) ((uint32_t)(rung) << 16 | (uint32_t)(index))
/* Beside the rungs: reset what comes back. */
#define NFT_VALUE_CUT(index) NFT_VALUE(RUNG_COUNT, index)

/* Packets that we send ourselves to end sessions carry this mark and meet no block. */
#define NFT_MARK_POKE 0x00600025U

/* Different ports of all networks together; open refuses a policy with more. */
#define NFT_PORTS_MAX 64

struct nft_ports {
	uint16_t port[NFT_PORTS_MAX];
	size_t count;
	char name[NFT_NAME_MAX]; /* of its set */
	char cut[NFT_NAME_MAX];  /* of the chain that resets answers from these ports */
	uint32_t cut_value;
};

/* How one rung of one network is done for one class of sources. */
struct nft_rung {
	enum rung rung; /* RUNG_THROTTLE or RUNG_BLOCK */
	struct nft_class class;
	enum feel feel;
	uint32_t per_min;
	uint32_t burst;
	const struct nft_ports *ports;
	char name[NFT_NAME_MAX]; /* of its chain */
	uint32_t value;
};

struct nft_plan {
	const struct enforce_opts *opts;
	struct nft_ports *ports; /* [0]: all ports of all networks, named "ports" */
	size_t ports_count;
	struct nft_class classes[NFT_CLASSES_MAX]; /* zones and longer prefixes first */
	size_t class_count;
	struct nft_rung *rungs;
	size_t rung_count;
	uint32_t map_size; /* of each map of sources */
};

/* What a source needs in the table. */
struct nft_place {
	struct nft_class class;
	uint32_t value; /* of its element */
	uint32_t back;  /* the same for answers to it while it is cut */
	const struct network *network;
};

/** @return 0; -ENOMEM; -E2BIG: more than NFT_PORTS_MAX different ports. */
MUSTUSE int nft_plan_init(struct nft_plan *p, const struct enforce_opts *opts);
void nft_plan_done(struct nft_plan *p);
/** Forget all sources: what nft_put_table makes is left. @return as nft_plan_init */
MUSTUSE int nft_plan_reset(struct nft_plan *p);

/**
 * Where a source belongs; adds to the plan what is missing and writes its creation into the
 * batch.
 *
 * @param ret_rules  Set to true when the rules of `out` and `back` have to be written anew.
 *
 * @return 0; -EINVAL: a prefix of no use (length 0, unknown network); -ENOSPC: too many kinds.
 */
MUSTUSE int nft_plan_place(struct nft_plan *p, const struct enforce_action *a, struct nl_batch *b,
			   struct nft_place *ret, bool *ret_rules);
/** Make room for the kinds of sources that the enforcing networks have, so that their first block
 *  is as quick as any. @return as nft_plan_place */
MUSTUSE int nft_plan_expect(struct nft_plan *p, struct nl_batch *b);
/** The class alone: for reading back. @return false for a prefix of no use. */
bool nft_plan_class(const struct nft_plan *p, const struct source_key *s, struct nft_class *ret,
		    const struct network **ret_network);

/** Take back the newest parts of a plan, after the kernel refused them. */
struct nft_plan_mark {
	size_t ports_count;
	size_t rung_count;
	struct nft_class classes[NFT_CLASSES_MAX];
	size_t class_count;
};
struct nft_plan_mark nft_plan_mark(const struct nft_plan *p);
void nft_plan_rollback(struct nft_plan *p, const struct nft_plan_mark *m);

/** Table, counters, base chains and all that does not depend on sources. */
void nft_put_table(struct nl_batch *b, const struct nft_plan *p, uint32_t table_flags);
void nft_put_table_gone(struct nl_batch *b);
/** The rules of `out` and `back`. `flush`: they have some already. */
void nft_put_lookups(struct nl_batch *b, const struct nft_plan *p, bool flush);

/** A set of ports. */
void nft_put_ports(struct nl_batch *b, const struct nft_ports *p);
/** The chain that resets answers from these ports only. */
void nft_put_cut(struct nl_batch *b, const struct nft_ports *ports);
/** Map, sets of one class; the look-ups are apart. */
void nft_put_class(struct nl_batch *b, const struct nft_plan *p, const struct nft_class *c);
/** The chain of a rung. `all_ports`: its network has all ports there are. */
void nft_put_rung(struct nl_batch *b, const struct nft_rung *g, bool all_ports);

/** Names of a class' objects: "r4", "back6_64", "hit4", "lim4". @return ret_name */
char *nft_object_name(const char *what, const struct nft_class *c,
		      char ret_name[static NFT_NAME_MAX]);
/** The key of a source in its class. @return its length */
size_t nft_put_key(const struct source_key *s, const struct nft_class *c, const char *interface,
		   uint8_t ret_key[static 32]);
/** The rung that an element's value stands for; RUNG_COUNT for none. */
enum rung nft_rung_of_value(struct str value);

#endif

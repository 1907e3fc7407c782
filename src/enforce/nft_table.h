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

/* Packets that we send ourselves to end sessions carry this mark and meet no block. */
#define NFT_MARK_POKE 0x00600025U

/* Different ports of all networks together; open refuses a policy with more. */
#define NFT_PORTS_MAX 64

struct nft_ports {
	uint16_t port[NFT_PORTS_MAX];
	size_t count;
	char name[NFT_NAME_MAX]; /* of its set */
	char cut[NFT_NAME_MAX];  /* of the chain that resets answers from these ports */
};

/* How one rung of one network is done for one class of sources. */
struct nft_rung {
	enum rung rung; /* not RUNG_DIVERT */
	struct nft_class class;
	enum feel feel;
	uint32_t per_min;
	uint32_t burst;
	const struct nft_ports *ports;
	char set[NFT_NAME_MAX];   /* of its sources */
	char chain[NFT_NAME_MAX]; /* what is done with their packets */
	char back[NFT_NAME_MAX];  /* RUNG_BLOCK: set of those to whom answers are reset too */
};

struct nft_plan {
	const struct enforce_opts *opts;
	struct nft_ports *ports; /* [0]: all ports of all networks, named "ports" */
	size_t ports_count;
	struct nft_class classes[NFT_CLASSES_MAX]; /* zones and longer prefixes first */
	size_t class_count;
	struct nft_rung *rungs;
	size_t rung_count;
	uint32_t set_size; /* of each set of sources */
};

/** @return 0; -ENOMEM; -E2BIG: more than NFT_PORTS_MAX different ports. */
MUSTUSE int nft_plan_init(struct nft_plan *p, const struct enforce_opts *opts);
void nft_plan_done(struct nft_plan *p);
/** Forget all sources: what nft_put_table makes is left. @return as nft_plan_init */
MUSTUSE int nft_plan_reset(struct nft_plan *p);

/**
 * Where a source on a rung belongs; adds to the plan what is missing and writes its creation into
 * the batch.
 *
 * @param ret        Borrowed from the plan, valid until it grows.
 * @param ret_rules  Set to true when the rules of `out` and `back` have to be written anew.
 *
 * @return 0; -EINVAL: a prefix of no use (length 0, unknown network); -ENOSPC: too many kinds.
 */
MUSTUSE int nft_plan_place(struct nft_plan *p, const struct source_key *s, enum rung rung,
			   struct nl_batch *b, const struct nft_rung **ret, bool *ret_rules);
/**
 * The same without adding anything: what it is called, whether it is there or not.
 *
 * @return 0; -EINVAL: a prefix of no use.
 */
MUSTUSE int nft_plan_name(const struct nft_plan *p, const struct source_key *s, enum rung rung,
			  struct nft_rung *ret);
/** Is there such a set? After nft_plan_name. */
bool nft_plan_has(const struct nft_plan *p, const struct nft_rung *g);
/** Make room for the kinds of sources that the enforcing networks have, so that their first block
 *  is as quick as any. @return as nft_plan_place */
MUSTUSE int nft_plan_expect(struct nft_plan *p, struct nl_batch *b);
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
/** The sets that learn of one class. */
void nft_put_class(struct nl_batch *b, const struct nft_class *c);
/** Sets and chain of a rung. */
void nft_put_rung(struct nl_batch *b, const struct nft_plan *p, const struct nft_rung *g);

/** Names of a class' objects: "hit4", "lim6_64". @return ret_name */
char *nft_object_name(const char *what, const struct nft_class *c,
		      char ret_name[static NFT_NAME_MAX]);
/** The key of a source in its class. @return its length */
size_t nft_put_key(const struct source_key *s, const struct nft_class *c, const char *interface,
		   uint8_t ret_key[static 32]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: the configuration as the processes use it: an immutable snapshot, all defaults filled
 * in, made by conf/ from the YAML text and lent to everybody. Layer: core (pure).
 *
 * Strings end in NUL and live in the snapshot's arena. Indices are stable for its life only; the
 * store keeps names.
 */
#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "base/arena.h"
#include "base/attr.h"
#include "core/opinion.h"
#include "core/source.h"
#include "core/words.h"

#include <stdbool.h>

#define NETWORKS_MAX 1024
#define PORTS_MAX 8

struct network {
	const char *name;
	struct prefix *prefixes;
	size_t prefix_count;
	const char **interfaces;
	size_t interface_count;
	uint16_t ports[PORTS_MAX];
	size_t port_count;
	enum posture posture;
	enum mode mode;
	enum feel feel;
	enum content_policy content;
	enum unblock_policy unblock;
	uint32_t throttle_per_min;
	uint32_t throttle_burst;
	uint8_t v6_source_len;
	bool sources_verified; /* a one-sided tap may block here (DECISION §2) */
};

/* One machine of a tenant: an order for one of its sources holds for all. */
struct server {
	const char *name;
	uint32_t tenant; /* index in policy.tenants */
	struct prefix *sources;
	size_t source_count;
	bool is_shared; /* many customers behind it: stops at throttle */
};

struct tenant {
	const char *name;
	const char **contacts; /* mail addresses */
	size_t contact_count;
	const char *language;
	bool is_managed;
	struct server *servers;
	size_t server_count;
};

/* Lists of URLs, at most: a bit for each in an observation. */
#define LISTS_MAX 16

/* How a list is written. */
enum list_entries {
	LIST_AUTO, /* with a scheme or a path a URL, else a host */
	LIST_HOSTS,
	LIST_DOMAINS, /* and all hosts in them */
	LIST_URLS,
	LIST_ENTRIES_COUNT,
};

struct list_format {
	bool is_csv;
	bool has_header;
	uint32_t column; /* of a CSV file, from 1 */
	enum list_entries entries;
};

struct list_policy {
	const char *name;
	const char *file;
	struct list_format format;
	uint32_t entries_max;
	uint32_t nats_micro; /* what a listed campaign adds to kind listing … */
	uint32_t most_micro; /* … and all of them in 24 h */
};

/* Other filters that are asked: one of each kind. */
#define OPINIONS_MAX OPINION_KIND_COUNT

struct opinion_policy {
	enum opinion_kind kind;
	const char *address; /* "127.0.0.1:783" */
	uint32_t share_ppm;  /* of all messages */
	uint32_t rate_per_min;
	uint32_t timeout_s;
};

/* A list adds this at most. */
#define LIST_MICRO_MAX 10000000

/* What the judge counts of a list; zero where there is none. */
struct list_rule {
	uint32_t nats_micro;
	uint32_t most_micro;
};

/* The numbers of DECISION; millionths of a nat where it says micro. */
struct decision_policy {
	uint32_t h_micro;           /* 16,000,000 */
	uint32_t h2_micro;          /* 6,000,000 */
	uint32_t pi0_ppm;           /* share of spam of a healthy source: 50,000 */
	uint32_t pi1_ppm[3];        /* 150,000 500,000 900,000 */
	uint32_t copies_counted;    /* of a campaign per source and 24 h: 3 */
	uint32_t copies_nats_micro; /* and at most this much to a leg: 5,000,000 */
	uint32_t brake_blocks;
	uint32_t brake_share_ppm;
	uint32_t brake_window_s;
	struct list_rule lists[LISTS_MAX]; /* filled in from policy.lists */
};

struct policy {
	struct arena *arena; /* holds all that is pointed to */
	const char *state_dir;
	const char *listen_api; /* "127.0.0.1:8025"; NULL: no TCP listener */
	const char *listen_socket;
	struct network *networks;
	size_t network_count;
	struct tenant *tenants;
	size_t tenant_count;
	struct prefix *never_block;
	size_t never_block_count;

	const char *notice_smtp; /* "127.0.0.1:25"; NULL: no notices */
	const char *notice_from;
	const char *notice_portal; /* URL without a slash at its end */
	uint32_t notice_burst;     /* to one contact at once; further ones wait and are one mail */
	uint32_t notice_window_s;

	uint32_t cool_down_s[8]; /* by how often the source was blocked before; then staff */
	size_t cool_down_count;
	uint32_t probation_s;
	uint32_t quiet_s; /* attempts must not rise for this long: 10 min */

	uint32_t keep_samples_s; /* content of flagged messages */
	uint32_t keep_events_s;
	uint32_t keep_audit_s;

	struct opinion_policy *opinions;
	size_t opinion_count;
	struct list_policy *lists;
	size_t list_count;
	bool learn_f0; /* the share of legitimate mail in each bin of scores, per network */

	struct decision_policy decision;
	const char *gate_backend; /* "nft", "dry-run" */
	bool sandbox_required;
};

/** A new empty snapshot with all defaults set; NULL without memory. */
MUSTUSE struct policy *policy_new(void);
/** NULL is allowed. */
void policy_free(struct policy *p);

/**
 * The network of an address: the longest matching prefix; on a tie the first in the file.
 *
 * @return Its index, or NETWORK_NONE.
 */
uint16_t policy_find_network(const struct policy *p, const struct addr *a);
/** The server that holds this source (longest match), or NULL. */
const struct server *policy_find_server(const struct policy *p, const struct prefix *source);
bool policy_is_never_block(const struct policy *p, const struct prefix *source);
bool network_has_port(const struct network *n, uint16_t port);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema: the rows. Layer: conf.
 */
#include "conf/schema_rows.h"

#include "core/policy.h"

#include <string.h>

#include "base/poison.h"

/* Longest key a suggestion is computed for; longer ones get none. */
#define NEAR_KEY_MAX 32

/* The lists of core/words.h behind one shape. */
#define WORD_LIST(list, upper)                                                                     \
	static const char *list##_word(unsigned v)                                                 \
	{                                                                                          \
		return list##_name((enum list)v);                                                  \
	}                                                                                          \
	static const struct conf_words list##_words = {CONF_AS_ENUM, list##_find, list##_word,     \
						       upper}

WORD_LIST(posture, POSTURE_COUNT);
WORD_LIST(mode, MODE_COUNT);
WORD_LIST(feel, FEEL_COUNT);
WORD_LIST(content_policy, CONTENT_POLICY_COUNT);
WORD_LIST(unblock_policy, UNBLOCK_POLICY_COUNT);

/* Words that stand for a bool or a text in the snapshot. */
static const char *const support_names[] = {"self", "managed"};
static const char *const sandbox_names[] = {"best", "required"};
static const char *const backend_names[] = {"nft", "dry-run"};

OWN_LIST(support, CONF_AS_BOOL);
OWN_LIST(sandbox, CONF_AS_BOOL);
OWN_LIST(backend, CONF_AS_TEXT);

static const struct conf_row listen_rows[] = {
	{.key = "api",
	 .type = CONF_ENDPOINT,
	 FIELD(struct policy, listen_api),
	 .nullable = true,
	 .dflt = "127.0.0.1:8025",
	 .help = "Address and port of the API and the panel; null: the socket only. It speaks "
		 "plain "
		 "HTTP: keep it on loopback and put a reverse proxy with TLS in front."},
	{.key = "socket",
	 .type = CONF_PATH,
	 FIELD(struct policy, listen_socket),
	 .max = 100,
	 .dflt = "/run/postern/api.sock",
	 .help = "Unix socket of the same API, for root and the group postern."},
};
static const struct conf_map listen_map = {"listen", listen_rows, COUNT_OF(listen_rows), 0};

static const struct conf_row throttle_rows[] = {
	{.key = "rate",
	 .type = CONF_RATE,
	 FIELD(struct network, throttle_per_min),
	 .min = 1,
	 .max = 60000,
	 .dflt = "6/m",
	 .help = "New connections that a throttled source may open."},
	{.key = "burst",
	 .type = CONF_UINT,
	 FIELD(struct network, throttle_burst),
	 .min = 1,
	 .max = 1000,
	 .dflt = "3",
	 .help = "And how many of them at once."},
};
static const struct conf_map throttle_map = {"throttle", throttle_rows, COUNT_OF(throttle_rows), 0};

static const struct conf_row network_rows[] = {
	{.key = "name",
	 .type = CONF_NAME,
	 FIELD(struct network, name),
	 .required = true,
	 .sample = "customers",
	 .help = "How it is called everywhere."},
	{.key = "prefixes",
	 .type = CONF_PREFIX,
	 LIST(struct network, prefixes, prefix_count),
	 .required = true,
	 .sample = "[192.0.2.0/24, \"2001:db8::/32\"]",
	 .help = "Addresses of the customers; the longest match decides."},
	{.key = "interfaces",
	 .type = CONF_NAME,
	 LIST(struct network, interfaces, interface_count),
	 .max = 15,
	 .sample = "[eth1]",
	 .help = "Where the customers are; the tap listens here."},
	{.key = "ports",
	 .type = CONF_UINT,
	 ITEMS(struct network, ports),
	 .count_offset = offsetof(struct network, port_count),
	 .min = 1,
	 .max = 65535,
	 .dflt = "[25, 465]",
	 .help = "What a block shuts."},
	{.key = "posture",
	 WORDS(posture_words),
	 FIELD(struct network, posture),
	 .dflt = "open",
	 .help = "Where its sources start."},
	{.key = "mode",
	 WORDS(mode_words),
	 FIELD(struct network, mode),
	 .dflt = "observe",
	 .help = "observe decides and records and changes nothing; enforce makes it true."},
	{.key = "feel",
	 WORDS(feel_words),
	 FIELD(struct network, feel),
	 .dflt = "reset",
	 .help = "How a block feels to the customer's mail server."},
	{.key = "content",
	 WORDS(content_policy_words),
	 FIELD(struct network, content),
	 .dflt = "all",
	 .help = "Whose mail is read and scored."},
	{.key = "unblock",
	 WORDS(unblock_policy_words),
	 FIELD(struct network, unblock),
	 .dflt = "checked",
	 .help = "What an owner's unblock has to pass."},
	{.key = "throttle", MAP(throttle_map), .help = "The rung throttle."},
	{.key = "v6_source",
	 .type = CONF_UINT,
	 FIELD(struct network, v6_source_len),
	 .min = 32,
	 .max = 128,
	 .dflt = "64",
	 .help = "Prefix length of one IPv6 source."},
	{.key = "sources_verified",
	 .type = CONF_BOOL,
	 FIELD(struct network, sources_verified),
	 .dflt = "false",
	 .help = "Source addresses cannot be forged here, so that a tap that sees one direction "
		 "only may block."},
};
const struct conf_map conf_network_map = {"network", network_rows, COUNT_OF(network_rows),
					  sizeof(struct network)};

static const struct conf_row server_rows[] = {
	{.key = "name",
	 .type = CONF_NAME,
	 FIELD(struct server, name),
	 .required = true,
	 .sample = "b1",
	 .help = "How it is called."},
	{.key = "sources",
	 .type = CONF_PREFIX,
	 LIST(struct server, sources, source_count),
	 .required = true,
	 .sample = "[192.0.2.20, \"2001:db8:0:20::/64\"]",
	 .help = "All its addresses and prefixes: an order for one holds for all."},
	{.key = "shared",
	 .type = CONF_BOOL,
	 FIELD(struct server, is_shared),
	 .dflt = "false",
	 .help = "Many customers are behind it: it is throttled, never blocked."},
};
const struct conf_map conf_server_map = {"server", server_rows, COUNT_OF(server_rows),
					 sizeof(struct server)};

static const struct conf_row tenant_rows[] = {
	{.key = "name",
	 .type = CONF_NAME,
	 FIELD(struct tenant, name),
	 .required = true,
	 .sample = "b",
	 .help = "How the customer is called."},
	{.key = "contacts",
	 .type = CONF_MAIL,
	 LIST(struct tenant, contacts, contact_count),
	 .sample = "[owner@b.example]",
	 .help = "Where notices go."},
	{.key = "language",
	 .type = CONF_NAME,
	 FIELD(struct tenant, language),
	 .max = 16,
	 .dflt = "en",
	 .help = "Of the notices."},
	{.key = "support",
	 WORDS(support_words),
	 FIELD(struct tenant, is_managed),
	 .dflt = "self",
	 .help = "Who mends the servers: their owner, or the provider's staff."},
	{.key = "servers",
	 MAP(conf_server_map),
	 LIST(struct tenant, servers, server_count),
	 .help = "The machines."},
};
const struct conf_map conf_tenant_map = {"tenant", tenant_rows, COUNT_OF(tenant_rows),
					 sizeof(struct tenant)};

static const struct conf_row notices_rows[] = {
	{.key = "smtp",
	 .type = CONF_ENDPOINT,
	 FIELD(struct policy, notice_smtp),
	 .nullable = true,
	 .sample = "\"127.0.0.1:25\"",
	 .help = "The mail server that takes notices; null: no notices."},
	{.key = "from",
	 .type = CONF_MAIL,
	 FIELD(struct policy, notice_from),
	 .nullable = true,
	 .sample = "abuse@provider.example",
	 .help = "Their sender, and where answers go."},
	{.key = "portal",
	 .type = CONF_URL,
	 FIELD(struct policy, notice_portal),
	 .nullable = true,
	 .sample = "\"https://abuse.provider.example\"",
	 .help = "How the owner reaches the panel: the link in a notice begins with it."},
	{.key = "burst",
	 .type = CONF_UINT,
	 FIELD(struct policy, notice_burst),
	 .min = 1,
	 .max = 1000,
	 .dflt = "3",
	 .help = "Notices of blocks that a tenant gets at once; further ones wait and are one "
		 "mail."},
	{.key = "window",
	 .type = CONF_DURATION,
	 FIELD(struct policy, notice_window_s),
	 .min = 1,
	 .max = 86400,
	 .dflt = "10m",
	 .help = "Within this time."},
};
static const struct conf_map notices_map = {"notices", notices_rows, COUNT_OF(notices_rows), 0};

static const struct conf_row unblock_rows[] = {
	{.key = "cool_down",
	 .type = CONF_DURATION,
	 ITEMS(struct policy, cool_down_s),
	 .count_offset = offsetof(struct policy, cool_down_count),
	 .max = 365 * 86400,
	 .dflt = "[1h, 24h, 7d]",
	 .help = "How long a block lasts at least, the first time, the second …; after the last "
		 "one only staff unblock."},
	{.key = "probation",
	 .type = CONF_DURATION,
	 FIELD(struct policy, probation_s),
	 .max = 365 * 86400,
	 .dflt = "72h",
	 .help = "How long thresholds are tighter after an unblock."},
	{.key = "quiet",
	 .type = CONF_DURATION,
	 FIELD(struct policy, quiet_s),
	 .min = 1,
	 .max = 86400,
	 .dflt = "10m",
	 .help = "Attempts must not have risen for this long before an unblock."},
};
static const struct conf_map unblock_map = {"unblock", unblock_rows, COUNT_OF(unblock_rows), 0};

static const struct conf_row retention_rows[] = {
	{.key = "samples",
	 .type = CONF_DURATION,
	 FIELD(struct policy, keep_samples_s),
	 .min = 3600,
	 .max = 365 * 86400,
	 .dflt = "14d",
	 .help = "Content of flagged messages, encrypted."},
	{.key = "events",
	 .type = CONF_DURATION,
	 FIELD(struct policy, keep_events_s),
	 .min = 86400,
	 .max = 365 * 86400,
	 .dflt = "7d",
	 .help = "What `tail` and the panel show as it happens; whole days."},
	{.key = "audit",
	 .type = CONF_DURATION,
	 FIELD(struct policy, keep_audit_s),
	 .min = 86400,
	 .max = 3650 * 86400,
	 .dflt = "400d",
	 .help = "Who looked at what and did what."},
};
static const struct conf_map retention_map = {"retention", retention_rows, COUNT_OF(retention_rows),
					      0};

static const struct conf_row brake_rows[] = {
	{.key = "blocks",
	 .type = CONF_UINT,
	 FIELD(struct policy, decision.brake_blocks),
	 .min = 1,
	 .max = 1000000,
	 .dflt = "5",
	 .help = "Automatic blocks that are never too many."},
	{.key = "share",
	 .type = CONF_PERCENT,
	 FIELD(struct policy, decision.brake_share_ppm),
	 .max = 1000000,
	 .dflt = "1%",
	 .help = "The same as a share of the active sources."},
	{.key = "window",
	 .type = CONF_DURATION,
	 FIELD(struct policy, decision.brake_window_s),
	 .min = 1,
	 .max = 86400,
	 .dflt = "10m",
	 .help = "Within this time."},
};
static const struct conf_map brake_map = {"brake", brake_rows, COUNT_OF(brake_rows), 0};

static const struct conf_row decision_rows[] = {
	{.key = "h",
	 .type = CONF_MICRO,
	 FIELD(struct policy, decision.h_micro),
	 .min = 1000000,
	 .max = 100000000,
	 .dflt = "16",
	 .help = "Threshold of a main witness, in nats."},
	{.key = "h2",
	 .type = CONF_MICRO,
	 FIELD(struct policy, decision.h2_micro),
	 .min = 1000000,
	 .max = 100000000,
	 .dflt = "6",
	 .help = "Threshold of the second witness, in nats."},
	{.key = "pi0",
	 .type = CONF_PERCENT,
	 FIELD(struct policy, decision.pi0_ppm),
	 .min = 1,
	 .max = 200000,
	 .dflt = "5%",
	 .help = "Share of spam in what a healthy source sends."},
	{.key = "pi1",
	 .type = CONF_PERCENT,
	 ITEMS(struct policy, decision.pi1_ppm),
	 .count_offset = NO_COUNT,
	 .min = 1,
	 .max = 950000,
	 .dflt = "[15%, 50%, 90%]",
	 .help = "Shares of spam that the three legs look for."},
	{.key = "copies",
	 .type = CONF_UINT,
	 FIELD(struct policy, decision.copies_counted),
	 .min = 1,
	 .max = 1000,
	 .dflt = "3",
	 .help = "Copies of one campaign that count, per source and day."},
	{.key = "copies_nats",
	 .type = CONF_MICRO,
	 FIELD(struct policy, decision.copies_nats_micro),
	 .min = 100000,
	 .max = 100000000,
	 .dflt = "5",
	 .help = "And what they add to a leg at most, in nats."},
};
static const struct conf_map decision_map = {"decision", decision_rows, COUNT_OF(decision_rows), 0};

static const struct conf_row gate_rows[] = {
	{.key = "backend",
	 WORDS(backend_words),
	 FIELD(struct policy, gate_backend),
	 .dflt = "nft",
	 .help = "What carries out the orders."},
};
static const struct conf_map gate_map = {"gate", gate_rows, COUNT_OF(gate_rows), 0};

static const struct conf_row root_rows[] = {
	{.key = "state_dir",
	 .type = CONF_PATH,
	 FIELD(struct policy, state_dir),
	 .max = 200,
	 .dflt = "/var/lib/postern",
	 .help = "Journal, store and checkpoints."},
	{.key = "listen", MAP(listen_map), .help = "Where the API and the panel are."},
	{.key = "networks",
	 MAP(conf_network_map),
	 LIST(struct policy, networks, network_count),
	 .help = "Prefixes and interfaces with one policy each."},
	{.key = "tenants",
	 MAP(conf_tenant_map),
	 LIST(struct policy, tenants, tenant_count),
	 .help = "The customers and their servers."},
	{.key = "never_block",
	 .type = CONF_PREFIX,
	 LIST(struct policy, never_block, never_block_count),
	 .sample = "[192.0.2.1]",
	 .help = "No order reaches these, whoever gives it."},
	{.key = "notices", MAP(notices_map), .help = "Mail to the owners."},
	{.key = "unblock", MAP(unblock_map), .help = "What an unblock waits for."},
	{.key = "retention", MAP(retention_map), .help = "How long what was seen is kept."},
	{.key = "brake",
	 MAP(brake_map),
	 .help = "More automatic blocks than this become throttle, and staff are paged."},
	{.key = "decision",
	 MAP(decision_map),
	 .help = "The numbers of the test; change them only with `postern replay`."},
	{.key = "filter", MAP(conf_filter_map), .help = "How content is judged."},
	{.key = "lists",
	 MAP(conf_list_map),
	 LIST(struct policy, lists, list_count),
	 .help = "Lists of phishing URLs, hosts or domains, at most 16."},
	{.key = "second_opinion",
	 MAP(conf_opinion_map),
	 LIST(struct policy, opinions, opinion_count),
	 .help = "Other filters that are asked about a sample of messages, never on the fast path. "
		 "Networks with content: none are left out, with content: suspects all but "
		 "suspects."},
	{.key = "gate", MAP(gate_map), .help = "Enforcement."},
	{.key = "sandbox",
	 WORDS(sandbox_words),
	 FIELD(struct policy, sandbox_required),
	 .dflt = "required",
	 .help = "required: a layer that this kernel lacks stops the start; best: it is reported."},
};
const struct conf_map conf_root = {"configuration", root_rows, COUNT_OF(root_rows),
				   sizeof(struct policy)};

static_assert(COUNT_OF(network_rows) <= CONF_ROWS_MAX, "a bit for each key");
static_assert(COUNT_OF(root_rows) <= CONF_ROWS_MAX, "a bit for each key");

const struct conf_row *conf_find_row(const struct conf_map *m, struct str key)
{
	for (size_t i = 0; i < m->row_count; i++) {
		if (str_is_equal(str_of(m->rows[i].key), key)) {
			return &m->rows[i];
		}
	}
	return NULL;
}

/* Edits from a to b (insert, delete, change, swap of neighbours). Both at most NEAR_KEY_MAX. */
static size_t distance(struct str a, struct str b)
{
	size_t rows[3][NEAR_KEY_MAX + 1];

	for (size_t k = 0; k <= b.len; k++) {
		rows[0][k] = k;
	}
	for (size_t i = 1; i <= a.len; i++) {
		size_t *now = rows[i % 3];
		const size_t *before = rows[(i - 1) % 3];
		const size_t *two_before = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t k = 1; k <= b.len; k++) {
			bool same = char_lower(a.ptr[i - 1]) == char_lower(b.ptr[k - 1]);
			size_t best = before[k - 1] + (same ? 0 : 1);
			if (before[k] + 1 < best) {
				best = before[k] + 1;
			}
			if (now[k - 1] + 1 < best) {
				best = now[k - 1] + 1;
			}
			if (i > 1 && k > 1 && a.ptr[i - 1] == b.ptr[k - 2] &&
			    a.ptr[i - 2] == b.ptr[k - 1] && two_before[k - 2] + 1 < best) {
				best = two_before[k - 2] + 1;
			}
			now[k] = best;
		}
	}
	return rows[a.len % 3][b.len];
}

const struct conf_row *conf_near_row(const struct conf_map *m, struct str key)
{
	const struct conf_row *best = NULL;
	size_t best_distance = SIZE_MAX;

	if (key.len > NEAR_KEY_MAX) {
		return NULL;
	}
	for (size_t i = 0; i < m->row_count; i++) {
		struct str known = str_of(m->rows[i].key);
		size_t d = distance(key, known);
		/* Half of it may be wrong at most, or it is another word. */
		if (d < best_distance && d <= 3 && d * 2 <= known.len) {
			best = &m->rows[i];
			best_distance = d;
		}
	}
	return best;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_filter: the rows about content: the filter, lists of URLs, other filters. Layer: conf.
 */
#include "conf/schema_rows.h"

#include "base/poison.h"

static const char *const list_format_names[] = {"plain", "csv"};
static const char *const list_entries_names[] = {"auto", "hosts", "domains", "urls"};
static const char *const opinion_names[] = {"spamd", "rspamd"};
static_assert(COUNT_OF(list_entries_names) == LIST_ENTRIES_COUNT, "a name for every value");
static_assert(COUNT_OF(opinion_names) == OPINION_KIND_COUNT, "a name for every value");
OWN_LIST(list_format, CONF_AS_BOOL);
OWN_LIST(list_entries, CONF_AS_ENUM);
OWN_LIST(opinion, CONF_AS_ENUM);

static const struct conf_row filter_rows[] = {
	{.key = "learn_f0",
	 .type = CONF_BOOL,
	 FIELD(struct policy, learn_f0),
	 .dflt = "true",
	 .help = "Learn slowly, for each network, how its legitimate mail scores: the median over "
		 "its sources. Else it is as shipped with the weights."},
};
const struct conf_map conf_filter_map = {"filter", filter_rows, COUNT_OF(filter_rows), 0};

static const struct conf_row list_rows[] = {
	{.key = "name",
	 .type = CONF_NAME,
	 FIELD(struct list_policy, name),
	 .required = true,
	 .max = 30,
	 .sample = "phishing",
	 .help = "How it is called in reasons and metrics."},
	{.key = "file",
	 .type = CONF_PATH,
	 FIELD(struct list_policy, file),
	 .required = true,
	 .sample = "/var/lib/postern-lists/phishing.txt",
	 .help = "Read by the desk at the start and within a minute of each change; put a new one "
		 "in its place with a rename."},
	{.key = "format",
	 WORDS(list_format_words),
	 FIELD(struct list_policy, format.is_csv),
	 .dflt = "plain",
	 .help = "plain: one entry a line, also hosts files; # ! ; begin comments. csv: the entry "
		 "is in a column."},
	{.key = "column",
	 .type = CONF_UINT,
	 FIELD(struct list_policy, format.column),
	 .min = 1,
	 .max = 100,
	 .dflt = "1",
	 .help = "Of a CSV file, from 1."},
	{.key = "header",
	 .type = CONF_BOOL,
	 FIELD(struct list_policy, format.has_header),
	 .dflt = "false",
	 .help = "The first line that is no comment is passed over."},
	{.key = "entries",
	 WORDS(list_entries_words),
	 FIELD(struct list_policy, format.entries),
	 .dflt = "auto",
	 .help = "What an entry is. auto: with a scheme or a path a URL, else a host. domains "
		 "stand for all hosts in them; a public suffix (co.uk, github.io) only for "
		 "itself."},
	{.key = "max",
	 .type = CONF_UINT,
	 FIELD(struct list_policy, entries_max),
	 .min = 1,
	 .max = 4000000,
	 .dflt = "1000000",
	 .help = "Entries that are kept, of 16 to 32 octets each; further ones are counted."},
	{.key = "nats",
	 .type = CONF_MICRO,
	 FIELD(struct list_policy, nats_micro),
	 .max = LIST_MICRO_MAX,
	 .dflt = "3",
	 .help = "What a campaign with a listed URL adds to the kind listing, which only "
		 "supports."},
	{.key = "most",
	 .type = CONF_MICRO,
	 FIELD(struct list_policy, most_micro),
	 .max = LIST_MICRO_MAX,
	 .dflt = "6",
	 .help = "And this list at most, per source and 24 hours."},
};
const struct conf_map conf_list_map = {"list", list_rows, COUNT_OF(list_rows),
				       sizeof(struct list_policy)};

static const struct conf_row opinion_rows[] = {
	{.key = "kind",
	 WORDS(opinion_words),
	 FIELD(struct opinion_policy, kind),
	 .required = true,
	 .sample = "spamd",
	 .help = "spamd: SpamAssassin's daemon, SPAMC protocol. rspamd: its normal worker, by "
		 "HTTP. One of each at most."},
	{.key = "address",
	 .type = CONF_ENDPOINT,
	 FIELD(struct opinion_policy, address),
	 .required = true,
	 .sample = "\"127.0.0.1:783\"",
	 .help = "Where it listens. It gets whole messages, unencrypted: keep it on this machine "
		 "or "
		 "in a network that is yours."},
	{.key = "share",
	 .type = CONF_PERCENT,
	 FIELD(struct opinion_policy, share_ppm),
	 .max = 1000000,
	 .dflt = "5%",
	 .help = "Of all messages; those of a source that was flagged within the hour are all "
		 "wanted."},
	{.key = "rate",
	 .type = CONF_RATE,
	 FIELD(struct opinion_policy, rate_per_min),
	 .min = 1,
	 .max = 60000,
	 .dflt = "60/m",
	 .help = "And no more than this."},
	{.key = "timeout",
	 .type = CONF_DURATION,
	 FIELD(struct opinion_policy, timeout_s),
	 .min = 1,
	 .max = 60,
	 .dflt = "5s",
	 .help = "For one answer. After five failures in a row it is left alone for 30 seconds."},
};
const struct conf_map conf_opinion_map = {"second opinion", opinion_rows, COUNT_OF(opinion_rows),
					  sizeof(struct opinion_policy)};

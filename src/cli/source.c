/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: `postern why` and `postern source list|show`. Layer: cli.
 */
#include "cli/daemon.h"
#include "cli/show.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

#define PATH_MAX_BYTES ((size_t)16 << 10)

static const struct cli_opt network_opts[] = {
	{"network", "NAME", "the network, where an address is in more than one"},
};

static void print_evidence(const struct jsonr *evidence)
{
	static const struct column columns[] = {{"KIND", "kind"},     {"LEG", "leg"},
						{"SUM", "s"},         {"THRESHOLD", "h"},
						{"TRIALS", "trials"}, {"BAD", "bad"}};

	show_table(evidence, columns, COUNT_OF(columns), "no evidence");
}

static void print_proof(const struct jsonr *object)
{
	const struct jsonr *proof = jsonr_get(object, "proof");

	show_line("rule", jsonr_get(proof, "rule"));
	show_line("messages", jsonr_get(proof, "messages"));
	show_line("flagged", jsonr_get(proof, "flagged"));
	show_line("recipients", jsonr_get(proof, "recipients"));
	show_line("unknown", jsonr_get(proof, "recipients_unknown"));
	show_line("campaigns", jsonr_get(proof, "campaigns"));
	show_line("first flagged", jsonr_get(proof, "first_flagged"));
	show_line("last flagged", jsonr_get(proof, "last_flagged"));
	show_line("weights", jsonr_get(proof, "weights_version"));
	printf("\n");
	print_evidence(jsonr_get(object, "evidence"));
}

static void print_source(const struct jsonr *source)
{
	static const char *const keys[] = {"source",  "network", "server", "tenant",
					   "verdict", "rung",    "case",   "seen_at"};

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		show_line(keys[i], jsonr_get(source, keys[i]));
	}
}

static void print_orders(const struct jsonr *orders)
{
	static const struct column columns[] = {
		{"ORDER", "id"},       {"RUNG", "rung"}, {"STATE", "state"},  {"GIVER", "giver"},
		{"GIVEN", "given_at"}, {"HITS", "hits"}, {"REASON", "reason"}};

	show_table(orders, columns, COUNT_OF(columns), "no orders");
}

static int get_source(const struct cli *cli, const struct cli_args *args, struct reply *reply)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_add_cstr(&path, "/sources/");
	path_add(&path, args->words[0]);
	path_add_query(&path, "network", cli_value(args, "network"));
	const char *text = buf_cstr(&path);
	int r = text == NULL ? cli_fail(CLI_USAGE, "'%s' is no source", args->words[0])
			     : client_get(cli, text, reply);
	buf_done(&path);
	return r;
}

static int show_run(const struct cli *cli, const struct cli_args *args)
{
	struct reply reply = {0};

	int r = get_source(cli, args, &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		print_source(reply.json);
		printf("\n");
		print_orders(jsonr_get(reply.json, "orders"));
	}
	reply_done(&reply);
	return r;
}

static void print_message(const struct jsonr *m)
{
	static const char *const keys[] = {
		"id",        "message_id", "time", "source",      "case",  "score", "subject",
		"mail_from", "from",       "helo", "destination", "dport", "state", "reply"};

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		show_line(keys[i], jsonr_get(m, keys[i]));
	}
	const struct jsonr *reasons = jsonr_get(m, "reasons");
	for (size_t i = 0; i < jsonr_count(reasons); i++) {
		show_line(i == 0 ? "reasons" : "", jsonr_at(reasons, i));
	}
}

/* "<x@example>" or "x@example": a message that was flagged and kept. */
static int why_message(const struct cli *cli, const char *id)
{
	struct reply reply = {0};
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_add_cstr(&path, "/messages");
	path_add_query(&path, "message_id", id);
	const char *text = buf_cstr(&path);
	int r = text == NULL ? cli_fail(CLI_USAGE, "'%s' is no Message-ID", id)
			     : client_get(cli, text, &reply);
	buf_done(&path);
	const struct jsonr *items = jsonr_get(reply.json, "items");
	if (r == CLI_DONE && jsonr_count(items) == 0) {
		r = cli_fail(CLI_NOT_FOUND, "no message %s was kept", id);
	}
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		for (size_t i = 0; i < jsonr_count(items); i++) {
			printf(i > 0 ? "\n" : "");
			print_message(jsonr_at(items, i));
		}
	}
	reply_done(&reply);
	return r;
}

static int why_run(const struct cli *cli, const struct cli_args *args)
{
	struct reply reply = {0};

	if (strchr(args->words[0], '@') != NULL || args->words[0][0] == '<') {
		return why_message(cli, args->words[0]);
	}
	int r = get_source(cli, args, &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		print_source(reply.json);
		print_proof(reply.json);
	}
	reply_done(&reply);
	return r;
}

static int list_run(const struct cli *cli, const struct cli_args *args)
{
	static const char *const filters[] = {"network", "tenant", "verdict", "rung",
					      "prefix",  "limit",  "cursor"};
	static const struct column columns[] = {{"SOURCE", "source"},   {"NETWORK", "network"},
						{"TENANT", "tenant"},   {"VERDICT", "verdict"},
						{"RUNG", "rung"},       {"MESSAGES", "messages"},
						{"FLAGGED", "flagged"}, {"SEEN", "seen_at"}};
	struct reply reply = {0};
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_add_cstr(&path, "/sources");
	for (size_t i = 0; i < COUNT_OF(filters); i++) {
		path_add_query(&path, filters[i], cli_value(args, filters[i]));
	}
	const char *text = buf_cstr(&path);
	int r = text == NULL ? cli_fail(CLI_USAGE, "too long") : client_get(cli, text, &reply);
	buf_done(&path);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		show_table(jsonr_get(reply.json, "items"), columns, COUNT_OF(columns),
			   "no sources");
		show_line("\nmore: --cursor", jsonr_get(reply.json, "next"));
	}
	reply_done(&reply);
	return r;
}

const struct command why_command = {
	.noun = "why",
	.words = "SOURCE|MSGID",
	.words_min = 1,
	.words_max = 1,
	.opts = network_opts,
	.opt_count = COUNT_OF(network_opts),
	.help = "the evidence against a source or a message, with weights",
	.run = why_run,
};

const struct command source_show_command = {
	.noun = "source",
	.verb = "show",
	.words = "SOURCE",
	.words_min = 1,
	.words_max = 1,
	.opts = network_opts,
	.opt_count = COUNT_OF(network_opts),
	.help = "one source and its orders",
	.run = show_run,
};

static const struct cli_opt list_opts[] = {
	{"network", "NAME", "of this network only"},
	{"tenant", "NAME", "of this tenant only"},
	{"verdict", "WORD", "unknown, healthy, suspect or abused"},
	{"rung", "WORD", "pass, watch, throttle, divert or block"},
	{"prefix", "TEXT", "whose address begins like this"},
	{"limit", "N", "at most so many (default 100)"},
	{"cursor", "TEXT", "go on where a list ended"},
};
const struct command source_list_command = {
	.noun = "source",
	.verb = "list",
	.opts = list_opts,
	.opt_count = COUNT_OF(list_opts),
	.help = "sources, the worst first",
	.run = list_run,
};

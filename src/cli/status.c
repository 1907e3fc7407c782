/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status: `postern status`, `top` and `tail`. Layer: cli.
 */
#include "cli/daemon.h"

#include "base/num.h"
#include "cli/show.h"

#include <stdio.h>

#include "base/poison.h"

#define EVENT_MAX ((size_t)64 << 10)

/* An interface that is not listened to is mail that nobody sees. */
static void print_deaf(const struct jsonr *processes)
{
	struct buf name;

	for (size_t i = 0; i < jsonr_count(processes); i++) {
		const struct jsonr *stats = jsonr_get(jsonr_at(processes, i), "stats");
		const struct jsonr *interfaces = jsonr_get(stats, "interfaces");
		for (size_t k = 0; k < jsonr_count(interfaces); k++) {
			const struct jsonr *one = jsonr_at(interfaces, k);
			if (!jsonr_bool(jsonr_get(one, "listening"))) {
				buf_init(&name, 256);
				show_safely(&name, jsonr_str(jsonr_get(one, "name")));
				printf("\nnot listening on %.*s: its mail is not seen\n",
				       STR_ARG(buf_str(&name)));
				buf_done(&name);
			}
		}
	}
}

static void print_processes(const struct jsonr *processes)
{
	static const struct column columns[] = {{"PROCESS", "name"},
						{"STATE", "state"},
						{"RESTARTS", "restarts"},
						{"SANDBOX", "sandbox"},
						{"LAST HEARD", "stats_at"}};

	show_table(processes, columns, COUNT_OF(columns), "no processes");
	print_deaf(processes);
}

static void print_networks(const struct jsonr *networks)
{
	static const struct column columns[] = {{"NETWORK", "name"},    {"MODE", "mode"},
						{"POSTURE", "posture"}, {"FEEL", "feel"},
						{"CONTENT", "content"}, {"UNBLOCK", "unblock"}};

	show_table(networks, columns, COUNT_OF(columns), "no networks: nothing is watched");
}

/* Where a network's legitimate mail scores otherwise than the mail the weights were made with. */
static void print_f0(const struct jsonr *processes)
{
	for (size_t i = 0; i < jsonr_count(processes); i++) {
		const struct jsonr *stats = jsonr_get(jsonr_at(processes, i), "stats");
		const struct jsonr *networks = jsonr_get(stats, "f0");
		struct buf line;

		buf_init(&line, 4096);
		for (size_t k = 0; k < jsonr_count(networks); k++) {
			const struct jsonr *one = jsonr_at(networks, k);
			const struct jsonr *share = jsonr_get(one, "share");
			if (jsonr_i64(jsonr_get(one, "steps")) == 0) {
				continue;
			}
			buf_add_cstr(&line, "\nlegitimate mail of ");
			show_safely(&line, jsonr_str(jsonr_get(one, "network")));
			buf_printf(&line, " by score, learned from %lld sources in %lld steps:",
				   (long long)jsonr_i64(jsonr_get(one, "voters")),
				   (long long)jsonr_i64(jsonr_get(one, "steps")));
			for (size_t b = 0; b < jsonr_count(share); b++) {
				buf_printf(&line, " %.4f", jsonr_real(jsonr_at(share, b)));
			}
			buf_add_char(&line, '\n');
		}
		printf("%.*s", STR_ARG(buf_str(&line)));
		buf_done(&line);
	}
}

static void print_lists(const struct jsonr *lists)
{
	static const struct column columns[] = {
		{"LIST", "name"},           {"ENTRIES", "entries"},
		{"MALFORMED", "malformed"}, {"SUFFIXES", "public_suffixes"},
		{"READ", "read_at"},        {"TROUBLE", "trouble"}};

	if (jsonr_count(lists) > 0) {
		printf("\n");
		show_table(lists, columns, COUNT_OF(columns), "");
	}
}

static void print_opinions(const struct jsonr *services)
{
	static const struct column columns[] = {{"OPINION OF", "kind"}, {"ADDRESS", "address"},
						{"ASKED", "asked"},     {"ANSWERED", "answered"},
						{"LATE", "late"},       {"DOWN", "unreachable"},
						{"GARBAGE", "garbage"}, {"RESTING", "resting"}};

	if (jsonr_count(services) > 0) {
		printf("\n");
		show_table(services, columns, COUNT_OF(columns), "");
	}
}

static void print_trouble(const struct jsonr *status)
{
	const struct jsonr *brake = jsonr_get(status, "brake");
	const struct jsonr *desk = jsonr_get(status, "desk");

	if (jsonr_bool(jsonr_get(brake, "on"))) {
		printf("\nTHE BRAKE IS ON: %lld automatic blocks; further ones become throttle "
		       "until staff lift it: postern brake lift\n",
		       (long long)jsonr_i64(jsonr_get(brake, "blocks")));
	}
	if (jsonr_i64(jsonr_get(desk, "orders_waiting")) > 0) {
		printf("\n%lld orders wait for the gate\n",
		       (long long)jsonr_i64(jsonr_get(desk, "orders_waiting")));
	}
	show_line("store:", jsonr_get(desk, "store_trouble"));
}

static int status_run(const struct cli *cli, const struct cli_args *args)
{
	struct reply reply;

	(void)args;
	int r = client_get(cli, "/status", &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		const struct jsonr *sources = jsonr_get(reply.json, "sources");
		const struct jsonr *cases = jsonr_get(reply.json, "cases");
		show_line("postern", jsonr_get(reply.json, "version"));
		printf("%-18s%lld abused, %lld suspect, %lld healthy, %lld unknown\n", "sources",
		       (long long)jsonr_i64(jsonr_get(sources, "abused")),
		       (long long)jsonr_i64(jsonr_get(sources, "suspect")),
		       (long long)jsonr_i64(jsonr_get(sources, "healthy")),
		       (long long)jsonr_i64(jsonr_get(sources, "unknown")));
		printf("%-18s%lld open, %lld acknowledged, %lld fixing, %lld asking, %lld in "
		       "probation\n\n",
		       "cases", (long long)jsonr_i64(jsonr_get(cases, "open")),
		       (long long)jsonr_i64(jsonr_get(cases, "acknowledged")),
		       (long long)jsonr_i64(jsonr_get(cases, "fixing")),
		       (long long)jsonr_i64(jsonr_get(cases, "unblock_requested")),
		       (long long)jsonr_i64(jsonr_get(cases, "probation")));
		print_networks(jsonr_get(reply.json, "networks"));
		printf("\n");
		print_processes(jsonr_get(reply.json, "processes"));
		print_lists(jsonr_get(reply.json, "lists"));
		print_opinions(jsonr_get(reply.json, "second_opinion"));
		print_f0(jsonr_get(reply.json, "processes"));
		print_trouble(reply.json);
	}
	reply_done(&reply);
	return r;
}

static int top_run(const struct cli *cli, const struct cli_args *args)
{
	static const struct column columns[] = {{"SOURCE", "source"},     {"NETWORK", "network"},
						{"VERDICT", "verdict"},   {"RUNG", "rung"},
						{"MESSAGES", "messages"}, {"FLAGGED", "flagged"},
						{"SEEN", "seen_at"}};
	struct reply reply;

	(void)args;
	int r = client_get(cli, "/sources?limit=20", &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		show_table(jsonr_get(reply.json, "items"), columns, COUNT_OF(columns),
			   "no mail was seen yet");
	}
	reply_done(&reply);
	return r;
}

/* Cuts the stream into events, whatever pieces it comes in. */
struct tail {
	const struct cli *cli;
	struct buf text;
	uint64_t left; /* events to show; 0: no end */
	bool is_counted;
};

static void print_event(const struct tail *t, struct str data)
{
	struct errmsg err;
	struct buf line;
	struct jsonr *v = jsonr_parse(data, &err);

	if (t->cli->json) {
		printf("%.*s\n", STR_ARG(data));
	} else if (v != NULL) {
		static const char *const keys[] = {"time", "event", "source", "text"};
		buf_init(&line, EVENT_MAX);
		for (size_t i = 0; i < COUNT_OF(keys); i++) {
			buf_add_cstr(&line, i > 0 ? "  " : "");
			show_text(&line, jsonr_get(v, keys[i]));
		}
		printf("%.*s\n", STR_ARG(buf_str(&line)));
		buf_done(&line);
	}
	jsonr_free(v);
	fflush(stdout);
}

static bool tail_piece(void *ctx, struct str piece)
{
	struct tail *t = ctx;

	buf_add(&t->text, piece);
	if (buf_end(&t->text) < 0) {
		return false;
	}
	for (;;) {
		struct str all = buf_str(&t->text);
		size_t end = str_find(all, STR("\n\n"));
		if (end == all.len) {
			return true;
		}
		struct str event = str_head(all, end);
		while (event.len > 0) {
			struct str line = str_take_until(&event, '\n');
			if (str_has_prefix(line, STR("data: "))) {
				print_event(t, str_skip(line, 6));
				t->left -= t->is_counted ? 1 : 0;
			}
		}
		buf_drop(&t->text, end + 2);
		if (t->is_counted && t->left == 0) {
			return false;
		}
	}
}

static int tail_run(const struct cli *cli, const struct cli_args *args)
{
	const char *count = cli_value(args, "count");
	struct tail t = {.cli = cli, .is_counted = count != NULL};

	if (count != NULL &&
	    (num_parse_u64(str_of(count), UINT32_MAX, &t.left) < 0 || t.left == 0)) {
		return cli_fail(CLI_USAGE, "--count takes a number of events");
	}
	buf_init(&t.text, EVENT_MAX);
	int r = client_stream(cli, "/events", tail_piece, &t);
	buf_done(&t.text);
	return r;
}

static int brake_run(const struct cli *cli, const struct cli_args *args)
{
	struct reply reply;
	bool dry = cli_has(args, "dry-run");

	int r = client_post(cli, "/brake/lift", dry ? STR("{\"dry_run\":true}") : STR("{}"),
			    &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		printf(dry ? "the brake would be lifted\n" : "the brake is lifted\n");
	}
	reply_done(&reply);
	return r;
}

const struct command status_command = {
	.noun = "status",
	.help = "health of the daemon, its networks and its processes",
	.run = status_run,
};

const struct command top_command = {
	.noun = "top",
	.help = "the sources that need a look, the worst first",
	.run = top_run,
};

static const struct cli_opt tail_opts[] = {
	{"count", "N", "end after so many events"},
};
const struct command tail_command = {
	.noun = "tail",
	.opts = tail_opts,
	.opt_count = COUNT_OF(tail_opts),
	.help = "what happens, as it happens",
	.run = tail_run,
};

static const struct cli_opt brake_opts[] = {
	{"dry-run", NULL, "say what would be done"},
};
const struct command brake_lift_command = {
	.noun = "brake",
	.verb = "lift",
	.opts = brake_opts,
	.opt_count = COUNT_OF(brake_opts),
	.help = "let automatic blocks happen again after the mass-block brake",
	.run = brake_run,
};

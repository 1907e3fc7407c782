/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case: `postern case list|show|note|assign|acknowledge|unblock|close`. Layer: cli.
 */
#include "cli/daemon.h"

#include "base/jsonw.h"
#include "cli/show.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

#define PATH_MAX_BYTES ((size_t)16 << 10)
#define BODY_MAX ((size_t)64 << 10)

static int get_path(const struct cli *cli, const char *id, struct reply *reply)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_add_cstr(&path, "/cases/");
	path_add(&path, id);
	const char *text = buf_cstr(&path);
	int r = text == NULL ? cli_fail(CLI_USAGE, "'%s' is no case", id)
			     : client_get(cli, text, reply);
	buf_done(&path);
	return r;
}

static int list_run(const struct cli *cli, const struct cli_args *args)
{
	static const char *const filters[] = {"state",   "tenant", "source",
					      "network", "limit",  "cursor"};
	static const struct column columns[] = {
		{"CASE", "id"},       {"SOURCE", "source"},   {"TENANT", "tenant"},
		{"SERVER", "server"}, {"STATE", "state"},     {"RUNG", "rung"},
		{"MODE", "mode"},     {"VERDICT", "verdict"}, {"OPENED", "opened_at"}};
	struct reply reply = {0};
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_add_cstr(&path, "/cases");
	for (size_t i = 0; i < COUNT_OF(filters); i++) {
		path_add_query(&path, filters[i], cli_value(args, filters[i]));
	}
	if (cli_has(args, "all")) {
		path_add_query(&path, "state", "all");
	}
	const char *text = buf_cstr(&path);
	int r = text == NULL ? cli_fail(CLI_USAGE, "too long") : client_get(cli, text, &reply);
	buf_done(&path);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		show_table(jsonr_get(reply.json, "items"), columns, COUNT_OF(columns),
			   "no open cases");
		show_line("\nmore: --cursor", jsonr_get(reply.json, "next"));
	}
	reply_done(&reply);
	return r;
}

static void print_checks(const struct jsonr *unblock)
{
	static const struct column columns[] = {
		{"CHECK", "name"}, {"RESULT", "result"}, {"DETAIL", "detail"}};

	show_line("unblock", jsonr_get(unblock, "policy"));
	show_line("allowed at", jsonr_get(unblock, "allowed_at"));
	show_table(jsonr_get(unblock, "checks"), columns, COUNT_OF(columns), "no checks");
}

static void print_story(const struct jsonr *story)
{
	static const struct column columns[] = {
		{"TIME", "time"}, {"WHO", "who"}, {"WHAT", "what"}, {"TEXT", "text"}};

	show_table(story, columns, COUNT_OF(columns), "no story");
}

/* What the doctor said, the newest; all of it is the customer's word. */
static void print_reports(const struct jsonr *reports)
{
	static const struct column actions[] = {
		{"TIME", "time"}, {"DID", "what"}, {"WHAT", "detail"}};
	const struct jsonr *newest = jsonr_at(reports, 0);
	const struct jsonr *r = jsonr_get(newest, "report");
	const struct jsonr *source = jsonr_get(r, "source");

	if (newest == NULL) {
		return;
	}
	printf("doctor's report (reported, not proved), the newest of %zu:\n",
	       jsonr_count(reports));
	show_line("received", jsonr_get(newest, "received_at"));
	show_line("by", jsonr_get(newest, "who"));
	show_line("cause", jsonr_get(r, "cause"));
	show_line("kind", jsonr_get(source, "kind"));
	show_line("name", jsonr_get(source, "name"));
	show_line("stopped", jsonr_get(r, "source_stopped"));
	show_line("not stopped", jsonr_get(r, "not_stopped"));
	show_line("queue left", jsonr_get(jsonr_get(r, "queue"), "of_source"));
	show_table(jsonr_get(r, "actions"), actions, COUNT_OF(actions), "no actions");
	printf("\n");
}

static void print_case(const struct jsonr *v)
{
	static const char *const keys[] = {"id",
					   "source",
					   "network",
					   "server",
					   "tenant",
					   "state",
					   "rung",
					   "mode",
					   "verdict",
					   "giver",
					   "reason",
					   "opened_at",
					   "blocked_at",
					   "blocks",
					   "blocked_before",
					   "probation_until",
					   "closed_at",
					   "cause",
					   "fix",
					   "assignee"};
	static const struct column evidence[] = {{"KIND", "kind"},     {"LEG", "leg"},
						 {"SUM", "s"},         {"THRESHOLD", "h"},
						 {"TRIALS", "trials"}, {"BAD", "bad"}};
	static const struct column samples[] = {{"MESSAGE", "id"},
						{"TIME", "time"},
						{"SCORE", "score"},
						{"MESSAGE-ID", "message_id"},
						{"SUBJECT", "subject"}};
	static const struct column notices[] = {{"NOTICE", "kind"},
						{"TO", "contact"},
						{"STATE", "state"},
						{"SENT", "sent_at"},
						{"ERROR", "error"}};

	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		show_line(keys[i], jsonr_get(v, keys[i]));
	}
	printf("\n");
	show_table(jsonr_get(v, "evidence"), evidence, COUNT_OF(evidence), "no evidence");
	printf("\n");
	show_table(jsonr_get(v, "samples"), samples, COUNT_OF(samples), "no messages kept");
	printf("\n");
	show_table(jsonr_get(v, "notices"), notices, COUNT_OF(notices), "no notices");
	printf("\n");
	print_reports(jsonr_get(v, "doctor_reports"));
	if (jsonr_type(jsonr_get(v, "unblock")) == JSONR_OBJECT) {
		print_checks(jsonr_get(v, "unblock"));
		printf("\n");
	}
	print_story(jsonr_get(v, "story"));
}

static int show_run(const struct cli *cli, const struct cli_args *args)
{
	struct reply reply = {0};

	int r = get_path(cli, args->words[0], &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		print_case(reply.json);
	}
	reply_done(&reply);
	return r;
}

/* POST /cases/ID/ACTION with the members given, NULL ones left out. */
struct act {
	const char *action;
	const char *key[3];
	const char *value[3];
	bool insist;
};

static int post(const struct cli *cli, const struct cli_args *args, const struct act *act,
		struct reply *reply)
{
	struct buf path;
	struct buf body;
	int r;

	buf_init(&path, PATH_MAX_BYTES);
	buf_init(&body, BODY_MAX);
	buf_add_cstr(&path, "/cases/");
	path_add(&path, args->words[0]);
	buf_printf(&path, "/%s", act->action);
	struct jsonw w = jsonw_of(&body);
	jsonw_object(&w, NULL);
	for (size_t i = 0; i < COUNT_OF(act->key) && act->key[i] != NULL; i++) {
		if (act->value[i] != NULL) {
			jsonw_cstr(&w, act->key[i], act->value[i]);
		}
	}
	if (act->insist) {
		jsonw_bool(&w, "insist", true);
	}
	if (cli_has(args, "dry-run")) {
		jsonw_bool(&w, "dry_run", true);
	}
	jsonw_object_end(&w);
	const char *text = buf_cstr(&path);
	if (text == NULL || buf_end(&body) < 0) {
		r = cli_fail(CLI_USAGE, "too long");
	} else {
		r = client_post(cli, text, buf_str(&body), reply);
	}
	buf_done(&path);
	buf_done(&body);
	return r;
}

static int act_and_say(const struct cli *cli, const struct cli_args *args, const struct act *act)
{
	struct reply reply = {0};

	int r = post(cli, args, act, &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		show_line(cli_has(args, "dry-run") ? "dry run: case" : "case",
			  jsonr_get(reply.json, "id"));
		show_line("state", jsonr_get(reply.json, "state"));
	}
	reply_done(&reply);
	return r;
}

static int note_run(const struct cli *cli, const struct cli_args *args)
{
	return act_and_say(
		cli, args,
		&(struct act){.action = "notes", .key = {"text"}, .value = {args->words[1]}});
}

static int assign_run(const struct cli *cli, const struct cli_args *args)
{
	return act_and_say(cli, args,
			   &(struct act){.action = "assign",
					 .key = {"assignee"},
					 .value = {args->word_count > 1 ? args->words[1] : ""}});
}

static int acknowledge_run(const struct cli *cli, const struct cli_args *args)
{
	return act_and_say(cli, args, &(struct act){.action = "acknowledge"});
}

static int close_run(const struct cli *cli, const struct cli_args *args)
{
	return act_and_say(cli, args,
			   &(struct act){.action = "close",
					 .key = {"reason"},
					 .value = {cli_value(args, "reason")}});
}

#define STATEMENT_SIZE 2048

/* What the newest doctor's report proposes. */
static int get_proposal(const struct cli *cli, const char *id, char cause[static STATEMENT_SIZE],
			char fix[static STATEMENT_SIZE])
{
	struct reply reply = {0};

	int r = get_path(cli, id, &reply);
	const struct jsonr *newest = jsonr_at(jsonr_get(reply.json, "doctor_reports"), 0);
	const struct jsonr *said = jsonr_get(jsonr_get(newest, "report"), "proposal");
	if (r == CLI_DONE && said == NULL) {
		r = cli_fail(CLI_NOT_FOUND, "case %s has no doctor's report", id);
	}
	(void)str_copy(cause, STATEMENT_SIZE, jsonr_str(jsonr_get(said, "cause")));
	(void)str_copy(fix, STATEMENT_SIZE, jsonr_str(jsonr_get(said, "fix")));
	reply_done(&reply);
	return r;
}

/* The owner's request: it meets the checks, whoever makes it. */
static int unblock_run(const struct cli *cli, const struct cli_args *args)
{
	char cause[STATEMENT_SIZE];
	char fix[STATEMENT_SIZE];
	bool has_proposal = cli_has(args, "from-report");
	const char *said_cause = cli_value(args, "cause");
	const char *said_fix = cli_value(args, "fix");
	const struct act act = {
		.action = "unblock",
		.key = {"cause", "fix"},
		.value = {said_cause != NULL || !has_proposal ? said_cause : cause,
			  said_fix != NULL || !has_proposal ? said_fix : fix},
		.insist = cli_has(args, "insist"),
	};
	struct reply reply = {0};
	int r = has_proposal ? get_proposal(cli, args->words[0], cause, fix) : CLI_DONE;

	r = r != CLI_DONE ? r : post(cli, args, &act, &reply);
	bool has_answer = jsonr_type(jsonr_get(reply.json, "unblock")) == JSONR_OBJECT;
	if (has_answer && !show_json(cli, &reply)) {
		show_line("decision", jsonr_get(reply.json, "decision"));
		show_line("state", jsonr_get(reply.json, "state"));
		print_checks(jsonr_get(reply.json, "unblock"));
		if (str_is_equal(jsonr_str(jsonr_get(reply.json, "decision")), STR("warned"))) {
			printf("\nNot all of it is proved. To open anyway: --insist\n");
		}
	}
	reply_done(&reply);
	return r;
}

static const struct cli_opt list_opts[] = {
	{"all", NULL, "closed ones too"},
	{"state", "WORD", "in this state only"},
	{"tenant", "NAME", "of this tenant only"},
	{"source", "SOURCE", "of this source only"},
	{"network", "NAME", "of this network only"},
	{"limit", "N", "at most so many (default 100)"},
	{"cursor", "TEXT", "go on where a list ended"},
};
const struct command case_list_command = {
	.noun = "case",
	.verb = "list",
	.opts = list_opts,
	.opt_count = COUNT_OF(list_opts),
	.help = "open cases, the newest first",
	.run = list_run,
};

const struct command case_show_command = {
	.noun = "case",
	.verb = "show",
	.words = "ID",
	.words_min = 1,
	.words_max = 1,
	.help = "the whole story of a case",
	.run = show_run,
};

static const struct cli_opt dry_opts[] = {
	{"dry-run", NULL, "say what would be done"},
};
const struct command case_note_command = {
	.noun = "case",
	.verb = "note",
	.words = "ID TEXT",
	.words_min = 2,
	.words_max = 2,
	.opts = dry_opts,
	.opt_count = COUNT_OF(dry_opts),
	.help = "write a note into its story",
	.run = note_run,
};

const struct command case_assign_command = {
	.noun = "case",
	.verb = "assign",
	.words = "ID [NAME]",
	.words_min = 1,
	.words_max = 2,
	.opts = dry_opts,
	.opt_count = COUNT_OF(dry_opts),
	.help = "give it to one of staff; without a name to nobody",
	.run = assign_run,
};

const struct command case_acknowledge_command = {
	.noun = "case",
	.verb = "acknowledge",
	.words = "ID",
	.words_min = 1,
	.words_max = 1,
	.opts = dry_opts,
	.opt_count = COUNT_OF(dry_opts),
	.help = "say that it was seen",
	.run = acknowledge_run,
};

static const struct cli_opt unblock_opts[] = {
	{"cause", "TEXT", "what the cause was"},
	{"fix", "TEXT", "what was done about it"},
	{"from-report", NULL, "both as the newest doctor's report says, unless given"},
	{"insist", NULL, "open although not all is proved (policy owner)"},
	{"dry-run", NULL, "show the checks as they stand"},
};
const struct command case_unblock_command = {
	.noun = "case",
	.verb = "unblock",
	.words = "ID",
	.words_min = 1,
	.words_max = 1,
	.opts = unblock_opts,
	.opt_count = COUNT_OF(unblock_opts),
	.help = "the owner's request to be opened; it meets the checks",
	.run = unblock_run,
};

static const struct cli_opt close_opts[] = {
	{"reason", "TEXT", "why"},
	{"dry-run", NULL, "say what would be done"},
};
const struct command case_close_command = {
	.noun = "case",
	.verb = "close",
	.words = "ID",
	.words_min = 1,
	.words_max = 1,
	.opts = close_opts,
	.opt_count = COUNT_OF(close_opts),
	.help = "close it",
	.run = close_run,
};

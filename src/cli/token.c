/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: `postern token list|add|revoke`. Layer: cli.
 */
#include "cli/daemon.h"

#include "base/jsonw.h"
#include "cli/show.h"

#include <stdio.h>

#include "base/poison.h"

#define BODY_MAX ((size_t)16 << 10)

static int list_run(const struct cli *cli, const struct cli_args *args)
{
	static const struct column columns[] = {
		{"TOKEN", "id"},     {"KIND", "kind"},          {"ROLE", "role"},
		{"NAME", "name"},    {"TENANT", "tenant"},      {"CREATED", "created_at"},
		{"USED", "used_at"}, {"EXPIRES", "expires_at"}, {"REVOKED", "revoked"}};
	struct reply reply;

	(void)args;
	int r = client_get(cli, "/tokens", &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		show_table(jsonr_get(reply.json, "items"), columns, COUNT_OF(columns), "no tokens");
	}
	reply_done(&reply);
	return r;
}

static int add_run(const struct cli *cli, const struct cli_args *args)
{
	struct reply reply = {0};
	struct buf body;

	buf_init(&body, BODY_MAX);
	struct jsonw w = jsonw_of(&body);
	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "name", args->words[0]);
	jsonw_cstr(&w, "role", cli_has(args, "role") ? cli_value(args, "role") : "staff");
	if (cli_has(args, "tenant")) {
		jsonw_cstr(&w, "tenant", cli_value(args, "tenant"));
	}
	jsonw_bool(&w, "dry_run", cli_has(args, "dry-run"));
	jsonw_object_end(&w);
	int r = buf_end(&body) < 0 ? cli_fail(CLI_USAGE, "too long")
				   : client_post(cli, "/tokens", buf_str(&body), &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		show_line("id", jsonr_get(reply.json, "id"));
		show_line("role", jsonr_get(reply.json, "role"));
		show_line("token", jsonr_get(reply.json, "token"));
		if (!cli_has(args, "dry-run")) {
			printf("\nIt is shown this once.\n");
		}
	}
	reply_done(&reply);
	buf_done(&body);
	return r;
}

static int revoke_run(const struct cli *cli, const struct cli_args *args)
{
	struct reply reply = {0};
	struct buf path;

	buf_init(&path, BODY_MAX);
	buf_add_cstr(&path, "/tokens/");
	path_add(&path, args->words[0]);
	const char *text = buf_cstr(&path);
	int r = text == NULL ? cli_fail(CLI_USAGE, "too long") : client_delete(cli, text, &reply);
	if (r == CLI_DONE && !show_json(cli, &reply)) {
		printf("token %s is revoked\n", args->words[0]);
	}
	reply_done(&reply);
	buf_done(&path);
	return r;
}

const struct command token_list_command = {
	.noun = "token",
	.verb = "list",
	.help = "who may use the API and the panel",
	.run = list_run,
};

static const struct cli_opt add_opts[] = {
	{"role", "WORD", "staff (default), observer or owner"},
	{"tenant", "NAME", "whose cases an owner sees"},
	{"dry-run", NULL, "say what would be done"},
};
const struct command token_add_command = {
	.noun = "token",
	.verb = "add",
	.words = "NAME",
	.words_min = 1,
	.words_max = 1,
	.opts = add_opts,
	.opt_count = COUNT_OF(add_opts),
	.help = "make a token; NAME says whose it is",
	.run = add_run,
};

const struct command token_revoke_command = {
	.noun = "token",
	.verb = "revoke",
	.words = "ID",
	.words_min = 1,
	.words_max = 1,
	.help = "end a token",
	.run = revoke_run,
};

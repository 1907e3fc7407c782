/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: `postern replay CASE|SOURCE|ALL`: computes stored verdicts again from the stored
 * observations. Reads the judge's files; asks the daemon only which source a case is about.
 * Layer: cli.
 */
#include "cli/replay.h"

#include "base/jsonw.h"
#include "base/num.h"
#include "cli/client.h"
#include "cli/state_dir.h"
#include "core/replay.h"
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define LINE_MAX_BYTES ((size_t)64 << 10)

struct replay {
	const struct cli *cli;
	char folder[PATH_MAX];
	char source[ADDR_TEXT_SIZE]; /* only this one; empty: all */
	unsigned equal;
	unsigned different;
	unsigned broken;
	struct buf out;
};

/* A case by its number: the daemon knows its source. */
static int find_case(struct replay *p, const char *id)
{
	struct reply reply = {0};
	struct buf path;

	buf_init(&path, 256);
	buf_add_cstr(&path, "/cases/");
	path_add(&path, id);
	const char *text = buf_cstr(&path);
	int r = text == NULL ? cli_fail(CLI_USAGE, "'%s' is no case", id)
			     : client_get(p->cli, text, &reply);
	buf_done(&path);
	if (r == CLI_DONE) {
		struct str source = jsonr_str(jsonr_get(reply.json, "source"));
		if (source.len == 0 || !str_copy(p->source, sizeof(p->source), source)) {
			r = cli_fail(CLI_FAILED, "the daemon's answer names no source");
		}
	}
	reply_done(&reply);
	return r;
}

static int choose(struct replay *p, const char *word)
{
	struct prefix prefix;
	uint64_t id;

	if (str_is_equal_nocase(str_of(word), STR("all"))) {
		return CLI_DONE;
	}
	if (num_parse_u64(str_of(word), UINT64_MAX, &id) == 0) {
		return find_case(p, word);
	}
	if (prefix_parse(str_of(word), &prefix) < 0) {
		return cli_fail(CLI_USAGE, "'%s' is no case, no source and not ALL", word);
	}
	if (prefix.addr.family == 6 && prefix.len == 128) {
		prefix = prefix_of(&prefix.addr, 64);
	}
	prefix_format(&prefix, p->source);
	return CLI_DONE;
}

static void write_json(struct replay *p, const char *file, const struct replay_result *r)
{
	struct jsonw w = jsonw_of(&p->out);
	char source[ADDR_TEXT_SIZE];

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "replay");
	jsonw_cstr(&w, "file", file);
	jsonw_cstr(&w, "source", source_format(&r->stored.source, source));
	jsonw_time(&w, "time", r->stored.time);
	jsonw_u64(&w, "observations", r->observations);
	jsonw_bool(&w, "equal", r->is_equal);
	jsonw_cstr(&w, "verdict", verdict_name(r->stored.verdict));
	jsonw_cstr(&w, "rule", r->stored.rule);
	proof_write_evidence(&r->stored, &w, "evidence");
	jsonw_cstr(&w, "computed_verdict", verdict_name(r->computed.verdict));
	jsonw_cstr(&w, "computed_rule", r->computed.rule);
	proof_write_evidence(&r->computed, &w, "computed_evidence");
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

static void write_text(struct replay *p, const char *file, const struct replay_result *r)
{
	char source[ADDR_TEXT_SIZE];
	char time[WALL_TEXT_SIZE];

	buf_printf(&p->out, "%s  %s  %s (%s): %s, from %" PRIu32 " observations\n",
		   wall_format(r->stored.time, time), source_format(&r->stored.source, source),
		   verdict_name(r->stored.verdict), r->stored.rule,
		   r->is_equal ? "computed again, the same" : "DIFFERS", r->observations);
	if (!r->is_equal) {
		buf_printf(&p->out, "--- stored in %s\n", file);
		proof_write_text(&r->stored, &p->out);
		buf_add_cstr(&p->out, "--- computed\n");
		proof_write_text(&r->computed, &p->out);
	}
}

static void run_file(struct replay *p, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 2];
	char source[ADDR_TEXT_SIZE];
	struct replay_result result;
	struct errmsg err = {.text = ""};
	struct buf content;

	snprintf(path, sizeof(path), "%s/%s", p->folder, name);
	buf_init(&content, REPLAY_FILE_MAX);
	int r = file_read(path, &content, &err);
	if (r == 0) {
		r = replay_file_run(buf_str(&content), &result, &err);
		if (r < 0) {
			err_prefix(&err, r, "%s", path);
		}
	}
	buf_done(&content);
	if (r < 0) {
		p->broken++;
		(void)cli_fail(CLI_FAILED, "%s", err.text);
		return;
	}
	if (p->source[0] != '\0' &&
	    strcmp(p->source, source_format(&result.stored.source, source)) != 0) {
		return;
	}
	p->equal += result.is_equal;
	p->different += !result.is_equal;
	buf_clear(&p->out);
	if (p->cli->json) {
		write_json(p, name, &result);
	} else {
		write_text(p, name, &result);
	}
	printf("%.*s", STR_ARG(buf_str(&p->out)));
}

static int is_replay(const struct dirent *e)
{
	return str_has_suffix(str_of(e->d_name), STR(".replay"));
}

static int run_folder(struct replay *p)
{
	struct dirent **names = NULL;
	int n = scandir(p->folder, &names, is_replay, alphasort);

	if (n < 0) {
		return cli_fail(errno == EACCES ? CLI_NOT_ALLOWED : CLI_NOT_FOUND,
				"cannot read %s: %s", p->folder, strerror(errno));
	}
	for (int i = 0; i < n; i++) {
		run_file(p, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (p->different > 0) {
		return CLI_NO;
	}
	if (p->broken > 0) {
		return p->equal > 0 ? CLI_PARTLY : CLI_FAILED;
	}
	return p->equal > 0 ? CLI_DONE : cli_fail(CLI_NOT_FOUND, "no verdict is stored");
}

static int replay_run(const struct cli *cli, const struct cli_args *args)
{
	struct replay p = {.cli = cli};

	if (state_dir_path(args, "judge/replay", p.folder, sizeof(p.folder)) < 0) {
		return cli_fail(CLI_USAGE, "the state folder's name is too long");
	}
	buf_init(&p.out, LINE_MAX_BYTES);
	int r = choose(&p, args->words[0]);
	if (r == CLI_DONE) {
		r = run_folder(&p);
	}
	buf_done(&p.out);
	return r;
}

static const struct cli_opt replay_opts[] = {
	{"config", "FILE", "the configuration whose state_dir counts"},
	{"state", "DIR", "the state folder itself"},
};

const struct command replay_command = {
	.noun = "replay",
	.words = "CASE|SOURCE|ALL",
	.words_min = 1,
	.words_max = 1,
	.opts = replay_opts,
	.opt_count = COUNT_OF(replay_opts),
	.help = "compute stored verdicts again",
	.run = replay_run,
};

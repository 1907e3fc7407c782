/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score: `postern score`: how much messages look like spam, and why. Layer: cli.
 */
#include "cli/score.h"

#include "base/buf.h"
#include "base/jsonw.h"
#include "cli/mailbox.h"
#include "cli/score_lists.h"
#include "cli/score_opinion.h"
#include "conf/weights.h"
#include "core/campaign.h"
#include "core/score.h"
#include "proto/mail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

/* Campaigns of one run that are told apart. */
#define CAMPAIGNS_MAX 262144
/* Octets of one line of output. */
#define LINE_MAX_BYTES (64 * 1024)
#define ID_SIZE 17

struct run {
	const struct cli *cli;
	bool explain;
	struct scorer *scorer;
	struct score_lists lists;
	struct score_opinion *opinion; /* NULL: nobody else is asked */
	struct mail *mail;
	struct campaigns *campaigns;
	struct buf out;
	uint64_t messages;
	uint64_t unanswered;
};

/* One message's result, until it is printed. */
struct result {
	char file[1024];
	uint64_t index;
	char message_id[512];
	bool has_message_id;
	struct score score;
	uint32_t own_micro; /* before a second opinion */
	char campaign[ID_SIZE];
};

static void write_opinions(struct jsonw *w, const struct result *r, const struct opinions *answers)
{
	jsonw_micro(w, "own_score", r->own_micro, 6);
	jsonw_object(w, "second_opinion");
	for (unsigned k = 0; k < OPINION_KIND_COUNT; k++) {
		if (answers->has[k]) {
			jsonw_micro(w, opinion_kind_name((enum opinion_kind)k),
				    answers->score_micro[k], 3);
		}
	}
	jsonw_object_end(w);
}

static void write_json(struct run *run, const struct result *r, const struct opinions *answers)
{
	struct jsonw w = jsonw_of(&run->out);
	const struct score *s = &r->score;

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "score");
	jsonw_cstr(&w, "file", r->file);
	jsonw_u64(&w, "index", r->index);
	jsonw_str_or_null(&w, "message_id", r->has_message_id ? str_of(r->message_id) : STR_EMPTY);
	jsonw_micro(&w, "score", s->score_micro, 6);
	jsonw_bool(&w, "flagged", s->flagged);
	jsonw_cstr(&w, "campaign", r->campaign);
	jsonw_array(&w, "reasons");
	for (size_t i = 0; i < s->reason_count; i++) {
		jsonw_cstr(&w, NULL, s->reasons[i]);
	}
	jsonw_array_end(&w);
	jsonw_u64(&w, "bin", s->bin);
	if (answers != NULL) {
		write_opinions(&w, r, answers);
	}
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

static void write_table(struct run *run, const struct result *r, const struct opinions *answers)
{
	const struct score *s = &r->score;

	buf_printf(&run->out, "%u.%03u  %-4s  %s", s->score_micro / 1000000,
		   s->score_micro / 1000 % 1000, s->flagged ? "spam" : "", r->file);
	if (r->index > 0) {
		buf_printf(&run->out, ":%" PRIu64, r->index);
	}
	for (unsigned k = 0; answers != NULL && k < OPINION_KIND_COUNT; k++) {
		if (answers->has[k]) {
			buf_printf(&run->out, "  (%s %.1f)",
				   opinion_kind_name((enum opinion_kind)k),
				   (double)answers->score_micro[k] / 1e6);
		}
	}
	buf_add_char(&run->out, '\n');
	for (size_t i = 0; run->explain && i < s->reason_count; i++) {
		buf_printf(&run->out, "       - %s\n", s->reasons[i]);
	}
}

static int print(struct run *run, const struct result *r, const struct opinions *answers)
{
	buf_clear(&run->out);
	if (run->cli->json) {
		write_json(run, r, answers);
	} else {
		write_table(run, r, answers);
	}
	struct str line = buf_str(&run->out);

	run->messages++;
	if (buf_end(&run->out) < 0 || fwrite(line.ptr, 1, line.len, stdout) != line.len) {
		return -EIO;
	}
	return 0;
}

static int opinion_ready(void *ctx, void *item, const struct opinions *answers, unsigned missing)
{
	struct run *run = ctx;
	struct result *r = item;
	struct opinion_sum sum = opinion_add(r->score.score_micro, answers);

	r->score.score_micro = sum.score_micro;
	r->score.flagged = sum.flagged;
	run->unanswered += missing != 0;
	int status = print(run, r, answers);
	free(r);
	return status;
}

static int score_one(void *ctx, const char *file, uint64_t index, struct str octets)
{
	struct run *run = ctx;
	struct result r = {.index = index};

	mail_reset(run->mail);
	mail_step(run->mail, octets);
	const struct mail_view *view = mail_end(run->mail);

	scorer_score_mail(run->scorer, view, run->explain || run->cli->json, &r.score);
	score_lists_match(&run->lists, view, &r.score);
	r.own_micro = r.score.score_micro;
	(void)str_copy(r.file, sizeof(r.file), str_of(file));
	r.has_message_id = view->message_id.ptr != NULL;
	(void)str_copy(r.message_id, sizeof(r.message_id), view->message_id);
	snprintf(r.campaign, sizeof(r.campaign), "%016" PRIx64,
		 campaigns_take(run->campaigns, &r.score.campaign));
	if (run->opinion == NULL) {
		return print(run, &r, NULL);
	}
	struct result *item = malloc(sizeof(*item));
	if (item == NULL) {
		return -ENOMEM;
	}
	*item = r;
	return score_opinion_ask(run->opinion, item, octets);
}

static int score_paths(struct run *run, const struct cli_args *args)
{
	int result = CLI_DONE;
	size_t failed = 0;

	for (size_t i = 0; i < args->word_count; i++) {
		struct errmsg err = {.text = "cannot write"};
		int r = mailbox_walk(args->words[i], score_one, run, &err);

		if (r < 0) {
			failed++;
			result = cli_fail(r == -ENOENT ? CLI_NOT_FOUND : CLI_FAILED, "%s",
					  err.text);
		}
	}
	if (run->opinion != NULL && score_opinion_end(run->opinion) < 0) {
		return cli_fail(CLI_FAILED, "cannot write");
	}
	if (run->unanswered > 0) {
		failed++;
		fprintf(stderr,
			"postern: no second opinion about %" PRIu64 " of %" PRIu64 " messages\n",
			run->unanswered, run->messages);
	}
	if (fflush(stdout) != 0) {
		return cli_fail(CLI_FAILED, "cannot write");
	}
	return failed > 0 && run->messages > 0 ? CLI_PARTLY : result;
}

static int score_run(const struct cli *cli, const struct cli_args *args)
{
	struct run run = {.cli = cli, .explain = cli_has(args, "explain")};
	struct errmsg err;
	int result;

	buf_init(&run.out, LINE_MAX_BYTES);
	if (weights_load(cli_value(args, "weights"), &run.scorer, &err) < 0) {
		result = cli_fail(CLI_FAILED, "%s", err.text);
		goto out;
	}
	const char *delta = cli_value(args, "delta");

	if (delta != NULL && weights_add_delta(delta, run.scorer, &err) < 0) {
		result = cli_fail(CLI_FAILED, "%s", err.text);
		goto out;
	}
	if (score_lists_read(&run.lists, args, &err) < 0) {
		result = cli_fail(CLI_FAILED, "%s", err.text);
		goto out;
	}
	const char *ask = cli_value(args, "second-opinion");
	if (ask != NULL && score_opinion_new(ask, opinion_ready, &run, &run.opinion, &err) < 0) {
		result = cli_fail(CLI_USAGE, "%s", err.text);
		goto out;
	}
	run.mail = mail_new(NULL, NULL);
	run.campaigns = campaigns_new(CAMPAIGNS_MAX);
	if (run.mail == NULL || run.campaigns == NULL) {
		result = cli_fail(CLI_FAILED, "no memory");
		goto out;
	}
	result = score_paths(&run, args);
out:
	buf_done(&run.out);
	campaigns_free(run.campaigns);
	score_lists_done(&run.lists);
	score_opinion_free(run.opinion);
	mail_free(run.mail);
	scorer_free(run.scorer);
	return result;
}

static const struct cli_opt opts[] = {
	{.name = "explain", .help = "say for each message what weighed most"},
	{.name = "list",
	 .value = "FILE",
	 .help = "say which messages link to what is on this list of URLs or hosts"},
	{.name = "second-opinion",
	 .value = "KIND=WHERE",
	 .help = "also ask spamd=ADDRESS:PORT or rspamd=URL, and add both"},
	{.name = "delta", .value = "FILE", .help = "add what was learned from own mail"},
	{.name = "weights",
	 .value = "FILE",
	 .help = "use these weights instead of the installed ones"},
};

const struct command score_command = {
	.noun = "score",
	.words = "FILE|DIR…",
	.words_min = 1,
	.words_max = CLI_WORDS_ANY,
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "score messages: RFC 5322 files, mbox, maildir",
	.run = score_run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score: `postern score`: how much messages look like spam, and why. Layer: cli.
 */
#include "cli/score.h"

#include "base/buf.h"
#include "base/jsonw.h"
#include "cli/mailbox.h"
#include "cli/score_lists.h"
#include "conf/weights.h"
#include "core/campaign.h"
#include "core/score.h"
#include "proto/mail.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

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
	struct mail *mail;
	struct campaigns *campaigns;
	struct buf out;
	uint64_t messages;
};

static void write_json(struct run *run, const char *file, uint64_t index,
		       const struct mail_view *view, const struct score *s, const char *campaign)
{
	struct jsonw w = jsonw_of(&run->out);

	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "type", "score");
	jsonw_cstr(&w, "file", file);
	jsonw_u64(&w, "index", index);
	jsonw_str_or_null(&w, "message_id", view->message_id);
	jsonw_micro(&w, "score", s->score_micro, 6);
	jsonw_bool(&w, "flagged", s->flagged);
	jsonw_cstr(&w, "campaign", campaign);
	jsonw_array(&w, "reasons");
	for (size_t i = 0; i < s->reason_count; i++) {
		jsonw_cstr(&w, NULL, s->reasons[i]);
	}
	jsonw_array_end(&w);
	jsonw_u64(&w, "bin", s->bin);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
}

static void write_table(struct run *run, const char *file, uint64_t index, const struct score *s)
{
	buf_printf(&run->out, "%u.%03u  %-4s  %s", s->score_micro / 1000000,
		   s->score_micro / 1000 % 1000, s->flagged ? "spam" : "", file);
	if (index > 0) {
		buf_printf(&run->out, ":%" PRIu64, index);
	}
	buf_add_char(&run->out, '\n');
	for (size_t i = 0; run->explain && i < s->reason_count; i++) {
		buf_printf(&run->out, "       - %s\n", s->reasons[i]);
	}
}

static int score_one(void *ctx, const char *file, uint64_t index, struct str octets)
{
	struct run *run = ctx;
	struct score s;
	char campaign[ID_SIZE];

	mail_reset(run->mail);
	mail_step(run->mail, octets);
	const struct mail_view *view = mail_end(run->mail);

	scorer_score_mail(run->scorer, view, run->explain || run->cli->json, &s);
	score_lists_match(&run->lists, view, &s);
	snprintf(campaign, sizeof(campaign), "%016" PRIx64,
		 campaigns_take(run->campaigns, &s.campaign));
	buf_clear(&run->out);
	if (run->cli->json) {
		write_json(run, file, index, view, &s, campaign);
	} else {
		write_table(run, file, index, &s);
	}
	struct str line = buf_str(&run->out);

	run->messages++;
	if (buf_end(&run->out) < 0 || fwrite(line.ptr, 1, line.len, stdout) != line.len) {
		return -EIO;
	}
	return 0;
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
	mail_free(run.mail);
	scorer_free(run.scorer);
	return result;
}

static const struct cli_opt opts[] = {
	{.name = "explain", .help = "say for each message what weighed most"},
	{.name = "list",
	 .value = "FILE",
	 .help = "say which messages link to what is on this list of URLs or hosts"},
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

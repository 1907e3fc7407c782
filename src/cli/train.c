/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train: `postern train`: makes the filter's weights, bit for bit the same from the same list
 * of messages. Layer: cli.
 */
#include "cli/train.h"

#include "base/buf.h"
#include "base/sha256.h"
#include "cli/mailbox.h"
#include "cli/train_delta.h"
#include "cli/train_report.h"
#include "cli/training_list.h"
#include "core/score_mail.h"
#include "core/train.h"
#include "sys/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

struct job {
	const struct cli_args *args;
	struct training_list *list;
	struct train *train;
	struct mail *mail;
	struct score_room *room;
	struct model *model;
	int group; /* the one that is being read */
};

static int add_message(void *ctx, const char *file, uint64_t index, struct str octets)
{
	struct job *job = ctx;

	(void)file;
	(void)index;
	mail_reset(job->mail);
	mail_step(job->mail, octets);
	struct score_input in = score_input_of(mail_end(job->mail), job->room);

	return train_add(job->train, job->group, &in);
}

static int read_list(struct job *job, struct errmsg *reterr)
{
	const char *path = cli_value(job->args, "list");
	struct buf text;

	buf_init(&text, LIST_BYTES_MAX);
	int r = file_read(path, &text, reterr);

	if (r == 0) {
		r = training_list_read(buf_str(&text), path, job->list, reterr);
	}
	buf_done(&text);
	if (r == 0) {
		r = training_list_find(job->list, cli_value(job->args, "data"), reterr);
	}
	return r;
}

static int read_messages(struct job *job, struct errmsg *reterr)
{
	for (size_t g = 0; g < job->list->group_count; g++) {
		const struct list_group *group = &job->list->groups[g];

		job->group = train_add_group(job->train, &group->group);
		if (job->group < 0) {
			return err_set(reterr, job->group, "too many groups");
		}
		for (size_t i = 0; i < group->count; i++) {
			int r = mailbox_walk(group->messages[i].path, add_message, job, reterr);

			if (r < 0) {
				return r;
			}
		}
	}
	return 0;
}

static void say_progress(void *ctx, unsigned done, unsigned all)
{
	(void)ctx;
	fprintf(stderr, "train: fit %u of %u\n", done + 1, all);
}

/* The list's text is hashed in its written form, so that comments and spaces don't matter. */
static int hash_list(struct job *job, struct buf *text, struct errmsg *reterr)
{
	int r = training_list_write(job->list, text);

	if (r < 0) {
		return err_set(reterr, r, "no memory for the list");
	}
	sha256_of(buf_str(text), job->model->list_hash);
	return 0;
}

static int write_results(struct job *job, struct errmsg *reterr)
{
	const char *record = cli_value(job->args, "record");
	const char *scores = cli_value(job->args, "scores");
	struct buf text;
	struct buf file;

	buf_init(&text, LIST_BYTES_MAX);
	buf_init(&file, MODEL_BYTES_MAX);
	int r = hash_list(job, &text, reterr);

	if (r == 0 && record != NULL) {
		r = file_write(record, buf_str(&text), 0644, reterr);
	}
	if (r == 0) {
		r = model_encode(job->model, &file);
	}
	if (r == 0) {
		r = file_write(cli_value(job->args, "out"), buf_str(&file), 0644, reterr);
	}
	if (r == 0 && scores != NULL) {
		r = train_report_scores(job->train, scores);
	}
	if (r == 0 && cli_has(job->args, "report")) {
		r = train_report_print(job->train, job->model);
	}
	buf_done(&text);
	buf_done(&file);
	return r;
}

static int make_weights(struct job *job, struct errmsg *reterr)
{
	job->list = training_list_new();
	job->train = train_new(&train_defaults);
	job->mail = mail_new(NULL, NULL);
	job->room = calloc(1, sizeof(*job->room));
	job->model = model_new();
	if (job->list == NULL || job->train == NULL || job->mail == NULL || job->room == NULL ||
	    job->model == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	int r = read_list(job, reterr);

	if (r == 0) {
		r = read_messages(job, reterr);
	}
	if (r == 0) {
		r = train_run(job->train, say_progress, NULL, job->model);
		if (r < 0) {
			return err_set(reterr, r,
				       "cannot train: two groups of each class are needed");
		}
	}
	return r == 0 ? write_results(job, reterr) : r;
}

static int train_run_command(const struct cli *cli, const struct cli_args *args)
{
	struct job job = {.args = args};
	struct errmsg err = {.text = "cannot write"};

	if (cli_has(args, "delta")) {
		return train_delta_run(cli, args);
	}
	if (cli_value(args, "list") == NULL || cli_value(args, "data") == NULL ||
	    cli_value(args, "out") == NULL) {
		return cli_fail(CLI_USAGE, "train needs --list, --data and --out, or --delta");
	}
	int r = make_weights(&job, &err);

	model_free(job.model);
	free(job.room);
	mail_free(job.mail);
	train_free(job.train);
	training_list_free(job.list);
	if (r < 0) {
		return cli_fail(r == -ENOENT ? CLI_NOT_FOUND : CLI_FAILED, "%s", err.text);
	}
	return CLI_DONE;
}

static const struct cli_opt opts[] = {
	{.name = "list", .value = "FILE", .help = "the groups, and by hash their messages"},
	{.name = "data", .value = "DIR", .help = "one folder a group, one message a file"},
	{.name = "out", .value = "FILE", .help = "where the weights go"},
	{.name = "record", .value = "FILE", .help = "write the list with all hashes"},
	{.name = "report", .help = "print what the left-out groups say"},
	{.name = "scores", .value = "FILE", .help = "write the left-out scores"},
	{.name = "delta",
	 .value = "FILE",
	 .help = "teach it own mail instead: this file keeps what was learned"},
	{.name = "ham", .value = "DIR", .help = "legitimate mail for the delta"},
	{.name = "spam", .value = "DIR", .help = "spam for the delta"},
	{.name = "show", .help = "print the batches of the delta"},
	{.name = "undo", .help = "take the last batch of the delta back"},
};

const struct command train_command = {
	.noun = "train",
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "make the filter's weights, or teach it own mail",
	.run = train_run_command,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern doctor queue: what spam still waits in the queue, and away with it. Reads only, unless
 * --apply is given. Layer: cli.
 */
#include "cli/doctor_queue.h"

#include "base/num.h"
#include "cli/doctor_examine.h"
#include "cli/doctor_purge.h"
#include "doctor/diagnose.h"
#include "doctor/queue_backup.h"
#include "doctor/queue_plan.h"
#include "sys/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/poison.h"

struct planning {
	const struct cli *cli;
	const struct cli_args *args;
	struct queue_dir dir;
	struct queue_list *list;
	bool *accused;                                      /* by the number of the source */
	bool *ownerless;                                    /* beside it */
	struct queue_subject subjects[INQUIRY_SAMPLES_MAX]; /* that were complained about */
	size_t subject_count;
	bool chosen[QUEUE_CHOICES_MAX + 1]; /* --group */
	struct queue_plan plan;
	bool show;
};

static void show_reading(void *ctx, size_t done)
{
	(void)ctx;
	fprintf(stderr, "\r\033[K%zu messages read", done);
}

static const char *root_of(const struct cli_args *args)
{
	const char *root = cli_value(args, "root");

	return root == NULL ? "" : root;
}

static int exit_of(int r)
{
	return r == -ENOENT                  ? CLI_NOT_FOUND
	       : r == -EACCES || r == -EPERM ? CLI_NOT_ALLOWED
					     : CLI_FAILED;
}

/* ---- whom to accuse ---- */

/* "info@shop.example" or "account:info@shop.example". @return how many sources have the name */
static size_t accuse_name(struct planning *p, const char *name)
{
	size_t found = 0;

	for (size_t i = 0; i < p->list->source_count; i++) {
		const struct queue_source *s = p->list->sources[i];
		struct str kind = str_of(source_kind_name(s->kind));
		struct str text = str_of(name);
		bool is_kind = str_has_prefix(text, kind) && text.len > kind.len &&
			       text.ptr[kind.len] == ':' &&
			       str_is_equal(str_skip(text, kind.len + 1), str_of(s->name));
		if (is_kind || str_is_equal(text, str_of(s->name))) {
			p->accused[i] = true;
			found++;
		}
	}
	return found;
}

static void accuse_named_messages(struct planning *p)
{
	for (size_t i = 0; i < p->list->count; i++) {
		if (p->list->items[i].is_named) {
			p->accused[p->list->items[i].source] = true;
		}
	}
}

static bool asks_about_messages(const struct planning *p)
{
	return cli_has(p->args, "id") || cli_has(p->args, "notice");
}

static void accuse_found(struct planning *p, const struct diagnosis *d)
{
	const struct attribution_id *id;

	/* Asked about messages, it is about who sent them and nobody else. */
	for (size_t i = 0; i < d->accused_count && !asks_about_messages(p); i++) {
		const struct attribution_sender *s = d->accused[i].sender;
		const struct queue_source *q = queue_list_find_source(p->list, s->kind,
								      str_of(s->name));
		if (q != NULL) {
			p->accused[q->number] = true;
		}
	}
	for (size_t i = 0; (id = attribution_id_get(d->attribution, i)) != NULL; i++) {
		const struct queue_source *q = id->source[0] == '\0'
						       ? NULL
						       : queue_list_find_source(p->list, id->kind,
										str_of(id->source));
		if (q != NULL) {
			p->accused[q->number] = true;
		}
	}
}

/* Whom the logs accuse, or who sent the messages that are not in the queue any more. */
static int ask_logs(struct planning *p, const struct inquiry *ids, struct errmsg *err)
{
	struct log_set set = {0};
	struct diagnosis d;
	const char *log;
	size_t pos = 0;
	int r = 0;

	while (r == 0 && (log = cli_value_next(p->args, "log", &pos)) != NULL) {
		r = log_set_add(&set, log, err);
	}
	if (r == 0 && !cli_has(p->args, "log")) {
		r = log_set_find(&set, root_of(p->args), err);
	}
	if (r == 0) {
		log_set_sort(&set);
		r = log_set_add_queue(&set, p->dir.path, err);
	}
	if (r == 0) {
		r = diagnose_run(
			&(struct diagnose_opts){.set = &set, .inquiry = ids, .queue = p->list}, &d,
			err);
	}
	if (r == 0) {
		accuse_found(p, &d);
		diagnosis_done(&d);
	}
	log_set_done(&set);
	return r;
}

/* The messages of notices: those in the queue are named; of the others the subjects count, and the
 * logs may know who sent them. */
static int take_notices(struct planning *p, struct inquiry *unseen, struct errmsg *err)
{
	struct inquiry notice;
	const char *name;
	size_t pos = 0;
	int r = inquiry_init(&notice);

	while (r == 0 && (name = cli_value_next(p->args, "notice", &pos)) != NULL) {
		r = doctor_add_notice(&notice, name, err);
	}
	for (size_t i = 0; r == 0 && i < notice.sample_count; i++) {
		const struct inquiry_sample *s = &notice.samples[i];
		for (size_t k = 0; k < s->id_count; k++) {
			const char *id = notice.ids[s->first_id + k];
			if (queue_list_name(p->list, str_of(id)) == 0) {
				inquiry_add_id(unseen, id);
			}
		}
		if (s->subject != NULL) {
			p->subjects[p->subject_count++] = queue_list_subject(p->list,
									     str_of(s->subject));
		}
	}
	inquiry_done(&notice);
	return r;
}

static int accuse(struct planning *p, struct errmsg *err)
{
	struct inquiry unseen;
	const char *value;
	size_t pos = 0;
	int r = inquiry_init(&unseen);

	while (r == 0 && (value = cli_value_next(p->args, "source", &pos)) != NULL) {
		if (accuse_name(p, value) == 0) {
			r = err_set(err, -ENOENT, "nothing of %s is in the queue", value);
		}
	}
	pos = 0;
	while (r == 0 && (value = cli_value_next(p->args, "id", &pos)) != NULL) {
		if (queue_list_name(p->list, str_of(value)) == 0) {
			inquiry_add_id(&unseen, value);
		}
	}
	r = r < 0 ? r : take_notices(p, &unseen, err);
	if (r == 0) {
		bool has_source = cli_has(p->args, "source");
		accuse_named_messages(p);
		if (!has_source && (!asks_about_messages(p) || unseen.sample_count > 0)) {
			r = ask_logs(p, &unseen, err);
		}
	}
	inquiry_done(&unseen);
	return r;
}

/* ---- the plan ---- */

static int read_window(struct planning *p, struct queue_select_opts *ret)
{
	static const char *const names[2] = {"since", "until"};
	struct wall *const times[2] = {&ret->since, &ret->until};

	for (size_t i = 0; i < 2; i++) {
		const char *text = cli_value(p->args, names[i]);
		if (text != NULL && wall_parse(str_of(text), times[i]) < 0) {
			return cli_fail(CLI_USAGE, "--%s %s: not a time like 2026-11-21T16:47:00Z",
					names[i], text);
		}
	}
	p->plan.since = ret->since;
	p->plan.until = ret->until;
	return CLI_DONE;
}

static int read_groups(struct planning *p, struct queue_select_opts *ret)
{
	const char *text;
	size_t pos = 0;
	uint64_t number;

	while ((text = cli_value_next(p->args, "group", &pos)) != NULL) {
		if (num_parse_u64(str_of(text), QUEUE_CHOICES_MAX, &number) < 0 || number == 0) {
			return cli_fail(CLI_USAGE, "--group takes a number that a plan shows");
		}
		p->chosen[number] = true;
	}
	ret->chosen = p->chosen;
	return CLI_DONE;
}

static int write_out(const struct planning *p, const char *path, struct errmsg *err)
{
	struct buf out;
	int r = 0;

	buf_init(&out, QUEUE_PLAN_MAX);
	if (path != NULL) {
		queue_plan_json(&p->plan, &out);
		r = buf_end(&out);
		r = r < 0 ? err_set(err, r, "the plan is too large")
			  : file_write(path, buf_str(&out), 0600, err);
		buf_clear(&out);
	}
	if (r == 0) {
		if (p->cli->json) {
			queue_plan_json(&p->plan, &out);
		} else {
			queue_plan_text(&p->plan, &out);
			if (path != NULL && p->plan.goes > 0) {
				buf_printf(&out,
					   "Look at it, then: postern doctor queue --apply %s\n",
					   path);
			}
		}
		bool ok = buf_end(&out) == 0 && fwrite(out.ptr, 1, out.len, stdout) == out.len &&
			  fflush(stdout) == 0;
		r = ok ? 0 : err_set(err, -EIO, "cannot write the result");
	}
	buf_done(&out);
	return r;
}

static int finish(struct planning *p, const char *path, struct errmsg *err)
{
	char backup[PATH_MAX];
	struct timespec now;
	int r = 0;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	p->plan.made_at.ns = (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
	queue_plan_sum(&p->plan);
	if (path != NULL && p->plan.goes > 0) {
		(void)snprintf(backup, sizeof(backup), "%s.headers", path);
		p->plan.backup = backup;
		r = queue_backup_write(backup, p->list, &p->dir, err);
	}
	r = r < 0 ? r : write_out(p, path, err);
	p->plan.backup = NULL; /* its text goes with this function */
	return r;
}

static int load(struct planning *p, struct errmsg *err)
{
	const char *mta = cli_value(p->args, "mta");
	struct queue_load_opts how = {.progress = p->show ? show_reading : NULL};
	int r = queue_dir_open(root_of(p->args), cli_value(p->args, "queue"),
			       queue_mta_of(str_of(mta)), &p->dir, err);

	if (r < 0) {
		return r;
	}
	p->list = queue_list_new();
	r = p->list == NULL ? err_set(err, -ENOMEM, "no memory")
			    : queue_list_load(p->list, &p->dir, &how, err);
	if (p->show) {
		fputs("\r\033[K", stderr);
	}
	if (r < 0) {
		return r;
	}
	p->accused = calloc(p->list->source_count + 1, sizeof(bool));
	p->ownerless = calloc(p->list->source_count + 1, sizeof(bool));
	if (p->accused == NULL || p->ownerless == NULL) {
		return err_set(err, -ENOMEM, "no memory");
	}
	/* Mail of a stranger that this server relays is nobody's own. */
	for (size_t i = 0; i < p->list->source_count; i++) {
		p->ownerless[i] = p->list->sources[i]->kind == SOURCE_ADDRESS;
	}
	return 0;
}

static int plan(struct planning *p)
{
	const char *path = p->args->word_count > 0 ? p->args->words[0] : NULL;
	struct queue_select_opts how = {0};
	struct errmsg err = {.text = ""};
	int r = read_window(p, &how);

	r = r == CLI_DONE ? read_groups(p, &how) : r;
	if (r != CLI_DONE) {
		return r;
	}
	r = load(p, &err);
	if (r == 0) {
		r = accuse(p, &err);
	}
	if (r == 0) {
		how.whole = cli_has(p->args, "whole");
		how.accused = p->accused;
		how.ownerless = p->ownerless;
		how.subjects = p->subjects;
		how.subject_count = p->subject_count;
		how.source_count = p->list->source_count;
		r = queue_select(p->list->items, p->list->count, &how);
	}
	if (r == 0) {
		p->plan.list = p->list;
		p->plan.dir = &p->dir;
		p->plan.accused = p->accused;
		p->plan.root = root_of(p->args);
		r = finish(p, path, &err);
	}
	if (r < 0) {
		return cli_fail(exit_of(r), "%s", err.text[0] == '\0' ? strerror(-r) : err.text);
	}
	return p->list->left_out > 0 ? CLI_PARTLY : CLI_DONE;
}

static int queue_run(const struct cli *cli, const struct cli_args *args)
{
	static struct planning p; /* too large for a stack, and there is one */
	const char *mta = cli_value(args, "mta");

	if (cli_has(args, "plan") == cli_has(args, "apply")) {
		return cli_fail(CLI_USAGE, "either --plan or --apply PLAN");
	}
	if (cli_has(args, "apply")) {
		return doctor_purge(cli, args);
	}
	if (cli_has(args, "whole") && !cli_has(args, "source")) {
		return cli_fail(CLI_USAGE, "--whole needs --source: say whose mail goes");
	}
	if (mta != NULL && queue_mta_of(str_of(mta)) == LOG_MTA_NONE) {
		return cli_fail(CLI_USAGE, "--mta is postfix, exim, qmail or sendmail");
	}
	p = (struct planning){.cli = cli, .args = args, .dir = {.fd = -1}};
	p.show = isatty(STDERR_FILENO) == 1 && !cli->json;
	int r = plan(&p);
	free(p.accused);
	free(p.ownerless);
	queue_list_free(p.list);
	queue_dir_close(&p.dir);
	return r;
}

static const struct cli_opt opts[] = {
	{.name = "plan", .help = "list what goes and what stays; with FILE: write the plan there"},
	{.name = "apply", .value = "PLAN", .help = "do what the plan in this file says"},
	{.name = "source",
	 .value = "NAME",
	 .help = "of this account, user or address (repeatable)"},
	{.name = "id",
	 .value = "ID",
	 .help = "like this message, by Message-ID or queue id (repeatable)"},
	{.name = "notice",
	 .value = "FILE|URL",
	 .help = "like the messages and subjects of this notice (repeatable)"},
	{.name = "group",
	 .value = "NUMBER",
	 .help = "this run of mail goes too, by the number that a plan shows (repeatable)"},
	{.name = "whole", .help = "all of --source goes, also what looks like its owner's mail"},
	{.name = "since", .value = "TIME", .help = "only what arrived from then on"},
	{.name = "until", .value = "TIME", .help = "only what arrived until then"},
	{.name = "queue", .value = "DIR", .help = "the queue's folder"},
	{.name = "mta", .value = "NAME", .help = "postfix, exim, qmail or sendmail"},
	{.name = "root", .value = "DIR", .help = "read a copy of the server's files below DIR"},
	{.name = "log", .value = "FILE", .help = "ask this log who is to blame (repeatable)"},
	{.name = "config", .value = "DIR", .help = "--apply: the Postfix instance's configuration"},
	{.name = "tool",
	 .value = "PATH",
	 .help = "--apply: postsuper or exim, where it is elsewhere"},
	{.name = "quiet",
	 .value = "MINUTES",
	 .help = "--apply: the source must have been quiet so long (10)"},
};

const struct command doctor_queue_command = {
	.noun = "doctor",
	.verb = "queue",
	.words = "[FILE]",
	.words_max = 1,
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "plan what spam of a source goes out of the mail queue, and delete it",
	.run = queue_run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: reads capture files and says which messages, sessions and sources are in them. No daemon,
 * no root: the same tracker and judge as in posternd run here. Layer: cli.
 */
#include "cli/scan.h"

#include "base/assert.h"
#include "capture/capture.h"
#include "cli/scan_out.h"
#include "conf/conf.h"
#include "conf/weights.h"
#include "sys/files.h"
#include "sys/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

/* What waits to be written, at most: one object with 4,096 recipients fits many times. */
#define OUT_MAX ((size_t)64 << 20)
/* Written out beyond this. */
#define OUT_FLUSH ((size_t)64 << 10)
/* Files at least this large show how far they are, on a terminal. */
#define PROGRESS_FROM ((uint64_t)64 << 20)
#define PROGRESS_FRAMES 65536
/* Kept of one capture's name in a joined run. */
#define NAME_MAX_ALL 4096
/* Score from which a message gets its reasons. */
#define EXPLAIN_FROM_MICRO 100000

struct scan {
	const struct scan_out_ops *ops;
	struct policy *policy;
	struct scorer *scorer; /* NULL: nothing is scored */
	struct buf out;
	bool is_failed; /* output could not be written */
	bool is_eager;  /* a pipe: each object leaves at once */
	/* of the run over one file, or over all with --join */
	struct tracker *tracker;
	struct scan_sources *sources;
	const char *name;
	uint64_t printed_sessions;
	uint64_t printed_messages;
	bool truncated;
	struct mono began;
	/* of all files */
	size_t files_read; /* at least the start of them */
	size_t files_missing;
	size_t files_bad; /* not a capture, or not readable */
	size_t files_cut;
};

static void flush(struct scan *s, bool all)
{
	if (buf_end(&s->out) < 0) {
		s->is_failed = true;
	}
	if (s->out.len > 0 && (all || s->is_eager || s->out.len >= OUT_FLUSH)) {
		if (file_write_all(STDOUT_FILENO, buf_str(&s->out)) < 0) {
			s->is_failed = true;
		}
		buf_clear(&s->out);
	}
}

static void on_message(void *ctx, const struct tracked_message *m)
{
	struct scan *s = ctx;
	uint64_t campaign = 0;

	if (m->session->direction != DIRECTION_INBOUND) {
		campaign = scan_sources_message(s->sources, m->obs);
	}
	s->ops->message(&s->out, s->name, m, campaign);
	s->printed_messages++;
	flush(s, false);
}

static void on_session(void *ctx, const struct tracked_session *t)
{
	struct scan *s = ctx;

	s->ops->session(&s->out, s->name, t);
	s->printed_sessions++;
	flush(s, false);
}

static void on_session_obs(void *ctx, const struct session_obs *o)
{
	struct scan *s = ctx;

	scan_sources_session(s->sources, o);
}

static const struct tracker_ops tracker_ops = {
	.message = on_message,
	.session = on_session,
	.session_obs = on_session_obs,
};

/* Reasons cost three times the score: only those that may need one get them. */
static void score_message(void *ctx, const struct mail_view *mail, struct score *ret)
{
	struct scan *s = ctx;

	scorer_score_mail(s->scorer, mail, false, ret);
	if (ret->flagged || ret->score_micro >= EXPLAIN_FROM_MICRO) {
		scorer_score_mail(s->scorer, mail, true, ret);
	}
}

static int begin(struct scan *s, const char *name, struct errmsg *reterr)
{
	const struct tracker_conf conf = {
		.policy = s->policy,
		.score = s->scorer == NULL ? NULL : score_message,
		.score_ctx = s,
		.any_port = true,
		.key = {0x706f737465726e, 0x666c6f7773},
	};

	struct score_rates rates;
	if (s->scorer != NULL) {
		rates = scorer_rates(s->scorer);
	}
	int r = scan_sources_new(s->policy, s->scorer == NULL ? NULL : &rates, &s->sources, reterr);
	if (r < 0) {
		return r;
	}
	s->tracker = tracker_new(&conf, &tracker_ops, s);
	if (s->tracker == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	s->name = name;
	s->printed_sessions = 0;
	s->printed_messages = 0;
	s->truncated = false;
	s->began = mono_now();
	return 0;
}

static void release(struct scan *s)
{
	tracker_free(s->tracker);
	scan_sources_free(s->sources);
	s->tracker = NULL;
	s->sources = NULL;
}

/* Sources and the summary, after all frames. */
static void finish(struct scan *s)
{
	struct tracker_counts c;
	struct scan_totals totals = {.file = s->name};
	const struct scan_source *source;
	size_t pos = 0;

	tracker_end(s->tracker);
	while ((source = scan_sources_next(s->sources, &pos)) != NULL) {
		struct proof proof = {.verdict = VERDICT_UNKNOWN, .rung = RUNG_PASS};
		/* A source that the judge forgot has nothing against it. */
		if (!scan_sources_proof(s->sources, source, &proof)) {
			proof.leg_count = 0;
		}
		s->ops->source(&s->out, s->name, source, &proof);
		totals.sources++;
		flush(s, false);
	}
	tracker_counts(s->tracker, &c);
	totals.frames = c.frames;
	totals.bytes = c.bytes;
	totals.sessions = s->printed_sessions;
	totals.messages = s->printed_messages;
	totals.lost_bytes = c.lost_bytes;
	totals.ignored_frames = c.ignored_frames;
	totals.truncated = s->truncated;
	totals.elapsed_ns = mono_now().ns - s->began.ns;
	s->ops->summary(&s->out, &totals);
	flush(s, true);
	if (c.unread > 0) {
		cli_fail(0,
			 "%llu messages were sent at the same time as too many others, and their "
			 "content was not read",
			 (unsigned long long)c.unread);
	}
	release(s);
}

static void show_progress(const struct capture *c, const char *name, bool is_end)
{
	if (capture_size(c) < PROGRESS_FROM || isatty(STDERR_FILENO) == 0) {
		return;
	}
	if (is_end) {
		fprintf(stderr, "\r\033[K");
	} else {
		fprintf(stderr, "\r%3llu %% of %s",
			(unsigned long long)(capture_read(c) * 100 / capture_size(c)), name);
	}
}

/* All frames of one capture. @return 0, or a negative errno: it could not be read to its end. */
static int read_frames(struct scan *s, struct capture *c, const char *name, struct errmsg *reterr)
{
	static const struct tracker_port nowhere;
	struct capture_frame f;
	uint64_t n = 0;
	int r;

	while (!s->is_failed && (r = capture_next(c, &f, reterr)) == CAPTURE_FRAME) {
		tracker_frame(s->tracker, f.link, f.octets, f.wire_len, f.time, &nowhere);
		if (++n % PROGRESS_FRAMES == 0) {
			show_progress(c, name, false);
		}
	}
	show_progress(c, name, true);
	return s->is_failed ? 0 : r;
}

static void count_failure(struct scan *s, int r)
{
	if (r == -ENOENT) {
		s->files_missing++;
	} else {
		s->files_bad++;
	}
}

/* Open one file and read it into the run that is on; `begin` makes one when there is none. */
static int scan_file(struct scan *s, const char *path, const char *name)
{
	struct capture *c;
	struct errmsg err;

	int r = capture_open(path, &c, &err);
	if (r < 0) {
		count_failure(s, r);
		cli_fail(0, "%s: %s", path, err.text);
		return 0;
	}
	if (s->tracker == NULL) {
		r = begin(s, name, &err);
	}
	if (r < 0) {
		capture_close(c);
		release(s);
		return cli_fail(CLI_FAILED, "%s", err.text);
	}
	s->files_read++;
	s->is_eager = capture_size(c) == 0;
	r = read_frames(s, c, path, &err);
	if (r < 0) {
		s->files_cut++;
		s->truncated = true;
		cli_fail(0, "%s: %s", path, err.text);
	}
	capture_close(c);
	return 0;
}

static int scan_each(struct scan *s, const struct cli_args *args)
{
	for (size_t i = 0; i < args->word_count && !s->is_failed; i++) {
		int r = scan_file(s, args->words[i], args->words[i]);
		if (r != 0) {
			return r;
		}
		if (s->tracker != NULL) {
			finish(s);
		}
	}
	return 0;
}

/* Several files as one stream, in the order given: rotated captures. */
static int scan_joined(struct scan *s, const struct cli_args *args)
{
	struct buf name;
	int r = 0;

	buf_init(&name, NAME_MAX_ALL);
	for (size_t i = 0; i < args->word_count; i++) {
		buf_add(&name, i == 0 ? STR_EMPTY : STR(","));
		buf_add_cstr(&name, args->words[i]);
	}
	const char *all = buf_cstr(&name);
	for (size_t i = 0; i < args->word_count && r == 0 && !s->is_failed; i++) {
		r = scan_file(s, args->words[i], all == NULL ? args->words[0] : all);
	}
	if (r == 0 && s->tracker != NULL) {
		finish(s);
	}
	buf_done(&name);
	return r;
}

static int load_policy(const char *path, struct policy **ret)
{
	struct conf_report *report = conf_report_new();
	struct buf line;

	if (report == NULL) {
		return cli_fail(CLI_FAILED, "no memory");
	}
	int r = conf_load(path, report, ret);
	buf_init(&line, 4096);
	for (size_t i = 0; r < 0 && i < conf_report_count(report); i++) {
		buf_clear(&line);
		conf_problem_format(conf_report_get(report, i), &line);
		fprintf(stderr, "%.*s\n", STR_ARG(buf_str(&line)));
	}
	buf_done(&line);
	conf_report_free(report);
	return r < 0 ? (r == -ENOENT ? CLI_NOT_FOUND : CLI_FAILED) : 0;
}

static int end_of(const struct scan *s)
{
	if (s->is_failed) {
		return cli_fail(CLI_FAILED, "cannot write what was found");
	}
	if (s->files_read == 0) {
		return s->files_bad == 0 ? CLI_NOT_FOUND : CLI_FAILED;
	}
	return s->files_cut + s->files_bad + s->files_missing > 0 ? CLI_PARTLY : CLI_DONE;
}

static int scan_run(const struct cli *cli, const struct cli_args *args)
{
	struct scan s = {.ops = cli->json ? &scan_json : &scan_table};
	const char *policy = cli_value(args, "policy");
	struct errmsg err;
	int r = 0;

	buf_init(&s.out, OUT_MAX);
	if (policy != NULL) {
		r = load_policy(policy, &s.policy);
	}
	if (r == 0 && !cli_has(args, "no-score") &&
	    weights_load(cli_value(args, "weights"), &s.scorer, &err) < 0) {
		r = cli_fail(CLI_FAILED, "%s (--no-score does without)", err.text);
	}
	if (r == 0) {
		r = cli_has(args, "join") ? scan_joined(&s, args) : scan_each(&s, args);
	}
	if (r == 0) {
		r = end_of(&s);
	}
	release(&s);
	scorer_free(s.scorer);
	policy_free(s.policy);
	buf_done(&s.out);
	return r;
}

static const struct cli_opt opts[] = {
	{"no-score", NULL, "read what is in the capture and judge nothing by its content"},
	{"policy", "FILE", "networks, tenants and thresholds, in the format of postern.yaml"},
	{"join", NULL, "read several files as one stream, in the order given"},
	{"weights", "FILE", "score with these weights instead of the installed ones"},
};

const struct command scan_command = {
	.noun = "scan",
	.words = "FILE…",
	.words_min = 1,
	.words_max = CLI_WORDS_ANY,
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "read capture files (\"-\" is a pipe): messages, sessions, sources, verdicts",
	.run = scan_run,
};

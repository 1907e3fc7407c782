/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern doctor report: what the doctor found, and what was done, as a JSON for the provider;
 * with --send it is sent, once. Changes nothing here. Layer: cli.
 */
#include "cli/doctor.h"

#include "base/num.h"
#include "cli/doctor_examine.h"
#include "doctor/fetch.h"
#include "doctor/report.h"
#include "sys/entropy.h"
#include "sys/files.h"
#include "sys/jsonr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define QUIET_DEFAULT_S 600
#define QUIET_MAX_S 86400
#define TOKEN_MAX 512
#define ANSWER_MAX ((size_t)1 << 20)

/* Where it goes. */
struct target {
	const char *case_id;
	const char *url;
	char token[TOKEN_MAX];
};

static const char *const deeds[] = {"stop", "clean", "secure", "purge", "other"};

/* "stop: locked the account" */
static bool take_deed(const char *text, struct wall now, struct report_action *ret)
{
	for (size_t i = 0; i < COUNT_OF(deeds); i++) {
		size_t len = strlen(deeds[i]);
		if (strncmp(text, deeds[i], len) == 0 && text[len] == ':') {
			text += len + 1;
			text += strspn(text, " ");
			*ret = (struct report_action){
				.time = now, .what = deeds[i], .detail = text};
			return *text != '\0';
		}
	}
	return false;
}

/* @return Their number, or -1: said. */
static int take_deeds(const struct cli_args *args, struct wall now,
		      struct report_action ret[static REPORT_ACTIONS_MAX])
{
	size_t pos = 0;
	const char *text;
	int n = 0;

	while ((text = cli_value_next(args, "did", &pos)) != NULL) {
		if (n == REPORT_ACTIONS_MAX || !take_deed(text, now, &ret[n])) {
			(void)cli_fail(CLI_USAGE,
				       "--did takes stop:, clean:, secure:, purge: or other: and "
				       "what was done, at most %d times",
				       REPORT_ACTIONS_MAX);
			return -1;
		}
		n++;
	}
	return n;
}

static int read_token(const char *path, struct target *t)
{
	struct errmsg err = {.text = ""};
	struct buf text;

	buf_init(&text, TOKEN_MAX - 1);
	int r = file_read(path, &text, &err);
	if (r == 0) {
		(void)str_copy(t->token, sizeof(t->token), str_trim(buf_str(&text)));
	}
	buf_done(&text);
	return r == 0 ? CLI_DONE : cli_fail(CLI_NOT_FOUND, "%s", err.text);
}

/* From the notice, unless it is said. */
static int find_target(const struct cli_args *args, const struct inquiry *q, struct target *ret)
{
	const char *wanted = cli_value(args, "case");
	const char *token_file = cli_value(args, "token-file");
	const struct inquiry_case *found = NULL;

	for (size_t i = 0; i < q->case_count; i++) {
		bool is_it = wanted == NULL ||
			     (q->cases[i].id != NULL && strcmp(q->cases[i].id, wanted) == 0);
		if (is_it && found != NULL) {
			return cli_fail(CLI_USAGE,
					"the notice is about %zu cases: say which with --case ID",
					q->case_count);
		}
		found = is_it ? &q->cases[i] : found;
	}
	ret->case_id = wanted != NULL ? wanted : found != NULL ? found->id : NULL;
	ret->url = found != NULL ? found->url : NULL;
	if (found != NULL && found->token != NULL) {
		(void)str_copy(ret->token, sizeof(ret->token), str_of(found->token));
	}
	if (cli_has(args, "case-url")) {
		ret->url = cli_value(args, "case-url");
	}
	return token_file != NULL ? read_token(token_file, ret) : CLI_DONE;
}

/* The server's own words, as far as they are plain. */
static int say_answer(unsigned status, struct str answer)
{
	static const int codes[][2] = {{401, CLI_NOT_ALLOWED}, {403, CLI_NOT_ALLOWED},
				       {404, CLI_NOT_FOUND},   {409, CLI_CONFLICT},
				       {422, CLI_FAILED},      {429, CLI_CONFLICT}};
	struct errmsg err;
	struct jsonr *v = jsonr_parse(answer, &err);
	struct str detail = str_head(jsonr_str(jsonr_get(v, "detail")), 300);
	char text[301];
	int code = CLI_FAILED;

	(void)str_copy(text, sizeof(text), detail);
	for (char *c = text; *c != '\0'; c++) {
		*c = *c < ' ' || *c > '~' ? '?' : *c;
	}
	jsonr_free(v);
	if (status == 201) {
		fputs("sent: it stands in the case as reported\n", stderr);
		return CLI_DONE;
	}
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		code = (unsigned)codes[i][0] == status ? codes[i][1] : code;
	}
	return cli_fail(code, "not taken (%u): %s", status, text);
}

static int send_report(const struct target *t, struct str report)
{
	char authorization[TOKEN_MAX + 8];
	struct errmsg err = {.text = ""};
	struct buf answer;
	unsigned status = 0;

	if (t->url == NULL || t->token[0] == '\0') {
		return cli_fail(CLI_USAGE, "--send needs --notice, or --case-url and --token-file");
	}
	(void)snprintf(authorization, sizeof(authorization), "Bearer %s", t->token);
	buf_init(&answer, ANSWER_MAX);
	int r = fetch_run(
		&(struct fetch){.url = t->url, .authorization = authorization, .body = report},
		&answer, &status, &err);
	r = r < 0 ? cli_fail(r == -EINVAL ? CLI_USAGE : CLI_UNREACHABLE, "not sent: %s", err.text)
		  : say_answer(status, buf_str(&answer));
	buf_done(&answer);
	return r;
}

static int hand_out(const struct cli_args *args, const struct target *t, struct str report)
{
	const char *out = cli_value(args, "out");
	struct errmsg err = {.text = ""};

	if (out != NULL && file_write(out, report, 0600, &err) < 0) {
		return cli_fail(CLI_FAILED, "%s", err.text);
	}
	if (out == NULL && fwrite(report.ptr, 1, report.len, stdout) != report.len) {
		return cli_fail(CLI_FAILED, "cannot write the report");
	}
	return cli_has(args, "send") ? send_report(t, report) : CLI_DONE;
}

/* What waits, and how much of it is of those who are accused. */
static struct report_queue queue_of(const struct examination *e)
{
	struct report_queue q = {.is_known = e->queue != NULL && e->is_here};

	if (!q.is_known) {
		return q;
	}
	q.left = e->queue->count + e->queue->left_out;
	for (size_t i = 0; i < e->diagnosis.accused_count; i++) {
		const struct attribution_sender *s = e->diagnosis.accused[i].sender;
		const struct queue_source *of = queue_list_find_source(e->queue, s->kind,
								       str_of(s->name));
		q.of_source += of == NULL ? 0 : of->messages;
	}
	return q;
}

static int write_report(const struct cli_args *args, const struct examination *e,
			const struct target *t)
{
	struct report_action actions[REPORT_ACTIONS_MAX];
	uint8_t salt[REPORT_SALT];
	char host[256] = "";
	const char *quiet = cli_value(args, "quiet");
	uint64_t quiet_s = QUIET_DEFAULT_S;
	struct buf out;

	if (quiet != NULL && num_parse_u64(str_of(quiet), QUIET_MAX_S, &quiet_s) < 0) {
		return cli_fail(CLI_USAGE, "--quiet takes 0 to %d seconds", QUIET_MAX_S);
	}
	int n = take_deeds(args, e->time, actions);
	if (n < 0) {
		return CLI_USAGE;
	}
	if (e->is_here) {
		(void)gethostname(host, sizeof(host) - 1);
	}
	entropy_fill(salt, sizeof(salt));
	const struct report_facts facts = {
		.diagnosis = &e->diagnosis,
		.set = &e->set,
		.live = e->has_live ? &e->live : NULL,
		.queue = queue_of(e),
		.is_here = e->is_here,
		.now = e->time,
		.quiet_s = (uint32_t)quiet_s,
		.case_id = t->case_id,
		.host = host[0] != '\0' ? host : NULL,
		.actions = actions,
		.action_count = (size_t)n,
	};
	buf_init(&out, REPORT_MAX);
	report_write(&facts, salt, &out);
	int r = buf_end(&out) < 0 ? cli_fail(CLI_FAILED, "the report is too large")
				  : hand_out(args, t, buf_str(&out));
	buf_done(&out);
	return r;
}

static int report_run(const struct cli *cli, const struct cli_args *args)
{
	struct examination e;
	struct target target = {.case_id = NULL};
	int r = doctor_examine(cli, args, &e);

	if (r == CLI_DONE) {
		r = find_target(args, &e.inquiry, &target);
	}
	if (r == CLI_DONE) {
		r = write_report(args, &e, &target);
	}
	examination_done(&e);
	return r;
}

static const struct cli_opt opts[] = {
	DOCTOR_EXAMINE_OPTS,
	{.name = "out", .value = "FILE", .help = "write it there instead of standard output"},
	{.name = "did",
	 .value = "WHAT:TEXT",
	 .help = "what you did: stop:, clean:, secure:, purge: or other:"},
	{.name = "quiet",
	 .value = "SECONDS",
	 .help = "without mail of the source for so long it may have stopped (600)"},
	{.name = "send", .help = "send it to the provider, once"},
	{.name = "case", .value = "ID", .help = "which case of the notice"},
	{.name = "case-url", .value = "URL", .help = "where to send it, instead of the notice's"},
	{.name = "token-file", .value = "FILE", .help = "the notice's token, alone in a file"},
};

const struct command doctor_report_command = {
	.noun = "doctor",
	.verb = "report",
	.words = "[ID…]",
	.words_max = CLI_WORDS_ANY,
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "write, and with --send send, what the doctor found, for the provider",
	.run = report_run,
};

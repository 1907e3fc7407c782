/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: the configuration as the daemon would see it. Layer: cli.
 */
#include "cli/config.h"

#include "conf/conf.h"
#include "conf/lists.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

#define OUTPUT_MAX ((size_t)256 << 20)

static const char *path_of(const struct cli_args *args)
{
	return args->word_count > 0 ? args->words[0] : CONF_DEFAULT_PATH;
}

static void write_problems(const struct conf_report *report, struct jsonw *w)
{
	jsonw_array(w, "problems");
	for (size_t i = 0; i < conf_report_count(report); i++) {
		const struct conf_problem *p = conf_report_get(report, i);
		jsonw_object(w, NULL);
		jsonw_cstr(w, "level", p->is_warning ? "warning" : "error");
		jsonw_cstr(w, "file", p->at.file);
		if (p->at.line > 0) {
			jsonw_u64(w, "line", p->at.line);
			jsonw_u64(w, "column", p->at.column);
		} else {
			jsonw_null(w, "line");
			jsonw_null(w, "column");
		}
		jsonw_cstr(w, "text", p->text);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

static void print_problems(const struct conf_report *report, FILE *out)
{
	struct buf line;

	buf_init(&line, OUTPUT_MAX);
	for (size_t i = 0; i < conf_report_count(report); i++) {
		buf_clear(&line);
		conf_problem_format(conf_report_get(report, i), &line);
		fprintf(out, "%.*s\n", STR_ARG(buf_str(&line)));
	}
	size_t all = conf_report_errors(report) + conf_report_warnings(report);
	if (all > conf_report_count(report)) {
		fprintf(out, "… and %zu more\n", all - conf_report_count(report));
	}
	buf_done(&line);
}

static void print_check(const struct cli *cli, const char *path, const struct conf_report *report)
{
	size_t errors = conf_report_errors(report);
	size_t warnings = conf_report_warnings(report);
	struct buf out;

	if (!cli->json) {
		print_problems(report, stdout);
		printf("%s: %s, %zu error%s, %zu warning%s\n", path, errors > 0 ? "bad" : "good",
		       errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
		return;
	}
	buf_init(&out, OUTPUT_MAX);
	struct jsonw w = jsonw_of(&out);
	jsonw_object(&w, NULL);
	jsonw_cstr(&w, "file", path);
	jsonw_bool(&w, "good", errors == 0);
	jsonw_u64(&w, "errors", errors);
	jsonw_u64(&w, "warnings", warnings);
	write_problems(report, &w);
	jsonw_object_end(&w);
	jsonw_line_end(&w);
	fwrite(out.ptr, 1, out.len, stdout);
	buf_done(&out);
}

/* What the lists hold; a bad line is not a bad configuration. */
static void check_lists(const struct policy *policy, struct conf_report *report)
{
	for (size_t i = 0; i < policy->list_count; i++) {
		const struct list_policy *p = &policy->lists[i];
		const struct conf_place at = {.file = conf_report_file(report, p->file)};
		struct errmsg err = {.text = ""};
		struct url_list l;

		if (list_read(p, &l, &err) < 0) {
			conf_warn(report, at, "list '%s': %s", p->name, err.text);
			continue;
		}
		if (l.malformed.count > 0) {
			conf_warn(report,
				  (struct conf_place){at.file, (unsigned)l.malformed.first, 1},
				  "list '%s': %llu of %llu lines hold no entry; the first is '%s'",
				  p->name, (unsigned long long)l.malformed.count,
				  (unsigned long long)l.lines, l.malformed.text);
		}
		if (l.public.count > 0) {
			conf_warn(report, (struct conf_place){at.file, (unsigned)l.public.first, 1},
				  "list '%s': everybody may have a name below %llu of its domains, "
				  "so they stand for that host alone; the first is '%s'",
				  p->name, (unsigned long long)l.public.count, l.public.text);
		}
		if (l.left_out > 0) {
			conf_warn(report, at,
				  "list '%s': %llu entries are over its 'max' and left out",
				  p->name, (unsigned long long)l.left_out);
		}
		if (l.count == 0) {
			conf_warn(report, at, "list '%s': holds no entry", p->name);
		}
		url_list_done(&l);
	}
}

/* Only the file that was asked for can be "not found"; a bad one is 1. */
static int exit_of(int r)
{
	return r == 0 ? CLI_DONE : r == -ENOENT ? CLI_NOT_FOUND : CLI_FAILED;
}

static int check_run(const struct cli *cli, const struct cli_args *args)
{
	struct conf_report *report = conf_report_new();
	struct policy *policy = NULL;

	if (report == NULL) {
		return cli_fail(CLI_FAILED, "out of memory");
	}
	int r = conf_load(path_of(args), report, &policy);
	if (r == 0) {
		check_lists(policy, report);
	}
	print_check(cli, path_of(args), report);
	policy_free(policy);
	conf_report_free(report);
	return exit_of(r);
}

static int show_run(const struct cli *cli, const struct cli_args *args)
{
	struct conf_report *report = conf_report_new();
	struct policy *policy = NULL;
	struct buf out;

	if (report == NULL) {
		return cli_fail(CLI_FAILED, "out of memory");
	}
	int r = conf_load(path_of(args), report, &policy);
	print_problems(report, stderr);
	if (r == 0) {
		buf_init(&out, OUTPUT_MAX);
		if (cli->json) {
			struct jsonw w = jsonw_of(&out);
			conf_show_json(policy, &w);
			jsonw_line_end(&w);
		} else {
			conf_show_yaml(policy, &out);
		}
		fwrite(out.ptr, 1, out.len, stdout);
		buf_done(&out);
	}
	policy_free(policy);
	conf_report_free(report);
	return exit_of(r);
}

static int sample_run(const struct cli *cli, const struct cli_args *args)
{
	struct buf out;

	(void)cli;
	(void)args;
	buf_init(&out, OUTPUT_MAX);
	conf_sample(&out);
	fwrite(out.ptr, 1, out.len, stdout);
	buf_done(&out);
	return CLI_DONE;
}

const struct command config_check_command = {
	.noun = "config",
	.verb = "check",
	.words = "[FILE]",
	.words_max = 1,
	.help = "say all that is wrong with a configuration (default: " CONF_DEFAULT_PATH ")",
	.run = check_run,
};

const struct command config_show_command = {
	.noun = "config",
	.verb = "show",
	.words = "[FILE]",
	.words_max = 1,
	.help = "the effective configuration, defaults filled in",
	.run = show_run,
};

const struct command config_sample_command = {
	.noun = "config",
	.verb = "sample",
	.help = "a commented sample with every setting",
	.run = sample_run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern doctor: who on this mail server sent it, and why. Reads only. Layer: cli.
 */
#include "cli/doctor.h"

#include "doctor/diagnose.h"
#include "doctor/print.h"

#include <stdio.h>
#include <unistd.h>

#include "base/poison.h"

/* A diagnosis with all its hours. */
#define OUTPUT_MAX ((size_t)64 << 20)

static int add_logs(const struct cli_args *args, struct log_set *set, struct errmsg *err)
{
	int r = 0;
	bool named = false;

	for (size_t i = 0; i < args->given_count && r == 0; i++) {
		if (str_is_equal(str_of(args->given[i].opt->name), STR("log"))) {
			named = true;
			r = log_set_add(set, args->given[i].value, err);
		}
	}
	if (!named) {
		const char *root = cli_value(args, "root");
		r = log_set_find(set, root == NULL ? "" : root, err);
	}
	return r;
}

static void show_progress(void *ctx, size_t file, size_t of)
{
	const struct log_set *set = ctx;

	fprintf(stderr, "\r\033[Kreading %zu of %zu: %s", file + 1, of, set->files[file].path);
}

static int print(const struct cli *cli, const struct diagnosis *d, const struct log_set *set)
{
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	if (cli->json) {
		print_json(d, set, &out);
	} else {
		print_text(d, set, &out);
	}
	bool ok = buf_end(&out) == 0 && fwrite(out.ptr, 1, out.len, stdout) == out.len &&
		  fflush(stdout) == 0;
	buf_done(&out);
	if (!ok) {
		fputs("postern: cannot write the result\n", stderr);
		return CLI_FAILED;
	}
	return d->damaged ? CLI_PARTLY : CLI_DONE;
}

static int doctor_run(const struct cli *cli, const struct cli_args *args)
{
	struct errmsg err = {.text = ""};
	struct log_set set = {0};
	struct diagnosis d;

	if (add_logs(args, &set, &err) < 0) {
		fprintf(stderr, "postern: %s\n", err.text);
		log_set_done(&set);
		return CLI_NOT_FOUND;
	}
	if (set.count == 0) {
		fputs("postern: no mail log found: name one with --log FILE\n", stderr);
		log_set_done(&set);
		return CLI_NOT_FOUND;
	}
	log_set_sort(&set);
	bool show = isatty(STDERR_FILENO) != 0 && !cli->json;
	int r = diagnose_run(&(struct diagnose_opts){.set = &set,
						     .ids = args->words,
						     .id_count = args->word_count,
						     .progress = show ? show_progress : NULL,
						     .ctx = &set},
			     &d, &err);
	if (show) {
		fputs("\r\033[K", stderr);
	}
	if (err.text[0] != '\0') {
		fprintf(stderr, "postern: %s\n", err.text);
	}
	if (r < 0) {
		log_set_done(&set);
		return CLI_FAILED;
	}
	r = print(cli, &d, &set);
	diagnosis_done(&d);
	log_set_done(&set);
	return r;
}

static const struct cli_opt opts[] = {
	{.name = "root", .value = "DIR", .help = "read a copy of the server's files below DIR"},
	{.name = "log", .value = "FILE", .help = "read this log (may be given more than once)"},
};

const struct command doctor_command = {
	.noun = "doctor",
	.words = "[ID…]",
	.words_max = CLI_WORDS_ANY,
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "find which account, script or address of this mail server sent mail, and why",
	.run = doctor_run,
};

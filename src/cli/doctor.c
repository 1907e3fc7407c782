/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern doctor: who on this mail server sent it, and why. Reads only. Layer: cli.
 */
#include "cli/doctor.h"

#include "cli/doctor_examine.h"
#include "doctor/find.h"
#include "doctor/print.h"

#include <stdio.h>
#include <unistd.h>

#include "base/poison.h"

/* A diagnosis with all its hours. */
#define OUTPUT_MAX ((size_t)64 << 20)

static int write_out(struct buf *out, bool is_damaged)
{
	bool ok = buf_end(out) == 0 && fwrite(out->ptr, 1, out->len, stdout) == out->len &&
		  fflush(stdout) == 0;

	buf_done(out);
	if (!ok) {
		return cli_fail(CLI_FAILED, "cannot write the result");
	}
	return is_damaged ? CLI_PARTLY : CLI_DONE;
}

static int print(const struct cli *cli, const struct examination *e)
{
	const struct live *live = e->has_live ? &e->live : NULL;
	struct buf out;

	buf_init(&out, OUTPUT_MAX);
	if (cli->json) {
		print_json(&e->diagnosis, &e->set, live, &out);
	} else {
		print_text(&e->diagnosis, &e->set, live, &out);
	}
	return write_out(&out, e->diagnosis.damaged);
}

/* Only who sent what was asked for. */
static int find(const struct cli *cli, struct examination *e)
{
	bool shows = isatty(STDERR_FILENO) != 0 && !cli->json;
	struct errmsg err = {.text = ""};
	struct finding f;
	struct buf out;

	if (e->inquiry.id_count == 0) {
		return cli_fail(CLI_USAGE, "--find needs an ID, --notice or --headers");
	}
	if (e->set.count == 0) {
		return cli_fail(CLI_NOT_FOUND, "no mail log found: name one with --log FILE");
	}
	int r = find_run(&(struct diagnose_opts){.set = &e->set,
						 .inquiry = &e->inquiry,
						 .progress = shows ? doctor_show_progress : NULL,
						 .ctx = &e->set},
			 &f, &err);
	if (shows) {
		fputs("\r\033[K", stderr);
	}
	if (err.text[0] != '\0') {
		(void)cli_fail(CLI_FAILED, "%s", err.text);
	}
	if (r < 0) {
		return CLI_FAILED;
	}
	buf_init(&out, OUTPUT_MAX);
	if (cli->json) {
		finding_print_json(&f, &e->inquiry, &out);
	} else {
		finding_print_text(&f, &e->inquiry, &out);
	}
	r = write_out(&out, f.damaged);
	finding_done(&f);
	return r;
}

static int doctor_run(const struct cli *cli, const struct cli_args *args)
{
	struct examination e;
	bool is_find = cli_has(args, "find");
	int r = is_find ? doctor_gather(args, &e) : doctor_examine(cli, args, &e);

	if (r == CLI_DONE) {
		r = is_find ? find(cli, &e) : print(cli, &e);
	}
	examination_done(&e);
	return r;
}

static const struct cli_opt opts[] = {
	DOCTOR_EXAMINE_OPTS,
	{.name = "find", .help = "say only who sent the messages that are asked for, and quickly"},
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

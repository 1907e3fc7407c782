/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern doctor: who on this mail server sent it, and why. Reads only. Layer: cli.
 */
#include "cli/doctor.h"

#include "cli/doctor_examine.h"
#include "doctor/print.h"

#include <stdio.h>

#include "base/poison.h"

/* A diagnosis with all its hours. */
#define OUTPUT_MAX ((size_t)64 << 20)

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
	bool ok = buf_end(&out) == 0 && fwrite(out.ptr, 1, out.len, stdout) == out.len &&
		  fflush(stdout) == 0;
	buf_done(&out);
	if (!ok) {
		return cli_fail(CLI_FAILED, "cannot write the result");
	}
	return e->diagnosis.damaged ? CLI_PARTLY : CLI_DONE;
}

static int doctor_run(const struct cli *cli, const struct cli_args *args)
{
	struct examination e;
	int r = doctor_examine(cli, args, &e);

	if (r == CLI_DONE) {
		r = print(cli, &e);
	}
	examination_done(&e);
	return r;
}

static const struct cli_opt opts[] = {DOCTOR_EXAMINE_OPTS};

const struct command doctor_command = {
	.noun = "doctor",
	.words = "[ID…]",
	.words_max = CLI_WORDS_ANY,
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "find which account, script or address of this mail server sent mail, and why",
	.run = doctor_run,
};

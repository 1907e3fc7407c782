/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern doctor path: which settings of this machine would break without port 25. Reads only.
 * Layer: cli.
 */
#include "cli/doctor.h"

#include "doctor/path.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

#define OUTPUT_MAX ((size_t)16 << 20)

static int path_run(const struct cli *cli, const struct cli_args *args)
{
	const char *root = cli_value(args, "root");
	struct path_report report;
	struct buf out;
	int r = path_look(root == NULL ? "" : root, &report);

	if (r < 0) {
		return cli_fail(CLI_NOT_FOUND, "cannot open %s: %s", root == NULL ? "/" : root,
				strerror(-r));
	}
	int code = CLI_DONE;
	for (size_t i = 0; i < report.count; i++) {
		code = path_breaks(&report.items[i]) == 1 ? CLI_NO : code;
	}
	buf_init(&out, OUTPUT_MAX);
	if (cli->json) {
		path_print_json(&report, &out);
	} else {
		path_print_text(&report, &out);
	}
	if (buf_end(&out) < 0 || fwrite(out.ptr, 1, out.len, stdout) != out.len) {
		code = cli_fail(CLI_FAILED, "cannot write the result");
	}
	buf_done(&out);
	path_done(&report);
	return code;
}

static const struct cli_opt opts[] = {
	{.name = "root", .value = "DIR", .help = "look at a copy of the server's files below DIR"},
};

const struct command doctor_path_command = {
	.noun = "doctor",
	.verb = "path",
	.opts = opts,
	.opt_count = COUNT_OF(opts),
	.help = "say which mail settings would break if port 25 to other machines were shut",
	.run = path_run,
};

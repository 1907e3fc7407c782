/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version: `postern version`, the same as `postern --version`, with --json. Layer: cli.
 */
#include "cli/version.h"

#include <stdio.h>

#include "base/poison.h"

static int version_run(const struct cli *cli, const struct cli_args *args)
{
	(void)args;
	printf(cli->json ? "{\"version\":\"%s\"}\n" : "postern %s\n", POSTERN_VERSION);
	return CLI_DONE;
}

const struct command version_command = {
	.noun = "version",
	.help = "say which version this is",
	.run = version_run,
};

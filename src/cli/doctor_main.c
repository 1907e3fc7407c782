/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_main: the `postern-doctor` program: the commands for the customer's own machine in one
 * static file. Without a command it is the doctor. Layer: cli.
 */
#include "cli/command.h"
#include "cli/doctor_rows.h"
#include "cli/version.h"

#include "base/poison.h"

const struct cli_program cli_program = {.name = "postern-doctor", .otherwise = "doctor"};

const struct command *const cli_commands[] = {
	DOCTOR_ROWS,
	&version_command,
};
const size_t cli_command_count = COUNT_OF(cli_commands);

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands: the table itself: one line a command, in the order of the help. Layer: cli.
 */
#include "cli/command.h"
#include "cli/config.h"
#include "cli/version.h"

#include "base/poison.h"

const struct command *const cli_commands[] = {
	&config_check_command,
	&config_show_command,
	&config_sample_command,
	&version_command,
};
const size_t cli_command_count = COUNT_OF(cli_commands);

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands: the table itself: one line a command, in the order of the help. Layer: cli.
 */
#include "cli/command.h"
#include "cli/config.h"
#include "cli/daemon.h"
#include "cli/panic_open.h"
#include "cli/replay.h"
#include "cli/scan.h"
#include "cli/doctor_rows.h"
#include "cli/score.h"
#include "cli/train.h"
#include "cli/version.h"

#include "base/poison.h"

const struct cli_program cli_program = {.name = "postern"};

const struct command *const cli_commands[] = {
	&scan_command,
	&status_command,
	&top_command,
	&tail_command,
	&why_command,
	&replay_command,
	&source_list_command,
	&source_show_command,
	&source_pass_command,
	&source_watch_command,
	&source_throttle_command,
	&source_divert_command,
	&source_block_command,
	&source_unblock_command,
	&case_list_command,
	&case_show_command,
	&case_note_command,
	&case_assign_command,
	&case_acknowledge_command,
	&case_unblock_command,
	&case_close_command,
	&brake_lift_command,
	&token_list_command,
	&token_add_command,
	&token_revoke_command,
	&config_check_command,
	&config_show_command,
	&config_sample_command,
	&panic_open_command,
	DOCTOR_ROWS,
	&score_command,
	&train_command,
	&version_command,
};
const size_t cli_command_count = COUNT_OF(cli_commands);

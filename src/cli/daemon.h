/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon: the commands that ask posternd over its socket. Layer: cli.
 */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

#include "cli/command.h"

extern const struct command status_command;
extern const struct command top_command;
extern const struct command tail_command;
extern const struct command brake_lift_command;

extern const struct command why_command;
extern const struct command source_list_command;
extern const struct command source_show_command;

extern const struct command source_pass_command;
extern const struct command source_watch_command;
extern const struct command source_throttle_command;
extern const struct command source_divert_command;
extern const struct command source_block_command;
extern const struct command source_unblock_command;

extern const struct command case_list_command;
extern const struct command case_show_command;
extern const struct command case_note_command;
extern const struct command case_assign_command;
extern const struct command case_acknowledge_command;
extern const struct command case_unblock_command;
extern const struct command case_close_command;

extern const struct command token_list_command;
extern const struct command token_add_command;
extern const struct command token_revoke_command;

#endif

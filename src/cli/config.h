/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: `postern config check|show|sample`, without a daemon. Layer: cli.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "cli/command.h"

extern const struct command config_check_command;
extern const struct command config_show_command;
extern const struct command config_sample_command;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan: the command `postern scan`. Layer: cli.
 */
#ifndef CLI_SCAN_H
#define CLI_SCAN_H

#include "cli/command.h"

extern const struct command scan_command;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version: `postern version`. Layer: cli.
 */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

#include "cli/command.h"

extern const struct command version_command;

#endif

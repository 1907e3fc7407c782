/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin: `postern origin`. Layer: cli.
 */
#ifndef CLI_ORIGIN_H
#define CLI_ORIGIN_H

#include "cli/command.h"

extern const struct command origin_command;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recipe: `postern recipe`. Layer: cli.
 */
#ifndef CLI_RECIPE_H
#define CLI_RECIPE_H

#include "cli/command.h"

extern const struct command recipe_command;

#endif

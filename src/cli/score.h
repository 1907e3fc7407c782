/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score: `postern score`. Layer: cli.
 */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include "cli/command.h"

extern const struct command score_command;

#endif

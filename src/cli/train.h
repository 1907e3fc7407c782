/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train: `postern train`. Layer: cli.
 */
#ifndef CLI_TRAIN_H
#define CLI_TRAIN_H

#include "cli/command.h"

extern const struct command train_command;

#endif

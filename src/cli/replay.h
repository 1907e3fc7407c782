/* SPDX-License-Identifier: Apache-2.0 */
/* replay: `postern replay`. Layer: cli. */
#ifndef CLI_REPLAY_H
#define CLI_REPLAY_H

#include "cli/command.h"

extern const struct command replay_command;

#endif

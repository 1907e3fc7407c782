/* SPDX-License-Identifier: Apache-2.0 */
/* panic_open: `postern panic-open`. Layer: cli. */
#ifndef CLI_PANIC_OPEN_H
#define CLI_PANIC_OPEN_H

#include "cli/command.h"

extern const struct command panic_open_command;

#endif

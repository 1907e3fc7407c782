/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_dir: where the daemon keeps its state, for commands that do without the daemon. Layer: cli.
 */
#ifndef CLI_STATE_DIR_H
#define CLI_STATE_DIR_H

#include "base/attr.h"
#include "cli/command.h"

#include <stddef.h>

/**
 * A file in the state folder: that of --state, else of the configuration (--config, or the usual
 * one), else the usual folder. A configuration that was named and cannot be read is said on
 * standard error and does not stop anything: an emergency does not wait for a mended file.
 *
 * @return 0, or -ENAMETOOLONG.
 */
MUSTUSE int state_dir_path(const struct cli_args *args, const char *name, char *ret, size_t size);

#endif

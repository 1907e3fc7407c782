/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_delta: `postern train --delta`: teaches the filter the operator's own mail. Layer: cli.
 */
#ifndef CLI_TRAIN_DELTA_H
#define CLI_TRAIN_DELTA_H

#include "cli/command.h"

/** @return An enum cli_exit. */
int train_delta_run(const struct cli *cli, const struct cli_args *args);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: the rows of `postern doctor`. Layer: cli. */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "cli/command.h"

extern const struct command doctor_command;
extern const struct command doctor_path_command;
extern const struct command doctor_report_command;

#endif

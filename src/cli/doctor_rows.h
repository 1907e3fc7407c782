/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_rows: the commands for the customer's own machine, which `postern` and `postern-doctor`
 * both have: offline, without a daemon. Their files are in doctor_cli_sources. Layer: cli.
 */
#ifndef CLI_DOCTOR_ROWS_H
#define CLI_DOCTOR_ROWS_H

#include "cli/doctor.h"
#include "cli/doctor_queue.h"
#include "cli/origin.h"
#include "cli/recipe.h"

/* clang-format off */
#define DOCTOR_ROWS \
	&doctor_command, \
	&doctor_path_command, \
	&doctor_queue_command, \
	&doctor_report_command, \
	&origin_command, \
	&recipe_command
/* clang-format on */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* postern doctor queue --apply: see doctor_purge.c. Layer: cli. */
#ifndef CLI_DOCTOR_PURGE_H
#define CLI_DOCTOR_PURGE_H

#include "cli/command.h"

int doctor_purge(const struct cli *cli, const struct cli_args *args);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* postern doctor queue: see doctor_queue.c. Layer: cli. */
#ifndef CLI_DOCTOR_QUEUE_H
#define CLI_DOCTOR_QUEUE_H

#include "cli/command.h"

extern const struct command doctor_queue_command;

#endif

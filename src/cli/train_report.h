/* SPDX-License-Identifier: Apache-2.0 */
/*
 * train_report: what the left-out groups say about weights, as a table. Layer: cli.
 */
#ifndef CLI_TRAIN_REPORT_H
#define CLI_TRAIN_REPORT_H

#include "core/train.h"

/** Print the table on standard output. @return 0, or -ENOMEM. */
MUSTUSE int train_report_print(const struct train *t, const struct model *m);

/** Write one line a left-out message: group, class, logits of the members. @return 0, or -errno. */
MUSTUSE int train_report_scores(const struct train *t, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_check: does a stranger's JSON have the shape of docs/contract/doctor-report.schema.json?
 * Layer: daemon.
 */
#ifndef DAEMON_DESK_REPORT_CHECK_H
#define DAEMON_DESK_REPORT_CHECK_H

#include "base/attr.h"
#include "base/err.h"
#include "sys/jsonr.h"

/**
 * @return 0; -EINVAL with a text that names the member.
 *
 * Cost: each value is looked at once; at most REPORT_VALUES_MAX wait at a time, more is refused.
 */
#define REPORT_VALUES_MAX 512
MUSTUSE int report_check(const struct jsonr *report, struct errmsg *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notice_data: what a notice says, for programs: a JSON object that goes with the letter, and
 * which `postern doctor --notice` reads. docs/contract/notice.schema.json has its shape.
 * Layer: daemon.
 */
#ifndef DAEMON_DESK_NOTICE_DATA_H
#define DAEMON_DESK_NOTICE_DATA_H

#include "base/buf.h"
#include "store/notices.h"

struct desk;

#define NOTICE_DATA_NAME "postern-notice.json"
#define NOTICE_DATA_MAX ((size_t)512 << 10)

/**
 * Append the object. Recipients are domains; the token of each case is good for one report.
 *
 * @param ids  The cases; further ones than NOTICE_DATA_CASES_MAX are left out.
 */
#define NOTICE_DATA_CASES_MAX 50
MUSTUSE int notice_data_write(struct desk *d, const struct notice_row *n, const uint64_t *ids,
			      size_t count, struct buf *out, struct errmsg *reterr);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_out: how `postern scan` says what it found: as JSON, one object a line, or for people.
 * Layer: cli.
 */
#ifndef CLI_SCAN_OUT_H
#define CLI_SCAN_OUT_H

#include "base/buf.h"
#include "cli/scan_sources.h"
#include "core/tracker.h"

/* One capture, or several that are read as one. */
struct scan_totals {
	const char *file;
	uint64_t frames;
	uint64_t bytes;
	uint64_t sessions;
	uint64_t messages;
	uint64_t sources;
	uint64_t lost_bytes;
	uint64_t ignored_frames;
	bool truncated;
	int64_t elapsed_ns;
};

/** What a backend writes goes to the end of `out`. One complete table each (HOUSE-STYLE X1). */
struct scan_out_ops {
	void (*message)(struct buf *out, const char *file, const struct tracked_message *m,
			uint64_t campaign);
	void (*session)(struct buf *out, const char *file, const struct tracked_session *s);
	void (*source)(struct buf *out, const char *file, const struct scan_source *s,
		       const struct proof *proof);
	void (*summary)(struct buf *out, const struct scan_totals *t);
};

extern const struct scan_out_ops scan_json;
extern const struct scan_out_ops scan_table;

#endif

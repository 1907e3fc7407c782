/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_time: which times of a web server's log say something about a source's mail: the seconds
 * near to it, and for comparison those around them. Of many mails a sample is looked at, spread
 * over all of them; what is near to any of them is known all the same. Layer: core (pure).
 */
#ifndef CORE_WEB_TIME_H
#define CORE_WEB_TIME_H

#include "base/attr.h"
#include "core/moments.h"

#include <stdbool.h>

/* A request comes with a mail when it is at most so far from it: Apache logs when a request begins,
 * nginx when it ends. */
#define WEB_NEAR_S 2
#define WEB_SAMPLE_MAX 256
#define WEB_SAMPLE_WORDS (WEB_SAMPLE_MAX / 64)
#define WEB_RANGES_MAX (2 * WEB_SAMPLE_MAX + 2)

/* Seconds since 1970; the end is not in it. */
struct web_range {
	int64_t begin;
	int64_t end;
};

struct web_time {
	uint32_t *at; /* owned: all seconds with mail, in order */
	size_t count;
	/* Of them, and of runs of mail without a pause: what a request is looked for near to. */
	struct web_range mails[WEB_SAMPLE_MAX];
	size_t mail_count;
	struct web_range runs[WEB_SAMPLE_MAX];
	size_t run_count;
	struct web_range ranges[WEB_RANGES_MAX]; /* to be read: in order, apart */
	size_t range_count;
};

/* Which of the samples had a request. */
struct web_marks {
	uint64_t mails[WEB_SAMPLE_WORDS];
	uint64_t runs[WEB_SAMPLE_WORDS];
};

/** @return 0; -ENOENT: there is no second; -ENOMEM. */
MUSTUSE int web_time_init(struct web_time *t, const struct moments *m);
void web_time_done(struct web_time *t);

/** Is this second in a range that is to be read? */
bool web_time_is_asked(const struct web_time *t, int64_t second);
/** Is it near to a mail? */
bool web_time_is_near(const struct web_time *t, int64_t second);
/** From a little before the first mail to a little after the last. */
struct web_range web_time_span(const struct web_time *t);
/** Mark the samples that this second is near to. */
void web_time_mark(const struct web_time *t, int64_t second, struct web_marks *m);

/**
 * How much of the time that was read is near to mail.
 *
 * @param covered  What the log has at all.
 */
void web_time_share(const struct web_time *t, struct web_range covered, uint64_t *ret_near_s,
		    uint64_t *ret_all_s);
/** Of the samples that the log has: how many are marked. `m` NULL: how many there are. */
uint64_t web_time_mails(const struct web_time *t, struct web_range covered,
			const struct web_marks *m);
uint64_t web_time_runs(const struct web_time *t, struct web_range covered,
		       const struct web_marks *m);

#endif

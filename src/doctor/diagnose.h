/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose: reads a set of logs once and says which sources are to blame and why. Layer: doctor.
 */
#ifndef DOCTOR_DIAGNOSE_H
#define DOCTOR_DIAGNOSE_H

#include "base/attr.h"
#include "base/err.h"
#include "core/attribution.h"
#include "core/cause.h"
#include "core/web_join.h"
#include "doctor/advice.h"
#include "doctor/inquiry.h"
#include "doctor/log_set.h"
#include "doctor/queue_list.h"

#include <stdbool.h>

#define DIAGNOSE_ACCUSED_MAX 50
#define DIAGNOSE_HOURS_MAX (24 * 400)

/* A line of a web server's log. */
struct diagnose_line {
	char *file;    /* owned */
	uint64_t line; /* 0: not counted */
};

/* What a web server's log says of a source. */
struct diagnose_web {
	struct web_finding finding;
	struct diagnose_line lines[WEB_EVIDENCE_MAX]; /* of the finding's evidence */
};

struct diagnose_accused {
	const struct attribution_sender *sender; /* borrowed from the diagnosis */
	struct cause_verdict verdict;
	const struct diagnose_web *web; /* borrowed; NULL: nothing was found, or not looked for */
};

/* What came of looking into web servers' logs. */
struct diagnose_webs {
	struct diagnose_web *found; /* owned */
	size_t count;
	size_t files;   /* that were read */
	bool is_partly; /* more was asked for than is read, or a log is damaged */
};

/* How much of an hour's lines the log has: 1,000,000 is all of them. */
struct diagnose_hour {
	struct wall begin;
	uint64_t lines;
	uint64_t lost; /* the logger said so */
	uint32_t share_ppm;
};

/* A log that could not be read to its end. */
struct diagnose_damage {
	size_t file;   /* of the set */
	uint64_t line; /* the last one that was read */
};

struct diagnosis {
	struct attribution *attribution;                       /* owned */
	struct diagnose_accused accused[DIAGNOSE_ACCUSED_MAX]; /* the worst first */
	size_t accused_count;
	uint64_t lines_total;
	uint64_t lines_mta;
	uint64_t lines_classified;
	struct diagnose_hour *hours; /* owned, in order */
	size_t hour_count;
	bool damaged;                    /* a file could not be read to its end */
	struct diagnose_damage *damages; /* owned, one for each such file */
	size_t damage_count;
	struct wall begin; /* of the first line with a time and the last; ns 0: none */
	struct wall end;
	uint64_t by_mta[LOG_MTA_COUNT];  /* lines of each mail server */
	struct advice_place place;       /* what is advised is for it */
	const struct inquiry *inquiry;   /* borrowed; NULL: nothing was asked for */
	uint64_t from_queue;             /* messages that are in the queue and in no log */
	struct attribution_sender *made; /* owned: a source that is in no log */
	struct diagnose_webs webs;
};

struct diagnose_opts {
	const struct log_set *set;
	const struct inquiry *inquiry; /* what was complained about; may be NULL */
	void (*progress)(void *ctx, size_t file, size_t of); /* may be NULL */
	void *ctx;
	const struct queue_list *queue; /* what waits; the set names it last. NULL: not looked at */
};

/** @return 0; a negative errno when nothing could be done. Damaged files are told in `ret`. */
MUSTUSE int diagnose_run(const struct diagnose_opts *opts, struct diagnosis *ret,
			 struct errmsg *reterr);
/** The first of a message's ids that was found; NULL: none. The ids were wanted in their order. */
const struct attribution_id *diagnose_find(const struct attribution *a,
					   const struct inquiry_sample *s);
/** What became of a message that was asked for; NULL when none of its ids is in the logs. */
const struct attribution_id *diagnosis_find(const struct diagnosis *d,
					    const struct inquiry_sample *s);
/** Are the logs whole for this time? Without it "not there" proves nothing. @param t ns 0: for all
 * of their time. */
bool diagnosis_covers(const struct diagnosis *d, struct wall t);
/** Samples that are in no log although the logs are whole for their time. */
size_t diagnosis_absent(const struct diagnosis *d);
/** Judge a source again, with what a web server's log says. */
struct cause_verdict diagnosis_judge(const struct diagnosis *d, const struct attribution_sender *s,
				     enum cause_web web);
void diagnosis_done(struct diagnosis *d);

#endif

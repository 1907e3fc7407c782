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
#include "doctor/log_set.h"

#include <stdbool.h>

#define DIAGNOSE_ACCUSED_MAX 50
#define DIAGNOSE_HOURS_MAX (24 * 400)

struct diagnose_accused {
	const struct attribution_sender *sender; /* borrowed from the diagnosis */
	struct cause_verdict verdict;
};

/* How much of an hour's lines the log has: 1,000,000 is all of them. */
struct diagnose_hour {
	struct wall begin;
	uint64_t lines;
	uint64_t lost; /* the logger said so */
	uint32_t share_ppm;
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
	bool damaged; /* a file could not be read to its end */
};

struct diagnose_opts {
	const struct log_set *set;
	const char *const *ids; /* Message-IDs and queue ids that were complained about */
	size_t id_count;
	void (*progress)(void *ctx, size_t file, size_t of); /* may be NULL */
	void *ctx;
};

/** @return 0; a negative errno when nothing could be done. Damaged files are told in `ret`. */
MUSTUSE int diagnose_run(const struct diagnose_opts *opts, struct diagnosis *ret,
			 struct errmsg *reterr);
void diagnosis_done(struct diagnosis *d);

#endif

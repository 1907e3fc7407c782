/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find: who sent these messages, and nothing else: no totals, no cause, no blame. Layer: doctor.
 *
 * Most lines of the logs are only looked over (core/search). Where that does not tell for sure, all
 * of them are read, as diagnose does: the answer is the same, later.
 */
#ifndef DOCTOR_FIND_H
#define DOCTOR_FIND_H

#include "base/buf.h"
#include "doctor/diagnose.h"

struct search;

struct finding {
	const struct attribution *answers; /* borrowed from one of the two */
	struct search *search;             /* owned; NULL: all lines were read */
	struct diagnosis diagnosis;        /* owned; empty unless they were */
	bool damaged;                      /* a file could not be read to its end */
};

/** @return 0; a negative errno when nothing could be done. Damaged files are told in `ret`. */
MUSTUSE int find_run(const struct diagnose_opts *opts, struct finding *ret, struct errmsg *reterr);
void finding_done(struct finding *f);

/** One JSON object and a newline. */
void finding_print_json(const struct finding *f, const struct inquiry *q, struct buf *out);
/** A line for each message. */
void finding_print_text(const struct finding *f, const struct inquiry *q, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inquiry: what the doctor is asked about: a notice of postern's (the mail, its attachment, or
 * what the API answers), the headers of a sample, ids. All of it is a stranger's text: nothing
 * that makes no sense is an error but a file in which nothing is found. Layer: doctor.
 */
#ifndef DOCTOR_INQUIRY_H
#define DOCTOR_INQUIRY_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

/* Further ones are left out, and counted. */
#define INQUIRY_IDS_MAX 4096
#define INQUIRY_SAMPLES_MAX 2048
#define INQUIRY_CASES_MAX 50

/* One message: any of its ids may be in the log, which of them depends on the mail server. */
struct inquiry_sample {
	size_t first_id; /* in `ids` */
	size_t id_count;
	struct wall time;    /* when it was on the wire; ns 0: not said */
	const char *subject; /* decoded, ends in NUL; NULL: not said */
};

/* All texts end in NUL; NULL: not said. */
struct inquiry_case {
	const char *id;
	const char *source;
	const char *link;
	const char *url; /* where a report goes */
	const char *token;
};

struct inquiry {
	struct arena *arena;
	const char **ids;
	size_t id_count;
	struct inquiry_sample *samples;
	size_t sample_count;
	struct inquiry_case *cases;
	size_t case_count;
	size_t left_out;
};

/** @return 0, or -ENOMEM. */
MUSTUSE int inquiry_init(struct inquiry *q);
void inquiry_done(struct inquiry *q);

/** An id as somebody typed it. What a Message-ID says of the queue id is asked for too. */
void inquiry_add_id(struct inquiry *q, const char *id);
/**
 * A notice: postern-notice.json itself, the mail that it came with (also forwarded), what the API
 * answers to /messages, or text with lines "Message-ID: …".
 *
 * @return 0; -ENOENT: neither an id nor a case is in it.
 */
MUSTUSE int inquiry_add_notice(struct inquiry *q, struct str text, struct errmsg *reterr);
/** The header of a message that was complained about. @return 0; -ENOENT: no id is in it. */
MUSTUSE int inquiry_add_headers(struct inquiry *q, struct str text, struct errmsg *reterr);

/**
 * The address of a case's page, "PORTAL/case/ID?key=KEY", taken apart.
 *
 * @param ret_case  Its `link` is PORTAL, its `token` is KEY.
 * @return false: this is no such address.
 */
MUSTUSE bool inquiry_take_link(struct inquiry *q, struct str url, struct inquiry_case *ret_case);

#endif

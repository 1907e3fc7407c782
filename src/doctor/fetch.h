/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch: one HTTP request, made by the program `curl` (docs/adr/0051): a portal's answer, a
 * report sent. Nothing of it passes a shell, and no secret stands in a command line. Layer: doctor.
 */
#ifndef DOCTOR_FETCH_H
#define DOCTOR_FETCH_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define FETCH_URL_MAX 2000
#define FETCH_ANSWER_MAX ((size_t)4 << 20)
#define FETCH_SECONDS 30

struct fetch {
	const char *url;
	const char *authorization; /* "Bearer …"; NULL: none */
	struct str body;           /* JSON that is sent with POST; a NULL view: GET */
};

/** May this address be asked? https, or http to this machine; no user in it. @return 0, -EINVAL. */
MUSTUSE int fetch_check(const char *url, struct errmsg *reterr);
/**
 * Ask. Redirects are not followed: an answer 3xx is an answer.
 *
 * @param answer      The body is appended.
 * @param ret_status  Of HTTP.
 * @return 0 when there was an answer, whatever it says; -EINVAL; -ENOENT: there is no curl; else
 *         a negative errno, with curl's own words.
 */
MUSTUSE int fetch_run(const struct fetch *f, struct buf *answer, unsigned *ret_status,
		      struct errmsg *reterr);

#endif

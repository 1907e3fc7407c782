/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: everything that is wrong with a configuration, with its place, in the order found.
 * Layer: conf.
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include "base/attr.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Problems that are kept; of more only the number is. */
#define CONF_PROBLEMS_MAX 100
#define CONF_PROBLEM_TEXT_MAX 400

struct conf_place {
	const char *file; /* borrowed from the report; NULL: no place */
	unsigned line;    /* from 1; 0: the file as a whole */
	unsigned column;  /* from 1, in characters */
};

struct conf_problem {
	struct conf_place at;
	bool is_warning;
	char text[CONF_PROBLEM_TEXT_MAX];
};

struct conf_report; /* opaque: problems and the names of the files */

/** @return NULL without memory. */
MUSTUSE struct conf_report *conf_report_new(void);
/** NULL is allowed. */
void conf_report_free(struct conf_report *r);

/** Keep a file's name for places. @return The report's copy; "?" without memory. */
const char *conf_report_file(struct conf_report *r, const char *name);
void conf_error(struct conf_report *r, struct conf_place at, const char *fmt, ...) PRINTF(3, 4);
void conf_warn(struct conf_report *r, struct conf_place at, const char *fmt, ...) PRINTF(3, 4);

size_t conf_report_errors(const struct conf_report *r);
size_t conf_report_warnings(const struct conf_report *r);
/** Problems that are kept. */
size_t conf_report_count(const struct conf_report *r);
const struct conf_problem *conf_report_get(const struct conf_report *r, size_t i);

/** "file:line:column: error: text", as much of it as is known, without a newline. */
void conf_problem_format(const struct conf_problem *p, struct buf *out);

#endif

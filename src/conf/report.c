/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: the list of problems. Layer: conf.
 */
#include "conf/report.h"

#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* conf.d files and the main one; names of more are said as "?". */
#define FILES_MAX 256

struct conf_report {
	struct conf_problem *problems;
	size_t count;
	size_t errors;
	size_t warnings;
	char *files[FILES_MAX];
	size_t file_count;
};

struct conf_report *conf_report_new(void)
{
	struct conf_report *r = calloc(1, sizeof(*r));

	if (r != NULL) {
		r->problems = calloc(CONF_PROBLEMS_MAX, sizeof(*r->problems));
		if (r->problems == NULL) {
			free(r);
			return NULL;
		}
	}
	return r;
}

void conf_report_free(struct conf_report *r)
{
	if (r == NULL) {
		return;
	}
	for (size_t i = 0; i < r->file_count; i++) {
		free(r->files[i]);
	}
	free(r->problems);
	free(r);
}

const char *conf_report_file(struct conf_report *r, const char *name)
{
	if (r->file_count == FILES_MAX) {
		return "?";
	}
	char *copy = strdup(name);
	if (copy == NULL) {
		return "?";
	}
	r->files[r->file_count++] = copy;
	return copy;
}

static void add(struct conf_report *r, bool is_warning, struct conf_place at, const char *text)
{
	if (is_warning) {
		r->warnings++;
	} else {
		r->errors++;
	}
	if (r->count < CONF_PROBLEMS_MAX) {
		struct conf_problem *p = &r->problems[r->count++];
		p->at = at;
		p->is_warning = is_warning;
		snprintf(p->text, sizeof(p->text), "%s", text);
	}
}

void conf_error(struct conf_report *r, struct conf_place at, const char *fmt, ...)
{
	char text[CONF_PROBLEM_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(r, false, at, text);
}

void conf_warn(struct conf_report *r, struct conf_place at, const char *fmt, ...)
{
	char text[CONF_PROBLEM_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(r, true, at, text);
}

size_t conf_report_errors(const struct conf_report *r)
{
	return r->errors;
}

size_t conf_report_warnings(const struct conf_report *r)
{
	return r->warnings;
}

size_t conf_report_count(const struct conf_report *r)
{
	return r->count;
}

const struct conf_problem *conf_report_get(const struct conf_report *r, size_t i)
{
	ASSERT(i < r->count);
	return &r->problems[i];
}

void conf_problem_format(const struct conf_problem *p, struct buf *out)
{
	if (p->at.file != NULL) {
		buf_printf(out, "%s:", p->at.file);
		if (p->at.line > 0) {
			buf_printf(out, "%u:%u:", p->at.line, p->at.column);
		}
		buf_add_char(out, ' ');
	}
	buf_printf(out, "%s: %s", p->is_warning ? "warning" : "error", p->text);
}

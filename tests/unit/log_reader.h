/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_reader: a log that a test writes line by line, joined into messages.
 */
#ifndef TESTS_UNIT_LOG_READER_H
#define TESTS_UNIT_LOG_READER_H

#include "core/attribution.h"
#include "proto/log_event.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct log_reader {
	struct attribution *a;
	struct log_time time;
	uint32_t line;
};

static void reader_init(struct log_reader *r, const struct attribution_opts *opts)
{
	*r = (struct log_reader){.a = attribution_new(opts), .time = {.year = 2026}};
	assert_non_null(r->a);
}

static void feed(struct log_reader *r, const char *text)
{
	struct log_line l;
	struct log_event e;

	assert_true(log_line_parse(&r->time, str_of(text), &l));
	log_event_parse(&l, &e);
	attribution_step(r->a, &l, &e, (struct attribution_place){.line = ++r->line});
}

static void feedf(struct log_reader *r, const char *fmt, ...) PRINTF(2, 3);
static void feedf(struct log_reader *r, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	feed(r, text);
}

static const struct attribution_sender *find(const struct log_reader *r, const char *name)
{
	const struct attribution_sender *s;
	size_t pos = 0;

	while ((s = attribution_next(r->a, &pos)) != NULL) {
		if (strcmp(s->name, name) == 0) {
			return s;
		}
	}
	return NULL;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_events: what each line of a log says, one line of output for one of input, for the tests:
 * TYPE ID RECIPIENT, divided by tabs. Usage: log_events FILE…
 */
#include "proto/log_event.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

static const char *const types[] = {"not_mail",   "other",    "unknown",    "arrived",
				    "message_id", "queued",   "delivery",   "bounce",
				    "ended",      "rejected", "auth",       "auth_failed",
				    "cwd",        "script",   "lost_lines", "repeated"};
static_assert(COUNT_OF(types) == LOG_EVENT_COUNT, "a name for every event");

static void print_line(struct log_time *lt, struct str raw)
{
	struct log_line l;
	struct log_event e;

	if (!log_line_parse(lt, raw, &l)) {
		puts("no_time\t\t");
		return;
	}
	log_event_parse(&l, &e);
	printf("%s\t%.*s\t%.*s\n", types[e.type], STR_ARG(e.id), STR_ARG(e.rcpt));
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t size = 0;

	for (int i = 1; i < argc; i++) {
		struct log_time lt = {.year = 2026};
		FILE *in = fopen(argv[i], "r");
		ssize_t n;
		if (in == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((n = getline(&line, &size, in)) > 0) {
			size_t len = (size_t)n - (line[n - 1] == '\n' ? 1 : 0);
			print_line(&lt, (struct str){line, len});
		}
		fclose(in);
	}
	free(line);
	return 0;
}

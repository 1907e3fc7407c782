/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: any octets as a mail log, through line, event and attribution. Fields lie within their line,
 * numbers add up, and where the block was cut into reads changes nothing.
 */
#include "base/assert.h"
#include "core/attribution.h"
#include "proto/line_ends.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct str part, struct str line)
{
	ASSERT(part.len == 0 ||
	       (part.ptr >= line.ptr && part.ptr + part.len <= line.ptr + line.len));
}

static void check_event(const struct log_event *e, struct str line)
{
	const struct str parts[] = {e->id,        e->id2,         e->sender,      e->rcpt,
				    e->orig_rcpt, e->client_name, e->client_addr, e->account,
				    e->login,     e->message_id,  e->subject,     e->cwd,
				    e->script,    e->relay,       e->reason};

	ASSERT(e->type < LOG_EVENT_COUNT && e->mta < LOG_MTA_COUNT);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		check_within(parts[i], line);
	}
}

struct totals {
	uint64_t messages;
	uint64_t recipients;
	uint64_t sources;
};

/* With a memory of lines before, or without: the same. */
static struct totals read_all(struct str text, line_ends_fn *ends_of,
			      struct log_line_memory *memory)
{
	/* Small tables: zeroing large ones took most of the time. */
	struct attribution *a = attribution_new(&(struct attribution_opts){.messages_max = 64,
									   .senders_max = 16,
									   .wanted_max = 4,
									   .recent_max = 16,
									   .scripts_max = 16,
									   .key = {1, 2}});
	struct log_time lt = {.year = 2026};
	struct totals t = {0};
	uint32_t ends[LINE_ENDS_ROOM];
	uint32_t number = 0;
	size_t count;

	ASSERT(a != NULL && attribution_want(a, "<x@y>") == 0);
	while ((count = ends_of(text, ends, LINE_ENDS_ROOM)) > 0) {
		size_t begin = 0;
		for (size_t i = 0; i < count; i++) {
			struct str line = {text.ptr + begin, ends[i] - begin};
			struct log_line l;
			struct log_event e;
			begin = (size_t)ends[i] + 1;
			if (!log_line_parse_next(&lt, memory, line, &l)) {
				continue;
			}
			check_within(l.text, line);
			check_within(l.program, line);
			log_event_parse(&l, &e);
			check_event(&e, line);
			attribution_step(a, &l, &e, (struct attribution_place){.line = ++number});
		}
		text = str_skip(text, begin);
	}
	attribution_end(a);
	const struct attribution_sender *s;
	for (size_t pos = 0; (s = attribution_next(a, &pos)) != NULL; t.sources++) {
		ASSERT(s->recipients >= s->messages);
		ASSERT(s->sent + s->bounced + s->deferred == s->recipients);
		t.messages += s->messages;
		t.recipients += s->recipients;
	}
	ASSERT(t.messages <= attribution_totals(a)->messages);
	attribution_free(a);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct log_line_memory memory = {0};
	struct totals one = read_all(text, line_ends_of(LINE_ENDS_PLAIN), NULL);
	struct totals two = read_all(text, line_ends_best(), &memory);

	ASSERT(memcmp(&one, &two, sizeof(one)) == 0);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a file of a mail server's queue: views stay inside of it, counts agree, the content
 * keeps its limit. The first octet says which server and how much of the rest is a journal.
 */
#include "base/assert.h"
#include "proto/queue_exim.h"
#include "proto/queue_postfix.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define CONTENT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
	struct str file;
	uint32_t count;
	uint32_t done;
};

static void inside(struct str file, struct str view)
{
	ASSERT(view.len == 0 ||
	       (view.ptr >= file.ptr && view.len <= file.len - (size_t)(view.ptr - file.ptr)));
}

static void see_rcpt(void *ctx, struct str rcpt, bool is_done)
{
	struct seen *s = ctx;

	inside(s->file, rcpt);
	s->count++;
	s->done += is_done ? 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0) {
		return 0;
	}
	uint8_t how = data[0];
	size_t rest = len - 1;
	size_t journal = how % 2 == 0 ? 0 : rest * (how / 2) / 256;
	char *exact = malloc(rest == 0 ? 1 : rest);
	struct buf content;
	struct queue_mail m;

	if (exact == NULL) {
		return 0;
	}
	memcpy(exact, data + 1, rest);
	buf_init(&content, CONTENT_MAX);
	struct seen seen = {.file = {exact, rest - journal}};
	struct queue_sink sink = {.content = &content, .on_rcpt = see_rcpt, .ctx = &seen};
	int r = how % 2 == 0
			? queue_postfix_parse(seen.file, STR("ABCDEF"), &sink, &m)
			: queue_exim_parse(seen.file, (struct str){exact + rest - journal, journal},
					   &sink, &m);
	if (r == 0) {
		inside(seen.file, m.sender);
		inside(seen.file, m.account);
		inside(seen.file, m.client_addr);
		inside(seen.file, m.client_name);
		inside(seen.file, m.login);
		ASSERT(m.rcpts >= seen.count && m.rcpts_done == seen.done);
		ASSERT(content.len <= CONTENT_MAX);
	}
	buf_done(&content);
	free(exact);
	return 0;
}

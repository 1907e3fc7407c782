/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a file of a mail server's queue: views stay inside of it, counts agree, the content
 * keeps its limit. The first octet says which server and how much of the rest is a second file.
 */
#include "base/assert.h"
#include "proto/queue_exim.h"
#include "proto/queue_plain.h"
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

static int parse(unsigned server, struct str file, struct str rest, const struct queue_sink *sink,
		 struct queue_mail *ret)
{
	const struct queue_qmail_files files = {
		.mess = file, .info = file, .local = rest, .remote = file};

	switch (server) {
	case 0:
		return queue_postfix_parse(file, STR("ABCDEF"), sink, ret);
	case 1:
		return queue_exim_parse(file, rest, sink, ret);
	case 2:
		return queue_sendmail_parse(file, sink, ret);
	default:
		return queue_qmail_parse(&files, sink, ret);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0) {
		return 0;
	}
	size_t size = len - 1;
	size_t second = size * (data[0] / 4) / 128;
	char *exact = malloc(size == 0 ? 1 : size);
	struct buf content;
	struct queue_mail m;

	if (exact == NULL) {
		return 0;
	}
	memcpy(exact, data + 1, size);
	buf_init(&content, CONTENT_MAX);
	struct str all = {exact, size};
	struct str file = str_head(all, size - second);
	struct seen seen = {.file = all};
	struct queue_sink sink = {.content = &content, .on_rcpt = see_rcpt, .ctx = &seen};
	if (parse(data[0] % 4, file, str_skip(all, file.len), &sink, &m) == 0) {
		inside(file, m.sender);
		inside(file, m.account);
		inside(file, m.client_addr);
		inside(file, m.client_name);
		inside(file, m.login);
		ASSERT(m.rcpts >= seen.count && m.rcpts_done == seen.done);
		ASSERT(content.len <= CONTENT_MAX);
	}
	buf_done(&content);
	free(exact);
	return 0;
}

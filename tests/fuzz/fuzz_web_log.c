/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_log: any octets as an access log. Fields lie within their line, a path keeps to its limit and
 * has no slash twice, and what the line before was changes nothing.
 */
#include "base/assert.h"
#include "proto/web_log.h"

#include <string.h>

#include "base/poison.h"

#define PATH_MAX_OCTETS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(struct str part, struct str line)
{
	ASSERT(part.len == 0 ||
	       (part.ptr >= line.ptr && part.ptr + part.len <= line.ptr + line.len));
}

static void check_path(struct str target)
{
	struct buf path;

	buf_init(&path, PATH_MAX_OCTETS + 1);
	web_log_path(target, PATH_MAX_OCTETS, &path);
	ASSERT(buf_end(&path) == 0 && path.len <= PATH_MAX_OCTETS);
	for (size_t i = 0; i + 1 < path.len; i++) {
		ASSERT(path.ptr[i] != '/' || path.ptr[i + 1] != '/');
	}
	buf_done(&path);
}

static void check_hit(const struct web_hit *h, struct str line)
{
	const struct str parts[] = {h->site, h->client, h->method, h->target, h->referer, h->agent};

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		check_within(parts[i], line);
	}
	ASSERT(h->client.len > 0 && h->status < 1000);
	ASSERT(h->method.len > 0 || h->target.len == 0);
	check_path(h->target);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct log_time lt = {.year = 2026};

	check_path(text);
	while (text.len > 0) {
		struct str line = str_take_until(&text, '\n');
		struct log_time fresh = {.year = 2026};
		struct web_hit one;
		struct web_hit two;
		bool ok = web_log_parse(&lt, line, &one);
		ASSERT(ok == web_log_parse(&fresh, line, &two));
		if (ok) {
			ASSERT(one.time.ns == two.time.ns && one.status == two.status);
			check_hit(&one, line);
		}
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal of any octets behind a good header: what is visited can be written again, and a good
 * record appended behind the rest is found when the rest is whole.
 */
#include "base/assert.h"
#include "daemon/gate/journal.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/poison.h"

#define CONTENT_MAX (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void visit(void *ctx, const struct journal_record *r)
{
	uint8_t again[JOURNAL_ENCODED_MAX];
	int n = journal_encode(r, again, sizeof(again));

	ASSERT(n > 0);
	(*(size_t *)ctx)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t content[CONTENT_MAX + JOURNAL_ENCODED_MAX];
	static const char header[12] = "PSTNGATE\0\0\0\1";
	const struct journal_record last = {.type = JOURNAL_LAST, .origin = ORIGIN_DESK, .seq = 7};
	struct journal_scan before = {0};
	struct journal_scan after = {0};
	size_t n = 0;

	if (len > CONTENT_MAX - sizeof(header)) {
		return 0;
	}
	memcpy(content, header, sizeof(header));
	memcpy(content + sizeof(header), data, len);
	size_t size = sizeof(header) + len;
	int r = journal_scan((struct str){(char *)content, size}, visit, &n, &before);
	ASSERT(r == 0 && n == before.records);
	ASSERT(before.good_bytes + before.torn_bytes == size);

	int more = journal_encode(&last, content + before.good_bytes, JOURNAL_ENCODED_MAX);
	ASSERT(more > 0);
	n = 0;
	r = journal_scan((struct str){(char *)content, before.good_bytes + (size_t)more}, visit, &n,
			 &after);
	ASSERT(r == 0 && after.records == before.records + 1 && after.torn_bytes == 0);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a datagram of the kernel: attributes never reach beyond their message, and every
 * walk ends.
 */
#include "base/assert.h"
#include "enforce/nl.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define DEPTH 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void walk(struct str attrs, unsigned depth)
{
	struct nl_attr a;

	while (nl_attr_next(&attrs, &a)) {
		(void)nl_attr_uint(a.data);
		for (size_t i = 0; i < a.data.len; i++) {
			(void)*(volatile const char *)(a.data.ptr + i);
		}
		struct str inner = a.data;
		for (unsigned d = 1; d < depth && nl_attr_next(&inner, &a); d++) {
			inner = a.data;
		}
		(void)nl_attr_find(a.data, 1);
	}
}

static void see(void *ctx, const struct nl_reply *r)
{
	size_t *count = ctx;

	(*count)++;
	ASSERT(r->code <= 0);
	walk(r->attrs, DEPTH);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t count = 0;
	char *exact = malloc(len == 0 ? 1 : len); /* exact: one octet too far is seen */

	if (exact == NULL) {
		return 0;
	}
	memcpy(exact, data, len);
	int r = nl_parse((struct str){exact, len}, see, &count);
	ASSERT(r <= 0 && count <= len / 16 + 1);
	free(exact);
	return 0;
}

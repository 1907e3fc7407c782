/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip: any octets, cut anywhere, into any room: it ends, and a cut changes nothing.
 */
#include "base/assert.h"
#include "base/gunzip.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUT_MAX ((size_t)1 << 20)

static int unpack(struct str all, size_t in_step, size_t out_step, char *out, size_t *ret_len)
{
	struct gunzip *g = gunzip_new();
	size_t fed = 0;
	struct str in = {all.ptr, 0};
	int r = 1;

	ASSERT(g != NULL);
	*ret_len = 0;
	while (r >= 0) {
		size_t room = OUT_MAX - *ret_len;
		size_t len;
		if (in.len == 0 && fed < all.len) {
			size_t n = in_step < all.len - fed ? in_step : all.len - fed;
			in = (struct str){all.ptr + fed, n};
			fed += n;
		}
		size_t before = in.len;
		r = gunzip_step(g, &in, out + *ret_len, room < out_step ? room : out_step, &len);
		ASSERT(len <= room);
		*ret_len += len;
		if (r >= 0 && len == 0 && in.len == before && (room == 0 || fed == all.len)) {
			break;
		}
	}
	gunzip_free(g);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char one[OUT_MAX];
	static char two[OUT_MAX];
	size_t len_one;
	size_t len_two;

	if (size < 2) {
		return 0;
	}
	struct str all = {(const char *)data + 2, size - 2};
	int r_one = unpack(all, size, OUT_MAX, one, &len_one);
	int r_two = unpack(all, (size_t)data[0] + 1, (size_t)data[1] * 97 + 1, two, &len_two);
	ASSERT(r_one == r_two && len_one == len_two && memcmp(one, two, len_one) == 0);
	return 0;
}

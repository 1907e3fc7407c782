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

/* Up to OUT_MAX octets; wants up to `keep` of them again with the next ones. */
static int unpack(struct str all, size_t in_step, size_t keep, char *out, size_t *ret_len)
{
	struct gunzip *g = gunzip_new();
	struct str in = {all.ptr, 0};
	struct str view = {NULL, 0};
	size_t fed = 0;
	bool is_going = true;
	int r = 1;

	ASSERT(g != NULL);
	*ret_len = 0;
	while (is_going) {
		if (in.len == 0) {
			size_t n = in_step < all.len - fed ? in_step : all.len - fed;
			in = (struct str){all.ptr + fed, n};
			fed += n;
		}
		size_t before = in.len;
		size_t kept = view.len;
		r = gunzip_step(g, &in, &view);
		ASSERT(view.len >= kept);
		ASSERT(kept == 0 || memcmp(view.ptr, out + *ret_len - kept, kept) == 0);
		size_t made = view.len - kept;
		size_t n = made < OUT_MAX - *ret_len ? made : OUT_MAX - *ret_len;
		if (n > 0) {
			memcpy(out + *ret_len, view.ptr + kept, n);
		}
		*ret_len += n;
		is_going = r >= 0 && n == made && (made > 0 || in.len < before || fed < all.len);
		view = view.len > keep ? str_skip(view, view.len - keep) : view;
	}
	gunzip_free(g);
	return *ret_len == OUT_MAX ? 1 : r; /* more may follow, or damage */
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
	int r_one = unpack(all, size, 0, one, &len_one);
	int r_two = unpack(all, (size_t)data[0] + 1, (size_t)data[1] * (GUNZIP_KEEP_MAX / 255), two,
			   &len_two);
	ASSERT(r_one == r_two && len_one == len_two && memcmp(one, two, len_one) == 0);
	return 0;
}

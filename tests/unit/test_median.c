/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The running median against counting.
 */
#include "base/prng.h"
#include "core/median.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

/* Against sorting, over random votes that come and go. */
static void it_is_the_lower_median(void **state)
{
	(void)state;
	static struct median m;
	uint32_t votes[200];
	size_t n = 0;
	struct prng p = {.state = 3};

	for (int step = 0; step < 20000; step++) {
		if (n == 0 || (n < 200 && prng_below(&p, 2) == 0)) {
			votes[n] = (uint32_t)prng_below(&p, prng_below(&p, 2) == 0 ? 20 : 1001);
			median_add(&m, votes[n++]);
		} else {
			size_t at = prng_below(&p, (uint32_t)n);
			median_remove(&m, votes[at]);
			votes[at] = votes[--n];
		}
		/* fewer than half lie below it, at least half at or below it */
		size_t below = 0;
		size_t upto = 0;
		for (size_t i = 0; i < n; i++) {
			below += votes[i] < median_permille(&m);
			upto += votes[i] <= median_permille(&m);
		}
		assert_true(n == 0 ? median_permille(&m) == 0 : below * 2 < n && upto * 2 >= n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_lower_median),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siphash: the vectors of the paper's reference (key 00 01 … 0f, message 00 01 … n-1).
 */
#include "base/attr.h"
#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static void gives_the_published_values(void **state)
{
	(void)state;
	const struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	uint8_t message[64];

	for (size_t i = 0; i < sizeof(message); i++) {
		message[i] = (uint8_t)i;
	}
	/* The paper, appendix A: 15 octets. */
	assert_true(siphash(&key, message, 15) == UINT64_C(0xa129ca6149be45e5));
	assert_true(siphash(&key, message, 0) == UINT64_C(0x726fdb47dd0e0e31));
	assert_true(siphash(&key, message, 8) == UINT64_C(0x93f5f5799a932462));
}

/* The first values of the vectors that go with SipHash-1-3 (the same key and messages). */
static void short_one_gives_the_published_values(void **state)
{
	(void)state;
	const struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	const uint8_t message[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

	assert_true(siphash13(&key, message, 0) == UINT64_C(0xabac0158050fc4dc));
	assert_true(siphash13(&key, message, 1) == UINT64_C(0xc9f49bf37d57ca93));
	/* All octets count, and the length too. */
	for (size_t n = 1; n < sizeof(message); n++) {
		uint8_t other[sizeof(message)] = {0};
		for (size_t i = 0; i < n; i++) {
			other[i] = message[i];
		}
		other[n - 1] ^= 1;
		assert_true(siphash13(&key, message, n) != siphash13(&key, other, n));
		assert_true(siphash13(&key, message, n) != siphash13(&key, message, n - 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(gives_the_published_values),
					   cmocka_unit_test(short_one_gives_the_published_values)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

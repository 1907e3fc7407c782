/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linhash: no two texts that differ in one octet or in length are alike, whatever way their length
 * takes; and none reads beyond its text.
 */
#include "base/attr.h"
#include "base/linhash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/poison.h"

static const struct siphash_key seed = {1, 2};

/* A text without octets around it: a look beyond it is found by AddressSanitizer. */
static uint64_t hash_alone(const struct linhash_key *k, const char *text, size_t len)
{
	char *alone = malloc(len > 0 ? len : 1);

	assert_non_null(alone);
	memcpy(alone, text, len);
	uint64_t hash = linhash(k, alone, len);
	free(alone);
	return hash;
}

static void every_octet_and_the_length_count(void **state)
{
	(void)state;
	struct linhash_key k;
	char text[LINHASH_MAX + 16] = {0};
	char other[sizeof(text)];

	linhash_key_init(&k, &seed);
	for (size_t len = 0; len <= sizeof(text); len++) {
		uint64_t hash = hash_alone(&k, text, len);
		assert_true(hash == hash_alone(&k, text, len));
		/* Zeros all of them: only the length tells them apart. */
		for (size_t shorter = 0; shorter < len; shorter++) {
			assert_true(hash != hash_alone(&k, text, shorter));
		}
		for (size_t i = 0; i < len; i++) {
			memcpy(other, text, sizeof(text));
			other[i] = (char)0x80;
			assert_true(hash != hash_alone(&k, other, len));
		}
	}
}

static void another_key_gives_another_hash(void **state)
{
	(void)state;
	const struct siphash_key other_seed = {1, 3};
	struct linhash_key k;
	struct linhash_key other;

	linhash_key_init(&k, &seed);
	linhash_key_init(&other, &other_seed);
	assert_true(linhash(&k, "4bXyz12Qz", 9) != linhash(&other, "4bXyz12Qz", 9));
	assert_true(linhash(&k, "", 0) != linhash(&other, "", 0));
	for (size_t i = 1; i < LINHASH_WORDS; i++) {
		assert_true(k.words[i].low != k.words[i - 1].low);
		assert_true(k.words[i].high != k.words[i].low);
	}
}

/* Ids in a row fill a table as random ones would: none of 256 places of 64 each gets many. */
static void ids_in_a_row_are_spread(void **state)
{
	(void)state;
	static const char digits[] = "0123456789ABCDEF";
	unsigned places[256] = {0};
	struct linhash_key k;
	char id[] = "3F2A0000B1";

	linhash_key_init(&k, &seed);
	for (unsigned i = 0; i < 256 * 64; i++) {
		for (unsigned d = 0; d < 4; d++) {
			id[7 - d] = digits[i >> (4 * d) & 15];
		}
		places[linhash(&k, id, sizeof(id) - 1) % COUNT_OF(places)]++;
	}
	for (size_t i = 0; i < COUNT_OF(places); i++) {
		assert_in_range(places[i], 16, 128);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_octet_and_the_length_count),
					   cmocka_unit_test(another_key_gives_another_hash),
					   cmocka_unit_test(ids_in_a_row_are_spread)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

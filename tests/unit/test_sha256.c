/* SPDX-License-Identifier: Apache-2.0 */
/* The hash against the examples of FIPS 180-4 and against itself in pieces. */
#include "base/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void assert_hash(struct str in, const char *want)
{
	uint8_t hash[SHA256_OCTETS];
	char text[SHA256_TEXT_SIZE];

	sha256_of(in, hash);
	assert_string_equal(sha256_format(hash, text), want);
}

static void known_answers(void **state)
{
	(void)state;
	assert_hash(STR_EMPTY, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_hash(STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_hash(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
		    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* A stream hashes the same however it was cut, at every length around the block's. */
static void any_split_gives_the_same_hash(void **state)
{
	(void)state;
	char data[200];

	for (size_t i = 0; i < sizeof(data); i++) {
		data[i] = (char)(i * 7);
	}
	for (size_t len = 0; len <= sizeof(data); len++) {
		uint8_t whole[SHA256_OCTETS];
		uint8_t pieces[SHA256_OCTETS];
		struct sha256 h;

		sha256_of((struct str){data, len}, whole);
		for (size_t step = 1; step <= 70; step += 3) {
			sha256_init(&h);
			for (size_t at = 0; at < len; at += step) {
				sha256_add(&h, data + at, len - at < step ? len - at : step);
			}
			sha256_end(&h, pieces);
			assert_memory_equal(whole, pieces, sizeof(whole));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answers),
		cmocka_unit_test(any_split_gives_the_same_hash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr: what it takes for an address is what libc takes for one, and it is written as it was read.
 */
#include "proto/addr.h"

#include "base/prng.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define ROUNDS 200000

/* Both readings of one text, and the text of what was read. @return Was it an address? */
static bool same_as_libc(const char *text)
{
	bool is_v6 = strchr(text, ':') != NULL;
	uint8_t want[16] = {0};
	char back[ADDR_TEXT_SIZE];
	struct addr got = {0};
	bool is_addr = inet_pton(is_v6 ? AF_INET6 : AF_INET, text, want) == 1;

	assert_int_equal(addr_parse(str_of(text), &got), is_addr ? 0 : -EINVAL);
	if (is_addr) {
		assert_int_equal(got.family, is_v6 ? 6 : 4);
		assert_memory_equal(got.octets, want, sizeof(want));
		if (!is_v6) {
			assert_string_equal(addr_format(&got, back), text);
		}
	}
	return is_addr;
}

static void written_ones_are_read(void **state)
{
	(void)state;
	static const char *const texts[] = {"0.0.0.0",         "255.255.255.255",
					    "192.0.2.1",       "10.0.00.1",
					    "010.0.0.1",       "256.0.0.1",
					    "1.2.3",           "1.2.3.4.5",
					    "1.2.3.4 ",        " 1.2.3.4",
					    "1.2.3.",          "1..2.3",
					    ".1.2.3",          "1.2.3.4x",
					    "1.2.3.0004",      "::",
					    "2001:db8::7",     "::1.2.3.4",
					    "1:2:3:4:5:6:7:8", "1::2::3",
					    "2001:db8::g",     "",
					    "1.2.3.4:25",      "+1.2.3.4",
					    "1.2.3.-4"};

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		(void)same_as_libc(texts[i]);
	}
	struct addr unused;
	assert_true(addr_parse((struct str){"1.2.3.4\0", 8}, &unused) < 0);
}

static void made_up_ones_are_read_alike(void **state)
{
	(void)state;
	struct prng rng = {7};
	unsigned addrs = 0;
	char text[32];

	for (int i = 0; i < ROUNDS; i++) {
		size_t len = 0;
		while (len < 8 || (len < 18 && prng_below(&rng, 6) > 0)) {
			text[len] = "0123456789...25:"[prng_below(&rng, len < 2 ? 10 : 15)];
			len++;
		}
		text[len] = '\0';
		addrs += same_as_libc(text) ? 1 : 0;
	}
	assert_true(addrs > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_ones_are_read),
		cmocka_unit_test(made_up_ones_are_read_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

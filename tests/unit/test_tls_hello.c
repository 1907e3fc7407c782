/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_hello: a hello with a name, cut at every octet, and what is none.
 */
#include "proto/tls_hello.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

/* Record, handshake, version, random, no session, one cipher, one compression, two extensions. */
static size_t make(char *ret, const char *name)
{
	size_t n = strlen(name);
	char *p = ret;

#define PUT(...)                                                                                   \
	do {                                                                                       \
		const unsigned char octets[] = {__VA_ARGS__};                                      \
		memcpy(p, octets, sizeof(octets));                                                 \
		p += sizeof(octets);                                                               \
	} while (0)
	size_t ext = 5 + 2 + 2 + n;
	size_t hello = 2 + 32 + 1 + 4 + 2 + 2 + 5 + (4 + 5 + n);
	PUT(22, 3, 1, (unsigned char)((hello + 4) >> 8), (unsigned char)(hello + 4));
	PUT(1, 0, (unsigned char)(hello >> 8), (unsigned char)hello, 3, 3);
	memset(p, 'r', 32);
	p += 32;
	PUT(0, 0, 2, 0x13, 1, 1, 0);
	PUT(0, (unsigned char)(5 + 4 + 5 + n));
	PUT(0, 23, 0, 1, 0); /* another extension */
	PUT(0, 0, 0, (unsigned char)(ext - 4), 0, (unsigned char)(ext - 6), 0, 0, (unsigned char)n);
	memcpy(p, name, n);
	return (size_t)(p + n - ret);
}

static enum tls_hello_out parse(const char *octets, size_t n, char *ret_name)
{
	struct str name = STR_EMPTY;
	char *exact = malloc(n > 0 ? n : 1);

	assert_non_null(exact);
	memcpy(exact, octets, n);
	enum tls_hello_out out = tls_hello_parse((struct str){exact, n}, &name);
	str_copy(ret_name, 300, name);
	free(exact);
	return out;
}

static void every_cut_waits_for_more(void **state)
{
	(void)state;
	char hello[512];
	char name[300];
	size_t n = make(hello, "mx.example.org");

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(parse(hello, i, name), TLS_HELLO_MORE);
	}
	assert_int_equal(parse(hello, n, name), TLS_HELLO_NAME);
	assert_string_equal(name, "mx.example.org");
}

static void names_that_are_none(void **state)
{
	(void)state;
	char hello[512];
	char name[300];
	size_t n = make(hello, "");

	assert_int_equal(parse(hello, n, name), TLS_HELLO_NONE);
	n = make(hello, "two words");
	assert_int_equal(parse(hello, n, name), TLS_HELLO_NONE);
	assert_int_equal(parse("EHLO a\r\nX", 9, name), TLS_HELLO_NOT);
	n = make(hello, "mx");
	hello[5] = 2; /* a server's hello */
	assert_int_equal(parse(hello, n, name), TLS_HELLO_NOT);
}

/* Any octet changed: no read outside, and an answer. */
static void any_damage_is_survived(void **state)
{
	(void)state;
	char hello[512];
	char name[300];
	size_t n = make(hello, "mx.example.org");

	for (size_t i = 0; i < n; i++) {
		for (int v = 0; v < 256; v += 17) {
			char keep = hello[i];
			hello[i] = (char)v;
			assert_true(parse(hello, n, name) < TLS_HELLO_OUT_COUNT);
			hello[i] = keep;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut_waits_for_more),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(any_damage_is_survived),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

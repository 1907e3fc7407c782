/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tries: who shows wrong tokens has to wait, others not, until very many come.
 */
#include "daemon/desk/tries.h"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static const struct siphash_key key = {1, 2};

static struct addr addr_of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(str_of(text), &a), 0);
	return a;
}

static struct mono at(int64_t s)
{
	return (struct mono){(1000000 + s) * NS_PER_S};
}

static void one_client_waits_alone(void **state)
{
	struct tries *t = tries_new(&key);
	const struct addr a = addr_of("192.0.2.1");
	const struct addr b = addr_of("192.0.2.2");

	(void)state;
	assert_non_null(t);
	for (int i = 0; i < TRIES_CLIENT_MAX; i++) {
		assert_int_equal(tries_wait_s(t, &a, at(i)), 0);
		tries_add(t, &a, at(i));
	}
	assert_int_equal(tries_wait_s(t, &a, at(10)), TRIES_WINDOW_S - 10);
	assert_int_equal(tries_wait_s(t, &b, at(10)), 0);
	assert_int_equal(tries_wait_s(t, &a, at(TRIES_WINDOW_S - 1)), 1);
	assert_int_equal(tries_wait_s(t, &a, at(TRIES_WINDOW_S)), 0);
	tries_add(t, &a, at(TRIES_WINDOW_S));
	assert_int_equal(tries_wait_s(t, &a, at(TRIES_WINDOW_S)), 0);
	tries_free(t);
	tries_free(NULL);
}

static void a_network_of_ipv6_is_one_client(void **state)
{
	struct tries *t = tries_new(&key);
	const struct addr other = addr_of("2001:db8:0:2::1");
	char text[64];

	(void)state;
	assert_non_null(t);
	for (int i = 0; i < TRIES_CLIENT_MAX; i++) {
		(void)snprintf(text, sizeof(text), "2001:db8:0:1::%x", i + 1);
		const struct addr a = addr_of(text);
		assert_int_equal(tries_wait_s(t, &a, at(0)), 0);
		tries_add(t, &a, at(0));
	}
	const struct addr next = addr_of("2001:db8:0:1:ffff::");
	assert_true(tries_wait_s(t, &next, at(0)) > 0);
	assert_int_equal(tries_wait_s(t, &other, at(0)), 0);
	tries_free(t);
}

/* Many clients, more than are told apart: in the end all wait; who is not known counts there only.
 */
static void very_many_stop_all(void **state)
{
	struct tries *t = tries_new(&key);
	const struct addr unknown = {.family = 0};
	const struct addr known = addr_of("192.0.2.1");
	char text[32];

	(void)state;
	assert_non_null(t);
	for (int i = 0; i < TRIES_ALL_MAX; i++) {
		(void)snprintf(text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
		const struct addr a = addr_of(text);
		assert_int_equal(tries_wait_s(t, &known, at(0)), 0);
		tries_add(t, i % 2 == 0 ? &a : &unknown, at(0));
	}
	assert_int_equal(tries_wait_s(t, &known, at(0)), TRIES_WINDOW_S);
	assert_int_equal(tries_wait_s(t, &unknown, at(0)), TRIES_WINDOW_S);
	assert_int_equal(tries_wait_s(t, &known, at(TRIES_WINDOW_S)), 0);
	/* Others who come meanwhile do not make it forget who tried most. */
	for (int i = 0; i < TRIES_CLIENT_MAX; i++) {
		tries_add(t, &known, at(TRIES_WINDOW_S));
	}
	for (int i = 0; i < TRIES_ALL_MAX - TRIES_CLIENT_MAX - 1; i++) {
		(void)snprintf(text, sizeof(text), "10.1.%d.%d", i / 250, i % 250);
		const struct addr a = addr_of(text);
		tries_add(t, &a, at(TRIES_WINDOW_S + 1));
		assert_int_equal(tries_wait_s(t, &a, at(TRIES_WINDOW_S + 1)), 0);
	}
	assert_int_equal(tries_wait_s(t, &known, at(TRIES_WINDOW_S + 5)), TRIES_WINDOW_S - 5);
	tries_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_client_waits_alone),
		cmocka_unit_test(a_network_of_ipv6_is_one_client),
		cmocka_unit_test(very_many_stop_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers by prefix, the same as by walking the configuration.
 */
#include "core/server_book.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static const struct siphash_key secret = {1, 2};

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(str_of(text), &p), 0);
	return p;
}

static void the_longest_prefix_names_the_server(void **state)
{
	(void)state;
	struct policy *p = policy_new();
	struct prefix wide[] = {prefix("192.0.2.0/24"), prefix("2001:db8::/48")};
	struct prefix narrow[] = {prefix("192.0.2.7"), prefix("2001:db8:0:7::/64")};
	struct server servers[] = {{.name = "wide", .sources = wide, .source_count = 2},
				   {.name = "narrow", .sources = narrow, .source_count = 2}};
	struct tenant tenant = {.name = "t", .servers = servers, .server_count = 2};

	assert_non_null(p);
	p->tenants = &tenant;
	p->tenant_count = 1;
	struct server_book *b = server_book_new(p, &secret);
	assert_non_null(b);
	assert_int_equal(server_book_count(b), 2);
	const char *const texts[] = {"192.0.2.7",         "192.0.2.8",    "2001:db8:0:7::/64",
				     "2001:db8:0:8::/64", "198.51.100.1", "2001:db9::/64"};
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct prefix source = prefix(texts[i]);
		const struct server *expected = policy_find_server(p, &source);
		uint32_t found = server_book_find(b, &source);
		assert_ptr_equal(found == SERVER_BOOK_NONE ? NULL : server_book_get(b, found),
				 expected);
	}
	server_book_free(b);
	policy_free(p);
}

static void an_empty_configuration_has_none(void **state)
{
	(void)state;
	struct policy *p = policy_new();
	assert_non_null(p);
	struct server_book *b = server_book_new(p, &secret);
	assert_non_null(b);
	struct prefix source = prefix("192.0.2.7");

	assert_int_equal(server_book_find(b, &source), SERVER_BOOK_NONE);
	server_book_free(b);
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_names_the_server),
		cmocka_unit_test(an_empty_configuration_has_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

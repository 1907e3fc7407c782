/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line an event, strangers' text escaped, floods held back and counted.
 */
#include "sys/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static void a_stranger_cannot_forge_a_line(void **state)
{
	(void)state;
	int fds[2];
	char line[8192];

	assert_int_equal(pipe(fds), 0);
	struct log lg = {.process = "tap", .most = LOG_LEVEL_NOTICE, .fd = fds[1]};
	LOG_EVENT(&lg, LOG_LEVEL_NOTICE, "smtp.odd", F_U64("n", 3), F_I64("m", -3),
		  F_TEXT("helo", STR("a\nb\"\x1b[0m")));
	LOG_EVENT(&lg, LOG_LEVEL_DEBUG, "not.written", F_U64("n", 1));
	ssize_t n = read(fds[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	line[n] = '\0';
	assert_string_equal(
		strstr(line, " posternd"),
		" posternd[tap] notice smtp.odd n=3 m=-3 helo=\"a\\x0ab\\x22\\x1b[0m\"\n");
	close(fds[0]);
	close(fds[1]);
}

static void a_flood_is_held_back_and_counted(void **state)
{
	(void)state;
	struct quota q = {.per_s = 2};
	uint64_t held = 99;

	assert_true(quota_take(&q, (struct mono){0}, &held));
	assert_int_equal(held, 0);
	assert_true(quota_take(&q, (struct mono){0}, &held));
	for (int i = 0; i < 5; i++) {
		assert_false(quota_take(&q, (struct mono){NS_PER_S - 1}, &held));
	}
	assert_true(quota_take(&q, (struct mono){NS_PER_S}, &held));
	assert_int_equal(held, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stranger_cannot_forge_a_line),
		cmocka_unit_test(a_flood_is_held_back_and_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

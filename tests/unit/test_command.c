/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line: what is taken, what is refused, and with which exit code.
 */
#include "cli/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static int run(const char *a, const char *b, const char *c, const char *d)
{
	char text[5][32];
	char *argv[6];
	const char *in[] = {"postern", a, b, c, d};
	int argc = 0;

	for (size_t i = 0; i < COUNT_OF(in) && in[i] != NULL; i++) {
		snprintf(text[i], sizeof(text[i]), "%s", in[i]);
		argv[argc++] = text[i];
	}
	argv[argc] = NULL;
	return cli_main(argc, argv);
}

static void exit_codes_of_what_is_typed(void **state)
{
	(void)state;
	assert_int_equal(run("version", NULL, NULL, NULL), CLI_DONE);
	assert_int_equal(run("version", "--json", NULL, NULL), CLI_DONE);
	assert_int_equal(run("--json", "version", NULL, NULL), CLI_DONE);
	assert_int_equal(run("--socket", "/x", "version", NULL), CLI_DONE);
	assert_int_equal(run("--socket=/x", "version", NULL, NULL), CLI_DONE);
	assert_int_equal(run("--version", NULL, NULL, NULL), CLI_DONE);
	assert_int_equal(run("--help", NULL, NULL, NULL), CLI_DONE);
	assert_int_equal(run("-h", "version", NULL, NULL), CLI_DONE);

	assert_int_equal(run(NULL, NULL, NULL, NULL), CLI_USAGE);
	assert_int_equal(run("nonsense", NULL, NULL, NULL), CLI_USAGE);
	assert_int_equal(run("version", "--nonsense", NULL, NULL), CLI_USAGE);
	assert_int_equal(run("version", "-x", NULL, NULL), CLI_USAGE);
	assert_int_equal(run("version", "word", NULL, NULL), CLI_USAGE);
	assert_int_equal(run("version", "--json=1", NULL, NULL), CLI_USAGE);
	assert_int_equal(run("version", "--socket", NULL, NULL), CLI_USAGE);
	assert_int_equal(run("version", "--", "--json", NULL), CLI_USAGE);
}

static void every_row_is_complete(void **state)
{
	(void)state;
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct command *c = cli_commands[i];
		assert_non_null(c->noun);
		assert_non_null(c->help);
		assert_true(c->run != NULL);
		assert_true(c->words_min <= c->words_max);
		assert_true(c->words_max == 0 || c->words != NULL);
		for (size_t k = 0; k < i; k++) {
			assert_ptr_not_equal(c, cli_commands[k]);
		}
		for (size_t k = 0; k < c->opt_count; k++) {
			assert_non_null(c->opts[k].name);
			assert_non_null(c->opts[k].help);
		}
	}
}

static void values_are_found_in_order(void **state)
{
	(void)state;
	static const struct cli_opt host = {"host", "PATTERN", "h"};
	static const struct cli_opt dry = {"dry-run", NULL, "d"};
	const struct cli_given given[] = {{&host, "a"}, {&dry, NULL}, {&host, "b"}};
	const struct cli_args args = {.given = given, .given_count = COUNT_OF(given)};
	size_t pos = 0;

	assert_true(cli_has(&args, "dry-run"));
	assert_false(cli_has(&args, "other"));
	assert_string_equal(cli_value(&args, "host"), "b");
	assert_null(cli_value(&args, "other"));
	assert_string_equal(cli_value_next(&args, "host", &pos), "a");
	assert_string_equal(cli_value_next(&args, "host", &pos), "b");
	assert_null(cli_value_next(&args, "host", &pos));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_codes_of_what_is_typed),
		cmocka_unit_test(every_row_is_complete),
		cmocka_unit_test(values_are_found_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

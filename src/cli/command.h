/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: one table of all commands of `postern`; a row gives the parser, the help and the run.
 *
 * A command lives in its own file as a `const struct command`, and is named once in commands.c.
 * What was typed is checked against the row before `run` is called, so that a command sees only
 * options it asked for. Layer: cli.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>

/* How every command ends (DESIGN §11). */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NO = 3, /* the answer is no */
	CLI_NOT_FOUND = 4,
	CLI_NOT_ALLOWED = 5,
	CLI_UNREACHABLE = 6, /* no daemon answers */
	CLI_PARTLY = 7,
	CLI_CONFLICT = 8,
};

struct cli_opt {
	const char *name;  /* without the two dashes */
	const char *value; /* what to write for its value in the help; NULL: a flag */
	const char *help;
};

struct cli_given {
	const struct cli_opt *opt;
	const char *value; /* NULL for a flag */
};

/* What was typed, all of it borrowed from main's argv. */
struct cli_args {
	const struct cli_given *given; /* options in the order typed */
	size_t given_count;
	const char *const *words; /* arguments that are no options */
	size_t word_count;
};

/* What holds for every command. */
struct cli {
	const char *socket; /* of the daemon's API */
	bool json;          /* --json: one document, or one object a line for streams */
	bool is_terminal;   /* standard output is one */
};

typedef int cli_run_fn(const struct cli *cli, const struct cli_args *args);

#define CLI_WORDS_ANY ((size_t)-1)

struct command {
	const char *noun;
	const char *verb;  /* NULL: the noun alone is the command */
	const char *words; /* arguments as the help shows them, "FILE…"; NULL: none */
	size_t words_min;
	size_t words_max; /* CLI_WORDS_ANY: as many as wanted */
	const struct cli_opt *opts;
	size_t opt_count;
	const char *help; /* one line */
	cli_run_fn *run;  /* answers an enum cli_exit */
};

struct cli_program {
	const char *name;
	const char *otherwise; /* the noun that is meant when none was typed; NULL: none */
};

/* Which program this is. */
extern const struct cli_program cli_program;
/* The table, in the order of the help. */
extern const struct command *const cli_commands[];
extern const size_t cli_command_count;

/** Was this option given? `name` stands in the command's row. */
bool cli_has(const struct cli_args *a, const char *name);
/** Its value, the last one when it was given more than once; NULL when it was not given. */
const char *cli_value(const struct cli_args *a, const char *name);
/**
 * Walk the values of an option that may be repeated: start with *pos = 0.
 *
 * @return The next value, or NULL at the end.
 */
const char *cli_value_next(const struct cli_args *a, const char *name, size_t *pos);

/** "postern: text" and a newline on standard error. @return code, so that a failure is one line. */
int cli_fail(int code, const char *fmt, ...) PRINTF(2, 3);

/**
 * Find the command in argv, check what was typed and run it.
 *
 * @return What the process ends with, an enum cli_exit.
 */
MUSTUSE int cli_main(int argc, char **argv);

#endif

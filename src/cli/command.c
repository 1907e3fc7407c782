/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: from argv to a row of the table and back to an exit code. Layer: cli.
 *
 * Global options may stand anywhere. Everything wrong with what was typed is said with the usage
 * of the command that was meant, on standard error, and ends 2.
 */
#include "cli/command.h"

#include "base/assert.h"
#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/poison.h"

#define LEFT_COLUMNS 26

#define DEFAULT_SOCKET "/run/postern/api.sock"

static const struct cli_opt global_opts[] = {
	{"socket", "PATH", "the daemon's socket (default: $POSTERN_SOCKET or " DEFAULT_SOCKET ")"},
	{"json", NULL, "answer as JSON"},
	{"help", NULL, "this text"},
	{"version", NULL, "say which version this is"},
};

/* argv, sorted into what the rest needs. All three lists have room for all of argv. */
struct typed {
	const char **words;
	size_t word_count;
	struct cli_given *given; /* of the command */
	size_t given_count;
	struct cli_given *globals;
	size_t global_count;
};

int cli_fail(int code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("postern: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

static const char *value_of(const struct cli_given *given, size_t n, const char *name)
{
	for (size_t i = n; i > 0; i--) {
		if (strcmp(given[i - 1].opt->name, name) == 0) {
			return given[i - 1].value != NULL ? given[i - 1].value : "";
		}
	}
	return NULL;
}

bool cli_has(const struct cli_args *a, const char *name)
{
	return value_of(a->given, a->given_count, name) != NULL;
}

const char *cli_value(const struct cli_args *a, const char *name)
{
	return value_of(a->given, a->given_count, name);
}

const char *cli_value_next(const struct cli_args *a, const char *name, size_t *pos)
{
	while (*pos < a->given_count) {
		const struct cli_given *g = &a->given[(*pos)++];
		if (strcmp(g->opt->name, name) == 0) {
			return g->value;
		}
	}
	return NULL;
}

static void print_usage(FILE *out, const struct command *c)
{
	fprintf(out, "usage: %s %s", cli_program.name, c->noun);
	if (c->verb != NULL) {
		fprintf(out, " %s", c->verb);
	}
	for (size_t i = 0; i < c->opt_count; i++) {
		const struct cli_opt *o = &c->opts[i];
		fprintf(out, o->value != NULL ? " [--%s %s]" : " [--%s]", o->name, o->value);
	}
	fprintf(out, c->words != NULL ? " %s\n" : "\n", c->words);
}

/* Columns are characters, and printf counts octets. */
static void print_row(const char *left, const char *help)
{
	int more = 0;

	for (const char *p = left; *p != '\0'; p++) {
		more += ((unsigned char)*p & 0xc0) == 0x80 ? 1 : 0;
	}
	printf("  %-*s %s\n", LEFT_COLUMNS + more, left, help);
}

static void print_opts(const struct cli_opt *opts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char left[64];
		snprintf(left, sizeof(left), "--%s%s%s", opts[i].name,
			 opts[i].value != NULL ? " " : "",
			 opts[i].value != NULL ? opts[i].value : "");
		print_row(left, opts[i].help);
	}
}

static int print_help(const struct command *c)
{
	if (c != NULL) {
		print_usage(stdout, c);
		printf("\n%s\n\n", c->help);
		print_opts(c->opts, c->opt_count);
		print_opts(global_opts, COUNT_OF(global_opts));
		return CLI_DONE;
	}
	printf("usage: %s [--socket PATH] [--json] COMMAND …\n\n", cli_program.name);
	for (size_t i = 0; i < cli_command_count; i++) {
		const struct command *row = cli_commands[i];
		char left[64];
		snprintf(left, sizeof(left), "%s%s%s%s%s", row->noun, row->verb != NULL ? " " : "",
			 row->verb != NULL ? row->verb : "", row->words != NULL ? " " : "",
			 row->words != NULL ? row->words : "");
		print_row(left, row->help);
	}
	printf("\n");
	print_opts(global_opts, COUNT_OF(global_opts));
	if (cli_program.otherwise != NULL) {
		printf("\nWithout a command: %s %s.\n", cli_program.name, cli_program.otherwise);
	}
	printf("\nMore: %s COMMAND --help, postern(1).\n", cli_program.name);
	return CLI_DONE;
}

/* The row that `noun` and `verb` name; a row without a verb takes any. */
static const struct command *find_command(const char *noun, const char *verb)
{
	const struct command *alone = NULL;

	for (size_t i = 0; i < cli_command_count; i++) {
		const struct command *c = cli_commands[i];
		if (strcmp(c->noun, noun) != 0) {
			continue;
		}
		if (c->verb == NULL) {
			alone = c;
		} else if (verb != NULL && strcmp(c->verb, verb) == 0) {
			return c;
		}
	}
	return alone;
}

static int unknown_command(const char *noun, const char *verb)
{
	bool is_noun = false;

	for (size_t i = 0; i < cli_command_count; i++) {
		const struct command *c = cli_commands[i];
		if (strcmp(c->noun, noun) != 0) {
			continue;
		}
		if (!is_noun) {
			if (verb == NULL) {
				cli_fail(CLI_USAGE, "'%s' needs a verb:", noun);
			} else {
				cli_fail(CLI_USAGE, "'%s' has no verb '%s':", noun, verb);
			}
		}
		is_noun = true;
		fprintf(stderr, "  postern %s %s %s\n", c->noun, c->verb,
			c->words != NULL ? c->words : "");
	}
	return is_noun ? CLI_USAGE
		       : cli_fail(CLI_USAGE, "no command '%s'; see: postern --help", noun);
}

static const struct cli_opt *find_opt(const struct cli_opt *opts, size_t n, const char *name,
				      size_t name_len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(opts[i].name) == name_len && memcmp(opts[i].name, name, name_len) == 0) {
			return &opts[i];
		}
	}
	return NULL;
}

static int bad_option(const struct command *c, const char *what, const char *arg)
{
	int r = cli_fail(CLI_USAGE, "%s: %s", arg, what);

	if (c != NULL) {
		print_usage(stderr, c);
	}
	return r;
}

/*
 * One argument that begins with a dash. `c` may be NULL while the command is not known yet.
 * @return How many arguments were used (1 or 2), 0 when it is no option that we know.
 */
static int take_option(const struct command *c, char **argv, struct typed *t)
{
	const char *name = argv[0] + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct cli_opt *o = find_opt(global_opts, COUNT_OF(global_opts), name, len);
	bool is_global = o != NULL;

	if (argv[0][1] != '-') {
		return 0;
	}
	if (o == NULL && c != NULL) {
		o = find_opt(c->opts, c->opt_count, name, len);
	}
	if (o == NULL) {
		return 0;
	}
	struct cli_given g = {.opt = o, .value = equals != NULL ? equals + 1 : NULL};
	int used = 1;
	if (o->value != NULL && g.value == NULL) {
		g.value = argv[1];
		used = 2;
	}
	if ((o->value != NULL) != (g.value != NULL)) {
		return -bad_option(c, o->value != NULL ? "needs a value" : "takes no value",
				   argv[0]);
	}
	if (is_global) {
		t->globals[t->global_count++] = g;
	} else {
		t->given[t->given_count++] = g;
	}
	return used;
}

/* Sorts argv; words only until the command is known, its options after that. */
static int sort_argv(const struct command *c, int argc, char **argv, struct typed *t)
{
	bool only_words = false;

	t->word_count = 0;
	t->given_count = 0;
	t->global_count = 0;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		if (only_words || a[0] != '-' || a[1] == '\0') {
			t->words[t->word_count++] = a;
			continue;
		}
		if (strcmp(a, "--") == 0) {
			only_words = true;
			continue;
		}
		if (strcmp(a, "-h") == 0) {
			t->globals[t->global_count++].opt = &global_opts[2];
			continue;
		}
		int used = take_option(c, argv + i, t);
		if (used < 0) {
			return -used;
		}
		if (used == 0 && c != NULL) {
			return bad_option(c, "no such option", a);
		}
		/* An option of a command not known yet: its value, if any, looks like a word. */
		i += used > 1 ? used - 1 : 0;
	}
	return CLI_DONE;
}

static int run_command(const struct command *c, const struct typed *t)
{
	size_t skip = c->verb != NULL ? 2 : 1;
	const char *socket = value_of(t->globals, t->global_count, "socket");
	const char *from_env = getenv("POSTERN_SOCKET");
	struct cli_args args = {
		.given = t->given,
		.given_count = t->given_count,
		.words = t->words + skip,
		.word_count = t->word_count - skip,
	};
	struct cli cli = {
		.socket = socket != NULL     ? socket
			  : from_env != NULL ? from_env
					     : DEFAULT_SOCKET,
		.json = value_of(t->globals, t->global_count, "json") != NULL,
		.is_terminal = isatty(STDOUT_FILENO) == 1,
	};

	if (args.word_count < c->words_min ||
	    (c->words_max != CLI_WORDS_ANY && args.word_count > c->words_max)) {
		if (args.word_count < c->words_min) {
			cli_fail(CLI_USAGE, "something is missing: %s", c->words);
		} else {
			cli_fail(CLI_USAGE, "too much: %s", args.words[c->words_max]);
		}
		print_usage(stderr, c);
		return CLI_USAGE;
	}
	return c->run(&cli, &args);
}

static int dispatch(int argc, char **argv, struct typed *t)
{
	/* First the words alone, to find the command; then all, with its options known. */
	int r = sort_argv(NULL, argc, argv, t);
	if (r != CLI_DONE) {
		return r;
	}
	if (value_of(t->globals, t->global_count, "version") != NULL) {
		printf("postern %s\n", POSTERN_VERSION);
		return CLI_DONE;
	}
	bool help = value_of(t->globals, t->global_count, "help") != NULL;
	const char *noun = t->word_count > 0 ? t->words[0] : NULL;
	const char *verb = t->word_count > 1 ? t->words[1] : NULL;

	if (noun == NULL) {
		return help ? print_help(NULL)
			    : cli_fail(CLI_USAGE, "no command; see: postern --help");
	}
	const struct command *c = find_command(noun, verb);
	if (c == NULL) {
		return unknown_command(noun, verb);
	}
	if (help) {
		return print_help(c);
	}
	r = sort_argv(c, argc, argv, t);
	if (r != CLI_DONE) {
		return r;
	}
	/* With the options known, what looked like the verb may be the value of one. */
	size_t need = c->verb != NULL ? 2 : 1;
	if (t->word_count < need || strcmp(t->words[0], c->noun) != 0 ||
	    (c->verb != NULL && strcmp(t->words[1], c->verb) != 0)) {
		return cli_fail(CLI_USAGE, "the command comes first: postern %s%s%s …", c->noun,
				c->verb != NULL ? " " : "", c->verb != NULL ? c->verb : "");
	}
	return run_command(c, t);
}

/* Does argv begin with a command, or ask for none? */
static bool has_command(int argc, char **argv)
{
	static const char *const general[] = {"--help", "-h", "--version"};

	for (size_t i = 0; argc > 1 && i < COUNT_OF(general); i++) {
		if (strcmp(argv[1], general[i]) == 0) {
			return true;
		}
	}
	for (size_t i = 0; argc > 1 && i < cli_command_count; i++) {
		if (strcmp(argv[1], cli_commands[i]->noun) == 0) {
			return true;
		}
	}
	return false;
}

/* argv with the noun that goes without saying. */
static int dispatch_otherwise(int argc, char **argv, struct typed *t)
{
	char **longer = calloc((size_t)argc + 2, sizeof(*longer));
	char noun[32];

	if (longer == NULL) {
		return CLI_FAILED;
	}
	(void)str_copy(noun, sizeof(noun), str_of(cli_program.otherwise));
	longer[0] = argv[0];
	longer[1] = noun;
	for (int i = 1; i < argc; i++) {
		longer[i + 1] = argv[i];
	}
	int r = dispatch(argc + 1, longer, t);
	free(longer);
	return r;
}

int cli_main(int argc, char **argv)
{
	size_t n = (size_t)argc + 2;
	struct typed t = {
		.words = calloc(n, sizeof(*t.words)),
		.given = calloc(n, sizeof(*t.given)),
		.globals = calloc(n, sizeof(*t.globals)),
	};
	int r = CLI_FAILED;

	if (t.words != NULL && t.given != NULL && t.globals != NULL) {
		r = cli_program.otherwise != NULL && !has_command(argc, argv)
			    ? dispatch_otherwise(argc, argv, &t)
			    : dispatch(argc, argv, &t);
	}
	free(t.words);
	free(t.given);
	free(t.globals);
	/* A full disk or a closed pipe behind our output is a failure too. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		r = cli_fail(CLI_FAILED, "cannot write the output: %s", strerror(errno));
	}
	return r;
}

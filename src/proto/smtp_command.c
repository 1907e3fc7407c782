/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_command: verbs and paths, read as generously as servers do. Layer: proto (pure).
 */
#include "proto/smtp_command.h"

#include "base/num.h"

#include "base/poison.h"

/* What follows the verb. */
enum shape {
	SHAPE_ANY,
	SHAPE_BARE, /* nothing */
	SHAPE_NAME, /* one word */
	SHAPE_PATH, /* "FROM:" or "TO:" and a path */
	SHAPE_CHUNK,
};

static const struct verb {
	struct str name;
	enum smtp_command command;
	enum shape shape;
	struct str before_path;
} verbs[] = {
	{{"HELO", 4}, SMTP_COMMAND_HELO, SHAPE_NAME, {NULL, 0}},
	{{"EHLO", 4}, SMTP_COMMAND_EHLO, SHAPE_NAME, {NULL, 0}},
	{{"LHLO", 4}, SMTP_COMMAND_EHLO, SHAPE_NAME, {NULL, 0}},
	{{"MAIL", 4}, SMTP_COMMAND_MAIL, SHAPE_PATH, {"FROM", 4}},
	{{"RCPT", 4}, SMTP_COMMAND_RCPT, SHAPE_PATH, {"TO", 2}},
	{{"DATA", 4}, SMTP_COMMAND_DATA, SHAPE_BARE, {NULL, 0}},
	{{"BDAT", 4}, SMTP_COMMAND_BDAT, SHAPE_CHUNK, {NULL, 0}},
	{{"RSET", 4}, SMTP_COMMAND_RSET, SHAPE_BARE, {NULL, 0}},
	{{"STARTTLS", 8}, SMTP_COMMAND_STARTTLS, SHAPE_BARE, {NULL, 0}},
	{{"AUTH", 4}, SMTP_COMMAND_AUTH, SHAPE_NAME, {NULL, 0}},
	{{"VRFY", 4}, SMTP_COMMAND_VRFY, SHAPE_ANY, {NULL, 0}},
	{{"EXPN", 4}, SMTP_COMMAND_EXPN, SHAPE_ANY, {NULL, 0}},
	{{"HELP", 4}, SMTP_COMMAND_HELP, SHAPE_ANY, {NULL, 0}},
	{{"NOOP", 4}, SMTP_COMMAND_NOOP, SHAPE_ANY, {NULL, 0}},
	{{"XCLIENT", 7}, SMTP_COMMAND_XCLIENT, SHAPE_ANY, {NULL, 0}},
	{{"XFORWARD", 8}, SMTP_COMMAND_NOOP, SHAPE_ANY, {NULL, 0}},
	{{"QUIT", 4}, SMTP_COMMAND_QUIT, SHAPE_BARE, {NULL, 0}},
};

static struct str blanks_skip(struct str s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s = str_skip(s, 1);
	}
	return s;
}

static struct str word_take(struct str *s)
{
	size_t n = 0;

	*s = blanks_skip(*s);
	while (n < s->len && s->ptr[n] != ' ' && s->ptr[n] != '\t') {
		n++;
	}
	return str_take(s, n);
}

/* Octets up to the closing bracket; quoted strings and escaped octets may hold one. */
static size_t bracket_find(struct str s)
{
	bool is_quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\' && is_quoted) {
			i++;
		} else if (s.ptr[i] == '"') {
			is_quoted = !is_quoted;
		} else if (s.ptr[i] == '>' && !is_quoted) {
			return i;
		}
	}
	return str_find_char(s, '>'); /* an odd quote hides nothing */
}

static struct str path_parse(struct str s, bool *ret_is_strict)
{
	*ret_is_strict = false;
	s = blanks_skip(s);
	if (s.len == 0 || s.ptr[0] != '<') {
		struct str word = word_take(&s);
		if (word.len > 0 && word.ptr[word.len - 1] == '>') {
			word.len--;
		}
		return word;
	}
	s = str_skip(s, 1);
	size_t n = bracket_find(s);
	*ret_is_strict = n < s.len;
	s = str_head(s, n);
	if (s.len > 0 && s.ptr[0] == '@') {
		size_t colon = str_find_char(s, ':');
		s = colon < s.len ? str_skip(s, colon + 1) : s;
	}
	return str_trim(s);
}

static void path_read(struct smtp_command_line *c, const struct verb *v, struct str rest)
{
	rest = blanks_skip(rest);
	if (!str_has_prefix_nocase(rest, v->before_path)) {
		c->command = SMTP_COMMAND_UNKNOWN;
		return;
	}
	rest = blanks_skip(str_skip(rest, v->before_path.len));
	if (rest.len == 0 || rest.ptr[0] != ':') {
		c->command = SMTP_COMMAND_UNKNOWN;
		return;
	}
	c->arg = path_parse(str_skip(rest, 1), &c->is_strict);
}

static void chunk_read(struct smtp_command_line *c, struct str rest)
{
	struct str size = word_take(&rest);
	struct str last = word_take(&rest);

	if (num_parse_u64(size, UINT64_MAX / 2, &c->chunk_bytes) < 0) {
		c->is_broken = true;
		return;
	}
	c->is_last = str_is_equal_nocase(last, STR("LAST"));
	c->is_strict = last.len == 0 || c->is_last;
}

struct smtp_command_line smtp_command_parse(struct str line)
{
	struct smtp_command_line c = {.command = SMTP_COMMAND_UNKNOWN, .arg = {"", 0}};
	struct str rest = line;
	struct str word = word_take(&rest);
	const struct verb *v = NULL;

	for (size_t i = 0; i < COUNT_OF(verbs) && v == NULL; i++) {
		v = str_is_equal_nocase(word, verbs[i].name) ? &verbs[i] : NULL;
	}
	if (v == NULL) {
		return c;
	}
	c.command = v->command;
	switch (v->shape) {
	case SHAPE_ANY:
		break;
	case SHAPE_BARE:
		c.is_strict = str_trim(rest).len == 0;
		break;
	case SHAPE_NAME:
		c.arg = word_take(&rest);
		c.is_strict = c.arg.len > 0;
		break;
	case SHAPE_PATH:
		path_read(&c, v, rest);
		break;
	case SHAPE_CHUNK:
		chunk_read(&c, rest);
		break;
	}
	return c;
}

const char *smtp_command_name(enum smtp_command v)
{
	static const char *const names[] = {
		[SMTP_COMMAND_UNKNOWN] = "unknown",   [SMTP_COMMAND_GREETING] = "greeting",
		[SMTP_COMMAND_HELO] = "HELO",         [SMTP_COMMAND_EHLO] = "EHLO",
		[SMTP_COMMAND_MAIL] = "MAIL",         [SMTP_COMMAND_RCPT] = "RCPT",
		[SMTP_COMMAND_DATA] = "DATA",         [SMTP_COMMAND_END] = "end",
		[SMTP_COMMAND_BDAT] = "BDAT",         [SMTP_COMMAND_RSET] = "RSET",
		[SMTP_COMMAND_STARTTLS] = "STARTTLS", [SMTP_COMMAND_AUTH] = "AUTH",
		[SMTP_COMMAND_VRFY] = "VRFY",         [SMTP_COMMAND_EXPN] = "EXPN",
		[SMTP_COMMAND_HELP] = "HELP",         [SMTP_COMMAND_NOOP] = "NOOP",
		[SMTP_COMMAND_XCLIENT] = "XCLIENT",   [SMTP_COMMAND_QUIT] = "QUIT",
	};
	static_assert(COUNT_OF(names) == SMTP_COMMAND_COUNT, "a name for every command");

	return names[v];
}

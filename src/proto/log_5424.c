/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_5424: the header and structured data of RFC 5424. Layer: proto (pure).
 */
#include "proto/log_5424.h"

#include "base/poison.h"

/* RFC 5424, 6: the longest of each; senders that pass them are heard as well, so it is the longest
 * of all that bounds a field. */
#define FIELD_MAX 255
#define COUNT_MAX 7 /* digits */

struct str log_5424_skip_count(struct str line)
{
	size_t i = 0;

	while (i < line.len && i < COUNT_MAX && char_is_digit(line.ptr[i])) {
		i++;
	}
	return i > 0 && i + 1 < line.len && line.ptr[i] == ' ' && line.ptr[i + 1] == '<'
		       ? str_skip(line, i + 1)
		       : line;
}

/* A field and the space behind it. */
static bool take_field(struct str *rest, struct str *ret)
{
	size_t len = str_find_char(str_head(*rest, FIELD_MAX + 1), ' ');

	if (len == 0 || len > FIELD_MAX || len >= rest->len) {
		return false;
	}
	*ret = str_head(*rest, len);
	if (len == 1 && ret->ptr[0] == '-') {
		*ret = STR_EMPTY;
	}
	*rest = str_skip(*rest, len + 1);
	return true;
}

/* The element that begins the text, "[id name="value" ...]". Within quotes a backslash takes the
 * next octet out of the count. @return Its length; 0: it does not end. */
static size_t element_len(struct str text)
{
	bool is_quoted = false;

	for (size_t i = 1; i < text.len; i++) {
		char c = text.ptr[i];
		if (is_quoted && c == '\\') {
			i++;
		} else if (c == '"') {
			is_quoted = !is_quoted;
		} else if (c == ']' && !is_quoted) {
			return i + 1;
		}
	}
	return 0;
}

static bool skip_data(struct str *rest)
{
	if (rest->len > 0 && rest->ptr[0] == '-') {
		*rest = str_skip(*rest, 1);
	} else {
		if (rest->len == 0 || rest->ptr[0] != '[') {
			return false;
		}
		while (rest->len > 0 && rest->ptr[0] == '[') {
			size_t len = element_len(*rest);
			if (len == 0) {
				return false;
			}
			*rest = str_skip(*rest, len);
		}
	}
	return rest->len == 0 || rest->ptr[0] == ' ';
}

bool log_5424_take(struct str rest, struct log_5424 *ret)
{
	const struct str mark = STR("\xEF\xBB\xBF");
	struct str process;
	struct str kind;

	if (!take_field(&rest, &ret->host) || !take_field(&rest, &ret->app) ||
	    !take_field(&rest, &process) || !take_field(&rest, &kind) || !skip_data(&rest)) {
		return false;
	}
	rest = str_skip(rest, rest.len > 0 ? 1 : 0);
	if (rest.len > 0 && rest.ptr[0] == ' ') {
		rest = str_skip(rest, 1);
	}
	ret->text = str_has_prefix(rest, mark) ? str_skip(rest, mark.len) : rest;
	return true;
}

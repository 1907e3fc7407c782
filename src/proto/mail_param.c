/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_param: RFC 2045, 5.1 and RFC 2231. Layer: proto (pure).
 */
#include "proto/mail_param.h"

#include "base/num.h"
#include "proto/mail.h"
#include "proto/mail_word.h"

#include "base/poison.h"

/* Parameters of one field that are looked at. */
#define PARAMS_MAX 128

struct param {
	struct str name;  /* without its stars */
	struct str value; /* without quotes; escapes still in it */
	bool is_quoted;
	bool is_encoded; /* a star at the end */
	int piece;       /* of a continued one; -1 */
};

struct str mail_param_value(struct str field)
{
	struct str value = str_head(field, str_find_char(field, ';'));

	value = str_trim(str_head(value, str_find_char(value, '(')));
	size_t n = 0;
	while (n < value.len && !char_is_space(value.ptr[n])) {
		n++; /* a parameter without its semicolon is no part of it */
	}
	return str_head(value, n);
}

/* "name*3*": the number and the second star are said by RFC 2231. */
static void name_read(struct param *p, struct str name)
{
	p->piece = -1;
	p->is_encoded = name.len > 0 && name.ptr[name.len - 1] == '*';
	if (p->is_encoded) {
		name.len--;
	}
	size_t star = str_find_char(name, '*');
	if (star < name.len) {
		uint64_t piece;
		if (num_parse_u64(str_skip(name, star + 1), MAIL_PARAM_PIECES_MAX - 1, &piece) ==
		    0) {
			p->piece = (int)piece;
		}
		name = str_head(name, star);
	}
	p->name = str_trim(name);
}

static struct str value_take(struct str *rest, bool *ret_is_quoted)
{
	*rest = str_trim(*rest);
	*ret_is_quoted = rest->len > 0 && rest->ptr[0] == '"';
	if (!*ret_is_quoted) {
		struct str value = str_head(*rest, str_find_char(*rest, ';'));
		*rest = str_skip(*rest, value.len + 1);
		return str_trim(value);
	}
	size_t end = 1;
	while (end < rest->len && rest->ptr[end] != '"') {
		end += rest->ptr[end] == '\\' && end + 1 < rest->len ? 2 : 1;
	}
	end = end < rest->len ? end : rest->len;
	struct str value = str_skip(str_head(*rest, end), 1);
	*rest = str_skip(*rest, end + 1);
	*rest = str_skip(*rest, str_find_char(*rest, ';') + 1);
	return value;
}

static bool param_take(struct str *rest, struct param *ret)
{
	while (rest->len > 0 && (char_is_space(rest->ptr[0]) || rest->ptr[0] == ';')) {
		*rest = str_skip(*rest, 1);
	}
	if (rest->len == 0) {
		return false;
	}
	size_t equals = str_find_char(*rest, '=');
	size_t semicolon = str_find_char(*rest, ';');
	if (semicolon < equals) {
		*ret = (struct param){.piece = -1};
		*rest = str_skip(*rest, semicolon);
		return true;
	}
	name_read(ret, str_trim(str_take(rest, equals)));
	*rest = str_skip(*rest, 1);
	ret->value = value_take(rest, &ret->is_quoted);
	return true;
}

static void unescaped_add(struct buf *out, const struct param *p)
{
	for (size_t i = 0; i < p->value.len; i++) {
		bool is_escape = p->is_quoted && p->value.ptr[i] == '\\' && i + 1 < p->value.len;
		i += is_escape;
		buf_add_char(out, p->value.ptr[i]);
	}
}

static void percent_add(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		int high = s.ptr[i] == '%' && i + 2 < s.len ? num_hex_digit(s.ptr[i + 1]) : -1;
		int low = high >= 0 ? num_hex_digit(s.ptr[i + 2]) : -1;
		if (low >= 0) {
			buf_add_char(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_add_char(out, s.ptr[i]);
		}
	}
}

/* "charset'language'" at the start of an encoded value. */
static struct str charset_take(struct str *value)
{
	size_t first = str_find_char(*value, '\'');
	if (first == value->len) {
		return STR_EMPTY;
	}
	struct str rest = str_skip(*value, first + 1);
	size_t second = str_find_char(rest, '\'');
	if (second == rest.len) {
		return STR_EMPTY;
	}
	struct str charset = str_head(*value, first);
	*value = str_skip(rest, second + 1);
	return charset;
}

static void pieces_join(const struct param *pieces, size_t n, struct buf *out, unsigned *flags)
{
	struct str charset = STR_EMPTY;
	struct buf raw;

	buf_init(&raw, MAIL_FIELD_MAX);
	for (size_t i = 0; i < n; i++) {
		struct param p = pieces[i];
		if (p.is_encoded) {
			if (i == 0) {
				charset = charset_take(&p.value);
			}
			percent_add(&raw, p.value);
		} else {
			unescaped_add(&raw, &p);
		}
	}
	*flags |= mail_word_add_charset(buf_str(&raw), charset, out);
	buf_done(&raw);
}

bool mail_param_find(struct str field, struct str name, struct buf *out, unsigned *flags)
{
	struct param pieces[MAIL_PARAM_PIECES_MAX] UNINITIALIZED;
	struct str rest = str_skip(field, str_find_char(field, ';'));
	struct param plain = {.value = STR_EMPTY};
	bool has_plain = false;
	unsigned seen = 0;
	struct param p;

	for (size_t i = 0; i < PARAMS_MAX && param_take(&rest, &p); i++) {
		if (!str_is_equal_nocase(p.name, name)) {
			continue;
		}
		if (p.piece >= 0 || p.is_encoded) {
			unsigned piece = p.piece < 0 ? 0 : (unsigned)p.piece;
			if ((seen >> piece & 1) == 0) {
				pieces[piece] = p;
				seen |= 1U << piece;
			}
		} else if (!has_plain) {
			plain = p;
			has_plain = true;
		}
	}
	size_t n = 0;
	while (n < MAIL_PARAM_PIECES_MAX && (seen >> n & 1) != 0) {
		n++;
	}
	if (n > 0) {
		pieces_join(pieces, n, out, flags);
		return true;
	}
	if (has_plain) {
		struct buf raw;
		buf_init(&raw, MAIL_FIELD_MAX);
		unescaped_add(&raw, &plain);
		*flags |= mail_word_decode(buf_str(&raw), out);
		buf_done(&raw);
	}
	return has_plain;
}

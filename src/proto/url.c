/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url: RFC 3986 with the habits of browsers (url.spec.whatwg.org). Layer: proto (pure).
 */
#include "proto/url.h"

#include "base/num.h"

#include "base/poison.h"

#define SCHEME_MAX 16

static bool is_scheme_octet(char c)
{
	return char_is_alpha(c) || char_is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* Does the last label read as a number? Then browsers take the host for an IPv4 address. */
static bool host_is_address(struct str host)
{
	if (host.len > 0 && host.ptr[0] == '[') {
		return true;
	}
	size_t at = host.len;
	while (at > 0 && host.ptr[at - 1] != '.') {
		at--;
	}
	struct str label = str_skip(host, at);
	if (str_has_prefix_nocase(label, STR("0x"))) {
		label = str_skip(label, 2);
		for (size_t i = 0; i < label.len; i++) {
			if (num_hex_digit(label.ptr[i]) < 0) {
				return false;
			}
		}
		return true;
	}
	for (size_t i = 0; i < label.len; i++) {
		if (!char_is_digit(label.ptr[i])) {
			return false;
		}
	}
	return label.len > 0;
}

static void authority_split(struct str s, struct url *u)
{
	size_t at = s.len;

	while (at > 0 && s.ptr[at - 1] != '@') {
		at--;
	}
	u->has_user = at > 0;
	s = str_skip(s, at);
	size_t end = s.len > 0 && s.ptr[0] == '[' ? str_find_char(s, ']') + 1
						  : str_find_char(s, ':');
	u->has_port = end < s.len && s.ptr[end] == ':';
	s = str_head(s, end);
	while (s.len > 0 && s.ptr[s.len - 1] == '.') {
		s.len--;
	}
	u->host = s;
	u->is_address = host_is_address(s);
}

static bool is_slash(struct str s, size_t at)
{
	return at < s.len && (s.ptr[at] == '/' || s.ptr[at] == '\\');
}

static size_t authority_end(struct str s)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] != '/' && s.ptr[n] != '\\' && s.ptr[n] != '?' &&
	       s.ptr[n] != '#') {
		n++;
	}
	return n;
}

struct url url_split(struct str s)
{
	struct url u = {.scheme = STR_EMPTY};
	size_t n = 0;

	s = str_trim(s);
	while (n < s.len && n <= SCHEME_MAX && is_scheme_octet(s.ptr[n])) {
		n++;
	}
	if (n > 0 && n < s.len && s.ptr[n] == ':' && char_is_alpha(s.ptr[0])) {
		u.scheme = str_head(s, n);
		s = str_skip(s, n + 1);
	}
	if (str_is_equal_nocase(u.scheme, STR("mailto"))) {
		struct str addr = str_head(s, str_find_char(s, '?'));
		size_t at = str_find_char(addr, '@');
		u.host = str_skip(addr, at < addr.len ? at + 1 : at);
		u.path = s;
		return u;
	}
	bool is_web = str_has_prefix_nocase(u.scheme, STR("http"));
	if (is_slash(s, 0) && is_slash(s, 1)) {
		s = str_skip(s, 2);
		while (is_web && is_slash(s, 0)) {
			s = str_skip(s, 1); /* "http:///host" */
		}
	} else if (!is_web) {
		u.path = s;
		return u;
	}
	authority_split(str_take(&s, authority_end(s)), &u);
	u.path = s;
	return u;
}

static bool is_url_octet(char c)
{
	unsigned char u = (unsigned char)c;

	return u > ' ' && u < 0x7f && c != '<' && c != '>' && c != '"' && c != '`' && c != '|' &&
	       c != '\\' && c != '^' && c != '{' && c != '}';
}

static bool is_punctuation(char c)
{
	return c == '.' || c == ',' || c == ';' || c == ':' || c == '!' || c == '?' || c == '\'' ||
	       c == '*' || c == '_' || c == '~' || c == ']' || c == '[';
}

/* From `at` on: as much as is a URL. */
static struct str url_take(struct str text, size_t at)
{
	size_t end = at;
	long depth = 0;

	while (end < text.len && is_url_octet(text.ptr[end])) {
		depth += text.ptr[end] == '(';
		depth -= text.ptr[end] == ')';
		if (depth < 0) {
			break; /* "(see http://…)" */
		}
		end++;
	}
	while (end > at && is_punctuation(text.ptr[end - 1])) {
		end--;
	}
	return (struct str){text.ptr + at, end - at};
}

static bool is_word_octet(char c)
{
	return char_is_alpha(c) || char_is_digit(c) || c == '@' || c == '.' || c == '-' ||
	       c == '_' || c == '/';
}

static size_t find_from(struct str text, struct str needle, size_t from)
{
	from = from < text.len ? from : text.len;
	return from + str_find(str_skip(text, from), needle);
}

struct url_finder url_finder_start(struct str text)
{
	return (struct url_finder){.text = text,
				   .scheme = find_from(text, STR("://"), 0),
				   .www = find_from(text, STR("www."), 0)};
}

/* "://" at `at`: the letters before it are the scheme. */
static size_t scheme_start(const struct url_finder *f, size_t at)
{
	size_t start = at;

	while (start > f->at && at - start < SCHEME_MAX && char_is_alpha(f->text.ptr[start - 1])) {
		start--;
	}
	return start;
}

struct str url_find(struct url_finder *f)
{
	struct str text = f->text;

	for (;;) {
		if (f->scheme < f->at) {
			f->scheme = find_from(text, STR("://"), f->at);
		}
		if (f->www < f->at) {
			f->www = find_from(text, STR("www."), f->at);
		}
		bool is_www = f->www < f->scheme;
		size_t at = is_www ? f->www : f->scheme;
		if (at >= text.len) {
			return STR_EMPTY;
		}
		size_t start = is_www ? at : scheme_start(f, at);
		size_t mark_end = at + (is_www ? 4 : 3);
		bool is_begun = is_www ? at == f->at || !is_word_octet(text.ptr[at - 1])
				       : start < at;
		struct str url = is_begun ? url_take(text, start) : STR_EMPTY;
		size_t end = start + url.len;
		f->at = end > mark_end ? end : mark_end;
		if (end > mark_end) {
			return url;
		}
	}
}

static struct str www_skip(struct str host)
{
	return str_has_prefix_nocase(host, STR("www.")) ? str_skip(host, 4) : host;
}

static bool is_under(struct str host, struct str above)
{
	if (host.len <= above.len || above.len == 0) {
		return false;
	}
	size_t at = host.len - above.len;
	return host.ptr[at - 1] == '.' && str_is_equal_nocase(str_skip(host, at), above);
}

bool url_is_same_site(struct str a, struct str b)
{
	a = www_skip(a);
	b = www_skip(b);
	return str_is_equal_nocase(a, b) || is_under(a, b) || is_under(b, a);
}

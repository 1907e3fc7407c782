/* SPDX-License-Identifier: Apache-2.0 */
/*
 * received: RFC 5321, 4.4, and what servers make of it. Layer: proto (pure).
 */
#include "proto/received.h"

#include "base/poison.h"

static bool is_host_octet(char c)
{
	return char_is_alpha(c) || char_is_digit(c) || c == '.' || c == '-' || c == '_' || c == ':';
}

static struct str word_take(struct str *s)
{
	size_t n = 0;

	*s = str_trim(*s);
	while (n < s->len && !char_is_space(s->ptr[n]) && s->ptr[n] != '(' && s->ptr[n] != ';') {
		n++;
	}
	return str_take(s, n);
}

/* The whole comment that begins here, with the ones inside, without its brackets. */
static struct str comment_take(struct str *s)
{
	size_t depth = 0;
	size_t i = 0;

	for (; i < s->len; i++) {
		depth += s->ptr[i] == '(';
		depth -= s->ptr[i] == ')';
		if (depth == 0) {
			break;
		}
	}
	struct str inner = str_skip(str_head(*s, i), 1);
	*s = str_skip(*s, i + 1);
	return inner;
}

/* "[192.0.2.1]", "[IPv6:2001:db8::1]", "[192.0.2.1]:25", or the address alone. */
static bool address_read(struct str s, struct addr *ret)
{
	if (s.len > 0 && s.ptr[0] == '[') {
		s = str_skip(s, 1);
		s = str_head(s, str_find_char(s, ']'));
	}
	if (str_has_prefix_nocase(s, STR("ipv6:"))) {
		s = str_skip(s, 5);
	}
	return addr_parse(s, ret) == 0;
}

static bool is_name(struct str s)
{
	size_t dots = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (!is_host_octet(s.ptr[i]) || s.ptr[i] == ':') {
			return false;
		}
		dots += s.ptr[i] == '.';
	}
	struct addr a;
	return dots > 0 && addr_parse(s, &a) < 0;
}

static struct str dot_trim(struct str s)
{
	while (s.len > 0 && s.ptr[s.len - 1] == '.') {
		s.len--;
	}
	return s;
}

/* What stands behind a mark within a comment, up to a blank, bracket or comma. */
static struct str value_after(struct str s, struct str mark)
{
	size_t at = str_find_nocase(s, mark);
	if (at == s.len) {
		return STR_EMPTY;
	}
	struct str rest = str_trim(str_skip(s, at + mark.len));
	size_t n = 0;
	while (n < rest.len && !char_is_space(rest.ptr[n]) && rest.ptr[n] != ')' &&
	       rest.ptr[n] != ',' && rest.ptr[n] != ';') {
		n++;
	}
	return str_head(rest, n);
}

static struct str digits_of(struct str s)
{
	size_t n = 0;

	while (n < s.len && char_is_digit(s.ptr[n])) {
		n++;
	}
	return n == 0 ? STR_EMPTY : str_head(s, n);
}

/* The comment after "from": "rdns [address]", "[address] helo=x", "HELO x", "qmail … uid 33". */
static void from_comment(struct received *r, struct str comment)
{
	bool is_doubtful = str_find_nocase(comment, STR("may be forged")) < comment.len;
	bool says_helo = false;

	while (comment.len > 0) {
		struct str word = word_take(&comment);
		if (word.len == 0) {
			comment = str_skip(comment, 1);
			continue;
		}
		struct addr a;
		bool is_helo = str_has_prefix_nocase(word, STR("helo")) ||
			       str_has_prefix_nocase(word, STR("ehlo"));
		if (address_read(word, &a)) {
			r->address = r->address.family == 0 ? a : r->address;
		} else if (is_helo) {
			says_helo = true;
			if (str_find_char(word, '=') == word.len) {
				(void)word_take(&comment);
			}
		} else if (r->verified.len == 0 && !is_doubtful && is_name(dot_trim(word))) {
			r->verified = dot_trim(word);
		}
	}
	/* With HELO set apart, what stands after "from" is the name that was looked up. */
	if (r->verified.len == 0 && says_helo && is_name(r->from)) {
		r->verified = r->from;
	}
}

/* Any comment: who handed the message in. */
static void who_read(struct received *r, struct str comment)
{
	static const struct str accounts[] = {
		{"authenticated sender:", 21},
		{"authenticated bits=0 user:", 26},
		{"authenticated_id:", 17},
		{"authenticated user:", 19},
		{"user=", 5}, /* sendmail: "(authenticated bits=0 user=joe)" */
	};
	static const struct str uids[] = {{"from userid ", 12}, {"invoked by uid ", 15}};

	for (size_t i = 0; i < COUNT_OF(accounts) && r->account.len == 0; i++) {
		r->account = value_after(comment, accounts[i]);
	}
	for (size_t i = 0; i < COUNT_OF(uids); i++) {
		struct str uid = digits_of(value_after(comment, uids[i]));
		if (uid.len > 0) {
			r->uid = uid;
			r->is_local = true;
		}
	}
	struct str at_local = str_trim(comment);
	if (str_has_prefix(at_local, STR("from ")) && r->uid.len == 0) {
		/* sendmail: "(from apache@localhost)" */
		struct str user = value_after(at_local, STR("from "));
		size_t at = str_find_char(user, '@');
		if (at > 0 && at < user.len) {
			r->account = str_head(user, at);
			r->is_local = true;
		}
	}
}

static void words_read(struct received *r, struct str s)
{
	struct str last = STR_EMPTY; /* "from", "by", "with": what the next comment belongs to */

	while (s.len > 0) {
		s = str_trim(s);
		if (s.len > 0 && s.ptr[0] == '(') {
			struct str comment = comment_take(&s);
			who_read(r, comment);
			if (str_is_equal_nocase(last, STR("from"))) {
				from_comment(r, comment);
			}
			continue;
		}
		struct str word = word_take(&s);
		if (word.len == 0) {
			return; /* a semicolon: the date */
		}
		if (str_is_equal_nocase(word, STR("from")) && r->from.len == 0) {
			r->from = dot_trim(word_take(&s));
			last = word;
		} else if (str_is_equal_nocase(word, STR("by")) && r->by.len == 0) {
			r->by = dot_trim(word_take(&s));
			last = word;
		} else if (str_is_equal_nocase(word, STR("with"))) {
			r->is_local |= str_is_equal_nocase(word_take(&s), STR("local"));
			last = word;
		}
	}
}

struct received received_parse(struct str field)
{
	struct received r = {.from = STR_EMPTY};
	struct addr a;

	words_read(&r, field);
	if (address_read(r.from, &a)) {
		r.address = r.address.family == 0 ? a : r.address;
		r.from = STR_EMPTY;
	}
	/* Exim: "from user by host with local" */
	if (r.is_local && r.from.len > 0 && !is_name(r.from) && r.account.len == 0) {
		r.account = r.from;
	}
	if (r.is_local) {
		r.from = STR_EMPTY;
	}
	/* Exim leaves the HELO name out when it is the name that was looked up. */
	if (r.verified.len == 0 && r.address.family != 0 && is_name(r.from) &&
	    str_find_nocase(field, STR("helo")) == field.len &&
	    str_find_nocase(field, STR("(unknown")) == field.len &&
	    str_find(field, STR(" ([")) < field.len) {
		r.verified = r.from;
	}
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redact: recipients' addresses become domains. Layer: core (pure).
 */
#include "core/redact.h"

#include <string.h>

#include "base/poison.h"

/* Longest local part and domain that are taken as one; RFC 5321 has 64 and 255. */
#define PART_MAX 255

struct found {
	struct str addresses[REDACT_ADDRESSES_MAX];
	size_t count;
};

static bool is_local_char(char c)
{
	return char_is_alpha(c) || char_is_digit(c) ||
	       (c != '\0' && strchr(".!#$%&'*+/=?^_`{|}~-", c) != NULL);
}

static bool is_domain_char(char c)
{
	return char_is_alpha(c) || char_is_digit(c) || c == '.' || c == '-' || (c & 0x80) != 0;
}

/* The address around an "@". @return false when there is none. */
static bool address_around(struct str s, size_t at, struct str *ret, struct str *ret_domain)
{
	size_t begin = at;
	size_t end = at + 1;

	while (begin > 0 && at - begin < PART_MAX && is_local_char(s.ptr[begin - 1])) {
		begin--;
	}
	while (end < s.len && end - at < PART_MAX && is_domain_char(s.ptr[end])) {
		end++;
	}
	while (end > at + 1 && s.ptr[end - 1] == '.') {
		end--; /* of the sentence */
	}
	if (begin == at || end == at + 1) {
		return false;
	}
	*ret = (struct str){s.ptr + begin, end - begin};
	*ret_domain = (struct str){s.ptr + at + 1, end - at - 1};
	return true;
}

static bool is_recipients_field(struct str field)
{
	static const char *const names[] = {
		"To",           "Cc",
		"Bcc",          "Resent-To",
		"Resent-Cc",    "Resent-Bcc",
		"Delivered-To", "X-Original-To",
		"Envelope-To",  "X-Envelope-To",
		"X-Rcpt-To",    "Apparently-To",
	};
	struct str name = str_trim(str_head(field, str_find_char(field, ':')));

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (str_is_equal_nocase(name, str_of(names[i]))) {
			return true;
		}
	}
	return false;
}

/* The next header field with its continuation lines and its line ends; empty: the header is over.
 */
static struct str take_field(struct str *rest)
{
	size_t len = 0;

	if (rest->len == 0 || rest->ptr[0] == '\n' || str_has_prefix(*rest, STR("\r\n"))) {
		return STR_EMPTY;
	}
	do {
		struct str line = str_skip(*rest, len);
		size_t end = str_find_char(line, '\n');
		len += end < line.len ? end + 1 : end;
	} while (len < rest->len && (rest->ptr[len] == ' ' || rest->ptr[len] == '\t'));
	return str_take(rest, len);
}

static void collect(struct found *f, struct str field)
{
	for (size_t at = 0; at < field.len && f->count < REDACT_ADDRESSES_MAX; at++) {
		struct str address;
		struct str domain;
		if (field.ptr[at] == '@' && address_around(field, at, &address, &domain)) {
			f->addresses[f->count++] = address;
		}
	}
}

/* "To: hidden@c.example, hidden@d.example", whatever names and comments were there. */
static void write_recipients(struct str field, struct buf *out)
{
	size_t colon = str_find_char(field, ':');
	bool first = true;

	buf_add(out, str_head(field, colon + 1));
	for (size_t at = colon; at < field.len; at++) {
		struct str address;
		struct str domain;
		if (field.ptr[at] == '@' && address_around(field, at, &address, &domain)) {
			buf_add(out, first ? STR(" hidden@") : STR(",\r\n hidden@"));
			buf_add(out, domain);
			first = false;
		}
	}
	buf_add(out, first ? STR(" hidden\r\n") : STR("\r\n"));
}

static bool is_known(const struct found *f, struct str address)
{
	for (size_t i = 0; i < f->count; i++) {
		if (str_is_equal_nocase(f->addresses[i], address)) {
			return true;
		}
	}
	return false;
}

/* Does "for", perhaps with a bracket, stand before the address? */
static bool is_after_for(struct str s, struct str address)
{
	struct str before = str_trim(str_head(s, (size_t)(address.ptr - s.ptr)));

	if (before.len > 0 && before.ptr[before.len - 1] == '<') {
		before = str_trim(str_head(before, before.len - 1));
	}
	return str_has_suffix(before, STR("for"));
}

static void write_rest(const struct found *f, struct str s, bool is_received, struct buf *out)
{
	size_t done = 0;

	for (size_t at = 0; at < s.len; at++) {
		struct str address;
		struct str domain;
		if (s.ptr[at] != '@' || !address_around(s, at, &address, &domain)) {
			continue;
		}
		size_t begin = (size_t)(address.ptr - s.ptr);
		if (begin < done ||
		    (!is_known(f, address) && !(is_received && is_after_for(s, address)))) {
			continue;
		}
		buf_add(out, (struct str){s.ptr + done, begin - done});
		buf_add(out, STR("hidden@"));
		done = at + 1;
	}
	buf_add(out, str_skip(s, done));
}

void redact_head(struct str head, struct buf *out)
{
	struct found f = {.count = 0};
	struct str rest = head;
	struct str field;

	while ((field = take_field(&rest)).len > 0) {
		if (is_recipients_field(field)) {
			collect(&f, field);
		}
	}
	rest = head;
	while ((field = take_field(&rest)).len > 0) {
		if (is_recipients_field(field)) {
			write_recipients(field, out);
		} else {
			write_rest(&f, field, str_has_prefix_nocase(field, STR("Received:")), out);
		}
	}
	write_rest(&f, rest, false, out);
}

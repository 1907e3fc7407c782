/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_exim: lines of Exim's -H and -J files. Layer: proto (pure).
 */
#include "proto/queue_exim.h"

#include "base/num.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

/* Recipients that are looked at; Exim itself has no limit. */
#define RCPTS_MAX 100000

/* The addresses of one message that are done: in the spool file, then in the journal. */
struct queue_done {
	struct str addr[QUEUE_EXIM_DONE_MAX];
	size_t count;
};

static void queue_done_add(struct queue_done *d, struct str addr)
{
	if (addr.len > 0 && d->count < QUEUE_EXIM_DONE_MAX) {
		d->addr[d->count++] = addr;
	}
}

static bool queue_done_has(const struct queue_done *d, struct str addr)
{
	for (size_t i = 0; i < d->count; i++) {
		if (str_is_equal_nocase(d->addr[i], addr)) {
			return true;
		}
	}
	return false;
}

static bool is_base62(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!char_is_digit(s.ptr[i]) && !char_is_alpha(s.ptr[i])) {
			return false;
		}
	}
	return s.len > 0;
}

bool queue_exim_is_id(struct str name)
{
	struct str a = str_take_until(&name, '-');
	struct str b = str_take_until(&name, '-');

	if (!is_base62(a) || !is_base62(b) || !is_base62(name)) {
		return false;
	}
	return a.len == 6 && ((b.len == 6 && name.len == 2) || (b.len == 11 && name.len == 4));
}

/* A line without its end. @return false at the end of the file. */
static bool take_line(struct str *rest, struct str *ret)
{
	if (rest->len == 0) {
		return false;
	}
	*ret = str_take_until(rest, '\n');
	return true;
}

/* "u42 1042 33": the login, which may hold blanks, and two numbers. */
static int read_login(struct queue_mail *m, struct str line)
{
	size_t end[2];
	uint64_t uid;

	for (int i = 0; i < 2; i++) {
		size_t at = i == 0 ? line.len : end[0];
		while (at > 0 && line.ptr[at - 1] != ' ') {
			at--;
		}
		if (at < 2) {
			return -EBADMSG;
		}
		end[i] = at - 1;
	}
	struct str number = {line.ptr + end[1] + 1, end[0] - end[1] - 1};
	if (num_parse_u64(number, UINT32_MAX, &uid) < 0) {
		return -EBADMSG;
	}
	m->login = str_head(line, end[1]);
	m->uid = (uint32_t)uid;
	m->has_uid = true;
	return 0;
}

static int read_sender(struct queue_mail *m, struct str line)
{
	if (line.len < 2 || line.ptr[0] != '<' || line.ptr[line.len - 1] != '>') {
		return -EBADMSG;
	}
	m->sender = (struct str){line.ptr + 1, line.len - 2};
	m->has_sender = true;
	return 0;
}

static int read_time(struct queue_mail *m, struct str line)
{
	uint64_t seconds;

	if (num_parse_u64(str_take_until(&line, ' '), UINT32_MAX, &seconds) < 0) {
		return -EBADMSG;
	}
	m->arrival.ns = (int64_t)seconds * NS_PER_S;
	return 0;
}

/* "192.0.2.1.4711", "2001:db8::1.4711": the port is behind the last dot. "[192.0.2.1]:4711" too. */
static struct str without_port(struct str s)
{
	if (str_has_prefix(s, STR("["))) {
		s = str_skip(s, 1);
		return str_take_until(&s, ']');
	}
	size_t at = s.len;
	while (at > 0 && s.ptr[at - 1] != '.') {
		at--;
	}
	return at > 1 ? str_head(s, at - 1) : s;
}

/* ".123456" of the second. */
static void add_fraction(struct queue_mail *m, struct str s)
{
	uint64_t us;

	if (s.len == 7 && s.ptr[0] == '.' && num_parse_u64(str_skip(s, 1), 999999, &us) == 0) {
		m->arrival.ns += (int64_t)us * NS_PER_US;
	}
}

/* The value of an access list's variable says its length: it may hold lines that look like
 * options. @return -EBADMSG when it reaches beyond the file. */
static int skip_variable(struct str *rest, struct str line)
{
	uint64_t len;
	size_t at = line.len;

	while (at > 0 && line.ptr[at - 1] != ' ') {
		at--;
	}
	if (num_parse_u64(str_skip(line, at), UINT32_MAX, &len) < 0 || len >= rest->len) {
		return -EBADMSG;
	}
	(void)str_take(rest, (size_t)len + 1);
	return 0;
}

/* "-name value"; "--name value" and "--(lookup)name value" when it came from a stranger. */
static int read_option(struct queue_mail *m, struct str *rest, struct str line)
{
	line = str_skip(line, 1);
	if (str_has_prefix(line, STR("-"))) {
		line = str_skip(line, 1);
	}
	if (str_has_prefix(line, STR("("))) {
		(void)str_take_until(&line, ')');
	}
	struct str name = str_take_until(&line, ' ');
	if (str_has_prefix(name, STR("acl"))) {
		return skip_variable(rest, line);
	}
	if (str_is_equal(name, STR("auth_id"))) {
		m->account = line;
	} else if (str_is_equal(name, STR("host_address"))) {
		m->client_addr = without_port(line);
	} else if (str_is_equal(name, STR("host_name"))) {
		m->client_name = line;
	} else if (str_is_equal(name, STR("frozen"))) {
		m->is_frozen = true;
	} else if (str_is_equal(name, STR("received_time_usec"))) {
		add_fraction(m, line);
	}
	return 0;
}

/* Addresses that are done stand as a binary tree in preorder: two letters say which sides of a
 * node follow. */
static int read_tree(struct str *rest, struct str line, struct queue_done *done)
{
	size_t open = 1;

	if (str_is_equal(line, STR("XX"))) {
		return 0;
	}
	for (;;) {
		bool is_node = line.len > 3 && (line.ptr[0] == 'Y' || line.ptr[0] == 'N') &&
			       (line.ptr[1] == 'Y' || line.ptr[1] == 'N') && line.ptr[2] == ' ';
		if (!is_node) {
			return -EBADMSG;
		}
		queue_done_add(done, str_skip(line, 3));
		open += (line.ptr[0] == 'Y' ? 1U : 0U) + (line.ptr[1] == 'Y' ? 1U : 0U);
		if (--open == 0) {
			return 0;
		}
		if (!take_line(rest, &line)) {
			return -EBADMSG;
		}
	}
}

/* "addr", or "addr … #1" with the error address and flags behind it. */
static struct str bare_rcpt(struct str line)
{
	bool quoted = false;
	bool has_more = line.len > 2 && line.ptr[line.len - 2] == '#' &&
			char_is_digit(line.ptr[line.len - 1]);

	for (size_t i = 0; has_more && i < line.len; i++) {
		if (line.ptr[i] == '"') {
			quoted = !quoted;
		} else if (line.ptr[i] == '\\') {
			i++;
		} else if (line.ptr[i] == ' ' && !quoted) {
			return str_head(line, i);
		}
	}
	return line;
}

static int read_rcpts(struct str *rest, const struct queue_done *done,
		      const struct queue_sink *sink, struct queue_mail *m)
{
	struct str line;
	uint64_t count;

	if (!take_line(rest, &line) || num_parse_u64(line, RCPTS_MAX, &count) < 0) {
		return -EBADMSG;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (!take_line(rest, &line)) {
			return -EBADMSG;
		}
		struct str rcpt = bare_rcpt(line);
		bool is_done = queue_done_has(done, rcpt);
		m->rcpts++;
		m->rcpts_done += is_done ? 1 : 0;
		if (sink->on_rcpt != NULL) {
			sink->on_rcpt(sink->ctx, rcpt, is_done);
		}
	}
	return take_line(rest, &line) && line.len == 0 ? 0 : -EBADMSG;
}

/* "037F From: …": the length of what follows the blank, a flag, the field with its line end. */
static int read_header(struct str *rest, struct buf *out)
{
	while (rest->len > 0) {
		size_t digits = 0;
		uint64_t len;
		while (digits < rest->len && digits < 9 && char_is_digit(rest->ptr[digits])) {
			digits++;
		}
		if (digits + 2 > rest->len ||
		    num_parse_u64(str_head(*rest, digits), UINT32_MAX, &len) < 0) {
			return -EBADMSG;
		}
		bool is_deleted = rest->ptr[digits] == '*';
		(void)str_take(rest, digits + 2);
		if (len > rest->len) {
			return -EBADMSG;
		}
		struct str field = str_take(rest, (size_t)len);
		if (!is_deleted && out != NULL && out->len + field.len + 1 <= out->max) {
			buf_add(out, field);
		}
	}
	if (out != NULL && out->len < out->max) {
		buf_add_char(out, '\n');
	}
	return 0;
}

static int read_lines(struct str *rest, struct queue_done *done, const struct queue_sink *sink,
		      struct queue_mail *m)
{
	struct str line;
	int r;

	while ((r = take_line(rest, &line) ? 0 : -EBADMSG) == 0 && line.len > 0 &&
	       line.ptr[0] == '-') {
		r = read_option(m, rest, line);
		if (r < 0) {
			return r;
		}
	}
	if (r == 0) {
		r = read_tree(rest, line, done);
	}
	if (r == 0) {
		r = read_rcpts(rest, done, sink, m);
	}
	if (r == 0) {
		r = read_header(rest, sink->content);
	}
	return r;
}

int queue_exim_parse(struct str file, struct str journal, const struct queue_sink *sink,
		     struct queue_mail *ret)
{
	UNINITIALIZED struct queue_done done;
	struct str name;
	struct str line;

	done.count = 0;
	*ret = (struct queue_mail){0};
	if (!take_line(&file, &name) || !str_has_suffix(name, STR("-H")) ||
	    !queue_exim_is_id(str_head(name, name.len - 2))) {
		return -EBADMSG;
	}
	if (!take_line(&file, &line) || read_login(ret, line) < 0 || !take_line(&file, &line) ||
	    read_sender(ret, line) < 0 || !take_line(&file, &line) || read_time(ret, line) < 0) {
		return -EBADMSG;
	}
	while (take_line(&journal, &line)) {
		queue_done_add(&done, line);
	}
	ret->is_complete = read_lines(&file, &done, sink, ret) == 0;
	if (ret->client_addr.len > 0) {
		/* The login is then Exim's own, not who sent it. */
		ret->login = STR_EMPTY;
		ret->has_uid = false;
		ret->uid = 0;
	} else {
		ret->account = STR_EMPTY; /* the login again, for who is not trusted */
	}
	return 0;
}

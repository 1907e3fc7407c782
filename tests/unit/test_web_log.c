/* SPDX-License-Identifier: Apache-2.0 */
/*
 * web_log: lines of every form that is met, text of strangers that looks like a field, damage.
 */
#include "proto/web_log.h"

#include "base/prng.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

/* 2026-11-21T16:49:28Z */
#define AT INT64_C(1795279768)

/* site|client|method|target|status|referer|agent, or "no". */
static void said(struct str line, char *ret, size_t size)
{
	struct log_time lt = {.year = 1970};
	struct web_hit h;

	if (!web_log_parse(&lt, line, &h)) {
		(void)snprintf(ret, size, "no");
		return;
	}
	assert_int_equal(h.time.ns, AT * NS_PER_S);
	(void)snprintf(ret, size, "%.*s|%.*s|%.*s|%.*s|%u|%.*s|%.*s", STR_ARG(h.site),
		       STR_ARG(h.client), STR_ARG(h.method), STR_ARG(h.target), h.status,
		       STR_ARG(h.referer), STR_ARG(h.agent));
}

static const char *const forms[][2] = {
	/* common */
	{"203.0.113.7 - - [21/Nov/2026:17:49:28 +0100] \"GET /a?b=c HTTP/1.1\" 200 12",
	 "|203.0.113.7|GET|/a?b=c|200||"},
	/* combined: Apache, nginx, cPanel */
	{"203.0.113.7 - - [21/Nov/2026:17:49:28 +0100] \"POST /k.php HTTP/1.1\" 404 - "
	 "\"https://s.example/k\" \"Mozilla/5.0 (X11)\"",
	 "|203.0.113.7|POST|/k.php|404|https://s.example/k|Mozilla/5.0 (X11)"},
	/* RHEL's nginx and others: what a proxy said stands at the end */
	{"203.0.113.7 - u [21/Nov/2026:08:19:28 -0830] \"POST / HTTP/2.0\" 200 5 \"-\" \"curl/8\" "
	 "\"10.0.0.1\"",
	 "|203.0.113.7|POST|/|200||curl/8"},
	/* Plesk's Apache: the size with its headers; an address of IPv6 */
	{"2001:db8::7 - - [21/Nov/2026:16:49:28 +0000] \"POST /x HTTP/1.0\" 200 12 \"-\" \"-\"",
	 "|2001:db8::7|POST|/x|200||"},
	/* vhost_combined: Debian's other_vhosts_access.log */
	{"s.example:443 203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1 "
	 "\"-\" \"a\"",
	 "s.example|203.0.113.7|GET|/|200||a"},
	{"s.example 2001:db8::7 - - [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1",
	 "s.example|2001:db8::7|GET|/|200||"},
	{"2001:db8::1 203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1",
	 "2001:db8::1|203.0.113.7|GET|/|200||"},
	{"[2001:db8::1]:80 203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1",
	 "[2001:db8::1]|203.0.113.7|GET|/|200||"},
	/* a list of proxies before it; names looked up */
	{"203.0.113.7, 10.1.1.1 - - [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1",
	 "|203.0.113.7|GET|/|200||"},
	{"c.far.example - - [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1",
	 "|c.far.example|GET|/|200||"},
	/* quotes of strangers, as both servers write them */
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"GET /\\\" 200 1 \\\"x HTTP/1.1\" 200 1 "
	 "\"\\\"-\\\" \\\"x\" \"M \\x22odd\\x22\"",
	 "|203.0.113.7|GET|/\\\" 200 1 \\\"x|200|\\\"-\\\" \\\"x|M \\x22odd\\x22"},
	/* a user name with all of a line in it */
	{"203.0.113.7 - u 1.2.3.4 - - [01/Jan/2020:00:00:00 +0000] \\\"POST /e.php HTTP/1.1\\\" "
	 "200 [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 401 1",
	 "no"},
	{"203.0.113.7 - a b c [x] [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 401 1",
	 "|203.0.113.7|GET|/|401||"},
	/* no request at all */
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"\\x16\\x03\\x01\" 400 1",
	 "|203.0.113.7|||400||"},
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"-\" 408 -", "|203.0.113.7|||408||"},
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"\" 408 -", "|203.0.113.7|||408||"},
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"GET /old\" 200 1",
	 "|203.0.113.7|GET|/old|200||"},
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"GET /a b HTTP/1.1\" 200 1",
	 "|203.0.113.7|GET|/a b|200||"},
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 99999 1",
	 "|203.0.113.7|GET|/|0||"},
	/* other things */
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1", "no"},
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 +0000] \"GET /\\", "no"},
	{"203.0.113.7 - - [21-Nov-2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1", "no"},
	{"203.0.113.7 - - [32/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1", "no"},
	{"203.0.113.7 - - [21/Now/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1", "no"},
	{"203.0.113.7 - - [21/Nov/2026:25:49:28 +0000] \"GET / HTTP/1.1\" 200 1", "no"},
	{"203.0.113.7 - - [21/Nov/2026:16:49:28 00000] \"GET / HTTP/1.1\" 200 1", "no"},
	{"[21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1", "no"},
	{" [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1", "no"},
	{"{\"time\":\"2026-11-21T16:49:28Z\",\"request\":\"GET /\"}", "no"},
	{"Nov 21 16:49:28 s postfix/smtpd[1]: connect from x[203.0.113.7]", "no"},
	{"", "no"},
};

static void every_form_by_position(void **state)
{
	char got[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		said(str_of(forms[i][0]), got, sizeof(got));
		assert_string_equal(got, forms[i][1]);
	}
}

static void the_date_before_changes_nothing(void **state)
{
	static const char *const lines[] = {
		"1.2.3.4 - - [21/Nov/2026:16:49:28 +0000] \"GET / HTTP/1.1\" 200 1",
		"1.2.3.4 - - [21/Nov/2026:16:49:28 +0100] \"GET / HTTP/1.1\" 200 1",
		"1.2.3.4 - - [21/Nov/2026:16:49:29 +0100] \"GET / HTTP/1.1\" 200 1",
	};
	static const int64_t seconds[] = {AT, AT - 3600, AT - 3599};
	struct log_time lt = {.year = 1970};
	struct web_hit h;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lines); i++) {
		assert_true(web_log_parse(&lt, str_of(lines[i]), &h));
		assert_int_equal(h.time.ns, seconds[i] * NS_PER_S);
	}
}

static void a_path_is_written_one_way(void **state)
{
	static const char *const paths[][2] = {
		{"/a/b.php?x=1", "/a/b.php"},
		{"/a//b.php#x", "/a/b.php"},
		{"//a/./b.php", "/a/b.php"},
		{"/%61/b%2Ephp", "/a/b.php"},
		{"/a\\x2fb.php;s=1", "/a/b.php"},
		{"/a%3Fb", "/a?b"},
		{"/%2561", "/%61"},
		{"/a%", "/a%"},
		{"/a%4", "/a%4"},
		{"/a\\", "/a\\"},
		{"/a\\\"b", "/a\"b"},
		{"http://s.example/a?u=http://x", "/a"},
		{"http://s.example", "/"},
		{"*", "*"},
		{"s.example:443", "s.example:443"},
		{"", "/"},
		{"/0123456789012345678901234567890123456789", "/0123456789012345678"},
	};
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		buf_clear(&out);
		buf_add(&out, STR("="));
		web_log_path(str_of(paths[i][0]), 20, &out);
		assert_string_equal(buf_cstr(&out) + 1, paths[i][1]);
	}
	buf_done(&out);
}

static void check_inside(struct str part, struct str line)
{
	assert_true(part.len == 0 ||
		    (part.ptr >= line.ptr && part.ptr + part.len <= line.ptr + line.len));
}

static void check_damaged(struct str line)
{
	struct log_time lt = {.year = 2026};
	struct web_hit h;
	struct buf out;

	if (!web_log_parse(&lt, line, &h)) {
		return;
	}
	const struct str parts[] = {h.site, h.client, h.method, h.target, h.referer, h.agent};
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		check_inside(parts[i], line);
	}
	assert_true(h.client.len > 0 && h.status < 1000);
	buf_init(&out, 64);
	web_log_path(h.target, 32, &out);
	assert_true(out.len <= 33);
	buf_done(&out);
}

/* Each line alone in memory, so that a read beyond its end is seen. */
static void cut_and_turned(void **state)
{
	struct prng rnd = {.state = 1};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct str line = str_of(forms[i][0]);
		for (size_t cut = 0; cut <= line.len; cut++) {
			char *copy = test_malloc(cut + 1);
			memcpy(copy, line.ptr, cut);
			check_damaged((struct str){copy, cut});
			for (int flip = 0; flip < 4 && cut > 0; flip++) {
				copy[prng_below(&rnd, (uint32_t)cut)] ^= (char)(1U << prng_below(
											&rnd, 8));
				check_damaged((struct str){copy, cut});
			}
			test_free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_by_position),
		cmocka_unit_test(the_date_before_changes_nothing),
		cmocka_unit_test(a_path_is_written_one_way),
		cmocka_unit_test(cut_and_turned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

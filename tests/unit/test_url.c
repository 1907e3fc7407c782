/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of url: pieces of URLs, URLs in text, hosts that are one.
 */
#include "proto/url.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static void split(const char *text, const char *want)
{
	struct url u = url_split(str_of(text));
	struct buf got;

	buf_init(&got, 512);
	buf_printf(&got, "%.*s|%.*s|%.*s%s%s%s", STR_ARG(u.scheme), STR_ARG(u.host),
		   STR_ARG(u.path), u.has_user ? " user" : "", u.has_port ? " port" : "",
		   u.is_address ? " address" : "");
	assert_string_equal(buf_cstr(&got), want);
	buf_done(&got);
}

static void pieces(void **state)
{
	(void)state;
	split("http://example.com", "http|example.com|");
	split(" https://a.example:8443/x?y#z ", "https|a.example|/x?y#z port");
	split("HTTP://bank.example@evil.example./", "HTTP|evil.example|/ user");
	split("http:\\\\host\\path", "http|host|\\path");
	split("http:///host/x", "http|host|/x");
	split("//cdn.example/x", "|cdn.example|/x");
	split("/path", "||/path");
	split("http://192.0.2.1/", "http|192.0.2.1|/ address");
	split("http://3221225985/", "http|3221225985|/ address");
	split("http://0xc0.0x00.0x02.0x01", "http|0xc0.0x00.0x02.0x01| address");
	split("http://[2001:db8::1]:80/", "http|[2001:db8::1]|/ port address");
	split("http://0xyz/", "http|0xyz|/");
	split("mailto:a@b.example?subject=x", "mailto|b.example|a@b.example?subject=x");
	split("javascript:alert(1)", "javascript||alert(1)");
	split("", "||");
	split("#top", "||#top");
}

static void found(const char *text, const char *want)
{
	struct url_finder f = url_finder_start(str_of(text));
	struct buf got;

	buf_init(&got, 512);
	for (struct str url = url_find(&f); url.ptr != NULL; url = url_find(&f)) {
		buf_printf(&got, "[%.*s]", STR_ARG(url));
	}
	assert_string_equal(got.len == 0 ? "" : buf_cstr(&got), want);
	buf_done(&got);
}

static void in_text(void **state)
{
	(void)state;
	found("see http://a.example/x, or https://b.example.",
	      "[http://a.example/x][https://b.example]");
	found("(http://a.example/x_(y)) <www.b.example>",
	      "[http://a.example/x_(y)][www.b.example]");
	found("xwww.a.example a@www.b.example www.", "");
	found("http:// ://x http://", "");
	found("http://a.examplehttp://b.example", "[http://a.examplehttp://b.example]");
	found("www.a.example/http://b.example www.c.example",
	      "[www.a.example/http://b.example][www.c.example]");
	found("http://a.example\xe2\x80\x9d x", "[http://a.example]");
	found("", "");
}

static void many_marks_cost_little(void **state)
{
	static char text[1 << 20];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i + 4 <= sizeof(text); i += 4) {
		memcpy(text + i, "www.", 4);
	}
	struct url_finder f = url_finder_start((struct str){text, sizeof(text)});
	while (url_find(&f).ptr != NULL) {
		n++;
	}
	assert_true(n <= 1);
}

static void one_site(void **state)
{
	(void)state;
	assert_true(url_is_same_site(STR("www.Bank.example"), STR("bank.example")));
	assert_true(url_is_same_site(STR("mail.bank.example"), STR("bank.example")));
	assert_false(url_is_same_site(STR("bank.example.evil.example"), STR("bank.example")));
	assert_false(url_is_same_site(STR("mybank.example"), STR("bank.example")));
	assert_false(url_is_same_site(STR("a"), STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces),
		cmocka_unit_test(in_text),
		cmocka_unit_test(many_marks_cost_little),
		cmocka_unit_test(one_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

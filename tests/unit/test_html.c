/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of html: documents in, visible text, hidden text and links out; cuts change nothing.
 */
#include "proto/html.h"

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

struct seen {
	struct buf links;
	int count;
};

static int link_seen(void *ctx, enum html_link_kind kind, struct str url, bool is_hidden)
{
	struct seen *s = ctx;

	buf_printf(&s->links, "%s%s%.*s ", kind == HTML_LINK_IMAGE ? "img:" : "",
		   is_hidden ? "hidden:" : "", STR_ARG(url));
	return s->count++;
}

static void link_text_seen(void *ctx, int number, struct str text)
{
	struct seen *s = ctx;

	buf_printf(&s->links, "%d=\"%.*s\" ", number, STR_ARG(text));
}

static void read_once(struct str in, size_t step, struct buf *ret)
{
	struct seen seen = {.count = 0};
	struct buf text;
	struct buf hidden;

	buf_init(&text, 4096);
	buf_init(&hidden, 64);
	buf_init(&seen.links, 4096);
	struct html_out out = {.text = &text,
			       .hidden = &hidden,
			       .ctx = &seen,
			       .link = link_seen,
			       .link_text = link_text_seen};
	struct html *h = html_new(&out);
	assert_non_null(h);
	while (in.len > 0) {
		size_t n = utf8_head(in, step).len;
		n = n == 0 ? utf8_head(in, UTF8_MAX).len : n;
		html_step(h, str_take(&in, n));
	}
	html_end(h);
	buf_printf(ret, "%.*s|%.*s|%.*s", STR_ARG(buf_str(&text)), STR_ARG(buf_str(&hidden)),
		   STR_ARG(buf_str(&seen.links)));
	html_free(h);
	buf_done(&text);
	buf_done(&hidden);
	buf_done(&seen.links);
}

static void check(const char *html, const char *want)
{
	struct str in = str_of(html);

	for (size_t step = in.len; step >= 1; step--) {
		struct buf got;
		buf_init(&got, 8192);
		read_once(in, step, &got);
		if (strcmp(buf_cstr(&got), want) != 0) {
			print_error("with cuts of %zu\n", step);
		}
		assert_string_equal(buf_cstr(&got), want);
		buf_done(&got);
	}
}

static void text(void **state)
{
	(void)state;
	check("<p>Hello,\n  <b>big</b> world<p>again<br>and", "Hello, big world\nagain\nand||");
	check("<td>a</td><td>b</td>", "a b||");
	check("a&amp;b &#228;&#xE4;&euro;&nbsp;x &unknown; &amp &#0; &#150;",
	      "a&b ää€ x &unknown; & \xef\xbf\xbd –||");
	check("1 < 2 <3 & 4", "1 < 2 <3 & 4||");
	check("a<!-- no <b> -- > no -->b<!>c<!---->d<!doctype html>e<?x?>f", "abcdef||");
	check("<style>p{}</style><script>if(a</b){'</scr'}</script>x<title>t</title>y", "xy||");
	check("<SCRIPT src=a.js></SCRIPT >z<style>never", "z||");
	check("gr\xc3\xbc\xc3\x9f\xc2\xa0"
	      "e",
	      "grüß e||");
}

static void hidden(void **state)
{
	(void)state;
	check("a<div style='display:none'>x<p>y</div>b", "a\nb|x y|");
	check("a<span style=\"FONT-SIZE: 0px\">x<b style='font-size:12px'>y</b></span>", "ay|x|");
	check("<font color=white>x</font>y", "y|x|");
	check("<td bgcolor=#000><font color=white>x</font><font color='#010101'>y</font>", "x|y|");
	check("<style>.a{}</style><p style='color:#fff'>x", "x||");
	check("<style>.a{}</style><p style='color:#fff;background:#fefefe'>x", "|x|");
	check("<div style='max-height:0;overflow:hidden'>x</div>y", "y|x|");
	check("<div style='height:0'>x</div>y", "x\ny||");
	check("<p hidden>x</p><p style='opacity:0'>y<p style='visibility:hidden'>z<p>w",
	      "w|x y z|");
	check("<div style='background:url(x.png);color:#fff'>x</div>", "x||");
	check("<p style='color:rgb(254, 254, 254)'>x</p><p style='mso-hide:all'>y", "|x y|");
	check("<p style='font-size:small;color:transparent'>x", "x||");
}

static void links(void **state)
{
	(void)state;
	check("<a href='http://a.example/?x=1&amp;y=2'>bank.example</a>",
	      "bank.example||http://a.example/?x=1&y=2 0=\"bank.example\" ");
	check("<a href=http://a.example>x<a href='b\n.html'>y</a>",
	      "xy||http://a.example 0=\"x\" b.html 1=\"y\" ");
	check("<img src=\"a.png\" width=1 height='1'><area href=m>", "||img:a.png m ");
	check("<div style='display:none'><a href=x>y</a></div>", "|y|hidden:x 0=\"\" ");
	check("<a name=x>y</a><a href=''>z</a>", "yz||");
	check("<form action='/p'><input type=text value='>'></form>", "||/p ");
	check("<a title='a>b' href=\"x\">y</a", "y||x 0=\"y\" ");
}

static void facts(void **state)
{
	struct seen seen = {.count = 0};
	struct buf visible;
	struct buf other;

	(void)state;
	buf_init(&visible, 8);
	buf_init(&other, 8);
	buf_init(&seen.links, 4096);
	struct html_out out = {.text = &visible,
			       .hidden = &other,
			       .ctx = &seen,
			       .link = link_seen,
			       .link_text = link_text_seen};
	struct html *h = html_new(&out);
	assert_non_null(h);
	html_step(h, STR("<form><script>x</script><iframe src=i></iframe><img width=0 height=1px>"
			 "<meta http-equiv=refresh content='0;url=x'><!--c-->123456\xc3\xbc"
			 "890"));
	html_end(h);
	const struct html_facts *f = html_facts(h);
	assert_true(f->has_form && f->has_script && f->has_frame && f->has_refresh);
	assert_int_equal(f->images, 2);
	assert_int_equal(f->zero_images, 1);
	assert_int_equal(f->comments, 1);
	assert_int_equal(f->text_chars, 10);
	assert_true(f->is_text_cut);
	assert_int_equal(visible.len, 8);
	html_reset(h, &out);
	assert_int_equal(html_facts(h)->tags, 0);
	html_free(h);
	html_free(NULL);
	buf_done(&visible);
	buf_done(&other);
	buf_done(&seen.links);
}

static void deep_and_long(void **state)
{
	struct buf html;
	struct buf got;

	(void)state;
	buf_init(&html, 1 << 20);
	buf_init(&got, 1 << 16);
	for (int i = 0; i < 1000; i++) {
		buf_add_cstr(&html, "<div>");
	}
	buf_add_cstr(&html, "x<img src='");
	for (int i = 0; i < 10000; i++) {
		buf_add_char(&html, 'u');
	}
	buf_add_cstr(&html, "'>y");
	read_once(buf_str(&html), html.len, &got);
	assert_true(str_has_prefix(buf_str(&got), STR("xy||img:uuu")));
	assert_true(got.len < 1200);
	buf_done(&html);
	buf_done(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),  cmocka_unit_test(hidden),        cmocka_unit_test(links),
		cmocka_unit_test(facts), cmocka_unit_test(deep_and_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

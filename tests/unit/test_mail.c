/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of mail: messages in, the view out as text; any cut gives the same view.
 */
#include "proto/mail.h"

#include "base/buf.h"
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

#define FLAGS_SHOWN (~(unsigned)MAIL_FLAG_HTML)

static void text_print(struct buf *out, const char *name, struct str s)
{
	if (s.ptr != NULL) {
		buf_printf(out, "%s=%.*s\n", name, STR_ARG(s));
	}
}

static void addrs_print(struct buf *out, const char *name, const struct mail_addrs *list)
{
	for (size_t i = 0; i < list->count; i++) {
		buf_printf(out, "%s=%.*s<%.*s>\n", name, STR_ARG(list->items[i].name),
			   STR_ARG(list->items[i].addr));
	}
}

static void parts_print(struct buf *out, const struct mail_view *v)
{
	for (size_t i = 0; i < v->part_count; i++) {
		const struct mail_part *p = &v->parts[i];
		buf_printf(out, "%u:%.*s %llu", p->depth, STR_ARG(p->type),
			   (unsigned long long)p->size_bytes);
		if (p->name.len > 0) {
			buf_printf(out, " '%.*s'", STR_ARG(p->name));
		}
		buf_printf(out, "%s%s%s", p->is_attachment ? " attachment" : "",
			   p->is_nested ? " nested" : "", p->is_alternative ? " alternative" : "");
		if (p->text_len > 0) {
			buf_printf(out, " [%.*s]",
				   STR_ARG(str_head(str_skip(v->text, p->text_at), p->text_len)));
		}
		buf_add_char(out, '\n');
	}
}

static void view_print(struct buf *out, const struct mail_view *v)
{
	text_print(out, "subject", v->subject);
	addrs_print(out, "from", &v->from);
	addrs_print(out, "to", &v->to);
	addrs_print(out, "cc", &v->cc);
	text_print(out, "id", v->message_id);
	text_print(out, "date", v->date);
	text_print(out, "list", v->list_id);
	parts_print(out, v);
	for (size_t i = 0; i < v->link_count; i++) {
		const struct mail_link *l = &v->links[i];
		buf_printf(out, "link%u %.*s host=%.*s%s%s%s\n", (unsigned)l->from, STR_ARG(l->url),
			   STR_ARG(l->host), l->is_disguised ? " disguised" : "",
			   l->is_hidden ? " hidden" : "", l->is_address ? " address" : "");
	}
	if ((v->flags & FLAGS_SHOWN) != 0) {
		buf_printf(out, "flags=%x\n", v->flags & FLAGS_SHOWN);
	}
}

static char *view_of(struct mail *m, struct str in, size_t step)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	mail_reset(m);
	for (size_t at = 0; at < in.len; at += step) {
		size_t n = in.len - at < step ? in.len - at : step;
		char *piece = malloc(n); /* of its own, so that reading past it is caught */
		assert_non_null(piece);
		memcpy(piece, in.ptr + at, n);
		mail_step(m, (struct str){piece, n});
		free(piece);
	}
	const struct mail_view *v = mail_end(m);
	assert_int_equal(v->size_bytes, in.len);
	assert_true(utf8_is_valid(v->text));
	view_print(&out, v);
	char *text = strdup(out.len == 0 ? "" : buf_cstr(&out));
	buf_done(&out);
	return text;
}

static void check(struct str in, const char *want)
{
	struct mail *m = mail_new(NULL, NULL);

	assert_non_null(m);
	for (size_t step = in.len + 1; step >= 1; step -= step > 90 ? 37 : 1) {
		char *got = view_of(m, in, step);
		if (strcmp(got, want) != 0) {
			print_error("with cuts of %zu\n", step);
		}
		assert_string_equal(got, want);
		free(got);
	}
	mail_free(m);
}

static void headers(void **state)
{
	(void)state;
	check(STR("From: \"Smith, J.\" <j@a.example>\r\nTo: a@b.example, Team: c@d.example,\r\n"
		  "\te@f.example;\r\nCC: (odd) g@h.example (G H)\r\nSubject: one\r\n two\r\n"
		  "Message-ID: <1@a.example>\r\nDate: Sat, 21 Nov 2026 16:47:01 +0000\r\n"
		  "List-Id: News <news.a.example>\r\n\r\nHi\r\n"),
	      "subject=one two\nfrom=Smith, J.<j@a.example>\nto=<a@b.example>\nto=<c@d.example>\n"
	      "to=<e@f.example>\ncc=G H<g@h.example>\nid=<1@a.example>\n"
	      "date=Sat, 21 Nov 2026 16:47:01 +0000\nlist=news.a.example\n0:text/plain 4 [Hi\n]\n"
	      "flags=800000\n");
	/* An mbox line, bare LF, a broken line, a field twice, no body. */
	check(STR("From a@b Sat Nov 21 16:47:01 2026\nSubject: x\nno field\nSubject: y\n"),
	      "subject=x\n0:text/plain 0\nflags=20006\n");
	check(STR(""), "0:text/plain 0\nflags=20000\n");
	check(STR("\r\nbody"), "0:text/plain 4 [body]\n");
	check(STR("Subject: a\r\rb\r\n\r\n"), "subject=a\r\rb\n0:text/plain 0\n");
}

static void encoded_words(void **state)
{
	(void)state;
	check(STR("Subject: =?UTF-8?Q?gr=C3=BC?= =?utf-8?q?n_=3D?= x "
		  "=?iso-8859-1?B?5Q==?=\r\n\r\n"),
	      "subject=grün = x å\n0:text/plain 0\n");
	/* A character over two words; words of two charsets. */
	check(STR("Subject: =?utf-8?B?4oI=?=\r\n =?UTF-8?B?rA==?= =?koi8-r?Q?=C1?=\r\n\r\n"),
	      "subject=€а\n0:text/plain 0\n");
	/* What is none, what is broken, what no charset explains. */
	check(STR("Subject: =?utf-8?X?a?= =?utf-8?q?no end =? ?= =?x?q?\?= \xff\r\n\r\n"),
	      "subject==?utf-8?X?a?= no end =?  \\xFF\n0:text/plain 0\nflags=2018\n");
	check(STR("Subject: =?utf-8?q?=FF=zz?=\r\n\r\n"),
	      "subject=\\xFF=zz\n0:text/plain 0\nflags=10\n");
	check(STR("From: =?utf-8?q?A=2C_B?= <a@b>, \"=?utf-8?q?=C3=BC?=\" <c@d>\r\n\r\n"),
	      "from=A, B<a@b>\nfrom=ü<c@d>\n0:text/plain 0\n");
}

static void odd_addresses(void **state)
{
	(void)state;
	check(STR("From: <@r1,@r2:a@b>\r\nTo: \"x\\\"y\"@z, <no at>, \"open <q@r>\r\n"
		  "Cc: ,, ;a (b (c) \\) d), <>\r\n\r\n"),
	      "from=<a@b>\nto=<\"x\\\"y\"@z>\nto=<no at>\nto=open<q@r>\ncc=b (c) ) d<a>\n"
	      "0:text/plain 0\n");
	check(STR("From: Shop (R) GmbH <a@b>\r\nTo: undisclosed-recipients:;\r\n\r\n"),
	      "from=Shop (R) GmbH<a@b>\n0:text/plain 0\n");
}

static void multipart(void **state)
{
	(void)state;
	check(STR("Content-Type: multipart/mixed; boundary=\"=_x\"\r\n\r\npreamble\r\n--=_x\r\n"
		  "Content-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\n\r\nplain\r\n"
		  "--y \r\nContent-Type: text/html; charset=iso-8859-1\r\n"
		  "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
		  "<p>gr=FC=\r\nn <a "
		  "href=3D\"http://evil.example/\">www.bank.example</a>\r\n--y--\r\n"
		  "epilogue\r\n--=_x\r\nContent-Type: application/zip; name=\"a b.zip\"\r\n"
		  "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n"
		  "UEsDBA==\r\n--=_x--\r\n"),
	      "0:multipart/mixed 0\n1:multipart/alternative 0\n"
	      "2:text/plain 5 alternative [plain]\n"
	      "2:text/html 59 alternative [grün www.bank.example]\n"
	      "1:application/zip 4 'a b.zip' attachment\n"
	      "link1 http://evil.example/ host=evil.example disguised\n"
	      "link0 www.bank.example host=www.bank.example\n");
	/* Lines that look like boundaries; the outer one closes the inner. */
	check(STR("Content-Type: multipart/mixed; boundary=a\n\n--a\n\n-- \n-\n--ab\n--\n--a\n"
		  "Content-Type: multipart/mixed; boundary=ab\n\n--ab\n\nx\n--a--\n"),
	      "0:multipart/mixed 0\n1:text/plain 13 [-- \n-\n--ab\n--]\n"
	      "1:multipart/mixed 0\n2:text/plain 1 [x]\nflags=200\n");
	/* A boundary in a header, and none at all. */
	check(STR("Content-Type: multipart/mixed; boundary=a\n\n--a\nX: y\n--a\n\nz"),
	      "0:multipart/mixed 0\n1:text/plain 0\n1:text/plain 1 [z]\nflags=200\n");
	check(STR("Content-Type: multipart/mixed\n\n--a\n\nx\n"),
	      "0:multipart/mixed 0\nflags=100\n");
}

static void nested(void **state)
{
	(void)state;
	check(STR("Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: in\n"
		  "Content-Type: text/plain\n\nhello\n--a\nContent-Type: "
		  "message/rfc822\n\n--a--\n"),
	      "0:multipart/digest 0\n1:message/rfc822 0\n2:text/plain 5 nested [hello]\n"
	      "1:message/rfc822 0\n2:text/plain 0 nested\n");
}

static void parameters(void **state)
{
	(void)state;
	check(STR("Content-Type: application/x; name*0*=utf-8''%e2%82; name*1*=%ac; name*2=\" x\"\n"
		  "\n"),
	      "0:application/x 0 '€ x'\n");
	check(STR("Content-Type: application/x; x; name=\"=?utf-8?q?=C3=BC?=\"; charset\n\n"),
	      "0:application/x 0 'ü'\n");
	check(STR("Content-Disposition: attachment; filename*=iso-8859-1'de'%FC%2\n"
		  "Content-Type: text\n\nabc"),
	      "0:text/plain 3 'ü%2' attachment\n");
	check(STR("Content-Type: image (a picture)\n\nabc"), "0:application/octet-stream 3\n");
}

static void encodings(void **state)
{
	(void)state;
	check(STR("Content-Transfer-Encoding: quoted-printable\n\na=20b=3D=\nc=\r\n=  \nd=4=zz=4"),
	      "0:text/plain 13 [a b=cd=4=zz=4]\nflags=400\n");
	check(STR("Content-Transfer-Encoding: BASE64\n\naGVs\nbG8=IQ=\n*=IQ"),
	      "0:text/plain 7 [hello!!]\nflags=800\n");
	check(STR("Content-Type: text/plain; charset=nothing\n\n\xc3\xbc\xff\0"),
	      "0:text/plain 4 [ü\\xFF\\x00]\nflags=7000\n");
	check(STR("Content-Type: text/plain\n\na\rb\r\r\nc\r"), "0:text/plain 8 [a\nb\n\nc\n]\n");
}

static void limits(void **state)
{
	struct buf in;

	(void)state;
	buf_init(&in, 1 << 22);
	buf_add_cstr(&in, "Content-Type: multipart/mixed; boundary=a\nSubject: ");
	for (int i = 0; i < 40000; i++) {
		buf_add_cstr(&in, "s\xc3\xbc");
	}
	buf_add_cstr(&in, "\n\n");
	for (int i = 0; i < 200; i++) {
		buf_add_cstr(
			&in,
			"--a\n\nhttp://x.example/ text that is quite a bit longer than that\n");
		for (int k = 0; k < 100; k++) {
			buf_add_cstr(&in, "twenty octets of text");
		}
		buf_add_char(&in, '\n');
	}
	struct mail *m = mail_new(NULL, NULL);
	assert_non_null(m);
	mail_step(m, buf_str(&in));
	const struct mail_view *v = mail_end(m);
	assert_int_equal(v->part_count, MAIL_PARTS_MAX);
	assert_int_equal(v->subject.len, MAIL_STRING_MAX);
	assert_true(v->text.len <= MAIL_TEXT_MAX && v->text.len > MAIL_TEXT_MAX - 4);
	assert_true((v->flags & MAIL_FLAG_PARTS_CUT) != 0);
	assert_true((v->flags & MAIL_FLAG_TEXT_CUT) != 0);
	assert_true((v->flags & MAIL_FLAG_HEADER_LONG) != 0);
	assert_true(mail_size(m) <= MAIL_BYTES_MAX);
	mail_free(m);
	mail_free(NULL);
	buf_done(&in);
}

static void field_seen(void *ctx, struct str name, struct str value)
{
	buf_printf(ctx, "[%.*s|%.*s]", STR_ARG(name), STR_ARG(value));
}

static void fields_and_gaps(void **state)
{
	struct buf seen;

	(void)state;
	buf_init(&seen, 4096);
	struct mail *m = mail_new(field_seen, &seen);
	assert_non_null(m);
	mail_step(m, STR("X-PHP-Script : a.php\r\n for 1\r\nReceived: by x\r\nContent-Type: "
			 "multipart/mixed; boundary=a\r\n\r\n--a\r\nX-In: no\r\n\r\nabc"));
	mail_gap(m, 10);
	mail_step(m, STR("def\r\n--a"));
	mail_gap(m, 2);
	const struct mail_view *v = mail_end(m);
	assert_string_equal(buf_cstr(&seen), "[X-PHP-Script|a.php for 1][Received|by x]"
					     "[Content-Type|multipart/mixed; boundary=a]");
	assert_int_equal(v->lost_bytes, 12);
	assert_int_equal(v->received, 1);
	assert_true((v->flags & MAIL_FLAG_GAP) != 0);
	assert_true(str_has_prefix(v->text, STR("abcdef")));
	mail_reset(m);
	mail_gap(m, 5);
	mail_step(m, STR("bject: x\r\nSubject: y\r\n\r\nz"));
	v = mail_end(m);
	assert_true(str_is_equal(v->subject, STR("y")));
	mail_free(m);
	buf_done(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers),         cmocka_unit_test(encoded_words),
		cmocka_unit_test(odd_addresses),   cmocka_unit_test(multipart),
		cmocka_unit_test(nested),          cmocka_unit_test(parameters),
		cmocka_unit_test(encodings),       cmocka_unit_test(limits),
		cmocka_unit_test(fields_and_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

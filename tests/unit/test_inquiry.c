/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inquiry: ids out of what people have of a notice; nothing that is cut or flipped does harm.
 */
#include "base/prng.h"
#include "doctor/fetch.h"
#include "doctor/inquiry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

static const char mail[] =
	"From: abuse@provider.example\r\nMessage-ID: <notice@provider.example>\r\n"
	"Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n"
	"--b\r\nContent-Type: text/plain\r\n\r\n  Message-ID:  <text@b.example>\r\n"
	"--b\r\nContent-Type: application/json; name=\"postern-notice.json\"\r\n"
	"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	"{\"type\":\"postern-notice\",\"version\":1,\"cases\":[{\"case\":\"7\",\"source\":\"192.0."
	"2.1\",=\r\n"
	"\"report\":{\"url\":\"https://p.example/api/v1/"
	"doctor-reports\",\"token\":\"dr_1.7.a\"},=\r\n"
	"\"samples\":[{\"message_id\":\"<E1tBcDe-0001aB-07@h.example>\",\"time\":\"2026-11-20T10:"
	"00:00Z\",=\r\n"
	"\"headers\":[{\"name\":\"Received\",\"value\":\"from x by h (Postfix) with ESMTP id "
	"4ABCDEF; now\"},=\r\n"
	"{\"name\":\"received\",\"value\":\"from y by z with SMTP id NOTTHIS;\"}]},=\r\n"
	"{\"message_id\":null},{\"message_id\":7}]}]}\r\n--b--\r\n";

static void a_mail_gives_its_case_and_ids(void **state)
{
	struct inquiry q;
	struct errmsg err = {.text = ""};

	(void)state;
	assert_int_equal(inquiry_init(&q), 0);
	assert_int_equal(inquiry_add_notice(&q, STR(mail), &err), 0);
	assert_int_equal(q.case_count, 1);
	assert_string_equal(q.cases[0].id, "7");
	assert_string_equal(q.cases[0].token, "dr_1.7.a");
	assert_int_equal(q.sample_count, 1);
	assert_int_equal(q.samples[0].time.ns, INT64_C(1795168800) * NS_PER_S);
	assert_int_equal(q.samples[0].id_count, 3);
	assert_string_equal(q.ids[0], "<E1tBcDe-0001aB-07@h.example>");
	assert_string_equal(q.ids[1], "1tBcDe-0001aB-07");
	assert_string_equal(q.ids[2], "4ABCDEF");
	inquiry_done(&q);
}

static void headers_give_queue_ids(void **state)
{
	struct inquiry q;
	struct errmsg err;

	(void)state;
	assert_int_equal(inquiry_init(&q), 0);
	assert_int_equal(
		inquiry_add_headers(
			&q,
			STR("Received: (qmail 12345 invoked by uid 33); 1 Jan\n"
			    "Received: by x (qmail 6x invoked by uid 1)\n"
			    "Received: from a by b; id (none) id x\nSubject: Message-ID: <n@n>\n"
			    "Message-ID: <a$b@c>\n\nMessage-ID: <body@b>\n"),
			&err),
		0);
	assert_int_equal(q.id_count, 2);
	assert_string_equal(q.ids[0], "12345");
	assert_string_equal(q.ids[1], "<a$b@c>");
	assert_int_equal(inquiry_add_headers(&q, STR("Subject: x\n\n"), &err), -ENOENT);
	/* The same again adds nothing. */
	inquiry_add_id(&q, "<a$b@c>");
	inquiry_add_id(&q, "E1tBcDe-0001aB-07x@h");
	assert_int_equal(q.id_count, 3);
	assert_int_equal(q.sample_count, 2);
	inquiry_done(&q);
}

static void links_are_taken_apart(void **state)
{
	static const char *const bad[] = {"https://p.example/case/",
					  "https://p.example/case/x?key=k",
					  "https://p.example/case/1",
					  "https://p.example/case/1?key=",
					  "https://p.example/case/12345678901234567890?key=k",
					  "https://p.example/cases/1?key=k",
					  ""};
	struct inquiry q;
	struct inquiry_case c;

	(void)state;
	assert_int_equal(inquiry_init(&q), 0);
	assert_true(inquiry_take_link(&q, STR("https://p.example/case/12?key=ab"), &c));
	assert_string_equal(c.link, "https://p.example");
	assert_string_equal(c.id, "12");
	assert_string_equal(c.token, "ab");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_false(inquiry_take_link(&q, str_of(bad[i]), &c));
	}
	inquiry_done(&q);
}

static void cut_and_flipped_notices_do_no_harm(void **state)
{
	struct prng rng = {.state = 7};
	struct errmsg err;
	char *copy = malloc(sizeof(mail));

	(void)state;
	assert_non_null(copy);
	for (size_t n = 0; n < sizeof(mail) + 600; n++) {
		struct inquiry q;
		size_t len = n < sizeof(mail) ? n : sizeof(mail) - 1;
		memcpy(copy, mail, sizeof(mail));
		for (size_t k = 0; n >= sizeof(mail) && k < 8; k++) {
			copy[prng_below(&rng, (uint32_t)len)] ^= (char)(1U << prng_below(&rng, 8));
		}
		char *exact = malloc(len + 1);
		assert_non_null(exact);
		memcpy(exact, copy, len);
		assert_int_equal(inquiry_init(&q), 0);
		(void)(inquiry_add_notice(&q, (struct str){exact, len}, &err) < 0);
		(void)(inquiry_add_headers(&q, (struct str){exact, len}, &err) < 0);
		for (size_t i = 0; i < q.sample_count; i++) {
			assert_true(q.samples[i].first_id + q.samples[i].id_count <= q.id_count);
		}
		inquiry_done(&q);
		free(exact);
	}
	free(copy);
}

static void only_some_addresses_are_asked(void **state)
{
	static const char *const good[] = {"https://p.example/x",  "HTTPS://p.example:8443?a",
					   "http://127.0.0.1:80/", "http://[::1]/",
					   "http://localhost",     "https://[2001:db8::1]/"};
	static const char *const bad[] = {"",
					  "p.example",
					  "ftp://p.example",
					  "file:///etc/passwd",
					  "http://p.example",
					  "http://127.0.0.1.x.example/",
					  "https://a@p.example",
					  "https://",
					  "https:///x",
					  "https://p.example/\"",
					  "https://p.example/\n",
					  "http://127.x/",
					  "http://[::2]/",
					  "http://0.0.0.0/"};
	struct errmsg err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_int_equal(fetch_check(good[i], &err), 0);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(fetch_check(bad[i], &err), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_gives_its_case_and_ids),
		cmocka_unit_test(headers_give_queue_ids),
		cmocka_unit_test(links_are_taken_apart),
		cmocka_unit_test(cut_and_flipped_notices_do_no_harm),
		cmocka_unit_test(only_some_addresses_are_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

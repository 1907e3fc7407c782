/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_postfix: records as Postfix 3.7 writes them, and files that nobody should believe.
 */
#include "proto/queue_postfix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

struct made {
	char octets[4096];
	size_t len;
};

static void put(struct made *m, char type, const char *text)
{
	size_t len = strlen(text);

	m->octets[m->len++] = type;
	if (len >= 128) {
		m->octets[m->len++] = (char)(0x80 | (len & 0x7F));
	}
	m->octets[m->len++] = (char)(len >= 128 ? len >> 7 : len);
	memcpy(m->octets + m->len, text, len);
	m->len += len;
}

static void put_head(struct made *m)
{
	put(m, 'C',
	    "            338             695               2               0             338"
	    "               0");
	put(m, 'T', "1795795549 416716");
	put(m, 'A', "create_time=1795795550");
	put(m, 'A', "rewrite_context=remote");
	put(m, 'S', "info@shop.example");
}

struct seen {
	char rcpts[256];
};

static void see_rcpt(void *ctx, struct str rcpt, bool is_done)
{
	struct seen *s = ctx;
	size_t len = strlen(s->rcpts);

	(void)snprintf(s->rcpts + len, sizeof(s->rcpts) - len, "%s%.*s ", is_done ? "!" : "",
		       STR_ARG(rcpt));
}

/* The file in memory that ends where it ends: one octet too far is seen by the sanitizer. */
static char *exact;

static int parse(const struct made *m, struct buf *content, struct seen *seen,
		 struct queue_mail *ret)
{
	struct queue_sink sink = {.content = content, .on_rcpt = see_rcpt, .ctx = seen};

	free(exact);
	exact = malloc(m->len);
	assert_non_null(exact);
	memcpy(exact, m->octets, m->len);
	buf_init(content, 1024);
	memset(seen, 0, sizeof(*seen));
	return queue_postfix_parse((struct str){exact, m->len}, STR("663C9AB63DE"), &sink, ret);
}

static void smtp_mail(void **state)
{
	(void)state;
	struct made m = {.len = 0};
	struct queue_mail q;
	struct seen seen;
	struct buf content;

	put_head(&m);
	put(&m, 'A', "log_client_name=unknown");
	put(&m, 'A', "log_client_address=203.0.113.77");
	put(&m, 'A', "sasl_method=LOGIN");
	put(&m, 'A', "sasl_username=info@shop.example");
	put(&m, 'O', "a@big.example");
	put(&m, 'D', "a@big.example");
	put(&m, 'R', "b@big.example");
	put(&m, 'M', "");
	put(&m, 'N', "Subject: one");
	put(&m, 'N', "");
	put(&m, 'L', "half ");
	put(&m, 'N', "line");
	put(&m, 'A', "sasl_username=innocent@shop.example");
	put(&m, 'X', "");
	put(&m, 'E', "");
	assert_int_equal(parse(&m, &content, &seen, &q), 0);
	assert_true(str_is_equal(q.account, STR("info@shop.example")));
	assert_true(str_is_equal(q.sender, STR("info@shop.example")));
	assert_true(str_is_equal(q.client_addr, STR("203.0.113.77")));
	assert_true(q.arrival.ns == 1795795549416716000);
	assert_int_equal(q.rcpts, 2);
	assert_int_equal(q.rcpts_done, 1);
	assert_true(q.is_complete);
	assert_string_equal(seen.rcpts, "!a@big.example b@big.example ");
	assert_true(str_is_equal(buf_str(&content), STR("Subject: one\n\nhalf line\n")));
	buf_done(&content);
}

/* pickup's own Received line on top says the uid; a copy of it further down says nothing. */
static void local_mail_has_a_uid(void **state)
{
	(void)state;
	static const char *const tops[] = {
		"Received: by mx.test (Postfix, from userid 33)",
		"Received: from x (Postfix, from userid 0) (localhost [127.0.0.1])",
		"X-First: 1",
	};

	for (size_t i = 0; i < COUNT_OF(tops); i++) {
		struct made m = {.len = 0};
		struct queue_mail q;
		struct seen seen;
		struct buf content;
		put_head(&m);
		put(&m, 'M', "");
		put(&m, 'N', tops[i]);
		put(&m, 'N', "\tid 663C9AB63DE; Fri, 27 Nov 2026 16:05:48 +0000 (UTC)");
		put(&m, 'N', "Received: by mx.test (Postfix, from userid 0)");
		put(&m, 'N', "\tid 663C9AB63DE; Fri, 27 Nov 2026 16:05:48 +0000 (UTC)");
		put(&m, 'X', "");
		put(&m, 'R', "v@x.example");
		put(&m, 'E', "");
		assert_int_equal(parse(&m, &content, &seen, &q), 0);
		assert_true(q.has_uid == (i == 0));
		assert_int_equal(q.uid, i == 0 ? 33 : 0);
		assert_int_equal(q.rcpts, 1);
		buf_done(&content);
	}
}

/* A milter's change lives elsewhere in the file: the pointer is followed there and back. */
static void pointers_are_followed(void **state)
{
	(void)state;
	struct made m = {.len = 0};
	struct queue_mail q;
	struct seen seen;
	struct buf content;
	char number[32];

	put_head(&m);
	put(&m, 'R', "b@big.example");
	put(&m, 'p', "0              ");
	put(&m, 'M', "");
	put(&m, 'N', "A: 1");
	size_t here = m.len;
	put(&m, 'p', "000000000000000");
	put(&m, 'w', "B: 2 as it was");
	size_t back = m.len;
	put(&m, 'N', "C: 3");
	put(&m, 'X', "");
	put(&m, 'E', "");
	size_t there = m.len;
	put(&m, 'N', "B: changed");
	(void)snprintf(number, sizeof(number), "%zu", back);
	put(&m, 'p', number);
	(void)snprintf(number, sizeof(number), "%-15zu", there);
	memcpy(m.octets + here + 2, number, 15);
	assert_int_equal(parse(&m, &content, &seen, &q), 0);
	assert_true(q.is_complete);
	assert_true(str_is_equal(buf_str(&content), STR("A: 1\nB: changed\nC: 3\n")));
	buf_done(&content);
}

static void a_circle_of_pointers_ends(void **state)
{
	(void)state;
	struct made m = {.len = 0};
	struct queue_mail q;
	struct seen seen;
	struct buf content;
	char number[32];

	put_head(&m);
	size_t here = m.len;
	put(&m, 'R', "b@big.example");
	(void)snprintf(number, sizeof(number), "%zu", here);
	put(&m, 'p', number);
	assert_int_equal(parse(&m, &content, &seen, &q), 0);
	assert_false(q.is_complete);
	buf_done(&content);
}

static void every_cut_and_every_flip_ends(void **state)
{
	(void)state;
	struct made whole = {.len = 0};

	put_head(&whole);
	put(&whole, 'A', "sasl_username=info@shop.example");
	put(&whole, 'R', "b@big.example");
	put(&whole, 'M', "");
	put(&whole, 'N', "Subject: one");
	put(&whole, 'X', "");
	put(&whole, 'E', "");
	for (size_t i = 0; i < whole.len * 2; i++) {
		struct made m = whole;
		struct queue_mail q;
		struct seen seen;
		struct buf content;
		if (i < whole.len) {
			m.len = i;
		} else {
			m.octets[i - whole.len] = (char)(m.octets[i - whole.len] ^ 0x91);
		}
		if (m.len > 0 && parse(&m, &content, &seen, &q) == 0) {
			assert_true(i >= whole.len || !q.is_complete);
			assert_true(content.len <= 1024);
			buf_done(&content);
		}
	}
}

static void names(void **state)
{
	(void)state;
	assert_true(queue_postfix_is_id(STR("663C9AB63DE")));
	assert_true(queue_postfix_is_id(STR("4bGXyz3tBrz3tG5")));
	assert_false(queue_postfix_is_id(STR("-d")));
	assert_false(queue_postfix_is_id(STR("A/../../etc")));
	assert_false(queue_postfix_is_id(STR("ABC")));
	assert_false(queue_postfix_is_id(STR("ALL")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(smtp_mail),
		cmocka_unit_test(local_mail_has_a_uid),
		cmocka_unit_test(pointers_are_followed),
		cmocka_unit_test(a_circle_of_pointers_ends),
		cmocka_unit_test(every_cut_and_every_flip_ends),
		cmocka_unit_test(names),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(exact);
	return failed;
}

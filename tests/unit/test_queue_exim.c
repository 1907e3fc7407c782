/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_exim: -H files as Exim 4.96 writes them, older and newer forms, and broken ones.
 */
#include "proto/queue_exim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define AUTH                                                                                       \
	"1xWySD-00000F-1z-H\nDebian-exim 9999 9999\n<info@shop.example>\n1795795541 0\n"           \
	"-received_time_usec .619291\n--helo_name x\n-host_address [203.0.113.77]:57356\n"         \
	"-host_auth plain\n-aclm _x 17\na\nb -auth_id evil\n-aclc y 17\n-auth_id innocent\n"       \
	"--auth_id info@shop.example\n-frozen 1795795541\n-tls_resumption A\n"                     \
	"YN c@x.example\nNN B@x.example\n3\nb@x.example\nc@x.example\n"                            \
	"\"d d\"@x.example boss@x.example 14,-1#1\n\n"                                             \
	"014  Subject: auth\n012* X-Gone: 1\n\n014P Received: yes\n"

static void see_rcpt(void *ctx, struct str rcpt, bool is_done)
{
	char *out = ctx;
	size_t len = strlen(out);

	(void)snprintf(out + len, 256 - len, "%s%.*s ", is_done ? "!" : "", STR_ARG(rcpt));
}

static void account_and_recipients(void **state)
{
	(void)state;
	struct queue_mail q;
	struct buf content;
	char rcpts[256] = "";
	struct queue_sink sink = {.content = &content, .on_rcpt = see_rcpt, .ctx = rcpts};
	const char text[] =
		"1xWySD-00000F-1z-H\nDebian-exim 9999 9999\n<info@shop.example>\n1795795541 0\n"
		"-received_time_usec .619291\n--helo_name x\n-host_address [203.0.113.77]:57356\n"
		"-host_auth plain\n--auth_id info@shop.example\n-aclm _x 17\na\nb -auth_id evil\n"
		"-aclc y 17\n-auth_id innocent\n-frozen 1795795541\n"
		"YN c@x.example\nNN B@x.example\n3\nb@x.example\nc@x.example\n"
		"\"d d\"@x.example boss@x.example 14,-1#1\n\n"
		"014  Subject: auth\n011* X-Gone: 1\n013P Received: yes";

	buf_init(&content, 1024);
	assert_int_equal(queue_exim_parse(str_of(text), STR_EMPTY, &sink, &q), 0);
	assert_true(str_is_equal(q.account, STR("info@shop.example")));
	assert_true(str_is_equal(q.client_addr, STR("203.0.113.77")));
	assert_false(q.has_uid);
	assert_true(q.is_frozen);
	assert_true(q.arrival.ns == 1795795541619291000);
	assert_int_equal(q.rcpts, 3);
	assert_int_equal(q.rcpts_done, 2);
	assert_string_equal(rcpts, "!b@x.example !c@x.example \"d d\"@x.example ");
	assert_true(q.is_complete);
	assert_true(str_is_equal(buf_str(&content), STR("Subject: auth\nReceived: yes\n")));

	/* What the journal says is done is done. */
	rcpts[0] = '\0';
	buf_clear(&content);
	assert_int_equal(queue_exim_parse(str_of(text), STR("\"d d\"@x.example\n"), &sink, &q), 0);
	assert_int_equal(q.rcpts_done, 3);
	buf_done(&content);
}

static void local_user(void **state)
{
	(void)state;
	struct queue_mail q;
	struct buf content;
	struct queue_sink sink = {.content = &content};

	buf_init(&content, 1024);
	/* 23 characters, a login with a blank, the login again as auth_id. */
	assert_int_equal(
		queue_exim_parse(STR("1xUpDM-00000000821-1YQq-H\nu 42 1042 33\n<>\n1795795541 0\n"
				     "-ident u42\n-auth_id u42\n-local\nXX\n1\nv@x.example\n\n"
				     "015  Subject: hello\n"),
				 STR_EMPTY, &sink, &q),
		0);
	assert_true(str_is_equal(q.login, STR("u 42")));
	assert_int_equal(q.uid, 1042);
	assert_true(q.has_uid && q.has_sender && q.sender.len == 0);
	assert_int_equal(q.account.len, 0);
	assert_true(q.is_complete);
	buf_done(&content);
}

static void old_address_form(void **state)
{
	(void)state;
	struct queue_mail q;
	struct queue_sink sink = {.content = NULL};

	assert_int_equal(queue_exim_parse(STR("1xUpDM-00082o-1Y-H\nmail 8 8\n<a@b>\n1 0\n"
					      "-host_address 2001:db8::1.4711\nXX\n0\n\n"),
					  STR_EMPTY, &sink, &q),
			 0);
	assert_true(str_is_equal(q.client_addr, STR("2001:db8::1")));
	assert_true(q.is_complete);
}

static void every_cut_ends(void **state)
{
	(void)state;
	const struct str whole = STR(AUTH);

	for (size_t i = 0; i < whole.len * 2; i++) {
		size_t len = i < whole.len ? i : whole.len;
		char *exact = malloc(len == 0 ? 1 : len);
		struct queue_mail q;
		struct buf content;
		struct queue_sink sink = {.content = &content};
		assert_non_null(exact);
		memcpy(exact, whole.ptr, len);
		if (i >= whole.len) {
			exact[i - whole.len] = (char)(exact[i - whole.len] ^ 0x15);
		}
		buf_init(&content, 64);
		if (queue_exim_parse((struct str){exact, len}, STR_EMPTY, &sink, &q) == 0) {
			assert_true(content.len <= 64 && q.rcpts_done <= q.rcpts);
		}
		buf_done(&content);
		free(exact);
	}
}

static void names(void **state)
{
	(void)state;
	assert_true(queue_exim_is_id(STR("1xWySD-00000F-1z")));
	assert_true(queue_exim_is_id(STR("1xUpDM-00000000821-1YQq")));
	assert_false(queue_exim_is_id(STR("1xWySD-00000F-1z-H")));
	assert_false(queue_exim_is_id(STR("1xWySD-00000F")));
	assert_false(queue_exim_is_id(STR("../../x-00000F-1z")));
	assert_false(queue_exim_is_id(STR("-Mrm")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(account_and_recipients),
		cmocka_unit_test(local_user),
		cmocka_unit_test(old_address_form),
		cmocka_unit_test(every_cut_ends),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_plain: messages in the queues of qmail and sendmail.
 */
#include "proto/queue_plain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define QF                                                                                         \
	"V8\nT1795795541\nK0\nN0\nP30520\nMDeferred\nFbs\n$_[192.0.2.9]\n$rESMTPA\n"               \
	"${auth_authen}info@shop.example\n$_mail.example [203.0.113.77]\n"                         \
	"S<info@shop.example>\nRPFD:<a@big.example>\nrRFC822; b\nRPFD:b@big.example\n"             \
	"H?P?Return-Path: <x>\nH??Received: from x\n\tby y\nH??Subject: one\n.\nSlater\n"

static void sendmail(void **state)
{
	(void)state;
	struct queue_mail m;
	struct buf content;
	const struct queue_sink sink = {.content = &content};

	buf_init(&content, 256);
	assert_int_equal(queue_sendmail_parse(STR(QF), &sink, &m), 0);
	assert_true(str_is_equal(m.account, STR("info@shop.example")));
	assert_true(str_is_equal(m.client_addr, STR("203.0.113.77")));
	assert_true(str_is_equal(m.sender, STR("info@shop.example")));
	assert_int_equal(m.rcpts, 2);
	assert_true(m.arrival.ns == 1795795541 * NS_PER_S);
	assert_true(m.is_complete);
	assert_true(
		str_is_equal(buf_str(&content),
			     STR("Return-Path: <x>\nReceived: from x\n\tby y\nSubject: one\n\n")));
	buf_clear(&content);
	assert_int_equal(queue_sendmail_parse(STR("V8\n$_anna@localhost\nS<>\n.\n"), &sink, &m), 0);
	assert_true(str_is_equal(m.login, STR("anna")) && m.sender.len == 0);
	assert_int_equal(queue_sendmail_parse(STR("no"), &sink, &m), -EBADMSG);
	buf_done(&content);
}

static void qmail(void **state)
{
	(void)state;
	struct queue_mail m;
	struct buf content;
	const struct queue_sink sink = {.content = &content};
	struct queue_qmail_files f = {
		.mess = STR(
			"Received: (qmail 4711 invoked by uid 1010); 27 Nov 2026\nSubject: x\n\n"),
		.info = STR("Fwww@shop.example\0"),
		.remote = STR("Ta@b.example\0Dc@d.example\0Te@f"),
		.local = STR("Thome@here\0"),
	};

	buf_init(&content, 256);
	assert_int_equal(queue_qmail_parse(&f, &sink, &m), 0);
	assert_true(m.has_uid && m.uid == 1010);
	assert_int_equal(m.rcpts, 4);
	assert_int_equal(m.rcpts_done, 1);
	f.mess = STR(
		"Received: (qmail 1 invoked from network); x\nReceived: (qmail 4711 invoked by "
		"uid 0)\n");
	assert_int_equal(queue_qmail_parse(&f, &sink, &m), 0);
	assert_false(m.has_uid);
	f.info = STR("");
	assert_int_equal(queue_qmail_parse(&f, &sink, &m), -EBADMSG);
	buf_done(&content);
}

static void every_cut_ends(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(QF); len++) {
		char *exact = malloc(len + 1);
		struct queue_mail m;
		struct buf content;
		const struct queue_sink sink = {.content = &content};
		assert_non_null(exact);
		memcpy(exact, QF, len);
		buf_init(&content, 40);
		int r = queue_sendmail_parse((struct str){exact, len}, &sink, &m);
		assert_true(r == 0 || r == -EBADMSG);
		buf_done(&content);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sendmail),
		cmocka_unit_test(qmail),
		cmocka_unit_test(every_cut_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

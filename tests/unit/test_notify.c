/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: holes are filled and never filled twice; a mail is US-ASCII in short lines; a session
 * with a mail server ends as it should, whatever the server says and whenever it goes.
 */
#include "notify/mime.h"
#include "notify/smtp.h"
#include "notify/template.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

/* ---- templates ---- */

static const char *filled(const char *text, int want)
{
	static char result[1024];
	struct template_vars v = {.count = 0};
	struct errmsg err = {.text = ""};
	struct buf out;

	template_set(&v, "name", STR("b1"));
	template_set(&v, "empty", STR_EMPTY);
	template_set(&v, "evil", STR("{{name}}{{#name}}"));
	buf_init(&out, sizeof(result) - 1);
	assert_int_equal(template_fill(str_of(text), &v, &out, &err), want);
	assert_true(str_copy(result, sizeof(result), want == 0 ? buf_str(&out) : str_of(err.text)));
	buf_done(&out);
	return result;
}

static void holes_are_filled_once(void **state)
{
	(void)state;
	assert_string_equal(filled("a {{name}} c\n", 0), "a b1 c\n");
	assert_string_equal(filled("{{evil}}", 0), "{{name}}{{#name}}\n");
	assert_string_equal(filled("{{#name}}\nyes\n{{/name}}\n{{^name}}\nno\n{{/name}}\n", 0),
			    "yes\n");
	assert_string_equal(
		filled("{{#empty}}\nyes\n{{/empty}}\n{{^empty}}\nno\n{{/empty}}\nx\n", 0),
		"no\nx\n");
	assert_string_equal(
		filled("a{{#name}} in {{name}}{{/name}}{{#empty}} not{{/empty}} z\n", 0),
		"a in b1 z\n");
	assert_string_equal(filled("\n{{#empty}}x\ny{{/empty}}z\n", 0), "\nz\n");
}

static void mistakes_are_named_with_their_line(void **state)
{
	(void)state;
	assert_string_equal(filled("a\n{{nobody}}\n", -EINVAL),
			    "line 2: nothing is called 'nobody'");
	assert_string_equal(filled("{{name\n", -EINVAL), "line 1: '{{' without '}}'");
	assert_string_equal(filled("{{#name}}\n", -EINVAL), "'name' is never closed");
	assert_string_equal(filled("{{/name}}\n", -EINVAL), "line 1: 'name' is not open");
	assert_string_equal(filled("{{#name}}{{#empty}}{{/empty}}{{/name}}\n", -EINVAL),
			    "line 1: sections do not nest");
}

static void every_text_is_there(void **state)
{
	(void)state;
	for (unsigned id = 0; id < TEMPLATE_COUNT; id++) {
		assert_true(templates_get(NULL, "xx", (enum template_id)id).len > 20);
	}
}

/* ---- mail ---- */

static void a_mail_is_plain_octets_in_short_lines(void **state)
{
	(void)state;
	char every_octet[256];
	struct buf out;

	for (size_t i = 0; i < sizeof(every_octet); i++) {
		every_octet[i] = (char)i;
	}
	const struct mime_mail m = {
		.from = STR("abuse@provider.example"),
		.to = STR("owner@b.example\r\nBcc: x@y.example"),
		.subject = STR("Stopped: 日本語 日本語 日本語 日本語 日本語 日本語 日本語 日本語"),
		.message_id = STR("<1@p>"),
		.cases = STR("1"),
		.text = STR("From here\n.\nünïcode = 100%\ntrailing \nx\n"),
		.attachments = {{.name = STR("a.eml.txt"),
				 .content = {every_octet, sizeof(every_octet)}}},
		.attachment_count = 1,
	};
	buf_init(&out, 1 << 20);
	assert_int_equal(mime_write(&m, &out), 0);
	struct str rest = buf_str(&out);
	while (rest.len > 0) {
		struct str line = str_take_until(&rest, '\n');
		assert_true(line.len > 0 && line.ptr[line.len - 1] == '\r');
		assert_true(line.len <= 77);
		for (size_t i = 0; i + 1 < line.len; i++) {
			assert_true(line.ptr[i] >= ' ' && line.ptr[i] <= '~');
		}
		assert_false(str_has_prefix(line, STR("Bcc")));
		assert_false(str_has_prefix(line, STR("From here")));
	}
	assert_true(str_find(buf_str(&out), STR("Date: Thu, 1 Jan 1970 00:00:00 +0000")) < out.len);
	buf_done(&out);
}

static void strangers_text_is_made_harmless(void **state)
{
	(void)state;
	struct buf out;

	buf_init(&out, 1024);
	text_add_clean(&out,
		       STR("a\r\nb\tc\x1b[31m\xff ü \xe2\x80\xae"
			   "drow"),
		       100);
	assert_string_equal(buf_cstr(&out), "a??b c?[31m? ü ?drow");
	buf_clear(&out);
	text_add_clean(&out, STR("aüb"), 2);
	assert_string_equal(buf_cstr(&out), "a…");
	buf_done(&out);
}

/* ---- sessions ---- */

/* A mail server that says what the script says: "|" ends what it says before it hears a line, "!"
 * ends the connection. */
struct server {
	struct loop *loop;
	int listener;
	int fd;
	struct loop_event *on_accept;
	struct loop_event *on_read;
	const char *script;
	bool in_data;
	struct buf heard;
	char endpoint[64];
	/* the client's side */
	bool allow_dot;
	unsigned dots;
	bool is_done;
	enum smtp_outcome outcome;
	char text[256];
};

static void say_next(struct server *s)
{
	size_t n = strcspn(s->script, "|!");

	assert_int_equal(write(s->fd, s->script, n), (ssize_t)n);
	s->in_data = strncmp(s->script, "354", 3) == 0;
	s->script += n;
	if (*s->script == '!') {
		loop_event_free(s->on_read);
		s->on_read = NULL;
		close(s->fd);
		s->fd = -1;
	} else if (*s->script == '|') {
		s->script++;
	}
}

static void server_reads(int fd, unsigned ready, void *ctx)
{
	struct server *s = ctx;
	char octets[65536];
	ssize_t n = read(fd, octets, sizeof(octets));

	(void)ready;
	if (n <= 0) {
		loop_event_free(s->on_read);
		s->on_read = NULL;
		return;
	}
	buf_add(&s->heard, (struct str){octets, (size_t)n});
	struct str all = buf_str(&s->heard);
	if (!s->in_data || str_has_suffix(all, STR("\r\n.\r\n"))) {
		say_next(s);
	}
}

static void server_accepts(int fd, unsigned ready, void *ctx)
{
	struct server *s = ctx;

	(void)ready;
	s->fd = accept(fd, NULL, NULL);
	assert_true(s->fd >= 0);
	s->on_read = loop_fd(s->loop, s->fd, LOOP_READ, server_reads, s);
	say_next(s);
}

static bool dot(void *ctx)
{
	struct server *s = ctx;

	s->dots++;
	return s->allow_dot;
}

static void done(void *ctx, enum smtp_outcome outcome, struct str text)
{
	struct server *s = ctx;

	s->is_done = true;
	s->outcome = outcome;
	(void)str_copy(s->text, sizeof(s->text), text);
}

static const struct smtp_ops ops = {.dot = dot, .done = done};

static void server_start(struct server *s, const char *script)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	*s = (struct server){.loop = loop_new(), .fd = -1, .script = script, .allow_dot = true};
	buf_init(&s->heard, 1 << 20);
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(s->listener >= 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->listener, 1), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
	s->on_accept = loop_fd(s->loop, s->listener, LOOP_READ, server_accepts, s);
	(void)snprintf(s->endpoint, sizeof(s->endpoint), "127.0.0.1:%u", ntohs(at.sin_port));
}

static void server_stop(struct server *s)
{
	loop_event_free(s->on_read);
	loop_event_free(s->on_accept);
	if (s->fd >= 0) {
		close(s->fd);
	}
	close(s->listener);
	buf_done(&s->heard);
	loop_free(s->loop);
}

static void send_to(struct server *s, struct str mail)
{
	const struct smtp_letter letter = {
		.endpoint = str_of(s->endpoint),
		.helo = STR("desk.example"),
		.from = STR("abuse@p.example"),
		.to = STR("owner@b.example"),
		.mail = mail,
	};
	struct smtp_session *session = NULL;
	struct errmsg err;

	assert_int_equal(smtp_start(s->loop, &letter, &ops, s, &session, &err), 0);
	for (int i = 0; i < 500 && !s->is_done; i++) {
		loop_turn(s->loop, 20);
	}
	assert_true(s->is_done);
}

#define GOOD "220 hi\r\n|250-me\r\n250 SIZE 1\r\n|250 ok\r\n|250 ok\r\n|354 go\r\n|"

static void a_letter_is_taken(void **state)
{
	(void)state;
	struct server s;

	server_start(&s, GOOD "250 2.0.0 queued as 1\r\n|221 bye\r\n!");
	send_to(&s, STR("A: b\n\n.one\r\n..two\n"));
	assert_int_equal(s.outcome, SMTP_TAKEN);
	assert_int_equal(s.dots, 1);
	assert_non_null(strstr(buf_cstr(&s.heard),
			       "EHLO desk.example\r\nMAIL FROM:<abuse@p.example>\r\n"
			       "RCPT TO:<owner@b.example>\r\nDATA\r\n"
			       "A: b\r\n\r\n..one\r\n...two\r\n.\r\n"));
	server_stop(&s);
}

struct end {
	const char *script;
	enum smtp_outcome outcome;
	unsigned dots;
};

static void every_end_has_its_outcome(void **state)
{
	(void)state;
	static const struct end ends[] = {
		{"!", SMTP_LATER, 0},
		{"421 busy\r\n!", SMTP_LATER, 0},
		{"554 go away\r\n!", SMTP_REFUSED, 0},
		{"hello\r\n|", SMTP_LATER, 0},
		{"220 hi\r\n|!", SMTP_LATER, 0},
		{"220 hi\r\n|250 me\r\n|451 not now\r\n|", SMTP_LATER, 0},
		{"220 hi\r\n|250 me\r\n|250 ok\r\n|550 5.1.1 unknown\r\n|", SMTP_REFUSED, 0},
		{"220 hi\r\n|250 me\r\n|250 ok\r\n|250 ok\r\n|451 no\r\n|", SMTP_LATER, 0},
		{"220 hi\r\n|250 me\r\n|250 ok\r\n|250 ok\r\n|250 ok\r\n|", SMTP_LATER, 0},
		{GOOD "451 disk full\r\n|", SMTP_LATER, 1},
		{GOOD "554 spam\r\n|", SMTP_REFUSED, 1},
		{GOOD "!", SMTP_UNSURE, 1},
		{GOOD "what?\r\n|", SMTP_UNSURE, 1},
		/* STARTTLS offered, then refused: on without it. */
		{"220 hi\r\n|250-me\r\n250-starttls\r\n250 X\r\n|454 not now\r\n|250 ok\r\n|250 "
		 "ok\r\n"
		 "|354 go\r\n|250 ok\r\n|!",
		 SMTP_TAKEN, 1},
		/* Words before the handshake are an intruder's. */
		{"220 hi\r\n|250-me\r\n250 STARTTLS\r\n|220 go\r\n250 injected\r\n|", SMTP_LATER,
		 0},
	};

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		struct server s;
		server_start(&s, ends[i].script);
		send_to(&s, STR("A: b\r\n\r\nc\r\n"));
		assert_int_equal(s.outcome, ends[i].outcome);
		assert_int_equal(s.dots, ends[i].dots);
		server_stop(&s);
	}
}

static void what_cannot_be_noted_does_not_leave(void **state)
{
	(void)state;
	struct server s;

	server_start(&s, GOOD "250 ok\r\n|");
	s.allow_dot = false;
	send_to(&s, STR("A: b\r\n\r\nc\r\n"));
	assert_int_equal(s.outcome, SMTP_LATER);
	assert_false(str_has_suffix(buf_str(&s.heard), STR("\r\n.\r\n")));
	server_stop(&s);
}

static void an_address_cannot_end_its_command(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "a@b>\r\nRCPT TO:<c@d", "a b@c", "a\nb@c"};
	struct loop *l = loop_new();
	struct smtp_session *session = NULL;
	struct errmsg err;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct smtp_letter letter = {.endpoint = STR("127.0.0.1:1"),
						   .helo = STR("h"),
						   .from = STR("a@b"),
						   .to = str_of(bad[i]),
						   .mail = STR("x")};
		assert_int_equal(smtp_start(l, &letter, &ops, NULL, &session, &err), -EINVAL);
	}
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holes_are_filled_once),
		cmocka_unit_test(mistakes_are_named_with_their_line),
		cmocka_unit_test(every_text_is_there),
		cmocka_unit_test(a_mail_is_plain_octets_in_short_lines),
		cmocka_unit_test(strangers_text_is_made_harmless),
		cmocka_unit_test(a_letter_is_taken),
		cmocka_unit_test(every_end_has_its_outcome),
		cmocka_unit_test(what_cannot_be_noted_does_not_leave),
		cmocka_unit_test(an_address_cannot_end_its_command),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

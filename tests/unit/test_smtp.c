/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of smtp: conversations in, events out as text; any cut gives the same text.
 */
#include "proto/smtp.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

/* One piece of a conversation, in the order of the wire. */
struct said {
	char who; /* 'C', 'S': octets; 'c', 's': a gap of n octets */
	const char *text;
	size_t len; /* of text, or the gap's n */
};

#define C(s)                                                                                       \
	{                                                                                          \
		'C', (s), sizeof(s) - 1                                                            \
	}
#define S(s)                                                                                       \
	{                                                                                          \
		'S', (s), sizeof(s) - 1                                                            \
	}
#define CLIENT_GAP(n)                                                                              \
	{                                                                                          \
		'c', NULL, (n)                                                                     \
	}
#define SERVER_GAP(n)                                                                              \
	{                                                                                          \
		's', NULL, (n)                                                                     \
	}

struct seen {
	struct buf out;
	bool is_in_body; /* spans that follow each other are one */
};

static void message_print(struct buf *out, const struct smtp_message *m)
{
	buf_printf(out, "\n#%u %s from=%.*s to=", m->index, smtp_outcome_name(m->outcome),
		   STR_ARG(m->mail_from.ptr == NULL ? STR("?") : m->mail_from));
	for (size_t i = 0; i < m->rcpt_count; i++) {
		buf_printf(out, "%s%.*s:%u", i == 0 ? "" : ",", STR_ARG(m->rcpts[i].address),
			   m->rcpts[i].code);
	}
	buf_printf(out, " %u+%u/%u size=%llu", m->rcpts_accepted, m->rcpts_refused, m->rcpts_seen,
		   (unsigned long long)m->size_bytes);
	if (m->lost_bytes > 0) {
		buf_printf(out, " lost=%llu", (unsigned long long)m->lost_bytes);
	}
	if (m->flags != 0) {
		buf_printf(out, " flags=%x", m->flags);
	}
	buf_printf(out, " %u %s '%.*s'", m->reply_code,
		   m->reply_code == 0 ? "-" : smtp_command_name(m->reply_to), STR_ARG(m->reply));
}

static void seen_event(void *ctx, const struct smtp_event *e)
{
	struct seen *seen = ctx;
	struct buf *out = &seen->out;

	if (e->kind == SMTP_EVENT_BODY) {
		if (!seen->is_in_body) {
			buf_printf(out, "\nBODY%u ", e->message->index);
		}
		buf_add(out, e->text);
		seen->is_in_body = true;
		return;
	}
	seen->is_in_body = false;
	switch (e->kind) {
	case SMTP_EVENT_GREETING:
		buf_printf(out, "\nGREETING %u '%.*s'", e->code, STR_ARG(e->text));
		break;
	case SMTP_EVENT_HELO:
	case SMTP_EVENT_AUTH:
		buf_printf(out, "\n%s '%.*s'", smtp_command_name(e->command), STR_ARG(e->text));
		break;
	case SMTP_EVENT_TLS:
		buf_printf(out, "\nTLS %s", smtp_command_name(e->command));
		break;
	case SMTP_EVENT_MAIL:
		buf_printf(out, "\nMAIL%u", e->message->index);
		break;
	case SMTP_EVENT_BODY_GAP:
		buf_printf(out, "\nGAP%u %llu", e->message->index, (unsigned long long)e->lost);
		break;
	case SMTP_EVENT_REPLY:
		if (e->command == SMTP_COMMAND_UNKNOWN) {
			buf_printf(out, "\nANSWER %u", e->code);
		}
		break;
	case SMTP_EVENT_QUIT:
		buf_add_cstr(out, "\nQUIT");
		break;
	case SMTP_EVENT_MESSAGE:
		message_print(out, e->message);
		break;
	case SMTP_EVENT_RCPT:
	case SMTP_EVENT_BODY:
	case SMTP_EVENT_BODY_END:
	case SMTP_EVENT_COUNT:
		break;
	}
}

/* What is seen when each piece is fed `step` octets at a time. */
static char *transcript(const struct said *said, size_t n, size_t step, int how)
{
	struct seen seen = {0};
	struct smtp *s = smtp_new((how & 1) != 0, seen_event, &seen);

	assert_non_null(s);
	buf_init(&seen.out, 1 << 20);
	for (size_t i = 0; i < n; i++) {
		enum smtp_side side = said[i].who == 'C' || said[i].who == 'c' ? SMTP_CLIENT
									       : SMTP_SERVER;
		if (said[i].who == 'c' || said[i].who == 's') {
			smtp_gap(s, side, said[i].len);
			continue;
		}
		for (size_t at = 0; at < said[i].len; at += step) {
			size_t left = said[i].len - at;
			/* A copy of its own, so that reading past a cut is caught. */
			size_t take = left < step ? left : step;
			char *piece = malloc(take);
			assert_non_null(piece);
			memcpy(piece, said[i].text + at, take);
			smtp_step(s, side, (struct str){piece, take});
			free(piece);
		}
	}
	smtp_finish(s, (how & 2) == 0);
	smtp_free(s);
	char *text = strdup(buf_cstr(&seen.out) == NULL ? "" : buf_cstr(&seen.out));
	buf_done(&seen.out);
	return text;
}

enum {
	WHOLE = 0,
	JOINED = 1,
	UNCLOSED = 2,
};

static void check(const struct said *said, size_t n, int how, const char *want)
{
	size_t longest = 1;

	for (size_t i = 0; i < n; i++) {
		longest = said[i].text != NULL && said[i].len > longest ? said[i].len : longest;
	}
	for (size_t step = 1; step <= longest; step += step < 40 ? 1 : 997) {
		char *got = transcript(said, n, step, how);
		if (strcmp(got, want) != 0) {
			print_error("with cuts of %zu\n", step);
		}
		assert_string_equal(got, want);
		free(got);
	}
}

#define CHECK(how, want, ...)                                                                      \
	do {                                                                                       \
		static const struct said said_[] = {__VA_ARGS__};                                  \
		check(said_, COUNT_OF(said_), how, want);                                          \
	} while (0)

static void a_plain_session(void **state)
{
	(void)state;
	CHECK(WHOLE,
	      "\nGREETING 220 'mx ready'\nEHLO 'a.example'\nMAIL0"
	      "\nBODY0 Subject: x\r\n\r\n.dot\r\n"
	      "\n#0 accepted from=a@b to=c@d:250,e@f:550 1+1/2 size=20 250 end 'queued as 1'"
	      "\nQUIT",
	      S("220 mx ready\r\n"), C("EHLO a.example\r\n"),
	      S("250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n"), C("MAIL FROM:<a@b> SIZE=20\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("rcpt to: <e@f>\r\n"),
	      S("550 5.1.1 unknown\r\n"), C("DATA\r\n"), S("354 go\r\n"),
	      C("Subject: x\r\n\r\n..dot\r\n.\r\n"), S("250 queued as 1\r\n"), C("QUIT\r\n"),
	      S("221 bye\r\n"));
}

static void several_messages_and_rset(void **state)
{
	(void)state;
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0"
	      "\n#0 aborted from= to=c@d:250 1+0/1 size=0 250 RCPT 'ok'"
	      "\nMAIL1\nBODY1 a\r\n"
	      "\n#1 deferred from=a@b to=c@d:250 1+0/1 size=3 451 end '4.7.1 later\nreally'"
	      "\nMAIL2\n#2 rejected from=a@b to= 0+0/0 size=0 553 MAIL 'no'\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 hi\r\n"), C("MAIL FROM:<>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("RSET\r\n"),
	      S("250 reset\r\n"), C("MAIL FROM:<a@b>\r\n"), S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"),
	      S("250 ok\r\n"), C("DATA\r\n"), S("354 go\r\n"), C("a\r\n.\r\n"),
	      S("451-4.7.1 later\r\n451 really\r\n"), C("MAIL FROM:<a@b>\r\n"), S("553 no\r\n"),
	      C("QUIT\r\n"), S("221 bye\r\n"));
}

static void pipelining(void **state)
{
	(void)state;
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nEHLO 'x'\nMAIL0\nBODY0 a\r\n\nMAIL1"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=3 250 end 'one'"
	      "\nBODY1 b\r\n\nQUIT"
	      "\n#1 accepted from=e@f to=c@d:250,g@h:550 1+1/2 size=3 250 end 'two'",
	      S("220\r\n"), C("EHLO x\r\n"), S("250 PIPELINING\r\n"),
	      C("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"), S("250 a\r\n250 b\r\n354 go\r\n"),
	      C("a\r\n.\r\nMAIL FROM:<e@f>\r\nRCPT TO:<c@d>\r\nRCPT TO:<g@h>\r\nDATA\r\n"),
	      S("250 one\r\n250 a\r\n250 b\r\n550 c\r\n354 go\r\n"), C("b\r\n.\r\nQUIT\r\n"),
	      S("250 two\r\n221 bye\r\n"));
}

static void refused_before_the_body(void **state)
{
	(void)state;
	/* Politely, the client goes on with commands. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0"
	      "\n#0 rejected from=a@b to=c@d:250 1+0/1 size=0 554 DATA 'no'\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
	      S("554 no\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
	/* Every recipient refused, then RSET. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0"
	      "\n#0 deferred from=a@b to=c@d:550,e@f:451 0+2/2 size=0 451 RCPT 'later'\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("550 no\r\n"), C("RCPT TO:<e@f>\r\n"),
	      S("451 later\r\n"), C("RSET\r\n"), S("250 ok\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
	/* The body is sent without waiting and becomes commands, whose replies are the last ones.
	 */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nEHLO 'x'\nMAIL0\nQUIT\nANSWER 500\nANSWER 500"
	      "\n#0 rejected from=a@b to=c@d:550 0+1/1 size=0 500 unknown '?'",
	      S("220\r\n"), C("EHLO x\r\n"), S("250 x\r\n"),
	      C("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: s\r\n\r\nQUIT\r\n.\r\n"),
	      S("250 ok\r\n550 no\r\n503 no\r\n500 ?\r\n500 ?\r\n221 bye\r\n"));
	/* The same, and the server takes it. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nEHLO 'x'\nMAIL0\nBODY0 Subject: s\r\n\r\nQUIT\r\n"
	      "\nQUIT"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=20 250 end 'fine'",
	      S("220\r\n"), C("EHLO x\r\n"), S("250 x\r\n"),
	      C("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: "
		"s\r\n\r\nQUIT\r\n.\r\nQUIT\r\n"),
	      S("250 ok\r\n250 ok\r\n354 go\r\n250 fine\r\n221 bye\r\n"));
}

static void chunks(void **state)
{
	(void)state;
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nEHLO 'x'\nMAIL0\nBODY0 abc\r\n.\r\ndef\nMAIL1"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=11 flags=100 250 BDAT 'taken'"
	      "\n#1 aborted from=e@f to= 0+0/0 size=0 250 MAIL 'ok'",
	      S("220\r\n"), C("EHLO x\r\n"), S("250 CHUNKING\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"),
	      C("RCPT TO:<c@d>\r\nBDAT 8\r\nabc\r\n.\r\nBDAT 3 LAST\r\ndefMAIL FROM:<e@f>\r\n"),
	      S("250 ok\r\n250 8 octets\r\n250 taken\r\n250 ok\r\n"));
	/* A chunk that is refused for good. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nEHLO 'x'\nMAIL0\nBODY0 abc"
	      "\n#0 rejected from=a@b to=c@d:250 1+0/1 size=3 flags=100 552 BDAT 'big'\nQUIT",
	      S("220\r\n"), C("EHLO x\r\n"), S("250 CHUNKING\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\nBDAT 3\r\nabc"), S("250 ok\r\n552 big\r\n"),
	      C("RSET\r\n"), S("250 ok\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
}

static void starttls(void **state)
{
	(void)state;
	CHECK(WHOLE, "\nGREETING 220 ''\nEHLO 'x'\nTLS STARTTLS", S("220\r\n"), C("EHLO x\r\n"),
	      S("250 STARTTLS\r\n"), C("STARTTLS\r\n"), S("220 go\r\n"), C("\x16\x03\x01QUIT\r\n"),
	      S("\x16\x03\x01"));
	CHECK(WHOLE, "\nGREETING 220 ''\nEHLO 'x'\nQUIT", S("220\r\n"), C("EHLO x\r\n"),
	      S("250 STARTTLS\r\n"), C("STARTTLS\r\n"), S("454 no\r\n"), C("QUIT\r\n"),
	      S("221 bye\r\n"));
	CHECK(WHOLE, "\nTLS greeting", C("\x16\x03\x01 hello"), S("\x16\x03\x03 hello"));
	/* Granted, and yet the client goes on in the clear: a decrypted capture, or a ruse. */
	CHECK(WHOLE, "\nGREETING 220 ''\nEHLO 'x'\nEHLO 'y'\nQUIT", S("220\r\n"), C("EHLO x\r\n"),
	      S("250 STARTTLS\r\n"), C("STARTTLS\r\n"), S("220 go\r\n"), C("EHLO y\r\n"),
	      S("250 y\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
}

static void auth_keeps_no_credentials(void **state)
{
	(void)state;
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nEHLO 'x'\nAUTH 'LOGIN'\nMAIL0"
	      "\n#0 aborted from=a@b to= 0+0/0 size=0 250 MAIL 'ok'\nQUIT",
	      S("220\r\n"), C("EHLO x\r\n"), S("250 AUTH LOGIN\r\n"), C("AUTH LOGIN\r\n"),
	      S("334 VXNlcm5hbWU6\r\n"), C("QUIT\r\n"), S("334 UGFzc3dvcmQ6\r\n"),
	      C("c2VjcmV0\r\n"), S("235 ok\r\n"), C("MAIL FROM:<a@b>\r\n"), S("250 ok\r\n"),
	      C("QUIT\r\n"), S("221 bye\r\n"));
	CHECK(WHOLE, "\nGREETING 220 ''\nEHLO 'x'\nAUTH 'PLAIN'\nQUIT", S("220\r\n"),
	      C("EHLO x\r\n"), S("250 AUTH PLAIN\r\n"), C("AUTH PLAIN AGEAYg==\r\n"),
	      S("535 no\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
	/* Nobody answers: lines are read over until one is surely a command. */
	CHECK(WHOLE, "\nEHLO 'x'\nAUTH 'LOGIN'\nMAIL0\n#0 aborted from=a@b to= 0+0/0 size=0 0 - ''",
	      C("EHLO x\r\nAUTH LOGIN\r\nYWJj\r\nc2VjcmV0\r\nMAIL FROM:<a@b>\r\n"));
}

static void one_sided(void **state)
{
	(void)state;
	CHECK(WHOLE,
	      "\nHELO 'x'\nMAIL0\nBODY0 a\r\n"
	      "\n#0 unanswered from=a@b to=c@d:0 0+0/1 size=3 0 - ''\nMAIL1\nBODY1 b\r\n"
	      "\n#1 unanswered from=a@b to=c@d:0 0+0/1 size=3 0 - ''\nQUIT",
	      C("HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\na\r\n.\r\n"
		"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nb\r\n.\r\nQUIT\r\n"));
	CHECK(WHOLE, "\nGREETING 220 'x'\nANSWER 250\nANSWER 250\nANSWER 354\nANSWER 250",
	      S("220 x\r\n250 a\r\n250 b\r\n354 c\r\n250 d\r\n"));
}

static void gaps_of_the_client(void **state)
{
	(void)state;
	/* In the body; the end is seen. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\nGAP0 100\nBODY0 b\r\n"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=4 lost=100 250 end 'in'\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
	      S("354 go\r\n"), C("a"), CLIENT_GAP(100), C("b\r\n.\r\n"), S("250 in\r\n"),
	      C("QUIT\r\n"), S("221 bye\r\n"));
	/* In the body, with its end and more. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\nGAP0 100"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=1 lost=100 250 end 'in'\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
	      S("354 go\r\n"), C("a"), CLIENT_GAP(100), S("250 in\r\n"), C("QUIT\r\n"),
	      S("221 bye\r\n"));
	/* The reply is seen before the gap is known. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\nGAP0 100"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=1 lost=100 250 end 'in'\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
	      S("354 go\r\n"), C("a"), S("250 in\r\n"), CLIENT_GAP(100), C("QUIT\r\n"),
	      S("221 bye\r\n"));
	/* In a chunk, and past its end. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\nGAP0 9"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=1 lost=9 flags=100 250 BDAT 'in'"
	      "\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("BDAT 10 LAST\r\na"),
	      CLIENT_GAP(12), S("250 in\r\n"), C("ooops\r\nQUIT\r\n"), S("221 bye\r\n"));
	/* In the envelope: MAIL is missing. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nANSWER 250\nMAIL0\nBODY0 a\r\n"
	      "\n#0 accepted from=? to=c@d:250 1+0/1 size=3 flags=40 250 end 'in'",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), CLIENT_GAP(17), S("250 ok\r\n"),
	      C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"), S("354 go\r\n"),
	      C("a\r\n.\r\n"), S("250 in\r\n"));
}

static void gaps_of_the_server(void **state)
{
	(void)state;
	/* The reply to MAIL is missing: what comes next answers RCPT. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\r\n"
	      "\n#0 rejected from=a@b to=c@d:250 1+0/1 size=3 550 end 'spam'\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      C("RCPT TO:<c@d>\r\n"), SERVER_GAP(8), S("250 ok\r\n"), C("DATA\r\n"),
	      S("354 go\r\n"), C("a\r\n.\r\n"), S("550 spam\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
	/* The 354 is missing. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\r\n"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=3 flags=20 250 end 'in'\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
	      C("a\r\n.\r\n"), SERVER_GAP(8), S("250 in\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
	/* The last reply is missing. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\r\n\nQUIT"
	      "\n#0 unanswered from=a@b to=c@d:250 1+0/1 size=3 354 DATA 'go'",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
	      S("354 go\r\n"), C("a\r\n.\r\n"), C("QUIT\r\n"), SERVER_GAP(8), S("221 bye\r\n"));
}

static void unfinished(void **state)
{
	(void)state;
	static const struct said said[] = {
		S("220\r\n"),    C("HELO x\r\n"),
		S("250 x\r\n"),  C("MAIL FROM:<a@b>\r\n"),
		S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"),
		S("250 ok\r\n"), C("DATA\r\n"),
		S("354 go\r\n"), C("a\r\nb"),
	};
	check(said, COUNT_OF(said), WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\r\nb"
	      "\n#0 aborted from=a@b to=c@d:250 1+0/1 size=4 354 DATA 'go'");
	check(said, COUNT_OF(said), UNCLOSED,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\r\nb"
	      "\n#0 lost from=a@b to=c@d:250 1+0/1 size=4 354 DATA 'go'");
	/* The server hangs up in the middle, and says why. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a"
	      "\n#0 deferred from=a@b to=c@d:250 1+0/1 size=1 421 end 'timeout'",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
	      S("354 go\r\n"), C("a"), S("421 timeout\r\n"));
}

static void joined_in_the_middle(void **state)
{
	(void)state;
	CHECK(JOINED,
	      "\nANSWER 250\nMAIL0\nBODY0 a\r\n"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=3 250 end 'in'",
	      C("dle of a text\r\nQUIT now\r\n.\r\n"), S(" ok\r\n250 was it\r\n"),
	      C("MAIL FROM:<a@b>\r\n"), S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"),
	      C("DATA\r\n"), S("354 go\r\n"), C("a\r\n.\r\n"), S("250 in\r\n"));
	CHECK(JOINED, "\nTLS greeting", C("\x17\x03\x03 data"));
}

static void soft_dots(void **state)
{
	(void)state;
	/* The server answers: it was the end. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\n"
	      "\n#0 accepted from=a@b to=c@d:250 1+0/1 size=2 flags=11 250 end 'in'\nQUIT",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
	      S("354 go\r\n"), C("a\n.\n"), S("250 in\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
	/* It does not, and the client goes on: it was text. */
	CHECK(WHOLE,
	      "\nGREETING 220 ''\nHELO 'x'\nMAIL0\nBODY0 a\n.\nb\r\n"
	      "\n#0 unanswered from=a@b to=c@d:250 1+0/1 size=7 flags=1 354 DATA 'go'",
	      S("220\r\n"), C("HELO x\r\n"), S("250 x\r\n"), C("MAIL FROM:<a@b>\r\n"),
	      S("250 ok\r\n"), C("RCPT TO:<c@d>\r\n"), S("250 ok\r\n"), C("DATA\r\n"),
	      S("354 go\r\n"), C("a\n.\nb\r\n.\r\n"));
}

static void proxies_and_odd_lines(void **state)
{
	(void)state;
	CHECK(WHOLE, "\nGREETING 220 ''\nEHLO 'x'\nEHLO 'y'\nQUIT\nANSWER 500",
	      C("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
		"123456789012"),
	      S("220\r\n"), C("EHLO x\r\n"), S("250 x\r\n"), C("XCLIENT ADDR=192.0.2.1\r\n"),
	      S("220 again\r\n"), C("EHLO y\r\n"), S("250 y\r\n"),
	      C("NOOP\r\nVRFY x\r\nFOO\r\nQUIT\r\n"), S("250 a\r\n252 b\r\n500 c\r\n221 d\r\n"));
	CHECK(WHOLE, "\nEHLO 'x'\nGREETING 220 ''",
	      C("PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\nEHLO x\r\n"), S("220\r\n250 x\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_session),
		cmocka_unit_test(several_messages_and_rset),
		cmocka_unit_test(pipelining),
		cmocka_unit_test(refused_before_the_body),
		cmocka_unit_test(chunks),
		cmocka_unit_test(starttls),
		cmocka_unit_test(auth_keeps_no_credentials),
		cmocka_unit_test(one_sided),
		cmocka_unit_test(gaps_of_the_client),
		cmocka_unit_test(gaps_of_the_server),
		cmocka_unit_test(unfinished),
		cmocka_unit_test(joined_in_the_middle),
		cmocka_unit_test(soft_dots),
		cmocka_unit_test(proxies_and_odd_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

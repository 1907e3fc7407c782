/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking other filters: their answers, and every way in which they can fail: down, slow, garbage,
 * half an answer, a huge one. None holds anything up, and a service that stays ill is left alone.
 */
#include "ask/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/poison.h"

#define SPAMD_YES "SPAMD/1.1 0 EX_OK\r\nContent-length: 0\r\nSpam: True ; 15.3 / 5.0\r\n\r\n"
#define RSPAMD_BODY "{\"is_skipped\":false,\"score\":-1.25,\"required_score\":15.0}"
#define RSPAMD_YES "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 56\r\n\r\n" RSPAMD_BODY

static void wire(enum opinion_kind kind, const char *text, int want, int64_t micro)
{
	int64_t got = 0;

	assert_int_equal(ask_wire_answer(kind, str_of(text), &got), want);
	if (want == 0) {
		assert_int_equal(got, micro);
	}
}

static void answers(void **state)
{
	(void)state;
	wire(OPINION_SPAMD, SPAMD_YES, 0, 15300000);
	wire(OPINION_SPAMD, "SPAMD/1.5 0 EX_OK\nSpam: False ; -1.9 / 5.0\n\n", 0, -1900000);
	wire(OPINION_SPAMD, "SPAMD/1.5 76 EX_PROTOCOL\r\n\r\n", -EBADMSG, 0);
	wire(OPINION_SPAMD, "SPAMD/1.5 0 EX_OK\r\n\r\nSpam: True ; 9 / 5\r\n", -EBADMSG, 0);
	wire(OPINION_SPAMD, "SPAMD/1.5 0 EX_OK\r\nSpam: True\r\n\r\n", -EBADMSG, 0);
	wire(OPINION_SPAMD, "SPAMD/1.5 0 EX_OK\r\nSpam: True ; nan / 5\r\n\r\n", -EBADMSG, 0);
	wire(OPINION_SPAMD, "SPAMD/1.5 0 EX_OK\r\nSpam: True ; 999999999999 / 5\r\n\r\n", 0,
	     OPINION_SCORE_MAX_MICRO);
	wire(OPINION_SPAMD, "", -EBADMSG, 0);
	wire(OPINION_RSPAMD, RSPAMD_YES, 0, -1250000);
	wire(OPINION_RSPAMD, "HTTP/1.0 200 OK\r\n\r\n{\"score\":3}", 0, 3000000);
	wire(OPINION_RSPAMD, "HTTP/1.0 200 OK\r\n\r\n{\"score\":1e99}", 0, OPINION_SCORE_MAX_MICRO);
	wire(OPINION_RSPAMD, "HTTP/1.0 200 OK\r\n\r\n{\"score\":\"3\"}", -EBADMSG, 0);
	wire(OPINION_RSPAMD, "HTTP/1.0 200 OK\r\n\r\n{\"other\":3}", -EBADMSG, 0);
	wire(OPINION_RSPAMD, "HTTP/1.0 200 OK\r\n\r\n[3]", -EBADMSG, 0);
	wire(OPINION_RSPAMD, "HTTP/1.0 503 busy\r\n\r\n{\"score\":3}", -EBADMSG, 0);
	wire(OPINION_RSPAMD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{\"score\":3}",
	     -EBADMSG, 0);
	/* Cut anywhere it is no answer. */
	int64_t got;
	for (size_t n = 0; n < sizeof(RSPAMD_YES) - 1; n++) {
		assert_int_equal(ask_wire_answer(OPINION_RSPAMD, (struct str){RSPAMD_YES, n}, &got),
				 -EBADMSG);
	}
	size_t whole = str_find(STR(SPAMD_YES), STR("\r\n\r\n"));
	for (size_t n = 0; n < whole; n++) {
		assert_int_equal(ask_wire_answer(OPINION_SPAMD, (struct str){SPAMD_YES, n}, &got),
				 -EBADMSG);
	}
}

/* A server in the same loop, which says the same to everybody. */
struct server {
	struct loop *loop;
	int fd;
	struct loop_event *io;
	struct loop_event *client; /* one at a time */
	const char *says;          /* NULL: nothing, and it stays open */
	size_t more;               /* octets of rubbish behind that */
	int open[64];
	size_t open_count;
	char endpoint[32];
	char got[4096];
};

/* The question is there: say what is to be said, and hang up. */
static void on_question(int client, unsigned ready, void *ctx)
{
	struct server *s = ctx;
	static char rubbish[65536];
	(void)ready;
	ssize_t n = recv(client, s->got, sizeof(s->got) - 1, MSG_DONTWAIT);

	s->got[n > 0 ? n : 0] = '\0';
	(void)!send(client, s->says, strlen(s->says), MSG_NOSIGNAL);
	memset(rubbish, 'x', sizeof(rubbish));
	for (size_t left = s->more; left > 0;) {
		size_t piece = left < sizeof(rubbish) ? left : sizeof(rubbish);
		ssize_t sent = send(client, rubbish, piece, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent <= 0) {
			break;
		}
		left -= (size_t)sent;
	}
	loop_event_free(s->client);
	s->client = NULL;
	close(client);
}

static void on_client(int fd, unsigned ready, void *ctx)
{
	struct server *s = ctx;
	(void)ready;
	int client = accept(fd, NULL, NULL);

	if (client < 0) {
		return;
	}
	if (s->says == NULL) {
		s->open[s->open_count++ % 64] = client;
		return;
	}
	s->client = loop_fd(s->loop, client, LOOP_READ, on_question, s);
	assert_non_null(s->client);
}

static void listen_on(struct server *s, struct loop *l, const char *says)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);

	*s = (struct server){.loop = l, .says = says};
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&in, &len), 0);
	snprintf(s->endpoint, sizeof(s->endpoint), "127.0.0.1:%u", ntohs(in.sin_port));
	s->io = loop_fd(l, s->fd, LOOP_READ, on_client, s);
	assert_non_null(s->io);
}

static void server_done(struct server *s)
{
	loop_event_free(s->io);
	close(s->fd);
	for (size_t i = 0; i < s->open_count && i < 64; i++) {
		close(s->open[i]);
	}
}

struct heard {
	unsigned count;
	unsigned by_outcome[ASK_OUTCOME_COUNT];
	int64_t score_micro;
};

static void heard(void *ctx, uint64_t token, enum ask_outcome outcome, int64_t score_micro)
{
	struct heard *h = ctx;
	(void)token;

	h->count++;
	h->by_outcome[outcome]++;
	h->score_micro = score_micro;
}

static struct ask *asker(struct loop *l, const char *endpoint, enum opinion_kind kind, uint32_t ms,
			 struct heard *h)
{
	const struct ask_conf conf = {
		.kind = kind, .endpoint = endpoint, .timeout_ms = ms, .parallel = 8};
	struct errmsg err = {.text = ""};
	struct ask *a;

	*h = (struct heard){.count = 0};
	assert_int_equal(ask_new(l, &conf, heard, h, &a, &err), 0);
	return a;
}

static void wait_for(struct loop *l, struct heard *h, unsigned count)
{
	int64_t end = mono_now().ns + 10 * NS_PER_S;

	while (h->count < count && mono_now().ns < end) {
		loop_turn(l, 20);
	}
	assert_int_equal(h->count, count);
}

static void one(const char *says, size_t more, enum opinion_kind kind, enum ask_outcome want)
{
	struct loop *l = loop_new();
	struct server s;
	struct heard h;

	listen_on(&s, l, says);
	s.more = more;
	struct ask *a = asker(l, s.endpoint, kind, 1000, &h);
	assert_int_equal(ask_start(a, 7, STR("Subject: x\r\n\r\ny\r\n")), 0);
	assert_int_equal(h.count, 0);
	wait_for(l, &h, 1);
	assert_int_equal(h.by_outcome[want], 1);
	if (want == ASK_ANSWERED) {
		assert_int_equal(h.score_micro, kind == OPINION_SPAMD ? 15300000 : -1250000);
		assert_non_null(strstr(s.got, kind == OPINION_SPAMD
						      ? "CHECK SPAMC/1.5\r\n"
						      : "POST /checkv2 HTTP/1.0\r\n"));
	}
	ask_free(a);
	server_done(&s);
	loop_free(l);
}

static void every_kind_of_answer(void **state)
{
	(void)state;
	one(SPAMD_YES, 0, OPINION_SPAMD, ASK_ANSWERED);
	one(RSPAMD_YES, 0, OPINION_RSPAMD, ASK_ANSWERED);
	one("", 0, OPINION_SPAMD, ASK_UNREACHABLE);
	one("SPAMD/1.1 0 EX_OK\r\nContent-le", 0, OPINION_SPAMD, ASK_GARBAGE);
	one("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"sco", 0, OPINION_RSPAMD, ASK_GARBAGE);
	one("220 mail.example ESMTP\r\n", 0, OPINION_SPAMD, ASK_GARBAGE);
	one("HTTP/1.1 200 OK\r\n\r\n", 16 << 20, OPINION_RSPAMD, ASK_GARBAGE);
	one(NULL, 0, OPINION_SPAMD, ASK_LATE);
}

static void what_is_down_is_left_alone(void **state)
{
	struct loop *l = loop_new();
	struct server s;
	struct heard h;

	(void)state;
	listen_on(&s, l, SPAMD_YES);
	server_done(&s); /* its port is free again */
	struct ask *a = asker(l, s.endpoint, OPINION_SPAMD, 1000, &h);
	for (unsigned i = 0; i < ASK_FAILURES_MAX; i++) {
		assert_int_equal(ask_start(a, i, STR("x")), 0);
		wait_for(l, &h, i + 1);
	}
	assert_int_equal(h.by_outcome[ASK_UNREACHABLE], ASK_FAILURES_MAX);
	assert_int_equal(ask_start(a, 99, STR("x")), -EBUSY);
	struct ask_counts n = ask_counts_get(a);
	assert_true(n.is_resting);
	assert_int_equal(n.rests, 1);
	assert_int_equal(n.refused, 1);
	ask_free(a);
	loop_free(l);
}

static void only_so_many_at_once(void **state)
{
	struct loop *l = loop_new();
	struct server s;
	struct heard h;

	(void)state;
	listen_on(&s, l, NULL);
	struct ask *a = asker(l, s.endpoint, OPINION_SPAMD, 200, &h);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(ask_start(a, i, STR("x")), 0);
	}
	assert_int_equal(ask_start(a, 8, STR("x")), -EBUSY);
	wait_for(l, &h, 8);
	assert_int_equal(h.by_outcome[ASK_LATE], 8);
	/* What is under way when it ends is given up without a word. */
	ask_free(a);
	a = asker(l, s.endpoint, OPINION_SPAMD, 200, &h);
	assert_int_equal(ask_start(a, 1, STR("x")), 0);
	ask_free(a);
	loop_turn(l, 50);
	assert_int_equal(h.count, 0);
	server_done(&s);
	loop_free(l);
}

static void addresses(void **state)
{
	const char *const bad[] = {"",    "127.0.0.1", "host:1", "127.0.0.1:0", "127.0.0.1:70000",
				   "::1:"};
	struct loop *l = loop_new();
	struct errmsg err;
	struct ask *a;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct ask_conf conf = {.endpoint = bad[i], .timeout_ms = 1};
		assert_int_equal(ask_new(l, &conf, heard, NULL, &a, &err), -EINVAL);
	}
	const struct ask_conf six = {.endpoint = "[::1]:783", .timeout_ms = 1};
	assert_int_equal(ask_new(l, &six, heard, NULL, &a, &err), 0);
	ask_free(a);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(every_kind_of_answer),
		cmocka_unit_test(what_is_down_is_left_alone),
		cmocka_unit_test(only_so_many_at_once),
		cmocka_unit_test(addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

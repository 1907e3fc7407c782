/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker: frames of whole conversations, and what comes out: once as they were, and in every
 * disorder.
 */
#include "base/buf.h"
#include "core/tracker.h"

#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define FRAME_MAX 2048

struct watch {
	struct tracker *tracker;
	struct buf said;
	struct message_obs obs; /* the last */
	int64_t now_ms;
	uint8_t client_host;
	uint16_t sport;
	uint16_t dport;
	uint32_t seq[2];
	struct tracker_port port;
};

static void on_message(void *ctx, const struct tracked_message *m)
{
	struct watch *w = ctx;

	w->obs = *m->obs;
	buf_printf(&w->said, "M%u %.*s>%u/%u %s %u \"%.*s\" lost=%u far=%d ver=%d;", m->obs->index,
		   STR_ARG(m->smtp->mail_from), m->obs->rcpts, m->obs->rcpts_unknown,
		   message_state_name(m->obs->state), m->obs->size_bytes,
		   STR_ARG(m->mail == NULL ? STR_EMPTY : m->mail->subject), m->obs->lost_bytes,
		   (int)m->obs->far, (int)m->obs->verified);
}

static void on_session(void *ctx, const struct tracked_session *s)
{
	struct watch *w = ctx;

	buf_printf(&w->said, "S%u %s %s helo=%.*s sni=%.*s auth=%.*s %u msgs %s;",
		   (unsigned)s->number, direction_name(s->direction), session_tls_name(s->tls),
		   STR_ARG(s->helo), STR_ARG(s->sni), STR_ARG(s->auth), s->messages,
		   session_close_name(s->close));
}

static void on_session_obs(void *ctx, const struct session_obs *o)
{
	static const char *const names[] = {"opened", "tried", "ended"};
	struct watch *w = ctx;

	buf_printf(&w->said, "%s;", names[o->event]);
}

static const struct tracker_ops ops = {on_message, on_session, on_session_obs};

static void begin(struct watch *w, struct tracker_conf conf)
{
	*w = (struct watch){.now_ms = 1000000, .client_host = 7, .sport = 40000, .dport = 25};
	conf.key = (struct siphash_key){1, 2};
	buf_init(&w->said, 1 << 20);
	w->tracker = tracker_new(&conf, &ops, w);
	assert_non_null(w->tracker);
	w->seq[0] = 0xFFFFFFF0;
	w->seq[1] = 77;
}

static void end(struct watch *w, const char *want)
{
	tracker_end(w->tracker);
	const char *got = buf_cstr(&w->said);
	assert_non_null(got);
	assert_string_equal(got, want);
	tracker_free(w->tracker);
	buf_done(&w->said);
}

static void be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void be32(uint8_t *p, uint32_t v)
{
	be16(p, v >> 16);
	be16(p + 2, v & 0xFFFF);
}

struct made {
	uint8_t octets[FRAME_MAX];
	size_t len;
};

/* A raw IPv4 frame of the conversation; `side` 0 is the client. */
static struct made make(const struct watch *w, int side, unsigned flags, uint32_t seq, uint32_t ack,
			struct str text)
{
	struct made f = {.len = 40 + text.len};
	uint8_t *p = f.octets;
	const uint8_t ends[2][4] = {{192, 0, 2, w->client_host}, {198, 51, 100, 25}};
	const uint16_t ports[2] = {w->sport, w->dport};

	assert_true(f.len <= sizeof(f.octets));
	p[0] = 0x45;
	be16(p + 2, (unsigned)f.len);
	p[9] = 6;
	memcpy(p + 12, ends[side], 4);
	memcpy(p + 16, ends[!side], 4);
	be16(p + 20, ports[side]);
	be16(p + 22, ports[!side]);
	be32(p + 24, seq);
	be32(p + 28, ack);
	p[32] = 0x50;
	p[33] = (uint8_t)flags;
	if (text.len > 0) {
		memcpy(p + 40, text.ptr, text.len);
	}
	return f;
}

static void feed(struct watch *w, const struct made *f)
{
	w->now_ms++;
	tracker_frame(w->tracker, LINK_RAW, (struct str){(const char *)f->octets, f->len}, f->len,
		      (struct wall){w->now_ms * NS_PER_MS}, &w->port);
}

static void say(struct watch *w, int side, unsigned flags, const char *text)
{
	struct str s = str_of(text);
	struct made f = make(w, side, flags, w->seq[side], w->seq[!side], s);

	w->seq[side] += (uint32_t)s.len + ((flags & (TCP_SYN | TCP_FIN)) != 0);
	feed(w, &f);
}

static void handshake(struct watch *w)
{
	say(w, 0, TCP_SYN, "");
	say(w, 1, TCP_SYN | TCP_ACK, "");
	say(w, 0, TCP_ACK, "");
}

static void client(struct watch *w, const char *text)
{
	say(w, 0, TCP_ACK, text);
}

static void server(struct watch *w, const char *text)
{
	say(w, 1, TCP_ACK, text);
}

static void mail_to(struct watch *w, const char *rcpt, const char *answer)
{
	client(w, "MAIL FROM:<a@b>\r\n");
	server(w, "250 ok\r\n");
	client(w, rcpt);
	server(w, answer);
	client(w, "DATA\r\n");
	server(w, "354 go\r\n");
	client(w, "Subject: =?utf-8?q?hell=C3=B6?=\r\n\r\nbody\r\n..dot\r\n.\r\n");
	server(w, "250 queued\r\n");
}

static void greet(struct watch *w)
{
	server(w, "220 mx\r\n");
	client(w, "EHLO c.example\r\n");
	server(w, "250 mx\r\n");
}

static void bye(struct watch *w)
{
	client(w, "QUIT\r\n");
	server(w, "221 bye\r\n");
	say(w, 0, TCP_ACK | TCP_FIN, "");
	say(w, 1, TCP_ACK | TCP_FIN, "");
}

static void a_whole_session(void **state)
{
	(void)state;
	struct watch w;

	begin(&w, (struct tracker_conf){.any_port = true});
	handshake(&w);
	greet(&w);
	mail_to(&w, "RCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\n", "250 ok\r\n550 5.1.1 no such user\r\n");
	mail_to(&w, "RCPT TO:<g@h>\r\n", "250 ok\r\n");
	bye(&w);
	end(&w, "opened;M0 a@b>2/1 accepted 47 \"hellö\" lost=0 far=2 ver=0;"
		"M1 a@b>1/0 accepted 47 \"hellö\" lost=0 far=2 ver=0;ended;"
		"S1 outbound none helo=c.example sni= auth= 2 msgs quit;");
	assert_int_equal(w.obs.rcpts_accepted, 1);
	assert_true(w.obs.sender_domain != 0 && w.obs.helo != 0 && !w.obs.helo_is_literal);
}

static void any_port_that_greets(void **state)
{
	(void)state;
	struct watch w;

	begin(&w, (struct tracker_conf){.any_port = true});
	w.dport = 8240;
	handshake(&w);
	server(&w, "22");
	server(&w, "0 mx\r\n");
	client(&w, "eh");
	client(&w, "lo x\r\n");
	server(&w, "250 mx\r\n");
	bye(&w);
	end(&w, "opened;ended;S1 outbound none helo=x sni= auth= 0 msgs quit;");
	/* FTP greets the same way. */
	begin(&w, (struct tracker_conf){.any_port = true});
	w.dport = 21;
	handshake(&w);
	server(&w, "220 ftp\r\n");
	client(&w, "USER x\r\n");
	end(&w, "");
	/* HTTP does not. */
	begin(&w, (struct tracker_conf){.any_port = true});
	w.dport = 80;
	handshake(&w);
	client(&w, "GET / HTTP/1.1\r\n\r\n");
	server(&w, "220 no\r\n");
	end(&w, "");
	/* And without being asked for, nobody on another port is heard. */
	begin(&w, (struct tracker_conf){0});
	w.dport = 8240;
	handshake(&w);
	greet(&w);
	end(&w, "");
}

static void tls_on_465_and_after_starttls(void **state)
{
	(void)state;
	static const char hello[] = "\x16\x03\x01\x00\x3d\x01\x00\x00\x39\x03\x03"
				    "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr\x00\x00\x02\x13\x01\x01\x00"
				    "\x00\x0e\x00\x00\x00\x0a\x00\x08\x00\x00\x05mx.ex";
	struct watch w;

	begin(&w, (struct tracker_conf){0});
	w.dport = 465;
	handshake(&w);
	/* In two cuts; the view of a C string would end at its first zero. */
	struct str all = {hello, sizeof(hello) - 1};
	for (size_t cut = 0; cut < 2; cut++) {
		struct str part = cut == 0 ? str_head(all, 20) : str_skip(all, 20);
		struct made f = make(&w, 0, TCP_ACK, w.seq[0], w.seq[1], part);
		w.seq[0] += (uint32_t)part.len;
		feed(&w, &f);
	}
	say(&w, 0, TCP_RST, "");
	end(&w, "opened;ended;S1 outbound implicit helo= sni=mx.ex auth= 0 msgs rst;");

	begin(&w, (struct tracker_conf){0});
	handshake(&w);
	greet(&w);
	client(&w, "AUTH PLAIN c2VjcmV0\r\n");
	server(&w, "235 ok\r\n");
	client(&w, "STARTTLS\r\n");
	server(&w, "220 go\r\n");
	struct made f = make(&w, 0, TCP_ACK, w.seq[0], w.seq[1], all);
	feed(&w, &f);
	end(&w,
	    "opened;ended;S1 outbound starttls helo=c.example sni=mx.ex auth=PLAIN 0 msgs open;");
}

static void attempts(void **state)
{
	(void)state;
	struct watch w;

	begin(&w, (struct tracker_conf){0});
	say(&w, 0, TCP_SYN, "");
	say(&w, 1, TCP_RST | TCP_ACK, "");
	end(&w, "tried;");
}

static void one_side_only(void **state)
{
	(void)state;
	struct watch w;

	begin(&w, (struct tracker_conf){0});
	say(&w, 0, TCP_SYN, "");
	say(&w, 0, TCP_ACK, "EHLO c.example\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
	say(&w, 0, TCP_ACK, "Subject: s\r\n\r\nb\r\n.\r\nQUIT\r\n");
	end(&w, "M0 a@b>1/0 unanswered 17 \"s\" lost=0 far=0 ver=0;ended;"
		"S1 outbound none helo=c.example sni= auth= 1 msgs quit;");
}

static struct policy *policy(void)
{
	struct policy *p = policy_new();

	assert_non_null(p);
	p->networks = ARENA_ZNEW_N(p->arena, struct network, 2);
	p->network_count = 2;
	for (size_t i = 0; i < 2; i++) {
		struct network *n = &p->networks[i];
		n->name = i == 0 ? "one" : "two";
		n->prefixes = ARENA_ZNEW(p->arena, struct prefix);
		n->prefix_count = 1;
		assert_int_equal(prefix_parse(i == 0 ? STR("192.0.2.0/28") : STR("198.51.100.0/24"),
					      n->prefixes),
				 0);
		n->ports[0] = 25;
		n->port_count = 1;
		n->v6_source_len = 64;
		n->content = CONTENT_ALL;
	}
	return p;
}

static void directions_and_where_frames_come_from(void **state)
{
	(void)state;
	static const uint16_t first[] = {0};
	struct policy *p = policy();
	struct watch w;

	/* Both sides are ours; frames of network one come in on its interface. */
	begin(&w, (struct tracker_conf){.policy = p, .only_ours = true});
	w.port = (struct tracker_port){.networks = first, .network_count = 1};
	handshake(&w);
	greet(&w);
	mail_to(&w, "RCPT TO:<c@d>\r\n", "250 ok\r\n");
	end(&w, "opened;M0 a@b>1/0 accepted 47 \"hellö\" lost=0 far=2 ver=1;ended;"
		"S1 internal none helo=c.example sni= auth= 1 msgs open;");
	/* From outside to network two: told, but not to the judge. */
	begin(&w, (struct tracker_conf){.policy = p, .only_ours = true});
	w.client_host = 99;
	handshake(&w);
	greet(&w);
	end(&w, "S1 inbound none helo=c.example sni= auth= 0 msgs open;");
	policy_free(p);
}

static void forged_frames_do_not_mix_in(void **state)
{
	(void)state;
	static const uint16_t first[] = {0};
	struct policy *p = policy();
	struct watch w;

	begin(&w, (struct tracker_conf){.policy = p, .only_ours = true});
	w.port = (struct tracker_port){.networks = first, .network_count = 1};
	handshake(&w);
	greet(&w);
	/* "From" the client, but not through its interface: the same numbers, other octets. */
	struct made forged = make(&w, 0, TCP_ACK, w.seq[0], w.seq[1], STR("MAIL FROM:<x@y>\r\n"));
	w.port.network_count = 0;
	feed(&w, &forged);
	w.port.network_count = 1;
	mail_to(&w, "RCPT TO:<c@d>\r\n", "250 ok\r\n");
	end(&w, "opened;M0 a@b>1/0 accepted 47 \"hellö\" lost=0 far=2 ver=1;ended;"
		"S1 internal none helo=c.example sni= auth= 1 msgs open;");
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_session),
		cmocka_unit_test(any_port_that_greets),
		cmocka_unit_test(tls_on_465_and_after_starttls),
		cmocka_unit_test(attempts),
		cmocka_unit_test(one_side_only),
		cmocka_unit_test(directions_and_where_frames_come_from),
		cmocka_unit_test(forged_frames_do_not_mix_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

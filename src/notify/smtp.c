/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp: a client session on libevent's buffered sockets. Layer: notify.
 *
 * One state a reply that is waited for. No pipelining: one mail a session, and plain is safe.
 */
#include "notify/smtp.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/num.h"
#include "proto/addr.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* A notice with its example, stuffed. */
#define LETTER_MAX ((size_t)4 << 20)
#define COMMAND_MAX 1024
#define LINE_MAX_OCTETS 2048

/* Named after the reply that is waited for. */
enum state {
	WANT_GREETING,
	WANT_EHLO,
	WANT_STARTTLS,
	WANT_HANDSHAKE,
	WANT_MAIL,
	WANT_RCPT,
	WANT_DATA,
	WANT_DRAINED, /* no reply: that the letter has left */
	WANT_TAKEN,
	WANT_QUIT,
	STATE_COUNT,
};

struct smtp_session {
	struct loop *loop;
	const struct smtp_ops *ops;
	void *ctx;
	struct bufferevent *io;
	SSL_CTX *tls;
	struct loop_event *late; /* tells `done` from the loop */
	char *helo;
	char *from;
	char *to;
	struct buf mail; /* stuffed, without the dot */
	enum state state;
	bool offers_tls;
	bool over_tls;
	bool tried_tls;
	bool done;
	size_t reply_bytes;
	enum smtp_outcome outcome;
	char text[SMTP_TEXT_MAX + 1];
};

void smtp_cancel(struct smtp_session *s)
{
	if (s == NULL) {
		return;
	}
	if (s->io != NULL) {
		bufferevent_free(s->io);
	}
	SSL_CTX_free(s->tls);
	loop_event_free(s->late);
	free(s->helo);
	free(s->from);
	free(s->to);
	buf_done(&s->mail);
	free(s);
}

/* Over; told from the loop, so that no caller frees what we stand on. */
static void end(struct smtp_session *s, enum smtp_outcome outcome, struct str text)
{
	if (s->done) {
		return;
	}
	s->done = true;
	s->outcome = outcome;
	(void)str_copy(s->text, sizeof(s->text), str_trim(text));
	if (s->io != NULL) { /* a QUIT may still leave */
		(void)bufferevent_disable(s->io, EV_READ);
	}
	loop_timer_once(s->late, 0);
}

static void tell_done(void *ctx)
{
	struct smtp_session *s = ctx;

	s->ops->done(s->ctx, s->outcome, str_of(s->text));
	smtp_cancel(s);
}

/* No answer, or a broken one: before the dot nothing was taken, after it nobody knows. */
static void fail(struct smtp_session *s, const char *why)
{
	if (s->state == WANT_QUIT) {
		return; /* it was taken; how the server ends is its own business */
	}
	end(s, s->state == WANT_TAKEN ? SMTP_UNSURE : SMTP_LATER, str_of(why));
}

static void say(struct smtp_session *s, const char *verb, const char *argument, const char *tail)
{
	char line[COMMAND_MAX];
	int n = snprintf(line, sizeof(line), "%s%s%s\r\n", verb, argument, tail);

	ASSERT(n > 0 && (size_t)n < sizeof(line)); /* smtp_start has checked the lengths */
	if (bufferevent_write(s->io, line, (size_t)n) < 0) {
		fail(s, "out of memory");
	}
}

static void greet(struct smtp_session *s)
{
	s->offers_tls = false;
	s->state = WANT_EHLO;
	say(s, "EHLO ", s->helo, "");
}

/* The letter has left us: now the dot, and only then is it anybody's to take. */
static void drained(struct bufferevent *io, void *ctx)
{
	struct smtp_session *s = ctx;

	(void)io;
	if (s->done || s->state != WANT_DRAINED) {
		return;
	}
	if (!s->ops->dot(s->ctx)) {
		end(s, SMTP_LATER, STR("not handed over: it could not be noted first"));
		return;
	}
	s->state = WANT_TAKEN;
	say(s, ".", "", "");
}

static void send_letter(struct smtp_session *s)
{
	s->state = WANT_DRAINED;
	if (bufferevent_write(s->io, s->mail.ptr, s->mail.len) < 0) {
		fail(s, "out of memory");
	}
}

static void set_callbacks(struct smtp_session *s);

static void start_tls(struct smtp_session *s)
{
	struct bufferevent *plain = s->io;
	SSL *ssl = NULL;

	/* What came before the handshake is not the server's word but somebody's in between. */
	if (evbuffer_get_length(bufferevent_get_input(plain)) > 0) {
		fail(s, "octets after STARTTLS and before TLS");
		return;
	}
	s->tls = SSL_CTX_new(TLS_client_method());
	if (s->tls != NULL) {
		(void)SSL_CTX_set_min_proto_version(s->tls, TLS1_2_VERSION);
		SSL_CTX_set_verify(s->tls, SSL_VERIFY_NONE, NULL);
		ssl = SSL_new(s->tls);
	}
	struct bufferevent *secure = ssl == NULL ? NULL
						 : bufferevent_openssl_filter_new(
							   loop_base(s->loop), plain, ssl,
							   BUFFEREVENT_SSL_CONNECTING,
							   BEV_OPT_CLOSE_ON_FREE);
	if (secure == NULL) {
		SSL_free(ssl);
		fail(s, "TLS can't be started");
		return;
	}
	s->io = secure;
	s->state = WANT_HANDSHAKE;
	set_callbacks(s);
}

/* 2xx to what was said last. */
static void go_on(struct smtp_session *s)
{
	switch (s->state) {
	case WANT_GREETING:
		greet(s);
		return;
	case WANT_EHLO:
		if (s->offers_tls && !s->over_tls && !s->tried_tls) {
			s->tried_tls = true;
			s->state = WANT_STARTTLS;
			say(s, "STARTTLS", "", "");
			return;
		}
		s->state = WANT_MAIL;
		say(s, "MAIL FROM:<", s->from, ">");
		return;
	case WANT_STARTTLS:
		start_tls(s);
		return;
	case WANT_MAIL:
		s->state = WANT_RCPT;
		say(s, "RCPT TO:<", s->to, ">");
		return;
	case WANT_RCPT:
		s->state = WANT_DATA;
		say(s, "DATA", "", "");
		return;
	case WANT_TAKEN:
	case WANT_QUIT:
	case WANT_DATA:
	case WANT_DRAINED:
	case WANT_HANDSHAKE:
	case STATE_COUNT:
		fail(s, "a reply that nothing asked for");
		return;
	}
}

/* The last line of a reply. */
static void replied(struct smtp_session *s, unsigned code, struct str text)
{
	unsigned class = code / 100;

	s->reply_bytes = 0;
	if (s->state == WANT_QUIT) {
		return;
	}
	if (s->state == WANT_TAKEN && class == 2) {
		s->state = WANT_QUIT;
		say(s, "QUIT", "", "");
		end(s, SMTP_TAKEN, text);
	} else if (s->state == WANT_DATA && code == 354) {
		send_letter(s);
	} else if (s->state == WANT_STARTTLS && class != 2) {
		s->state = WANT_EHLO; /* refused after it was offered: go on without */
		go_on(s);
	} else if (class == 2 && s->state != WANT_TAKEN) {
		go_on(s);
	} else if (class == 5) {
		end(s, SMTP_REFUSED, text);
	} else if (class == 4) {
		end(s, SMTP_LATER, text);
	} else {
		fail(s, "a reply that makes no sense");
	}
}

/* One line without its ending. */
static void line_came(struct smtp_session *s, struct str line)
{
	uint64_t code = 0;
	char sep = line.len > 3 ? line.ptr[3] : ' ';

	if (line.len < 3 || num_parse_u64(str_head(line, 3), 599, &code) < 0 || code < 200 ||
	    (sep != ' ' && sep != '-')) {
		fail(s, "a line that is no SMTP reply");
		return;
	}
	if (s->state == WANT_EHLO &&
	    str_is_equal_nocase(str_trim(str_skip(line, 4)), STR("STARTTLS"))) {
		s->offers_tls = true;
	}
	if (sep == ' ') {
		replied(s, (unsigned)code, line);
	}
}

static void readable(struct bufferevent *io, void *ctx)
{
	struct smtp_session *s = ctx;

	while (!s->done && s->io == io) {
		size_t len = 0;
		struct evbuffer *in = bufferevent_get_input(io);
		char *line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF);
		if (line == NULL) {
			if (evbuffer_get_length(in) > LINE_MAX_OCTETS) {
				fail(s, "a line that never ends");
			}
			return;
		}
		s->reply_bytes += len;
		if (s->reply_bytes > SMTP_REPLY_MAX) {
			fail(s, "a reply that never ends");
		} else {
			line_came(s, str_trim((struct str){line, len}));
		}
		free(line);
	}
}

static void event_came(struct bufferevent *io, short what, void *ctx)
{
	struct smtp_session *s = ctx;

	(void)io;
	if ((what & BEV_EVENT_CONNECTED) != 0) {
		if (s->state == WANT_HANDSHAKE) {
			s->over_tls = true;
			greet(s);
		}
	} else if ((what & BEV_EVENT_TIMEOUT) != 0) {
		fail(s, s->state == WANT_GREETING ? "no answer" : "the server fell silent");
	} else {
		fail(s, s->state == WANT_HANDSHAKE  ? "the TLS handshake failed"
			: s->state == WANT_GREETING ? "no connection"
						    : "the server ended the connection");
	}
}

static void set_callbacks(struct smtp_session *s)
{
	const struct timeval silence = {.tv_sec = SMTP_SILENCE_S};

	bufferevent_setcb(s->io, readable, drained, event_came, s);
	bufferevent_set_timeouts(s->io, &silence, &silence);
	(void)bufferevent_enable(s->io, EV_READ | EV_WRITE);
}

/* ---- start ---- */

static int parse_endpoint(struct str text, struct sockaddr_storage *ret, int *ret_len)
{
	struct str host = text;
	struct addr a;
	uint64_t port = 0;
	size_t colon = text.len;

	while (colon > 0 && text.ptr[colon - 1] != ':') {
		colon--;
	}
	if (colon == 0 || num_parse_u64(str_skip(text, colon), UINT16_MAX, &port) < 0) {
		return -EINVAL;
	}
	host.len = colon - 1;
	if (host.len >= 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']') {
		host = str_head(str_skip(host, 1), host.len - 2);
	}
	if (addr_parse(host, &a) < 0) {
		return -EINVAL;
	}
	memset(ret, 0, sizeof(*ret));
	if (a.family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, a.octets, 4);
		*ret_len = (int)sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		memcpy(&in6->sin6_addr, a.octets, 16);
		*ret_len = (int)sizeof(*in6);
	}
	return 0;
}

/* What may stand in a command without ending it or its brackets. */
static bool is_plain(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] <= ' ' || s.ptr[i] == '<' || s.ptr[i] == '>' || s.ptr[i] == 0x7f) {
			return false;
		}
	}
	return s.len > 0 && s.len <= 512;
}

/* Lines end in CRLF, and a dot at a line's beginning is doubled (RFC 5321, 4.5.2). */
static void stuff(struct buf *out, struct str mail)
{
	while (mail.len > 0) {
		struct str line = str_take_until(&mail, '\n');
		if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
			line.len--;
		}
		if (line.len > 0 && line.ptr[0] == '.') {
			buf_add_char(out, '.');
		}
		buf_add(out, line);
		buf_add(out, STR("\r\n"));
	}
}

static char *copy_of(struct str s)
{
	return strndup(s.ptr, s.len);
}

static int fill(struct smtp_session *s, const struct smtp_letter *letter)
{
	s->helo = copy_of(letter->helo);
	s->from = copy_of(letter->from);
	s->to = copy_of(letter->to);
	buf_init(&s->mail, LETTER_MAX);
	stuff(&s->mail, letter->mail);
	s->late = loop_timer(s->loop, tell_done, s);
	s->io = bufferevent_socket_new(loop_base(s->loop), -1, BEV_OPT_CLOSE_ON_FREE);
	if (s->helo == NULL || s->from == NULL || s->to == NULL || s->late == NULL ||
	    s->io == NULL) {
		return -ENOMEM;
	}
	return buf_end(&s->mail);
}

int smtp_start(struct loop *l, const struct smtp_letter *letter, const struct smtp_ops *ops,
	       void *ctx, struct smtp_session **ret, struct errmsg *reterr)
{
	struct sockaddr_storage at;
	int at_len = 0;

	if (parse_endpoint(letter->endpoint, &at, &at_len) < 0) {
		return err_set(reterr, -EINVAL, "'%.*s' is not address:port",
			       STR_ARG(letter->endpoint));
	}
	if (!is_plain(letter->helo) || !is_plain(letter->from) || !is_plain(letter->to)) {
		return err_set(reterr, -EINVAL, "an address that can't stand in an SMTP command");
	}
	struct smtp_session *s = calloc(1, sizeof(*s));
	if (s == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	s->loop = l;
	s->ops = ops;
	s->ctx = ctx;
	int r = fill(s, letter);
	if (r < 0) {
		smtp_cancel(s);
		return err_set(reterr, r, "the notice is too large, or out of memory");
	}
	set_callbacks(s);
	if (bufferevent_socket_connect(s->io, (struct sockaddr *)&at, at_len) < 0) {
		fail(s, "no connection");
	}
	*ret = s;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * smtp_client: the machine that reads the client's octets. Layer: proto (pure).
 */
#include "proto/smtp_session.h"

#include "proto/smtp_command.h"

#include "base/poison.h"

/* HAProxy's binary header: these, then version and family in two octets, and a length in two. */
static const struct str proxy_signature = {"\r\n\r\n\0\r\nQUIT\n", 12};
#define PROXY_HEAD_SIZE 16

static void await(struct smtp *s, enum smtp_command command)
{
	smtp_await(s, (struct smtp_pending){.command = command, .rcpt = UINT32_MAX});
}

static void wait_for(struct smtp *s, enum smtp_wait wait)
{
	s->state = SMTP_STATE_WAIT;
	s->wait = wait;
}

void smtp_client_enter_body(struct smtp *s)
{
	if (s->current == NULL) {
		smtp_tx_open(s, STR_EMPTY);
	}
	if (s->current != NULL) {
		s->current->is_body_begun = true;
	}
	s->body = smtp_body_start();
	s->is_body_gap_last = false;
	s->state = SMTP_STATE_BODY;
}

void smtp_client_end_body(struct smtp *s)
{
	struct smtp_tx *tx = s->current;

	s->state = SMTP_STATE_COMMAND;
	s->flags |= s->body.flags;
	if (!s->is_server_seen || (s->is_unsure && !s->is_piped)) {
		smtp_forget_pending(s); /* a client that ends a body has had its 354 */
	}
	if (tx == NULL) {
		await(s, SMTP_COMMAND_END);
		return;
	}
	tx->m.flags |= s->body.flags;
	tx->m.is_complete = true;
	smtp_tx_body_over(s, tx);
	s->current = NULL;
	tx->is_over = true;
	if (!s->is_server_seen) {
		smtp_tx_close(s, tx, false); /* one-sided: no reply will come */
		return;
	}
	smtp_await(s, (struct smtp_pending){.command = SMTP_COMMAND_END,
					    .is_end = true,
					    .rcpt = UINT32_MAX,
					    .tx = tx});
}

static void body_emit(struct smtp *s, struct str span)
{
	s->is_body_gap_last = false;
	if (s->current != NULL && span.len > 0) {
		s->current->m.size_bytes += span.len;
		smtp_emit(s, (struct smtp_event){.kind = SMTP_EVENT_BODY,
						 .text = span,
						 .message = &s->current->m,
						 .rcpt = SMTP_RCPT_NONE});
	}
}

void smtp_client_assume(struct smtp *s, bool is_end)
{
	if (s->state != SMTP_STATE_WAIT) {
		return;
	}
	switch (s->wait) {
	case SMTP_WAIT_DATA:
		if (s->hold.len > 0 && s->current != NULL) {
			s->current->m.flags |= SMTP_FLAG_EARLY_BODY;
		}
		if (!is_end || s->hold.len > 0) {
			smtp_client_enter_body(s);
		}
		break;
	case SMTP_WAIT_STARTTLS:
		s->state = SMTP_STATE_PREFACE;
		break;
	case SMTP_WAIT_AUTH:
		s->state = SMTP_STATE_AUTH_ANY;
		break;
	case SMTP_WAIT_SOFT_DOT:
		if (is_end && s->hold.len == 0) {
			smtp_client_end_body(s);
		} else {
			s->state = SMTP_STATE_BODY;
			body_emit(s, s->soft_dot);
		}
		break;
	case SMTP_WAIT_COUNT:
		break;
	}
}

static void rcpt_read(struct smtp *s, struct str address)
{
	if (s->current == NULL && (s->flags & SMTP_FLAG_JOINED) != 0) {
		smtp_tx_open(s, STR_EMPTY); /* MAIL was before we came, or in a gap */
	}
	struct smtp_tx *tx = s->current;
	if (tx == NULL) {
		await(s, SMTP_COMMAND_RCPT);
		return;
	}
	size_t rcpt = smtp_tx_add_rcpt(tx, address);
	smtp_emit(s, (struct smtp_event){.kind = SMTP_EVENT_RCPT,
					 .text = address,
					 .message = &tx->m,
					 .rcpt = rcpt});
	smtp_await(s, (struct smtp_pending){.command = SMTP_COMMAND_RCPT,
					    .rcpt = rcpt == SMTP_RCPT_NONE ? UINT32_MAX
									   : (uint32_t)rcpt,
					    .tx = tx});
}

void smtp_client_end_chunk(struct smtp *s)
{
	if (s->chunk_left > 0) {
		return;
	}
	struct smtp_tx *tx = s->current;
	s->state = SMTP_STATE_COMMAND;
	if (tx != NULL && s->is_chunk_last) {
		tx->m.is_complete = true;
		smtp_tx_body_over(s, tx);
		s->current = NULL;
		if (!s->is_server_seen) {
			smtp_forget_pending(s);
			smtp_tx_close(s, tx, false); /* one-sided: no reply will come */
			return;
		}
		tx->is_over = true;
	}
	smtp_await(s, (struct smtp_pending){.command = SMTP_COMMAND_BDAT,
					    .is_end = s->is_chunk_last,
					    .rcpt = UINT32_MAX,
					    .tx = tx});
}

/* A command whose reply belongs to the transaction, though it brings nothing to it. */
static void await_beside(struct smtp *s, enum smtp_command command)
{
	smtp_await(s,
		   (struct smtp_pending){.command = command, .rcpt = UINT32_MAX, .tx = s->current});
}

static void chunk_begin(struct smtp *s, const struct smtp_command_line *c)
{
	if (c->is_broken) {
		await_beside(s, SMTP_COMMAND_BDAT);
		return;
	}
	if (s->current == NULL && (s->flags & SMTP_FLAG_JOINED) != 0) {
		smtp_tx_open(s, STR_EMPTY);
	}
	if (s->current != NULL) {
		s->current->m.flags |= SMTP_FLAG_BDAT;
		s->current->is_body_begun = true;
	}
	s->chunk_left = c->chunk_bytes;
	s->is_chunk_last = c->is_last;
	s->is_body_gap_last = false;
	s->state = SMTP_STATE_CHUNK;
	smtp_client_end_chunk(s);
}

static void data_read(struct smtp *s)
{
	struct smtp_pending item = {
		.command = SMTP_COMMAND_DATA, .rcpt = UINT32_MAX, .tx = s->current};

	if (!s->is_server_seen) {
		smtp_client_enter_body(s);
		return;
	}
	wait_for(s, SMTP_WAIT_DATA);
	smtp_await(s, item);
}

static void auth_read(struct smtp *s, struct str mechanism)
{
	smtp_emit(s, (struct smtp_event){.kind = SMTP_EVENT_AUTH,
					 .text = mechanism,
					 .command = SMTP_COMMAND_AUTH,
					 .rcpt = SMTP_RCPT_NONE});
	if (!s->is_server_seen) {
		s->state = SMTP_STATE_AUTH_ANY;
		return;
	}
	wait_for(s, SMTP_WAIT_AUTH);
	await(s, SMTP_COMMAND_AUTH);
}

static void starttls_read(struct smtp *s)
{
	s->is_tls_asked = true;
	if (!s->is_server_seen) {
		s->state = SMTP_STATE_PREFACE;
		return;
	}
	wait_for(s, SMTP_WAIT_STARTTLS);
	await(s, SMTP_COMMAND_STARTTLS);
}

static void mail_read(struct smtp *s, struct str from)
{
	struct smtp_tx *tx = smtp_tx_open(s, from.ptr == NULL ? (struct str){"", 0} : from);

	if (tx == NULL) {
		smtp_tx_leave(s);
	}
	smtp_await(s, (struct smtp_pending){
			      .command = SMTP_COMMAND_MAIL, .rcpt = UINT32_MAX, .tx = tx});
}

static void command_read(struct smtp *s, const struct smtp_command_line *c)
{
	struct smtp_event e = {.command = c->command, .text = c->arg, .rcpt = SMTP_RCPT_NONE};

	switch (c->command) {
	case SMTP_COMMAND_MAIL:
		mail_read(s, c->arg);
		return;
	case SMTP_COMMAND_RCPT:
		rcpt_read(s, c->arg);
		return;
	case SMTP_COMMAND_DATA:
		data_read(s);
		return;
	case SMTP_COMMAND_BDAT:
		chunk_begin(s, c);
		return;
	case SMTP_COMMAND_AUTH:
		auth_read(s, c->arg);
		return;
	case SMTP_COMMAND_STARTTLS:
		starttls_read(s);
		return;
	case SMTP_COMMAND_HELO:
	case SMTP_COMMAND_EHLO:
		smtp_tx_leave(s);
		e.kind = SMTP_EVENT_HELO;
		smtp_emit(s, e);
		break;
	case SMTP_COMMAND_QUIT:
		smtp_tx_leave(s);
		e.kind = SMTP_EVENT_QUIT;
		smtp_emit(s, e);
		break;
	case SMTP_COMMAND_RSET:
	case SMTP_COMMAND_XCLIENT:
		smtp_tx_leave(s);
		break;
	case SMTP_COMMAND_UNKNOWN:
		await_beside(s, SMTP_COMMAND_UNKNOWN);
		return;
	case SMTP_COMMAND_GREETING:
	case SMTP_COMMAND_END:
	case SMTP_COMMAND_VRFY:
	case SMTP_COMMAND_EXPN:
	case SMTP_COMMAND_HELP:
	case SMTP_COMMAND_NOOP:
	case SMTP_COMMAND_COUNT:
		break;
	}
	await(s, c->command);
}

static void line_read(struct smtp *s, struct str line)
{
	if (s->state == SMTP_STATE_AUTH_LINE) {
		wait_for(s, SMTP_WAIT_AUTH); /* read over: a user name, a password, a token */
		await(s, SMTP_COMMAND_AUTH);
		return;
	}
	if (str_has_prefix(line, STR("PROXY ")) && s->queue.count < 2) {
		return; /* HAProxy's text header: for the server's host, not for the server */
	}
	struct smtp_command_line c = smtp_command_parse(line);
	if (s->state != SMTP_STATE_COMMAND) {
		if (!c.is_strict) {
			return;
		}
		s->state = SMTP_STATE_COMMAND;
	}
	command_read(s, &c);
}

static void lines_run(struct smtp *s, struct str *in)
{
	struct str line;
	unsigned flags;

	if (smtp_line_step(&s->line, in, &line, &flags)) {
		if (s->state != SMTP_STATE_SYNC) {
			s->flags |= flags;
		}
		line_read(s, line);
	}
}

static bool is_tls_record(char c)
{
	return c >= 0x14 && c <= 0x17;
}

static void preface_run(struct smtp *s, struct str *in)
{
	while (in->len > 0 && s->state == SMTP_STATE_PREFACE) {
		char c = in->ptr[0];
		size_t at = s->proxy_at;

		if (at == 0 && is_tls_record(c)) {
			smtp_go_dark(s);
		} else if (at >= proxy_signature.len || c == proxy_signature.ptr[at]) {
			*in = str_skip(*in, 1);
			s->proxy_at++;
			if (at >= PROXY_HEAD_SIZE - 2) {
				s->chunk_left = s->chunk_left * 256 + (uint8_t)c;
			}
			if (at == PROXY_HEAD_SIZE - 1) {
				s->proxy_at = 0;
				s->state = SMTP_STATE_PROXY;
			}
		} else {
			s->state = (s->flags & SMTP_FLAG_JOINED) != 0 ? SMTP_STATE_SYNC
								      : SMTP_STATE_COMMAND;
		}
	}
}

static void proxy_run(struct smtp *s, struct str *in)
{
	size_t n = in->len < s->chunk_left ? in->len : (size_t)s->chunk_left;

	*in = str_skip(*in, n);
	s->chunk_left -= n;
	if (s->chunk_left == 0) {
		s->state = SMTP_STATE_PREFACE;
	}
}

static void body_run(struct smtp *s, struct str *in)
{
	struct str span;

	switch (smtp_body_step(&s->body, in, &span)) {
	case SMTP_BODY_SPAN:
		body_emit(s, span);
		break;
	case SMTP_BODY_HARD_DOT:
		smtp_client_end_body(s);
		break;
	case SMTP_BODY_SOFT_DOT:
		s->soft_dot = span;
		if (!s->is_server_seen || s->early_count > 0) {
			if (s->current != NULL) {
				s->current->m.flags |= SMTP_FLAG_SOFT_DOT;
			}
			smtp_client_end_body(s);
		} else {
			wait_for(s, SMTP_WAIT_SOFT_DOT);
		}
		break;
	case SMTP_BODY_MORE:
	case SMTP_BODY_OUT_COUNT:
		break;
	}
}

static void chunk_run(struct smtp *s, struct str *in)
{
	size_t n = in->len < s->chunk_left ? in->len : (size_t)s->chunk_left;

	body_emit(s, str_take(in, n));
	s->chunk_left -= n;
	smtp_client_end_chunk(s);
}

static void hold_run(struct smtp *s, struct str *in)
{
	if (s->hold.max == 0) {
		buf_init(&s->hold, SMTP_HOLD_MAX);
	}
	size_t room = SMTP_HOLD_MAX - s->hold.len;
	bool is_full = in->len > room;

	buf_add(&s->hold, str_take(in, is_full ? room : in->len));
	if (is_full || buf_end(&s->hold) < 0) {
		smtp_client_assume(s, false);
	}
}

/* Reads until `in` is empty, or what is held comes first. */
static void client_run(struct smtp *s, struct str *in)
{
	while (in->len > 0) {
		switch (s->state) {
		case SMTP_STATE_PREFACE:
			preface_run(s, in);
			break;
		case SMTP_STATE_PROXY:
			proxy_run(s, in);
			break;
		case SMTP_STATE_SYNC:
		case SMTP_STATE_COMMAND:
		case SMTP_STATE_AUTH_LINE:
		case SMTP_STATE_AUTH_ANY:
			lines_run(s, in);
			break;
		case SMTP_STATE_WAIT:
			hold_run(s, in);
			if (s->state != SMTP_STATE_WAIT) {
				return;
			}
			break;
		case SMTP_STATE_BODY:
			body_run(s, in);
			break;
		case SMTP_STATE_CHUNK:
			chunk_run(s, in);
			break;
		case SMTP_STATE_DARK:
		case SMTP_STATE_COUNT:
			*in = STR_EMPTY;
			break;
		}
	}
}

void smtp_client_pump(struct smtp *s)
{
	while (s->hold.len > 0 && s->state != SMTP_STATE_WAIT) {
		struct buf held = s->hold;
		struct str in = buf_str(&held);

		s->hold = (struct buf){0};
		client_run(s, &in);
		buf_done(&held);
	}
}

void smtp_client_feed(struct smtp *s, struct str in)
{
	smtp_client_pump(s);
	while (in.len > 0) {
		client_run(s, &in);
		smtp_client_pump(s);
	}
}

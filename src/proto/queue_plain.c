/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_plain: qmail's and sendmail's queue files. Layer: proto (pure).
 */
#include "proto/queue_plain.h"

#include "base/num.h"

#include <errno.h>

#include "base/poison.h"

static void add_rcpt(struct queue_mail *m, const struct queue_sink *sink, struct str rcpt,
		     bool is_done)
{
	m->rcpts++;
	m->rcpts_done += is_done ? 1 : 0;
	if (sink->on_rcpt != NULL) {
		sink->on_rcpt(sink->ctx, rcpt, is_done);
	}
}

static void add_content(const struct queue_sink *sink, struct str text)
{
	struct buf *out = sink->content;

	if (out != NULL) {
		buf_add(out, str_head(text, out->max - out->len));
	}
}

/* ---- qmail ---- */

/* "Received: (qmail 4711 invoked by uid 1010); date" on top is qmail-queue's own word. */
static void find_uid(struct str mess, struct queue_mail *m)
{
	const struct str by = STR(" invoked by uid ");
	struct str line = str_take_until(&mess, '\n');
	uint64_t uid;

	if (m->has_uid || !str_has_prefix(line, STR("Received: (qmail "))) {
		return;
	}
	size_t at = str_find(line, by);
	struct str rest = str_skip(line, at + by.len);
	if (at < line.len && num_parse_u64(str_take_until(&rest, ')'), UINT32_MAX, &uid) == 0) {
		m->uid = (uint32_t)uid;
		m->has_uid = true;
	}
}

static void read_rcpts(struct queue_mail *m, const struct queue_sink *sink, struct str list)
{
	while (list.len > 0) {
		struct str one = str_take_until(&list, '\0');
		if (one.len > 1 && (one.ptr[0] == 'T' || one.ptr[0] == 'D')) {
			add_rcpt(m, sink, str_skip(one, 1), one.ptr[0] == 'D');
		}
	}
}

int queue_qmail_parse(const struct queue_qmail_files *files, const struct queue_sink *sink,
		      struct queue_mail *ret)
{
	struct str info = files->info;
	uint64_t uid;

	*ret = (struct queue_mail){0};
	while (info.len > 0) {
		struct str one = str_take_until(&info, '\0');
		struct str text = str_skip(one, 1);
		if (str_has_prefix(one, STR("F"))) {
			ret->sender = text;
			ret->has_sender = true;
		} else if (str_has_prefix(one, STR("u")) &&
			   num_parse_u64(text, UINT32_MAX, &uid) == 0) {
			ret->uid = (uint32_t)uid;
			ret->has_uid = true;
		}
	}
	if (!ret->has_sender) {
		return -EBADMSG;
	}
	read_rcpts(ret, sink, files->local);
	read_rcpts(ret, sink, files->remote);
	find_uid(files->mess, ret);
	add_content(sink, files->mess);
	ret->is_complete = true;
	return 0;
}

/* ---- sendmail ---- */

static struct str without_brackets(struct str s)
{
	return s.len >= 2 && s.ptr[0] == '<' && s.ptr[s.len - 1] == '>'
		       ? (struct str){s.ptr + 1, s.len - 2}
		       : s;
}

/* "$_mail.example [192.0.2.1]", "$_anna@localhost", "${auth_authen}info@shop.example" */
static void read_macro(struct queue_mail *m, struct str text)
{
	if (str_has_prefix(text, STR("{auth_authen}"))) {
		m->account = str_skip(text, STR("{auth_authen}").len);
	} else if (str_has_prefix(text, STR("_"))) {
		struct str host = str_skip(text, 1);
		size_t open = str_find(host, STR(" ["));
		if (open < host.len) {
			m->client_addr = str_skip(host, open + 2);
			m->client_addr = str_head(m->client_addr,
						  str_find_char(m->client_addr, ']'));
			m->client_name = str_head(host, open);
		} else {
			m->login = str_head(host, str_find_char(host, '@'));
		}
	}
}

/* "?flags?Name: value", then lines that begin with a blank. */
static void read_header(const struct queue_sink *sink, struct str line)
{
	if (str_has_prefix(line, STR("?"))) {
		(void)str_take(&line, 1);
		(void)str_take_until(&line, '?');
	}
	add_content(sink, line);
	add_content(sink, STR("\n"));
}

/* @return false at the end */
static bool read_line(struct queue_mail *m, const struct queue_sink *sink, struct str line,
		      bool *in_header)
{
	char type = line.len == 0 ? '\0' : line.ptr[0];
	struct str text = str_skip(line, 1);
	uint64_t seconds;

	if (*in_header && (type == ' ' || type == '\t')) {
		add_content(sink, line);
		add_content(sink, STR("\n"));
		return true;
	}
	*in_header = type == 'H';
	switch (type) {
	case 'H':
		read_header(sink, text);
		break;
	case 'T':
		if (num_parse_u64(text, UINT32_MAX, &seconds) == 0) {
			m->arrival.ns = (int64_t)seconds * NS_PER_S;
		}
		break;
	case 'S':
		m->sender = without_brackets(text);
		m->has_sender = true;
		break;
	case 'R':
		/* Flags before a colon: "RPFD:<a@b>". */
		if (str_find(text, STR(":<")) < text.len) {
			text = str_skip(text, str_find(text, STR(":<")) + 1);
		}
		add_rcpt(m, sink, without_brackets(text), false);
		break;
	case '$':
		read_macro(m, text);
		break;
	case '.':
		m->is_complete = true;
		return false;
	default: /* priority, flags, quarantine … */
		break;
	}
	return true;
}

int queue_sendmail_parse(struct str file, const struct queue_sink *sink, struct queue_mail *ret)
{
	bool in_header = false;

	*ret = (struct queue_mail){0};
	if (!str_has_prefix(file, STR("V"))) {
		return -EBADMSG;
	}
	while (file.len > 0 && read_line(ret, sink, str_take_until(&file, '\n'), &in_header)) {
	}
	if (ret->client_addr.len > 0) {
		ret->login = STR_EMPTY;
	}
	add_content(sink, STR("\n"));
	return ret->has_sender ? 0 : -EBADMSG;
}

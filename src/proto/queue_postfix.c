/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_postfix: records of a Postfix queue file. Layer: proto (pure).
 */
#include "proto/queue_postfix.h"

#include "base/num.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

/* Fewest octets that a whole id has: five digits of microseconds and one of an inode. */
#define ID_MIN 6

enum part {
	PART_ENVELOPE,
	PART_CONTENT,
	PART_EXTRACTED, /* what cleanup found in the content: recipients of sendmail -t */
};

struct walk {
	struct str file;
	size_t at;
	unsigned jumps;
	enum part part;
	struct str id;
	const struct queue_sink *sink;
	struct queue_mail *mail;
	uint32_t rcpts_seen;
	uint32_t rcpts_said; /* by the size record: holds also when the file is cut */
};

bool queue_postfix_is_id(struct str name)
{
	if (name.len < ID_MIN || name.len > QUEUE_ID_MAX) {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		if (!char_is_digit(name.ptr[i]) && !char_is_alpha(name.ptr[i])) {
			return false;
		}
	}
	return true;
}

/* @return 1; 0 at the end of what is there; -EBADMSG */
static int take_record(struct walk *w, char *ret_type, struct str *ret)
{
	size_t len = 0;
	size_t at = w->at;
	unsigned shift = 0;

	if (at >= w->file.len) {
		return 0;
	}
	*ret_type = w->file.ptr[at++];
	for (;;) {
		if (at >= w->file.len) {
			return 0;
		}
		unsigned char c = (unsigned char)w->file.ptr[at++];
		if (shift > 28) {
			return -EBADMSG;
		}
		len |= (size_t)(c & 0x7F) << shift;
		shift += 7;
		if ((c & 0x80) == 0) {
			break;
		}
	}
	if (len > w->file.len - at) {
		return 0; /* cut */
	}
	*ret = (struct str){w->file.ptr + at, len};
	w->at = at + len;
	return 1;
}

static bool take_number(struct str *text, uint64_t max, uint64_t *ret)
{
	*text = str_trim(*text);
	struct str one = str_take_until(text, ' ');
	return num_parse_u64(one, max, ret) == 0;
}

static void read_size(struct walk *w, struct str s)
{
	uint64_t skip;
	uint64_t rcpts;

	if (take_number(&s, UINT32_MAX, &skip) && take_number(&s, UINT32_MAX, &skip) &&
	    take_number(&s, UINT32_MAX, &rcpts)) {
		w->rcpts_said = (uint32_t)rcpts;
	}
}

static void read_time(struct queue_mail *m, struct str s)
{
	uint64_t seconds;
	uint64_t us = 0;

	if (!take_number(&s, UINT32_MAX, &seconds)) {
		return;
	}
	(void)take_number(&s, 999999, &us);
	m->arrival.ns = (int64_t)seconds * NS_PER_S + (int64_t)us * NS_PER_US;
}

static void read_attribute(struct queue_mail *m, struct str s)
{
	struct str name = str_take_until(&s, '=');

	if (str_is_equal(name, STR("sasl_username"))) {
		m->account = s;
	} else if (str_is_equal(name, STR("log_client_address"))) {
		m->client_addr = s;
	} else if (str_is_equal(name, STR("client_address")) && m->client_addr.len == 0) {
		m->client_addr = s; /* before 2.6 */
	} else if (str_is_equal(name, STR("log_client_name"))) {
		m->client_name = s;
	}
}

static void read_rcpt(struct walk *w, struct str s, bool is_done)
{
	w->rcpts_seen++;
	w->mail->rcpts_done += is_done ? 1 : 0;
	if (w->sink->on_rcpt != NULL) {
		w->sink->on_rcpt(w->sink->ctx, s, is_done);
	}
}

static void read_content(struct walk *w, struct str s, bool is_line)
{
	struct buf *out = w->sink->content;

	if (out == NULL || out->len + s.len + 1 > out->max) {
		return; /* the start is what is wanted */
	}
	buf_add(out, s);
	if (is_line) {
		buf_add_char(out, '\n');
	}
}

/* "Received: by HOST (Postfix, from userid 33) id QID; …" on top is pickup's own word. What came
 * by SMTP says "from" there. The name of the program is a setting. */
static void find_uid(struct walk *w)
{
	const struct str mark = STR(", from userid ");
	const struct buf *content = w->sink->content;
	uint64_t uid;

	if (content == NULL || w->mail->client_addr.len > 0 || w->mail->account.len > 0) {
		return;
	}
	struct str text = buf_str(content);
	if (!str_has_prefix(text, STR("Received: by "))) {
		return;
	}
	size_t end = 0;
	/* The field goes on while lines begin with a blank. */
	do {
		end += str_find_char(str_skip(text, end), '\n') + 1;
	} while (end < text.len && (text.ptr[end] == ' ' || text.ptr[end] == '\t'));
	struct str field = str_head(text, end);
	size_t at = str_find(field, mark);
	if (at == field.len || str_find(field, w->id) == field.len) {
		return;
	}
	struct str rest = str_skip(field, at + mark.len);
	if (num_parse_u64(str_take_until(&rest, ')'), UINT32_MAX, &uid) == 0) {
		w->mail->uid = (uint32_t)uid;
		w->mail->has_uid = true;
	}
}

static int jump(struct walk *w, struct str s)
{
	uint64_t to;

	if (num_parse_u64(str_trim(s), UINT32_MAX, &to) < 0) {
		return -EBADMSG;
	}
	if (to == 0) {
		return 0; /* not in use */
	}
	if (++w->jumps > QUEUE_POSTFIX_JUMPS_MAX || to > w->file.len) {
		return -EBADMSG;
	}
	w->at = (size_t)to;
	return 0;
}

/* A record that any part but the content may have. */
static void read_envelope(struct walk *w, char type, struct str s)
{
	switch (type) {
	case 'T':
		read_time(w->mail, s);
		break;
	case 'S':
		w->mail->sender = s;
		w->mail->has_sender = true;
		break;
	case 'A':
		read_attribute(w->mail, s);
		break;
	case 'R':
	case 'D':
		read_rcpt(w, s, type == 'D');
		break;
	default: /* a letter of many: warnings, verp, dsn … */
		break;
	}
}

/* @return 1: go on; 0: the end; -EBADMSG */
static int read_record(struct walk *w, char type, struct str s)
{
	switch (type) {
	case 'p':
		return jump(w, s) < 0 ? -EBADMSG : 1;
	case 'E':
		w->mail->is_complete = true;
		return 0;
	case 'M':
		w->part = PART_CONTENT;
		return 1;
	case 'X':
		w->part = PART_EXTRACTED;
		return 1;
	case 'N':
	case 'L':
		if (w->part == PART_CONTENT) {
			read_content(w, s, type == 'N');
		}
		return 1;
	default:
		if (w->part != PART_CONTENT) {
			read_envelope(w, type, s);
		}
		return 1;
	}
}

int queue_postfix_parse(struct str file, struct str id, const struct queue_sink *sink,
			struct queue_mail *ret)
{
	struct walk w = {.file = file, .id = id, .sink = sink, .mail = ret};
	struct str s;
	char type;
	int r = take_record(&w, &type, &s);

	*ret = (struct queue_mail){0};
	if (r <= 0 || type != 'C') {
		return -EBADMSG;
	}
	read_size(&w, s);
	/* A jump backwards reads records again: the sum of all is bounded, not only the jumps. */
	for (size_t left = file.len + QUEUE_POSTFIX_JUMPS_MAX; left > 0; left--) {
		r = take_record(&w, &type, &s);
		if (r > 0) {
			r = read_record(&w, type, s);
		}
		if (r <= 0) {
			break;
		}
	}
	ret->rcpts = ret->is_complete              ? w.rcpts_seen
		     : w.rcpts_said > w.rcpts_seen ? w.rcpts_said
						   : w.rcpts_seen;
	find_uid(&w);
	return 0;
}

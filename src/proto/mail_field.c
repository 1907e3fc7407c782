/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_field: what header fields say. Layer: proto (pure).
 */
#include "proto/mail_addr.h"
#include "proto/mail_param.h"
#include "proto/mail_walk.h"
#include "proto/mail_word.h"

#include <string.h>

#include "base/poison.h"

/* Decoded, cut and kept in the arena. */
static struct str text_keep(struct mail *m, struct str value)
{
	struct buf out;

	buf_init(&out, MAIL_STRING_MAX);
	m->view.flags |= mail_word_decode(value, &out);
	struct str text = arena_copy(m->arena, str_trim(buf_str(&out)));
	if (text.ptr == NULL) {
		m->view.flags |= MAIL_FLAG_MEMORY;
	}
	buf_done(&out);
	return text;
}

static struct str lower_keep(struct mail *m, struct str s)
{
	char *text = arena_alloc(m->arena, s.len);

	if (text == NULL) {
		m->view.flags |= MAIL_FLAG_MEMORY;
		return STR_EMPTY;
	}
	for (size_t i = 0; i < s.len; i++) {
		text[i] = char_lower(s.ptr[i]);
	}
	return (struct str){text, s.len};
}

/* The first field of a name counts. */
static void once_keep(struct mail *m, struct str *slot, struct str value)
{
	if (slot->ptr != NULL) {
		m->view.flags |= MAIL_FLAG_HEADER_TWICE;
		return;
	}
	*slot = text_keep(m, value);
}

static struct str angle_of(struct str value, bool is_with_brackets)
{
	size_t open = str_find_char(value, '<');
	size_t close = str_find_char(str_skip(value, open), '>') + open;

	if (open >= value.len || close >= value.len) {
		return value;
	}
	return is_with_brackets ? str_skip(str_head(value, close + 1), open)
				: str_skip(str_head(value, close), open + 1);
}

static void addrs_keep(struct mail *m, struct mail_addrs *list, struct str value)
{
	m->view.flags |= mail_addr_parse(value, m->arena, list);
}

enum field_id {
	FIELD_OTHER,
	FIELD_SUBJECT,
	FIELD_FROM,
	FIELD_REPLY_TO,
	FIELD_TO,
	FIELD_CC,
	FIELD_MESSAGE_ID,
	FIELD_DATE,
	FIELD_RECEIVED,
	FIELD_LIST_ID,
	FIELD_UNSUBSCRIBE,
	FIELD_REPLY,
	FIELD_AUTO,
	FIELD_PRECEDENCE,
	FIELD_DKIM,
	FIELD_MAILER,
	FIELD_TYPE,
	FIELD_ENCODING,
	FIELD_DISPOSITION,
};

static const struct field_name {
	struct str name;
	enum field_id id;
} field_names[] = {
	{{"received", 8}, FIELD_RECEIVED},
	{{"subject", 7}, FIELD_SUBJECT},
	{{"from", 4}, FIELD_FROM},
	{{"reply-to", 8}, FIELD_REPLY_TO},
	{{"to", 2}, FIELD_TO},
	{{"cc", 2}, FIELD_CC},
	{{"message-id", 10}, FIELD_MESSAGE_ID},
	{{"date", 4}, FIELD_DATE},
	{{"list-id", 7}, FIELD_LIST_ID},
	{{"list-unsubscribe", 16}, FIELD_UNSUBSCRIBE},
	{{"in-reply-to", 11}, FIELD_REPLY},
	{{"references", 10}, FIELD_REPLY},
	{{"auto-submitted", 14}, FIELD_AUTO},
	{{"precedence", 10}, FIELD_PRECEDENCE},
	{{"dkim-signature", 14}, FIELD_DKIM},
	{{"x-mailer", 8}, FIELD_MAILER},
	{{"user-agent", 10}, FIELD_MAILER},
	{{"content-type", 12}, FIELD_TYPE},
	{{"content-transfer-encoding", 25}, FIELD_ENCODING},
	{{"content-disposition", 19}, FIELD_DISPOSITION},
};

static enum field_id field_find(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(field_names); i++) {
		if (str_is_equal_nocase(name, field_names[i].name)) {
			return field_names[i].id;
		}
	}
	return FIELD_OTHER;
}

static void encoding_read(struct mail *m, struct str value)
{
	static const struct {
		struct str name;
		enum mail_encoding encoding;
	} names[] = {
		{{"quoted-printable", 16}, MAIL_ENCODING_QP},
		{{"base64", 6}, MAIL_ENCODING_BASE64},
		{{"x-uuencode", 10}, MAIL_ENCODING_UUENCODE},
		{{"uuencode", 8}, MAIL_ENCODING_UUENCODE},
		{{"x-uue", 5}, MAIL_ENCODING_UUENCODE},
	};

	value = mail_param_value(value);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (str_is_equal_nocase(value, names[i].name)) {
			m->encoding = names[i].encoding;
		}
	}
}

static void content_field(struct mail *m, enum field_id id, struct str value)
{
	if (id == FIELD_TYPE) {
		m->view.flags |= m->has_type ? MAIL_FLAG_HEADER_TWICE : 0;
		buf_add(&m->type, m->has_type ? STR_EMPTY : value);
		m->has_type = true;
	} else if (id == FIELD_DISPOSITION && m->disposition.len == 0) {
		buf_add(&m->disposition, value);
	} else if (id == FIELD_ENCODING) {
		encoding_read(m, value);
	}
}

static void outer_field(struct mail *m, enum field_id id, struct str value)
{
	struct mail_view *v = &m->view;

	switch (id) {
	case FIELD_SUBJECT:
		once_keep(m, &v->subject, value);
		break;
	case FIELD_FROM:
		if (v->from.total > 0) {
			v->flags |= MAIL_FLAG_HEADER_TWICE;
		} else {
			addrs_keep(m, &v->from, value);
		}
		break;
	case FIELD_REPLY_TO:
		addrs_keep(m, &v->reply_to, value);
		break;
	case FIELD_TO:
		addrs_keep(m, &v->to, value);
		break;
	case FIELD_CC:
		addrs_keep(m, &v->cc, value);
		break;
	case FIELD_MESSAGE_ID:
		once_keep(m, &v->message_id, angle_of(value, true));
		break;
	case FIELD_DATE:
		once_keep(m, &v->date, value);
		break;
	case FIELD_RECEIVED:
		v->received++;
		break;
	case FIELD_LIST_ID:
		v->flags |= MAIL_FLAG_LIST_ID;
		if (v->list_id.ptr == NULL) {
			v->list_id = text_keep(m, angle_of(value, false));
		}
		break;
	case FIELD_UNSUBSCRIBE:
		v->flags |= MAIL_FLAG_UNSUBSCRIBE;
		break;
	case FIELD_REPLY:
		v->flags |= MAIL_FLAG_REPLY;
		break;
	case FIELD_AUTO:
		if (!str_is_equal_nocase(mail_param_value(value), STR("no"))) {
			v->flags |= MAIL_FLAG_AUTO;
		}
		break;
	case FIELD_PRECEDENCE:
		if (str_is_equal_nocase(value, STR("bulk")) ||
		    str_is_equal_nocase(value, STR("junk"))) {
			v->flags |= MAIL_FLAG_AUTO;
		}
		break;
	case FIELD_DKIM:
		v->flags |= MAIL_FLAG_DKIM;
		break;
	case FIELD_MAILER:
		if (v->mailer.ptr == NULL) {
			v->mailer = text_keep(m, value);
		}
		break;
	case FIELD_OTHER:
	case FIELD_TYPE:
	case FIELD_ENCODING:
	case FIELD_DISPOSITION:
		break;
	}
}

static bool name_is_valid(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] <= ' ' || name.ptr[i] == 0x7f) {
			return false;
		}
	}
	return name.len > 0;
}

void mail_field_end(struct mail *m)
{
	struct str value = buf_str(&m->field);
	size_t colon = str_find_char(value, ':');
	struct str name = str_trim(str_head(value, colon));
	bool is_mbox = m->is_first_line && m->current == 0 &&
		       (str_has_prefix(value, STR("From ")) ||
			str_has_prefix(value, STR(">From ")));

	m->is_field_open = false;
	m->is_first_line = false;
	if (is_mbox) {
		return;
	}
	if (colon == value.len || !name_is_valid(name)) {
		m->view.flags |= MAIL_FLAG_HEADER_BROKEN;
		return;
	}
	if (value.len >= MAIL_FIELD_MAX) {
		m->view.flags |= MAIL_FLAG_HEADER_LONG;
	}
	if (memchr(value.ptr, '\0', value.len) != NULL) {
		m->view.flags |= MAIL_FLAG_NUL;
	}
	value = str_trim(str_skip(value, colon + 1));
	if (m->current == 0 && m->on_field != NULL) {
		m->on_field(m->ctx, name, value);
	}
	enum field_id id = field_find(name);
	if (id == FIELD_TYPE || id == FIELD_ENCODING || id == FIELD_DISPOSITION) {
		content_field(m, id, value);
	} else if (m->current == 0) {
		outer_field(m, id, value);
	}
}

static void name_read(struct mail *m, struct mail_part *p)
{
	struct buf out;

	buf_init(&out, MAIL_STRING_MAX);
	if (mail_param_find(buf_str(&m->disposition), STR("filename"), &out, &m->view.flags) ||
	    mail_param_find(buf_str(&m->type), STR("name"), &out, &m->view.flags)) {
		p->name = arena_copy(m->arena, buf_str(&out));
	}
	buf_done(&out);
}

static void charset_read(struct mail *m, struct mail_part *p)
{
	struct buf out;

	buf_init(&out, 64);
	if (mail_param_find(buf_str(&m->type), STR("charset"), &out, &m->view.flags)) {
		p->charset = lower_keep(m, str_trim(buf_str(&out)));
	}
	buf_done(&out);
}

static void boundary_read(struct mail *m, const struct mail_part *p)
{
	struct mail_level level = {.part = m->current};
	unsigned flags = 0;
	struct buf out;

	buf_init(&out, MAIL_BOUNDARY_MAX);
	bool is_there = mail_param_find(buf_str(&m->type), STR("boundary"), &out, &flags);
	struct str boundary = buf_str(&out);
	while (boundary.len > 0 && char_is_space(boundary.ptr[boundary.len - 1])) {
		boundary.len--;
	}
	m->at = MAIL_AT_SKIP;
	if (!is_there || boundary.len == 0) {
		m->view.flags |= MAIL_FLAG_BOUNDARY_NONE;
	} else if (m->level_count == MAIL_DEPTH_MAX) {
		m->view.flags |= MAIL_FLAG_PARTS_CUT;
	} else {
		level.boundary = arena_copy(m->arena, boundary);
		level.is_alternative = str_is_equal(p->type, STR("multipart/alternative"));
		level.is_digest = str_is_equal(p->type, STR("multipart/digest"));
		if (level.boundary.ptr != NULL) {
			m->levels[m->level_count++] = level;
		} else {
			m->view.flags |= MAIL_FLAG_MEMORY;
		}
	}
	buf_done(&out);
}

static enum mail_kind kind_of(const struct mail_part *p)
{
	bool is_plain = p->encoding == MAIL_ENCODING_IDENTITY;

	if (str_has_prefix(p->type, STR("multipart/"))) {
		return MAIL_KIND_MULTIPART;
	}
	if (is_plain && (str_is_equal(p->type, STR("message/rfc822")) ||
			 str_is_equal(p->type, STR("message/global")))) {
		return MAIL_KIND_MESSAGE;
	}
	if (p->is_attachment || p->encoding == MAIL_ENCODING_UUENCODE) {
		return MAIL_KIND_OTHER;
	}
	if (str_is_equal(p->type, STR("text/html")) ||
	    str_is_equal(p->type, STR("application/xhtml+xml"))) {
		return MAIL_KIND_HTML;
	}
	if (str_is_equal(p->type, STR("text/plain")) ||
	    str_find_char(p->type, '/') == p->type.len) {
		return MAIL_KIND_TEXT; /* "text", "plain" and "" are broken ways to say so */
	}
	return MAIL_KIND_OTHER;
}

void mail_header_end(struct mail *m)
{
	struct mail_part *p = &m->parts[m->current];
	struct str type = mail_param_value(buf_str(&m->type));

	p->type = lower_keep(m, type);
	if (type.len == 0) {
		p->type = m->is_digest_child ? STR("message/rfc822") : STR("text/plain");
	} else if (str_find_char(type, '/') == type.len) {
		bool is_text = str_is_equal(p->type, STR("text"));
		p->type = is_text ? STR("text/plain") : STR("application/octet-stream");
	}
	p->encoding = m->encoding;
	p->is_attachment = str_is_equal_nocase(mail_param_value(buf_str(&m->disposition)),
					       STR("attachment"));
	name_read(m, p);
	p->kind = kind_of(p);
	switch (p->kind) {
	case MAIL_KIND_MULTIPART:
		boundary_read(m, p);
		break;
	case MAIL_KIND_TEXT:
	case MAIL_KIND_HTML:
		charset_read(m, p);
		FALLTHROUGH;
	case MAIL_KIND_OTHER:
		m->at = MAIL_AT_LEAF;
		mail_leaf_begin(m);
		break;
	case MAIL_KIND_MESSAGE:
	case MAIL_KIND_COUNT:
		m->at = MAIL_AT_SKIP; /* mail.c begins the header inside */
		break;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_addr: one pass over the field, octet by octet. Layer: proto (pure).
 */
#include "proto/mail_addr.h"

#include "base/buf.h"
#include "proto/mail_word.h"

#include "base/poison.h"

/* Octets of a name or address before it is decoded. */
#define RAW_MAX 4096

struct raw {
	char text[RAW_MAX];
	size_t len;
};

struct reader {
	struct arena *arena;
	struct mail_addrs *list;
	unsigned flags;
	struct raw phrase;  /* outside of brackets: a name, or the address itself */
	struct raw shown;   /* the same with its comments: "Shop (R) GmbH" */
	struct raw angle;   /* inside */
	struct raw comment; /* the last one */
	bool has_angle;
};

static void raw_add(struct raw *r, char c)
{
	if (r->len < RAW_MAX) {
		r->text[r->len++] = c;
	}
}

static void phrase_add(struct reader *a, char c)
{
	raw_add(&a->phrase, c);
	raw_add(&a->shown, c);
}

static struct str raw_str(const struct raw *r)
{
	return str_trim((struct str){r->text, r->len});
}

static struct str text_decode(struct reader *a, struct str raw)
{
	struct buf out;

	buf_init(&out, MAIL_STRING_MAX);
	a->flags |= mail_word_decode(raw, &out);
	struct str text = arena_copy(a->arena, str_trim(buf_str(&out)));
	if (text.ptr == NULL) {
		a->flags |= MAIL_FLAG_MEMORY;
	}
	buf_done(&out);
	return text;
}

/* "@a,@b:user@c": the route is history. */
static struct str route_skip(struct str s)
{
	if (s.len > 0 && s.ptr[0] == '@') {
		size_t colon = str_find_char(s, ':');
		s = colon < s.len ? str_trim(str_skip(s, colon + 1)) : s;
	}
	return s;
}

static bool items_grow(struct reader *a)
{
	struct mail_addrs *list = a->list;

	/* Room doubles when the count is a power of two; what is outgrown stays in the arena. */
	if (list->count >= 4 && (list->count & (list->count - 1)) != 0) {
		return true;
	}
	if (list->count > 0 && list->count < 4) {
		return true;
	}
	size_t size = list->count == 0 ? 4 : list->count * 2;
	struct mail_addr *items = ARENA_ZNEW_N(a->arena, struct mail_addr, size);
	if (items == NULL) {
		a->flags |= MAIL_FLAG_MEMORY;
		return false;
	}
	for (size_t i = 0; i < list->count; i++) {
		items[i] = list->items[i];
	}
	list->items = items;
	return true;
}

static void mailbox_end(struct reader *a)
{
	struct str phrase = raw_str(&a->phrase);
	struct str addr = a->has_angle ? raw_str(&a->angle) : phrase;
	bool is_named = a->has_angle && phrase.len > 0;
	struct str name = raw_str(is_named ? &a->shown : &a->comment);

	if (name.len > 1 && name.ptr[0] == '"' && name.ptr[name.len - 1] == '"') {
		name = str_skip(str_head(name, name.len - 1), 1); /* quoted in a comment */
	}
	if (addr.len > 0 || name.len > 0) {
		a->list->total++;
		if (a->list->count < MAIL_ADDRS_MAX && items_grow(a)) {
			struct mail_addr *item = &a->list->items[a->list->count];
			item->name = text_decode(a, name);
			item->addr = text_decode(a, route_skip(addr));
			a->list->count += item->addr.ptr != NULL;
		}
	}
	a->phrase.len = 0;
	a->shown.len = 0;
	a->angle.len = 0;
	a->comment.len = 0;
	a->has_angle = false;
}

/* A comment from its "(" on. @return Octets up to and with the ")" that closes it. */
static size_t comment_read(struct reader *a, struct str s)
{
	unsigned depth = 0;
	size_t i = 0;

	a->comment.len = 0;
	for (; i < s.len; i++) {
		char c = s.ptr[i];
		if (c == '\\' && i + 1 < s.len) {
			raw_add(&a->comment, s.ptr[++i]);
			continue;
		}
		depth += c == '(';
		depth -= c == ')';
		if (depth == 0) {
			i++;
			break;
		}
		if (i > 0) {
			raw_add(&a->comment, c);
		}
	}
	for (size_t k = 0; k < i && !a->has_angle; k++) {
		raw_add(&a->shown, s.ptr[k]);
	}
	return i;
}

static void octet_add(struct reader *a, char c)
{
	if (a->has_angle) {
		raw_add(&a->angle, c);
	} else {
		phrase_add(a, c);
	}
}

/* A quoted string from its quote on; the quotes stay in an address. */
static size_t quoted_read(struct reader *a, struct str s)
{
	size_t end = 1;

	while (end < s.len && s.ptr[end] != '"') {
		end += s.ptr[end] == '\\' && end + 1 < s.len ? 2 : 1;
	}
	if (end >= s.len) {
		return 1; /* it is never closed: no quote */
	}
	bool is_local = a->has_angle || (end + 1 < s.len && s.ptr[end + 1] == '@');
	for (size_t i = is_local ? 0 : 1; i < end + is_local; i++) {
		if (s.ptr[i] == '\\' && i + 1 < end) {
			if (is_local) {
				octet_add(a, '\\');
			}
			i++;
		}
		octet_add(a, s.ptr[i]);
	}
	return end + 1;
}

/* Is the ":" here the end of a group's name? It is not inside of "user:x@host" or a URL. */
static bool is_group(const struct reader *a)
{
	struct str phrase = raw_str(&a->phrase);

	return !a->has_angle && phrase.len > 0 && str_find_char(phrase, '@') == phrase.len;
}

static void octet_read(struct reader *a, char c, bool is_in_angle)
{
	switch (c) {
	case '<':
		a->has_angle = true;
		a->angle.len = 0;
		break;
	case ',':
	case ';':
		if (is_in_angle) {
			raw_add(&a->angle, c);
		} else {
			mailbox_end(a);
		}
		break;
	case ':':
		if (is_group(a)) {
			a->phrase.len = 0;
			a->shown.len = 0;
			break;
		}
		FALLTHROUGH;
	default:
		if (is_in_angle) {
			raw_add(&a->angle, c);
		} else {
			phrase_add(a, c);
		}
		break;
	}
}

unsigned mail_addr_parse(struct str in, struct arena *arena, struct mail_addrs *list)
{
	struct reader a UNINITIALIZED;
	bool is_in_angle = false;

	a.arena = arena;
	a.list = list;
	a.flags = 0;
	a.phrase.len = 0;
	a.shown.len = 0;
	a.angle.len = 0;
	a.comment.len = 0;
	a.has_angle = false;
	while (in.len > 0) {
		char c = in.ptr[0];
		if (c == '(' && !is_in_angle) {
			in = str_skip(in, comment_read(&a, in));
			continue;
		}
		if (c == '"') {
			in = str_skip(in, quoted_read(&a, in));
			continue;
		}
		if (c == '>' && is_in_angle) {
			is_in_angle = false;
		} else {
			octet_read(&a, c, is_in_angle);
			is_in_angle = is_in_angle || c == '<';
		}
		in = str_skip(in, 1);
	}
	mailbox_end(&a);
	return a.flags;
}

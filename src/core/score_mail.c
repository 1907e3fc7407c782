/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_mail: chooses what of a message is read. Layer: core (pure).
 */
#include "core/score_mail.h"

#include <string.h>

#include "base/poison.h"

/* Octets of text below which an alternative says nothing ("your reader can't show this"). */
#define ALTERNATIVE_MIN 20

static bool has_text(const struct mail_part *p)
{
	return (p->kind == MAIL_KIND_TEXT || p->kind == MAIL_KIND_HTML) && p->text_len > 0;
}

/* Is there a later alternative of the same parent, or a first one that says more than this? */
static bool is_outdone(const struct mail_view *v, size_t at)
{
	const struct mail_part *p = &v->parts[at];

	if (!p->is_alternative) {
		return false;
	}
	for (size_t i = 0; i < v->part_count; i++) {
		const struct mail_part *other = &v->parts[i];

		if (i != at && other->is_alternative && other->parent == p->parent &&
		    has_text(other) && other->text_len >= ALTERNATIVE_MIN &&
		    (i > at || p->text_len < ALTERNATIVE_MIN)) {
			return true;
		}
	}
	return false;
}

static void take_text(const struct mail_view *v, bool is_nested, struct score_room *room)
{
	for (size_t i = 0; i < v->part_count; i++) {
		const struct mail_part *p = &v->parts[i];

		if (!has_text(p) || p->is_nested != is_nested || is_outdone(v, i)) {
			continue;
		}
		struct str text = str_head(str_skip(v->text, p->text_at), p->text_len);
		size_t left = sizeof(room->text) - room->text_len;

		text = str_head(text, left);
		if (text.len > 0) {
			memcpy(room->text + room->text_len, text.ptr, text.len);
			room->text_len += text.len;
		}
		if (room->text_len < sizeof(room->text)) {
			room->text[room->text_len++] = '\n';
		}
	}
}

static struct str first_address(const struct mail_addrs *a)
{
	return a->count > 0 ? a->items[0].addr : STR_EMPTY;
}

struct score_input score_input_of(const struct mail_view *view, struct score_room *room)
{
	struct score_input in = {
		.subject = view->subject,
		.from_name = view->from.count > 0 ? view->from.items[0].name : STR_EMPTY,
		.from_address = first_address(&view->from),
		.reply_to_address = first_address(&view->reply_to),
		.to_address = first_address(&view->to),
		.hosts = room->hosts,
		.is_hiding = view->html_hidden_chars > view->html_text_chars,
	};

	for (size_t i = 0; i < view->link_count && in.host_count < MAIL_LINKS_MAX; i++) {
		const struct mail_link *link = &view->links[i];

		if (link->host.len > 0) {
			room->hosts[in.host_count++] = link->host;
		}
		in.links_disguised += link->is_disguised ? 1 : 0;
		in.links_address += link->is_address ? 1 : 0;
	}
	room->text_len = 0;
	take_text(view, false, room);
	if (str_trim((struct str){room->text, room->text_len}).len == 0) {
		take_text(view, true, room);
	}
	in.text = (struct str){room->text, room->text_len};
	return in;
}

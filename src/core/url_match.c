/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url_match: the URLs that count, and what is said of them. Layer: core (pure).
 */
#include "core/url_match.h"

#include "base/assert.h"
#include "proto/url.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* Octets of a URL that a reason shows. */
#define SHOWN_MAX 40

struct search {
	const struct url_match_list *lists;
	size_t count;
	struct score *score;
	size_t urls;
};

static void say(struct score *score, const char *name, struct str url)
{
	char shown[SHOWN_MAX + 1];
	size_t n = url.len < SHOWN_MAX ? url.len : SHOWN_MAX;
	size_t kept = score->reason_count < SCORE_REASONS_MAX ? score->reason_count
							      : SCORE_REASONS_MAX - 1;

	for (size_t i = 0; i < n; i++) {
		shown[i] = url.ptr[i] > 0x20 && url.ptr[i] < 0x7F ? url.ptr[i] : '?';
	}
	shown[n] = '\0';
	memmove(score->reasons[1], score->reasons[0], kept * sizeof(score->reasons[0]));
	snprintf(score->reasons[0], SCORE_REASON_SIZE, "links to %s: on the list %.30s", shown,
		 name);
	score->reason_count = kept + 1;
}

static void look_up(struct search *s, struct str url)
{
	if (s->urls++ >= URL_MATCH_MAX) {
		return;
	}
	for (size_t i = 0; i < s->count; i++) {
		unsigned bit = 1U << i;
		if ((s->score->listed & bit) == 0 && url_set_has(&s->lists[i].set, url)) {
			s->score->listed = (uint16_t)(s->score->listed | bit);
			say(s->score, s->lists[i].name, url);
		}
	}
}

static void look_through(struct search *s, struct str text)
{
	while (text.len > 0 && s->urls < URL_MATCH_MAX) {
		struct str line = str_trim(str_take_until(&text, '\n'));
		if (line.len > 0 && line.ptr[0] == '>') {
			continue;
		}
		struct url_finder f = url_finder_start(line);
		for (struct str url = url_find(&f); url.ptr != NULL; url = url_find(&f)) {
			look_up(s, url);
		}
	}
}

void url_match(const struct mail_view *view, const struct url_match_list *lists, size_t count,
	       struct score *score)
{
	struct search s = {.lists = lists, .count = count, .score = score};
	bool has_nested = false;
	uint64_t entries = 0;

	ASSERT(count <= 16);
	score->listed = 0;
	for (size_t i = 0; i < count; i++) {
		entries += lists[i].set.count;
	}
	if (entries == 0) {
		return;
	}
	for (size_t i = 0; i < view->part_count; i++) {
		const struct mail_part *p = &view->parts[i];
		has_nested = has_nested || p->is_nested;
		if (!p->is_nested && p->text_len > 0) {
			look_through(&s, str_head(str_skip(view->text, p->text_at), p->text_len));
		}
	}
	/* A link in HTML does not say which part it is from. */
	for (size_t i = 0; i < view->link_count && !has_nested; i++) {
		if (view->links[i].from == MAIL_LINK_HREF) {
			look_up(&s, view->links[i].url);
		}
	}
}

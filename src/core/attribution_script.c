/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_script: scripts by the recipients that PHP's log names. Layer: core (pure).
 */
#include "core/attribution_script.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

#define PATHS_MAX 1024 /* different scripts; what more of them send is not remembered */
#define NO_PATH UINT32_MAX

static size_t paths_max(const struct attribution *a)
{
	return a->opts.scripts_max < PATHS_MAX ? a->opts.scripts_max : PATHS_MAX;
}

static struct script_of *script_slot(const struct attribution *a, uint64_t rcpt)
{
	return &a->scripts[rcpt & (a->opts.scripts_max - 1)];
}

/* The number of a script's path; NO_PATH when there are too many. */
static uint32_t script_number(struct attribution *a, struct str path)
{
	for (uint32_t i = 0; i < a->path_count; i++) {
		if (str_is_equal(path, str_of(a->paths[i]))) {
			return i;
		}
	}
	if (a->path_count < paths_max(a)) {
		(void)str_copy(a->paths[a->path_count], sizeof(a->paths[0]), path);
		return a->path_count++;
	}
	return NO_PATH;
}

void script_set(struct sender *s, struct str path, const char *said, struct attribution_place place)
{
	char text[ATTRIBUTION_TEXT_MAX];
	bool is_new = !s->has_script && !str_is_equal(str_of(s->out.script), path);
	bool is_odd = is_new && script_is_odd(path);

	/* The first that is odd; else the first. */
	if (is_new && (is_odd || s->out.scripted == 0)) {
		s->has_script = is_odd;
		(void)snprintf(text, sizeof(text), "%s%.*s", said, (int)str_head(path, 200).len,
			       path.ptr);
		sender_add_evidence(s, place, str_of(text));
	}
	sender_set_script(s, path);
}

void script_learn(struct attribution *a, const struct log_line *l, const struct log_event *e)
{
	if (a->scripts == NULL) {
		a->scripts = calloc(a->opts.scripts_max, sizeof(*a->scripts));
		a->paths = calloc(paths_max(a), sizeof(*a->paths));
	}
	if (a->scripts == NULL || a->paths == NULL) {
		return;
	}
	uint32_t path = script_number(a, e->script);
	struct str list = e->rcpt;
	while (list.len > 0 && path != NO_PATH) {
		struct str one = str_trim(str_take_until(&list, ','));
		/* "Name <address>" */
		size_t open = str_find_char(one, '<');
		uint64_t rcpt = attribution_hash(
			a, attribution_bare_id(open < one.len ? str_skip(one, open) : one));
		*script_slot(a, rcpt) = (struct script_of){
			.rcpt = rcpt, .time = l->time, .path = path, .place = a->here};
	}
}

/* PHP's log knows the recipient and the second; the mail log has both too. */
void script_find(struct attribution *a, struct entry *e, uint64_t rcpt)
{
	struct sender *by = who_sender(e->who);

	if (a->scripts == NULL || by == NULL || by->out.kind != SOURCE_USER) {
		return;
	}
	const struct script_of *s = script_slot(a, rcpt);
	int64_t apart = e->time.ns - s->time.ns;
	if (s->rcpt == rcpt && apart > -10 * NS_PER_S && apart < 60 * NS_PER_S) {
		script_set(by, str_of(a->paths[s->path]), "mail() on ", s->place);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_feed: from queue files to the events of a log. Layer: doctor.
 */
#include "doctor/queue_feed.h"

#include "base/num.h"

#include <stdio.h>

#include "base/poison.h"

/* Recipients of one message that are counted. */
#define RCPTS_MAX 1000

static void name_source(const struct queue_source *s, const struct queue_info *in,
			struct log_event *e)
{
	struct str name = str_of(s->name);
	uint64_t uid;

	switch (s->kind) {
	case SOURCE_ACCOUNT:
		e->account = name;
		e->client_addr = in->client;
		break;
	case SOURCE_USER:
		if (str_has_prefix(name, STR("uid ")) &&
		    num_parse_u64(str_skip(name, 4), UINT32_MAX, &uid) == 0) {
			e->has_uid = true;
			e->uid = (uint32_t)uid;
		} else {
			e->login = name;
		}
		break;
	case SOURCE_ADDRESS:
		e->client_addr = name;
		break;
	case SOURCE_SCRIPT:
	case SOURCE_SERVER:
	case SOURCE_KIND_COUNT:
		break;
	}
}

static struct str bare_id(struct str id)
{
	return id.len >= 2 && id.ptr[0] == '<' ? (struct str){id.ptr + 1, id.len - 2} : id;
}

static void feed_one(struct attribution *a, const struct queue_list *l, size_t i,
		     struct attribution_place place)
{
	const struct queue_item *it = &l->items[i];
	const struct queue_info *in = &l->infos[i];
	const struct queue_source *s = l->sources[it->source];
	char text[512];
	char rcpt[64];

	(void)snprintf(text, sizeof(text), "%s/%.*s: %s %s from=<%.*s> Subject: %.*s", in->place,
		       STR_ARG(in->id), source_kind_name(s->kind), s->name, STR_ARG(in->sender),
		       STR_ARG(in->subject));
	struct log_line line = {.time = it->arrival, .text = str_of(text)};
	struct log_event e = {.type = LOG_ARRIVED,
			      .mta = LOG_MTA_POSTFIX,
			      .id = in->id,
			      .sender = in->sender,
			      .has_sender = true,
			      .subject = in->subject};
	name_source(s, in, &e);
	attribution_step(a, &line, &e, place);
	e = (struct log_event){.type = LOG_MESSAGE_ID,
			       .mta = LOG_MTA_POSTFIX,
			       .id = in->id,
			       .message_id = bare_id(in->message_id)};
	attribution_step(a, &line, &e, place);
	for (uint32_t n = 0; n < it->rcpts && n < RCPTS_MAX; n++) {
		/* The first is known; of the others it counts that they are others. */
		(void)snprintf(rcpt, sizeof(rcpt), "%u/%.*s", n, STR_ARG(in->id));
		e = (struct log_event){.type = LOG_DELIVERY,
				       .mta = LOG_MTA_POSTFIX,
				       .id = in->id,
				       .rcpt = n == 0 ? in->rcpt : str_of(rcpt),
				       .delivery = LOG_DEFERRED};
		attribution_step(a, &line, &e, place);
	}
}

size_t queue_feed(struct attribution *a, const struct queue_list *l, uint32_t file)
{
	size_t added = 0;

	for (size_t i = 0; i < l->count; i++) {
		struct attribution_place place = {.file = file, .line = (uint32_t)i + 1};
		if (!attribution_has(a, l->infos[i].id)) {
			feed_one(a, l, i, place);
			added++;
		}
	}
	return added;
}

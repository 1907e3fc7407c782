/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score_opinion: a ring of messages and the services that are asked about them. Layer: cli.
 */
#include "cli/score_opinion.h"

#include "ask/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

#define WAIT_MS 100
#define ENDPOINT_SIZE 80

struct slot {
	void *item;
	unsigned waiting; /* a bit for each kind */
	unsigned missing;
	struct opinions answers;
};

struct service {
	struct score_opinion *owner;
	struct ask *ask; /* NULL: not wanted */
	enum opinion_kind kind;
};

struct score_opinion {
	struct loop *loop;
	struct service services[OPINION_KIND_COUNT];
	struct slot ring[SCORE_PARALLEL];
	uint64_t first;
	uint64_t count;
	score_opinion_fn *ready;
	void *ctx;
};

static void done(void *ctx, uint64_t token, enum ask_outcome outcome, int64_t score_micro)
{
	struct service *s = ctx;
	struct slot *slot = &s->owner->ring[token % SCORE_PARALLEL];

	slot->waiting &= ~(1U << s->kind);
	if (outcome == ASK_ANSWERED) {
		slot->answers.has[s->kind] = true;
		slot->answers.score_micro[s->kind] = score_micro;
	} else {
		slot->missing |= 1U << s->kind;
	}
}

/* "http://127.0.0.1:11333/" and "localhost:783" become address and port. */
static void endpoint_of(struct str text, char ret[static ENDPOINT_SIZE])
{
	if (str_has_prefix(text, STR("http://"))) {
		text = str_skip(text, 7);
		text = str_head(text, str_find_char(text, '/'));
	}
	if (str_has_prefix(text, STR("localhost:"))) {
		snprintf(ret, ENDPOINT_SIZE, "127.0.0.1:%.*s", STR_ARG(str_skip(text, 10)));
	} else {
		(void)str_copy(ret, ENDPOINT_SIZE, text);
	}
}

static int add(struct score_opinion *o, struct str one, struct errmsg *reterr)
{
	char endpoint[ENDPOINT_SIZE];
	struct str name = str_take_until(&one, '=');

	endpoint_of(one, endpoint);
	for (unsigned k = 0; k < OPINION_KIND_COUNT; k++) {
		struct service *s = &o->services[k];
		if (!str_is_equal(name, str_of(opinion_kind_name((enum opinion_kind)k)))) {
			continue;
		}
		const struct ask_conf conf = {.kind = (enum opinion_kind)k,
					      .endpoint = endpoint,
					      .timeout_ms = SCORE_TIMEOUT_S * 1000,
					      .parallel = SCORE_PARALLEL};
		*s = (struct service){.owner = o, .kind = (enum opinion_kind)k};
		return ask_new(o->loop, &conf, done, s, &s->ask, reterr);
	}
	return err_set(reterr, -EINVAL,
		       "second opinion: spamd=ADDRESS:PORT or rspamd=URL, not '%.*s'",
		       STR_ARG(name));
}

int score_opinion_new(const char *text, score_opinion_fn *ready, void *ctx,
		      struct score_opinion **ret, struct errmsg *reterr)
{
	struct score_opinion *o = calloc(1, sizeof(*o));
	struct str rest = str_of(text);
	int r = 0;

	if (o == NULL) {
		return err_set(reterr, -ENOMEM, "no memory");
	}
	o->ready = ready;
	o->ctx = ctx;
	o->loop = loop_new();
	if (o->loop == NULL) {
		r = err_set(reterr, -ENOMEM, "no memory");
	}
	while (r == 0 && rest.len > 0) {
		r = add(o, str_take_until(&rest, ','), reterr);
	}
	if (r < 0) {
		score_opinion_free(o);
		return r;
	}
	*ret = o;
	return 0;
}

/* Hand out the oldest while it is ready, or until it is. */
static int drain(struct score_opinion *o, uint64_t most)
{
	while (o->count > 0) {
		struct slot *slot = &o->ring[o->first % SCORE_PARALLEL];
		if (slot->waiting != 0) {
			if (o->count <= most) {
				return 0;
			}
			loop_turn(o->loop, WAIT_MS);
			continue;
		}
		struct slot ready = *slot;
		*slot = (struct slot){.item = NULL};
		o->first++;
		o->count--;
		int r = o->ready(o->ctx, ready.item, &ready.answers, ready.missing);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int score_opinion_ask(struct score_opinion *o, void *item, struct str message)
{
	int r = drain(o, SCORE_PARALLEL - 1);

	if (r < 0) {
		return r;
	}
	uint64_t token = o->first + o->count++;
	struct slot *slot = &o->ring[token % SCORE_PARALLEL];
	*slot = (struct slot){.item = item};
	for (unsigned k = 0; k < OPINION_KIND_COUNT; k++) {
		if (o->services[k].ask == NULL) {
			continue;
		}
		if (ask_start(o->services[k].ask, token, message) == 0) {
			slot->waiting |= 1U << k;
		} else {
			slot->missing |= 1U << k;
		}
	}
	return 0;
}

int score_opinion_end(struct score_opinion *o)
{
	return drain(o, 0);
}

void score_opinion_free(struct score_opinion *o)
{
	if (o != NULL) {
		for (size_t k = 0; k < OPINION_KIND_COUNT; k++) {
			ask_free(o->services[k].ask);
		}
		for (size_t i = 0; i < SCORE_PARALLEL; i++) {
			free(o->ring[i].item);
		}
		loop_free(o->loop);
		free(o);
	}
}

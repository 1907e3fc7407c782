/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observation: how messages and sessions look between processes. Layer: core (pure).
 */
#include "core/observation.h"

#include "base/cur.h"
#include "core/opinion.h"
#include "core/wire.h"

#include <errno.h>

#include "base/poison.h"

/* 2: with the lists of URLs and opinions. Logs for replay may hold version 1. */
#define MESSAGE_OBS_VERSION 2
#define MESSAGE_OBS_VERSION_BEFORE 1
#define SESSION_OBS_VERSION 1
#define OPINION_OBS_VERSION 1
#define SCORE_MICRO_MAX 1000000

int message_obs_encode(const struct message_obs *o, void *data, size_t size)
{
	struct enc e = enc_of(data, size);

	enc_uint(&e, 1, MESSAGE_OBS_VERSION);
	enc_int(&e, 8, o->time.ns);
	wire_put_source(&e, &o->source);
	wire_put_addr(&e, &o->client);
	wire_put_addr(&e, &o->destination);
	enc_uint(&e, 2, o->dport);
	enc_uint(&e, 8, o->session);
	enc_uint(&e, 4, o->index);
	enc_uint(&e, 1, o->state);
	enc_uint(&e, 1, o->far);
	enc_bool(&e, o->verified);
	enc_uint(&e, 1, o->refusal);
	enc_uint(&e, 2, o->reply_code);
	enc_uint(&e, 4, o->rcpts);
	enc_uint(&e, 4, o->rcpts_accepted);
	enc_uint(&e, 4, o->rcpts_unknown);
	enc_uint(&e, 4, o->rcpts_refused);
	enc_uint(&e, 4, o->size_bytes);
	enc_uint(&e, 4, o->lost_bytes);
	enc_bool(&e, o->scored);
	enc_bool(&e, o->flagged);
	enc_uint(&e, 4, o->score_micro);
	enc_uint(&e, 1, o->bin);
	enc_uint(&e, 8, o->simhash);
	enc_uint(&e, 8, o->urls_hash);
	enc_uint(&e, 8, o->campaign);
	enc_uint(&e, 2, o->listed);
	enc_bool(&e, o->has_list_id);
	enc_uint(&e, 8, o->sender_domain);
	enc_uint(&e, 8, o->helo);
	enc_bool(&e, o->helo_is_literal);
	enc_bool(&e, o->is_asked);
	enc_bytes(&e, o->sample, sizeof(o->sample));
	return enc_end(&e);
}

static void message_read(struct cur *c, struct message_obs *ret)
{
	unsigned version = wire_get_version_of(c, MESSAGE_OBS_VERSION_BEFORE, MESSAGE_OBS_VERSION);
	ret->time.ns = cur_int(c, 8);
	wire_get_source(c, &ret->source);
	wire_get_addr(c, &ret->client);
	wire_get_addr(c, &ret->destination);
	ret->dport = (uint16_t)cur_uint(c, 2, UINT16_MAX);
	ret->session = cur_uint(c, 8, UINT64_MAX);
	ret->index = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->state = (enum message_state)cur_uint(c, 1, MESSAGE_STATE_COUNT - 1);
	ret->far = (enum far_side)cur_uint(c, 1, FAR_COUNT - 1);
	ret->verified = cur_bool(c);
	ret->refusal = (enum refusal)cur_uint(c, 1, REFUSAL_COUNT - 1);
	ret->reply_code = (uint16_t)cur_uint(c, 2, 999);
	ret->rcpts = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	/* Answers can't be more than questions. */
	ret->rcpts_accepted = (uint32_t)cur_uint(c, 4, ret->rcpts);
	ret->rcpts_unknown = (uint32_t)cur_uint(c, 4, ret->rcpts - ret->rcpts_accepted);
	ret->rcpts_refused = (uint32_t)cur_uint(c, 4, ret->rcpts - ret->rcpts_accepted);
	ret->size_bytes = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->lost_bytes = (uint32_t)cur_uint(c, 4, UINT32_MAX);
	ret->scored = cur_bool(c);
	ret->flagged = cur_bool(c);
	ret->score_micro = (uint32_t)cur_uint(c, 4, SCORE_MICRO_MAX);
	ret->bin = (uint8_t)cur_uint(c, 1, UINT8_MAX);
	ret->simhash = cur_uint(c, 8, UINT64_MAX);
	ret->urls_hash = cur_uint(c, 8, UINT64_MAX);
	ret->campaign = cur_uint(c, 8, UINT64_MAX);
	if (version > MESSAGE_OBS_VERSION_BEFORE) {
		ret->listed = (uint16_t)cur_uint(c, 2, UINT16_MAX);
	}
	ret->has_list_id = cur_bool(c);
	ret->sender_domain = cur_uint(c, 8, UINT64_MAX);
	ret->helo = cur_uint(c, 8, UINT64_MAX);
	ret->helo_is_literal = cur_bool(c);
	ret->is_asked = version > MESSAGE_OBS_VERSION_BEFORE && cur_bool(c);
	cur_copy(c, ret->sample, sizeof(ret->sample));
	if (ret->rcpts_unknown > ret->rcpts_refused) {
		c->err = -EBADMSG;
	}
}

int message_obs_decode(const void *data, size_t len, struct message_obs *ret)
{
	struct cur c = cur_of(data, len);
	struct message_obs o = {0};

	message_read(&c, &o);
	int r = cur_end(&c);
	if (r == 0) {
		*ret = o;
	}
	return r;
}

int opinion_obs_encode(const struct opinion_obs *o, void *data, size_t size)
{
	struct enc e = enc_of(data, size);

	enc_uint(&e, 1, OPINION_OBS_VERSION);
	enc_int(&e, 8, o->time.ns);
	wire_put_source(&e, &o->source);
	enc_uint(&e, 8, o->session);
	enc_uint(&e, 4, o->index);
	enc_uint(&e, 4, o->score_micro);
	enc_bool(&e, o->flagged);
	enc_int(&e, 4, o->nats_micro);
	return enc_end(&e);
}

int opinion_obs_decode(const void *data, size_t len, struct opinion_obs *ret)
{
	struct cur c = cur_of(data, len);
	struct opinion_obs o = {0};

	wire_get_version(&c, OPINION_OBS_VERSION);
	o.time.ns = cur_int(&c, 8);
	wire_get_source(&c, &o.source);
	o.session = cur_uint(&c, 8, UINT64_MAX);
	o.index = (uint32_t)cur_uint(&c, 4, UINT32_MAX);
	o.score_micro = (uint32_t)cur_uint(&c, 4, SCORE_MICRO_MAX);
	o.flagged = cur_bool(&c);
	o.nats_micro = (int32_t)cur_int(&c, 4);
	if (o.nats_micro > OPINION_NATS_MAX_MICRO || o.nats_micro < -OPINION_NATS_MAX_MICRO) {
		c.err = -EBADMSG;
	}
	int r = cur_end(&c);
	if (r == 0) {
		*ret = o;
	}
	return r;
}

int session_obs_encode(const struct session_obs *o, void *data, size_t size)
{
	struct enc e = enc_of(data, size);

	enc_uint(&e, 1, SESSION_OBS_VERSION);
	enc_int(&e, 8, o->time.ns);
	wire_put_source(&e, &o->source);
	wire_put_addr(&e, &o->client);
	wire_put_addr(&e, &o->destination);
	enc_uint(&e, 2, o->sport);
	enc_uint(&e, 2, o->dport);
	enc_uint(&e, 8, o->session);
	enc_uint(&e, 1, o->event);
	enc_uint(&e, 1, o->far);
	enc_bool(&e, o->verified);
	enc_uint(&e, 1, o->tls);
	enc_uint(&e, 4, o->messages);
	enc_uint(&e, 8, o->bytes_client);
	enc_uint(&e, 8, o->bytes_server);
	return enc_end(&e);
}

int session_obs_decode(const void *data, size_t len, struct session_obs *ret)
{
	struct cur c = cur_of(data, len);
	struct session_obs o = {0};

	wire_get_version(&c, SESSION_OBS_VERSION);
	o.time.ns = cur_int(&c, 8);
	wire_get_source(&c, &o.source);
	wire_get_addr(&c, &o.client);
	wire_get_addr(&c, &o.destination);
	o.sport = (uint16_t)cur_uint(&c, 2, UINT16_MAX);
	o.dport = (uint16_t)cur_uint(&c, 2, UINT16_MAX);
	o.session = cur_uint(&c, 8, UINT64_MAX);
	o.event = (enum session_event)cur_uint(&c, 1, SESSION_EVENT_COUNT - 1);
	o.far = (enum far_side)cur_uint(&c, 1, FAR_COUNT - 1);
	o.verified = cur_bool(&c);
	o.tls = (enum session_tls)cur_uint(&c, 1, TLS_COUNT - 1);
	o.messages = (uint32_t)cur_uint(&c, 4, UINT32_MAX);
	o.bytes_client = cur_uint(&c, 8, UINT64_MAX);
	o.bytes_server = cur_uint(&c, 8, UINT64_MAX);

	int r = cur_end(&c);
	if (r == 0) {
		*ret = o;
	}
	return r;
}

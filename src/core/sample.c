/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample: how flagged messages look on their way to the desk. Layer: core (pure).
 *
 * A text that is absent is one octet 0, one that is there is an octet 1, its length and itself.
 */
#include "core/sample.h"

#include "base/cur.h"
#include "core/wire.h"

#include <errno.h>

#include "base/poison.h"

#define SAMPLE_VERSION 1

/* Longer texts are cut, and the observation within has a length of its own. */
static_assert(MESSAGE_OBS_ENCODED_MAX + 4 + (6 + SAMPLE_REASONS_MAX) * (SAMPLE_TEXT_MAX + 5) +
			      SAMPLE_RCPTS_MAX * (256 + 4 + 8 + 2) + SAMPLE_HEAD_MAX + 16 <=
		      SAMPLE_ENCODED_MAX,
	      "the largest sample fits");

/* A domain name has at most 255 octets (RFC 1035, 2.3.4). */
#define DOMAIN_MAX 255

static void put_text(struct enc *e, struct str s, size_t max)
{
	enc_bool(e, s.ptr != NULL);
	if (s.ptr != NULL) {
		enc_str(e, str_head(s, max));
	}
}

static struct str get_text(struct cur *c, size_t max)
{
	if (!cur_bool(c)) {
		return STR_EMPTY;
	}
	struct str s = cur_str(c, max);
	return s.ptr == NULL ? STR("") : s;
}

int sample_encode(const struct sample *s, void *data, size_t size)
{
	struct enc e = enc_of(data, size);
	uint8_t obs[MESSAGE_OBS_ENCODED_MAX];
	int n = message_obs_encode(&s->obs, obs, sizeof(obs));

	if (n < 0 || s->reason_count > SAMPLE_REASONS_MAX || s->rcpt_count > SAMPLE_RCPTS_MAX ||
	    s->head.len > SAMPLE_HEAD_MAX) {
		return -EMSGSIZE;
	}
	enc_uint(&e, 1, SAMPLE_VERSION);
	enc_str(&e, (struct str){(const char *)obs, (size_t)n});
	put_text(&e, s->helo, SAMPLE_TEXT_MAX);
	put_text(&e, s->mail_from, SAMPLE_TEXT_MAX);
	put_text(&e, s->message_id, SAMPLE_TEXT_MAX);
	put_text(&e, s->subject, SAMPLE_TEXT_MAX);
	put_text(&e, s->from, SAMPLE_TEXT_MAX);
	put_text(&e, s->reply, SAMPLE_TEXT_MAX);
	enc_uint(&e, 1, s->reason_count);
	for (size_t i = 0; i < s->reason_count; i++) {
		put_text(&e, s->reasons[i], SAMPLE_TEXT_MAX);
	}
	enc_uint(&e, 1, s->rcpt_count);
	for (size_t i = 0; i < s->rcpt_count; i++) {
		put_text(&e, s->rcpts[i].domain, DOMAIN_MAX);
		enc_uint(&e, 8, s->rcpts[i].hash);
		enc_uint(&e, 2, s->rcpts[i].code);
	}
	put_text(&e, s->head, SAMPLE_HEAD_MAX);
	return enc_end(&e);
}

int sample_decode(const void *data, size_t len, struct sample *ret)
{
	struct cur c = cur_of(data, len);
	struct sample s = {0};

	wire_get_version(&c, SAMPLE_VERSION);
	struct str obs = cur_str(&c, MESSAGE_OBS_ENCODED_MAX);
	s.helo = get_text(&c, SAMPLE_TEXT_MAX);
	s.mail_from = get_text(&c, SAMPLE_TEXT_MAX);
	s.message_id = get_text(&c, SAMPLE_TEXT_MAX);
	s.subject = get_text(&c, SAMPLE_TEXT_MAX);
	s.from = get_text(&c, SAMPLE_TEXT_MAX);
	s.reply = get_text(&c, SAMPLE_TEXT_MAX);
	s.reason_count = (size_t)cur_uint(&c, 1, SAMPLE_REASONS_MAX);
	for (size_t i = 0; i < s.reason_count; i++) {
		s.reasons[i] = get_text(&c, SAMPLE_TEXT_MAX);
	}
	s.rcpt_count = (size_t)cur_uint(&c, 1, SAMPLE_RCPTS_MAX);
	for (size_t i = 0; i < s.rcpt_count; i++) {
		s.rcpts[i].domain = get_text(&c, DOMAIN_MAX);
		s.rcpts[i].hash = cur_uint(&c, 8, UINT64_MAX);
		s.rcpts[i].code = (uint16_t)cur_uint(&c, 2, 999);
	}
	s.head = get_text(&c, SAMPLE_HEAD_MAX);

	int r = cur_end(&c);
	if (r == 0) {
		r = message_obs_decode(obs.ptr, obs.len, &s.obs);
	}
	if (r == 0) {
		*ret = s;
	}
	return r;
}

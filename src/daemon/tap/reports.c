/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reports: two rings in memory. Layer: daemon.
 */
#include "daemon/tap/reports.h"

#include "base/assert.h"
#include "base/cur.h"
#include "core/sample.h"
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

struct waiting {
	uint32_t type;
	uint32_t len;
	uint8_t body[MESSAGE_OBS_ENCODED_MAX];
};

struct kept {
	char *body; /* owned, encoded */
	size_t len;
};

struct reports {
	struct child *child;
	struct siphash_key key;
	struct waiting *obs; /* ring of REPORTS_OBS_MAX */
	size_t first;
	size_t count;
	struct kept samples[REPORTS_SAMPLES_MAX]; /* ring, oldest at sample_first */
	size_t sample_first;
	size_t sample_count;
	size_t sample_bytes;
	char *room; /* SAMPLE_ENCODED_MAX, to encode into */
	struct reports_counts counts;
};

struct reports *reports_new(struct child *c, const struct siphash_key *key)
{
	struct reports *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		return NULL;
	}
	o->child = c;
	o->key = *key;
	o->obs = calloc(REPORTS_OBS_MAX, sizeof(*o->obs));
	o->room = malloc(SAMPLE_ENCODED_MAX);
	if (o->obs == NULL || o->room == NULL) {
		reports_free(o);
		return NULL;
	}
	return o;
}

static void drop_sample(struct reports *o)
{
	struct kept *k = &o->samples[o->sample_first];

	o->sample_bytes -= k->len;
	free(k->body);
	*k = (struct kept){0};
	o->sample_first = (o->sample_first + 1) % REPORTS_SAMPLES_MAX;
	o->sample_count--;
}

void reports_free(struct reports *o)
{
	if (o != NULL) {
		while (o->sample_count > 0) {
			drop_sample(o);
		}
		free(o->obs);
		free(o->room);
		free(o);
	}
}

/* ---- to the judge ---- */

static int send_waiting(struct reports *o, const struct waiting *w)
{
	return child_send(o->child, PROCESS_JUDGE, w->type,
			  (struct str){(const char *)w->body, w->len});
}

/* As many as the judge takes now, oldest first. */
static void pump(struct reports *o)
{
	while (o->count > 0 && send_waiting(o, &o->obs[o->first]) == 0) {
		o->first = (o->first + 1) % REPORTS_OBS_MAX;
		o->count--;
	}
}

/* The place for a new one, at the end of the ring. */
static struct waiting *push(struct reports *o)
{
	if (o->count == REPORTS_OBS_MAX) {
		o->first = (o->first + 1) % REPORTS_OBS_MAX;
		o->count--;
		o->counts.observations_lost++;
	}
	return &o->obs[(o->first + o->count) % REPORTS_OBS_MAX];
}

static void say(struct reports *o, struct waiting *w, uint32_t type, int len)
{
	ASSERT(len > 0); /* the maximum of the encoded form is a promise of its header */
	w->type = type;
	w->len = (uint32_t)len;
	o->count++;
	o->counts.observations++;
	pump(o);
}

void reports_message(struct reports *o, const struct message_obs *obs)
{
	struct waiting *w = push(o);

	say(o, w, MSG_MESSAGE_OBS, message_obs_encode(obs, w->body, sizeof(w->body)));
}

void reports_session(struct reports *o, const struct session_obs *obs)
{
	struct waiting *w = push(o);

	say(o, w, MSG_SESSION_OBS, session_obs_encode(obs, w->body, sizeof(w->body)));
}

/* ---- to the desk ---- */

static void put_rcpts(const struct reports *o, const struct smtp_message *m, struct sample *s)
{
	for (size_t i = 0; i < m->rcpt_count && s->rcpt_count < SAMPLE_RCPTS_MAX; i++) {
		struct str address = m->rcpts[i].address;
		char lower[SAMPLE_TEXT_MAX];
		size_t n = 0;
		size_t at = address.len;

		while (n < address.len && n < sizeof(lower)) {
			lower[n] = char_lower(address.ptr[n]);
			n++;
		}
		while (at > 0 && address.ptr[at - 1] != '@') {
			at--;
		}
		s->rcpts[s->rcpt_count++] = (struct sample_rcpt){
			.domain = at > 0 ? str_head(str_skip(address, at), SAMPLE_TEXT_MAX)
					 : STR_EMPTY,
			.hash = siphash(&o->key, lower, n),
			.code = m->rcpts[i].code,
		};
	}
}

static struct str text(struct str s)
{
	return str_head(s, SAMPLE_TEXT_MAX);
}

static struct sample sample_of(const struct reports *o, const struct tracked_message *m)
{
	struct sample s = {
		.obs = *m->obs,
		.helo = text(m->session->helo),
		.mail_from = text(m->smtp->mail_from),
		.reply = m->smtp->reply_code == 0 ? STR_EMPTY : text(m->smtp->reply),
		.head = str_head(m->head, SAMPLE_HEAD_MAX),
	};
	static_assert(SAMPLE_REASONS_MAX >= SCORE_REASONS_MAX, "room for all reasons");

	if (m->mail != NULL) {
		s.message_id = text(m->mail->message_id);
		s.subject = text(m->mail->subject);
		s.from = m->mail->from.count > 0 ? text(m->mail->from.items[0].addr) : STR_EMPTY;
	}
	for (size_t i = 0; m->score != NULL && i < m->score->reason_count; i++) {
		s.reasons[s.reason_count++] = str_of(m->score->reasons[i]);
	}
	put_rcpts(o, m->smtp, &s);
	return s;
}

static void send_sample(struct reports *o, const struct kept *k)
{
	int r = child_send(o->child, PROCESS_DESK, MSG_SAMPLE, (struct str){k->body, k->len});

	o->counts.samples_lost += r < 0;
}

void reports_sample(struct reports *o, const struct tracked_message *m)
{
	const struct sample s = sample_of(o, m);
	int len = sample_encode(&s, o->room, SAMPLE_ENCODED_MAX);
	char *body = len < 0 ? NULL : malloc((size_t)len);

	if (body == NULL) {
		o->counts.samples_lost++;
		return;
	}
	memcpy(body, o->room, (size_t)len);
	while (o->sample_count == REPORTS_SAMPLES_MAX ||
	       (o->sample_count > 0 && o->sample_bytes + (size_t)len > REPORTS_SAMPLES_BYTES_MAX)) {
		drop_sample(o);
	}
	struct kept *k = &o->samples[(o->sample_first + o->sample_count) % REPORTS_SAMPLES_MAX];
	*k = (struct kept){.body = body, .len = (size_t)len};
	o->sample_count++;
	o->sample_bytes += k->len;
	o->counts.samples++;
	send_sample(o, k);
}

void reports_ask(struct reports *o, const struct tracked_message *m, unsigned services)
{
	struct enc e = enc_of(o->room, SAMPLE_ENCODED_MAX);

	static_assert(TRACKER_HEAD_MAX + 64 <= CHAN_BODY_MAX, "a head fits a message");
	static_assert(TRACKER_HEAD_MAX + 64 <= SAMPLE_ENCODED_MAX, "and the room");
	enc_uint(&e, 8, m->obs->session);
	enc_uint(&e, 4, m->obs->index);
	wire_put_source(&e, &m->obs->source);
	enc_uint(&e, 4, m->obs->score_micro);
	enc_uint(&e, 2, services);
	enc_bytes(&e, m->head.ptr, m->head.len);
	int n = enc_end(&e);
	o->counts.asks_lost += n < 0 || child_send(o->child, PROCESS_DESK, MSG_ASK,
						   (struct str){o->room, (size_t)n}) < 0;
}

void reports_peer_up(struct reports *o, enum process peer)
{
	if (peer == PROCESS_JUDGE) {
		pump(o);
	} else if (peer == PROCESS_DESK) {
		for (size_t i = 0; i < o->sample_count; i++) {
			send_sample(o, &o->samples[(o->sample_first + i) % REPORTS_SAMPLES_MAX]);
		}
	}
}

void reports_counts(const struct reports *o, struct reports_counts *ret)
{
	*ret = o->counts;
}

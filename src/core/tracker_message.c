/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tracker_message: from the events of one SMTP session to messages: content walked, scored, and
 * made into an observation. Layer: core (pure).
 */
#include "core/tracker_inside.h"

#include "base/assert.h"
#include "base/sha256.h"
#include "core/refusal.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* One message's content being read. Few at once, used again and again. */
struct walker {
	struct walker *next;
	struct mail *mail;
	struct buf head;
};

/* What a message gathers from MAIL to its end. */
struct draft {
	struct walker *walker; /* NULL: the content is not read */
	uint64_t end;          /* where it ends in the client's stream */
	uint32_t rcpts_unknown;
	enum refusal refusal;
	bool has_content;
	bool is_header_over; /* only the header is wanted, and it has ended */
	bool is_at_line;     /* the next octet begins a line, */
	bool is_after_cr;    /* or follows a CR that began it */
};

static struct walker *walker_get(struct tracker *t)
{
	struct walker *w = t->free_walkers;

	if (w != NULL) {
		t->free_walkers = w->next;
		return w;
	}
	if (t->walkers >= t->conf.walkers_max) {
		t->counts.unread++;
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	if (w == NULL) {
		return NULL;
	}
	w->mail = mail_new(NULL, NULL);
	if (w->mail == NULL) {
		free(w);
		return NULL;
	}
	buf_init(&w->head, TRACKER_HEAD_MAX);
	t->walkers++;
	return w;
}

static void walker_put(struct tracker *t, struct walker *w)
{
	if (w != NULL) {
		mail_reset(w->mail);
		buf_clear(&w->head);
		w->next = t->free_walkers;
		t->free_walkers = w;
	}
}

void tracker_free_walkers(struct tracker *t)
{
	while (t->free_walkers != NULL) {
		struct walker *w = t->free_walkers;
		t->free_walkers = w->next;
		mail_free(w->mail);
		buf_done(&w->head);
		free(w);
		t->walkers--;
	}
}

static struct draft *draft_new(void)
{
	struct draft *d = calloc(1, sizeof(*d));

	if (d != NULL) {
		d->is_at_line = true;
	}
	return d;
}

/*
 * The part of `octets` that belongs to the header, its empty line included. What follows is not
 * looked at when nobody scores: the header has all that is printed.
 */
static struct str header_part(struct draft *d, struct str octets)
{
	size_t at = 0;

	while (at < octets.len && !d->is_header_over) {
		char c = octets.ptr[at++];
		if (d->is_at_line && c == '\r' && !d->is_after_cr) {
			d->is_after_cr = true;
		} else if (d->is_at_line && c == '\n') {
			d->is_header_over = true;
		} else {
			const char *lf = c == '\n' ? octets.ptr + at - 1
						   : memchr(octets.ptr + at, '\n', octets.len - at);
			at = lf == NULL ? octets.len : (size_t)(lf - octets.ptr) + 1;
			d->is_at_line = lf != NULL;
			d->is_after_cr = false;
		}
	}
	return str_head(octets, at);
}

static void on_body(struct tracker_session *s, struct draft *d, struct str octets)
{
	struct tracker *t = s->tracker;

	if (!d->has_content) {
		d->has_content = true;
		d->walker = s->content == CONTENT_NONE ? NULL : walker_get(t);
	}
	if (d->walker == NULL || d->is_header_over) {
		return;
	}
	if (t->conf.keep_head && d->walker->head.len < TRACKER_HEAD_MAX) {
		size_t room = TRACKER_HEAD_MAX - d->walker->head.len;
		buf_add(&d->walker->head, str_head(octets, room));
	}
	if (t->conf.score == NULL && !t->conf.keep_head) {
		octets = header_part(d, octets);
	}
	mail_step(d->walker->mail, octets);
}

static void on_reply(struct draft *d, const struct smtp_event *e)
{
	enum refusal what = refusal_of(e->code, e->text);

	if (what == REFUSAL_NONE || e->command == SMTP_COMMAND_UNKNOWN) {
		return;
	}
	if (e->command != SMTP_COMMAND_RCPT) {
		d->refusal = what;
	} else if (what == REFUSAL_UNKNOWN_USER) {
		d->rcpts_unknown++;
	} else if (what == REFUSAL_SPAM || what == REFUSAL_POLICY || what == REFUSAL_BLOCKLIST) {
		d->refusal = d->refusal == REFUSAL_NONE ? what : d->refusal;
	}
}

/* Hashes of names must be the same after a restart: their key is no secret. */
static uint64_t name_hash(struct str name)
{
	static const struct siphash_key key = {0x706f737465726e, 0x6e616d6573};
	char lower[TRACKER_TEXT_MAX];
	size_t n = 0;

	while (n < name.len && n < sizeof(lower)) {
		lower[n] = char_lower(name.ptr[n]);
		n++;
	}
	return n == 0 ? 0 : siphash(&key, lower, n);
}

static struct str domain_of(struct str address)
{
	size_t at = address.len;

	while (at > 0 && address.ptr[at - 1] != '@') {
		at--;
	}
	return at == 0 ? STR_EMPTY : str_skip(address, at);
}

static uint32_t clip32(uint64_t v)
{
	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

enum far_side tracker_far(const struct tracker_session *s, uint64_t end, bool has_reply)
{
	if (!s->flow->half[!s->client].seen) {
		return FAR_NONE;
	}
	if (has_reply) {
		return FAR_REPLIED;
	}
	return tcp_acked(s->flow, s->client) >= end && end > 0 ? FAR_ACKED : FAR_NONE;
}

static void put_score(struct message_obs *o, const struct score *score, const struct mail_view *v)
{
	o->scored = true;
	o->flagged = score->flagged;
	o->score_micro = score->score_micro;
	o->bin = score->bin;
	o->simhash = score->campaign.simhash;
	o->urls_hash = score->campaign.urls_hash;
	o->campaign = score->campaign.exact;
	o->listed = score->listed;
	o->has_list_id = (v->flags & MAIL_FLAG_LIST_ID) != 0;
}

static struct message_obs observe(const struct tracker_session *s, const struct smtp_message *m,
				  const struct draft *d)
{
	struct str helo = s->view.helo;

	static_assert((int)MESSAGE_LOST == (int)SMTP_LOST, "the same words in the same order");
	static_assert((int)MESSAGE_STATE_COUNT == (int)SMTP_OUTCOME_COUNT, "and as many");
	return (struct message_obs){
		.time = s->tracker->now,
		.source = s->view.source,
		.client = s->view.client,
		.destination = s->view.destination,
		.dport = s->view.dport,
		.session = s->view.number,
		.index = m->index,
		.state = (enum message_state)m->outcome,
		.far = tracker_far(s, d->end, m->reply_code != 0),
		.verified = s->flow->half[s->client].trusted,
		.refusal = d->refusal,
		.reply_code = m->reply_code,
		.rcpts = m->rcpts_seen,
		.rcpts_accepted = m->rcpts_accepted,
		.rcpts_unknown = d->rcpts_unknown,
		.rcpts_refused = m->rcpts_refused,
		.size_bytes = clip32(m->size_bytes),
		.lost_bytes = clip32(m->lost_bytes),
		.sender_domain = name_hash(domain_of(m->mail_from)),
		.helo = name_hash(helo),
		.helo_is_literal = helo.len > 0 && helo.ptr[0] == '[',
	};
}

static void on_message(struct tracker_session *s, const struct smtp_message *m, struct draft *d)
{
	struct tracker *t = s->tracker;
	struct message_obs obs = observe(s, m, d);
	struct tracked_message out = {.session = &s->view, .smtp = m, .obs = &obs};
	struct score score;

	if (d->walker != NULL) {
		out.mail = mail_end(d->walker->mail);
		out.head = buf_str(&d->walker->head);
	}
	if (out.mail != NULL && t->conf.score != NULL && m->size_bytes > m->lost_bytes) {
		t->conf.score(t->conf.score_ctx, out.mail, &score);
		put_score(&obs, &score, out.mail);
		out.score = &score;
	}
	if (out.head.len > 0 && obs.flagged) {
		sha256_of(out.head, obs.sample);
	}
	s->view.messages++;
	t->counts.messages++;
	t->ops->message(t->ctx, &out);
}

static void draft_free(struct tracker *t, struct draft *d)
{
	if (d != NULL) {
		walker_put(t, d->walker);
		free(d);
	}
}

/* The events of a message. `user` is its draft; NULL when there was no memory for it. */
static void on_transaction(struct tracker_session *s, const struct smtp_event *e)
{
	struct draft *d = e->message->user;

	if (d == NULL && e->kind != SMTP_EVENT_MESSAGE) {
		d = draft_new();
		e->message->user = d;
		if (d == NULL) {
			return;
		}
	}
	if (e->kind == SMTP_EVENT_BODY) {
		on_body(s, d, e->text);
	} else if (e->kind == SMTP_EVENT_BODY_GAP && d->walker != NULL && !d->is_header_over) {
		mail_gap(d->walker->mail, e->lost);
	} else if (e->kind == SMTP_EVENT_BODY_END) {
		d->end = s->tracker->chunk_end;
	} else if (e->kind == SMTP_EVENT_REPLY) {
		on_reply(d, e);
	} else if (e->kind == SMTP_EVENT_MESSAGE) {
		struct draft none = {0};
		on_message(s, e->message, d == NULL ? &none : d);
		draft_free(s->tracker, d);
		e->message->user = NULL;
	}
}

void tracker_on_smtp(void *ctx, const struct smtp_event *e)
{
	struct tracker_session *s = ctx;

	switch (e->kind) {
	case SMTP_EVENT_GREETING:
		tracker_keep(&s->view.greeting, e->text);
		s->has_greeted = true;
		break;
	case SMTP_EVENT_HELO:
		if (!str_is_equal(s->view.helo, str_head(e->text, TRACKER_TEXT_MAX))) {
			tracker_keep(&s->view.helo, e->text);
		}
		break;
	case SMTP_EVENT_AUTH:
		tracker_keep(&s->view.auth, e->text);
		break;
	case SMTP_EVENT_TLS:
		s->view.tls = e->command == SMTP_COMMAND_STARTTLS ? TLS_STARTTLS : TLS_IMPLICIT;
		break;
	case SMTP_EVENT_QUIT:
		s->has_quit = true;
		break;
	case SMTP_EVENT_MAIL:
	case SMTP_EVENT_RCPT:
	case SMTP_EVENT_BODY:
	case SMTP_EVENT_BODY_GAP:
	case SMTP_EVENT_BODY_END:
	case SMTP_EVENT_REPLY:
	case SMTP_EVENT_MESSAGE:
		if (e->message != NULL) {
			on_transaction(s, e);
		} else if (e->command == SMTP_COMMAND_STARTTLS && e->code == 220) {
			s->view.tls = TLS_STARTTLS;
		}
		break;
	case SMTP_EVENT_COUNT:
		break;
	}
}

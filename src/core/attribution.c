/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution: the join. Layer: core (pure).
 */
#include "core/attribution.h"

#include "base/assert.h"
#include "core/attribution_entry.h"
#include "core/attribution_qmail.h"
#include "core/attribution_script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define MESSAGES_MAX 100000
#define SENDERS_MAX 20000
#define WANTED_MAX 100000
/* A filter puts a message back within this time. */
#define REJOIN_NS (30 * 60 * NS_PER_S)
#define RECENT_SIZE 65536 /* Message-IDs and scripts that are remembered; a power of two */
#define DELIVERIES_SIZE 1024
/* After room was looked for in vain: making it is as much work as some thousand lines. */
#define NO_ROOM_TRIES 4096

static struct str wanted_key(const void *item)
{
	return attribution_bare_id(str_of(((const struct attribution_id *)item)->wanted));
}

struct attribution *attribution_new(const struct attribution_opts *opts)
{
	struct attribution *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		return NULL;
	}
	a->opts = *opts;
	a->opts.messages_max = opts->messages_max == 0 ? MESSAGES_MAX : opts->messages_max;
	a->moments_room = MOMENTS_HELD_MAX;
	a->opts.senders_max = opts->senders_max == 0 ? SENDERS_MAX : opts->senders_max;
	a->senders = map_new(a->opts.senders_max, &opts->key, sender_key);
	a->wanted = map_new(WANTED_MAX, &opts->key, wanted_key);
	a->recent = calloc(RECENT_SIZE, sizeof(*a->recent));
	a->deliveries = calloc(DELIVERIES_SIZE, sizeof(*a->deliveries));
	if (entries_init(a) < 0 || a->senders == NULL || a->wanted == NULL || a->recent == NULL ||
	    a->deliveries == NULL) {
		attribution_free(a);
		return NULL;
	}
	return a;
}

void attribution_free(struct attribution *a)
{
	size_t pos = 0;
	void *item;

	if (a == NULL) {
		return;
	}
	entries_done(a);
	while (a->senders != NULL && (item = map_next(a->senders, &pos)) != NULL) {
		sender_free(item);
	}
	map_free(a->senders);
	map_free(a->wanted);
	free(a->recent);
	free(a->scripts);
	free(a->paths);
	free(a->deliveries);
	free(a->ids);
	free(a);
}

int attribution_want(struct attribution *a, const char *id)
{
	if (a->id_count == WANTED_MAX) {
		return -ENOSPC;
	}
	if (a->ids == NULL) {
		/* One block for all: the table holds pointers into it. */
		a->ids = calloc(WANTED_MAX, sizeof(*a->ids));
		if (a->ids == NULL) {
			return -ENOMEM;
		}
	}
	struct attribution_id *want = &a->ids[a->id_count++];
	want->wanted = id;
	if (map_find(a->wanted, wanted_key(want)) != NULL) {
		return 0; /* twice the same: the first gets the answer, and the second shows it */
	}
	return map_add(a->wanted, want);
}

/* ---- sources ---- */

/* Marks the sources of living messages and of Message-IDs that may still come back. */
static void mark_in_use(struct attribution *a, struct wall now)
{
	LIST_FOR_EACH (pos, tmp, &a->by_age) {
		struct sender *s = LIST_ITEM(pos, struct entry, age)->sender;
		if (s != NULL) {
			s->in_use = true;
		}
	}
	for (size_t i = 0; i < RECENT_SIZE; i++) {
		struct recent *r = &a->recent[i];
		if (r->sender != NULL && now.ns - r->time.ns < REJOIN_NS) {
			r->sender->in_use = true;
		} else {
			r->sender = NULL;
		}
	}
}

/* Forget the sources that no living message has, the smallest first, until an eighth is free: most
 * of them are strangers whose mail stayed here. */
static void senders_make_room(struct attribution *a, struct wall now)
{
	size_t count = map_count(a->senders);
	struct sender **all = calloc(count, sizeof(struct sender *));
	size_t pos = 0;
	size_t freed = 0;

	if (all == NULL) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		all[i] = map_next(a->senders, &pos);
		all[i]->in_use = false;
	}
	mark_in_use(a, now);
	for (uint64_t small = 0; small < UINT32_MAX && freed < count / 8 + 1;
	     small = small * 2 + 1) {
		for (size_t i = 0; i < count; i++) {
			struct sender *s = all[i];
			if (s == NULL || s->in_use || s->out.recipients > small) {
				continue;
			}
			a->totals.forgotten += s->out.messages;
			moments_done(&s->out.moments, &a->moments_room);
			(void)map_remove(a->senders, sender_key(s));
			sender_free(s);
			all[i] = NULL;
			freed++;
		}
	}
	free(all);
	a->no_room = freed < count / 16 ? NO_ROOM_TRIES : 0;
}

static struct sender *sender_get(struct attribution *a, enum source_kind kind, struct str name,
				 struct wall now)
{
	UNINITIALIZED char key[ATTRIBUTION_TEXT_MAX + 1];

	key[0] = (char)('a' + kind);
	name = str_head(name, ATTRIBUTION_TEXT_MAX - 1);
	(void)str_copy(key + 1, sizeof(key) - 1, name);
	struct sender *s = map_find(a->senders, (struct str){key, name.len + 1});
	if (s != NULL) {
		return s;
	}
	if (map_count(a->senders) == a->opts.senders_max) {
		if (a->no_room > 0) {
			a->no_room--;
			return NULL;
		}
		senders_make_room(a, now);
	}
	s = sender_new(kind, name);
	if (s == NULL) {
		return NULL;
	}
	s->name_hash = attribution_hash(a, name);
	if (map_add(a->senders, s) < 0) {
		sender_free(s);
		return NULL;
	}
	return s;
}

static bool is_this_machine(struct str addr)
{
	return str_is_equal(addr, STR("127.0.0.1")) || str_is_equal(addr, STR("::1")) ||
	       str_is_equal(addr, STR("0:0:0:0:0:0:0:1"));
}

/* ---- Message-IDs ---- */

static struct recent *recent_of(struct attribution *a, uint64_t hash)
{
	return &a->recent[hash & (RECENT_SIZE - 1)];
}

static void found_wanted(struct attribution *a, struct entry *e, struct str id)
{
	struct attribution_id *want = map_count(a->wanted) == 0 ? NULL : map_find(a->wanted, id);

	if (want == NULL || want->found) {
		return;
	}
	want->found = true;
	want->time = e->time;
	(void)str_copy(want->queue_id, sizeof(want->queue_id), entry_id(e));
	e->wanted = want;
	if (e->sender != NULL) {
		sender_add_evidence(e->sender, a->here, a->line);
	}
}

/* A Message-ID says whether a filter put the message back: then the first arrival's source is the
 * message's. */
static void learn_message_id(struct attribution *a, struct entry *e, struct str message_id)
{
	if (message_id.len == 0) {
		return;
	}
	a->totals.with_id++;
	uint64_t hash = attribution_hash(a, message_id);
	struct recent *r = recent_of(a, hash);
	bool is_known = r->hash == hash && r->sender != NULL && e->time.ns - r->time.ns < REJOIN_NS;

	if (is_known && (e->sender == NULL || e->provisional)) {
		e->sender = r->sender;
		e->provisional = false;
		a->totals.rejoined++;
	} else if (e->sender != NULL && !e->provisional) {
		*r = (struct recent){.hash = hash, .sender = e->sender, .time = e->time};
	}
	found_wanted(a, e, message_id);
}

/* ---- events ---- */

static void set_envelope_sender(struct attribution *a, struct entry *e, const struct log_event *ev)
{
	if (ev->has_sender) {
		e->has_sender = true;
		e->null_sender = ev->sender.len == 0;
		e->sender_hash = attribution_hash(a, ev->sender);
	}
}

static struct sender *local_source(struct attribution *a, const struct log_event *ev,
				   struct wall now)
{
	char name[32];

	if (ev->login.len > 0) {
		return sender_get(a, SOURCE_USER, ev->login, now);
	}
	snprintf(name, sizeof(name), "uid %u", ev->uid);
	return sender_get(a, SOURCE_USER, str_of(name), now);
}

/* Notices that the server makes itself: Exim writes the message that they are about, qmail has them
 * from one of its own users. A site may send with an empty sender too, and is not meant. */
static bool is_notice(const struct log_event *ev)
{
	if (!ev->has_sender || ev->sender.len > 0 || ev->client_addr.len > 0 ||
	    ev->account.len > 0) {
		return false;
	}
	return ev->mta == LOG_MTA_QMAIL || ev->id2.len > 0 || (!ev->has_uid && ev->login.len == 0);
}

static void name_source(struct attribution *a, struct entry *e, const struct log_event *ev)
{
	if (is_notice(ev)) {
		e->sender = sender_get(a, SOURCE_SERVER, STR("bounces"), e->time);
	} else if (ev->account.len > 0) {
		e->sender = sender_get(a, SOURCE_ACCOUNT, ev->account, e->time);
		if (e->sender != NULL) {
			sender_add_client(e->sender, ev->client_addr, &a->opts.key);
			e->sender->out.local_client += is_this_machine(ev->client_addr) ? 1 : 0;
		}
	} else if (ev->has_uid || ev->login.len > 0) {
		e->sender = local_source(a, ev, e->time);
		e->provisional = ev->id2.len > 0; /* put back by postsuper -r */
	} else if (ev->client_addr.len > 0 && !is_this_machine(ev->client_addr)) {
		e->sender = sender_get(a, SOURCE_ADDRESS, ev->client_addr, e->time);
	} else {
		e->sender = sender_get(a, SOURCE_SERVER, STR("localhost"), e->time);
		e->provisional = true;
	}
}

/* A notice about mail of one of ours is no sign of anything but that mail. */
static void link_bounce(struct entry *notice, const struct entry *about)
{
	if (about != NULL && about->sender != NULL &&
	    (about->sender->out.kind != SOURCE_ADDRESS || about->is_forward)) {
		notice->is_own_bounce = true;
	}
}

static void bounced(struct attribution *a, const struct log_event *ev, struct wall now)
{
	struct entry *notice = entry_find(a, ev->id2);

	if (notice == NULL && ev->mta == LOG_MTA_SENDMAIL) {
		/* Nothing else says where it comes from. */
		notice = entry_new(a, ev->id2, now);
		if (notice != NULL) {
			notice->sender = sender_get(a, SOURCE_SERVER, STR("bounces"), now);
			notice->has_sender = true;
			notice->null_sender = true;
		}
	}
	if (notice != NULL) {
		link_bounce(notice, entry_find(a, ev->id));
	}
}

static void arrived(struct attribution *a, const struct log_line *l, const struct log_event *given,
		    struct attribution_place place)
{
	struct log_event joined;
	const struct log_event *ev = given;

	if (given->mta == LOG_MTA_QMAIL) {
		qmail_join_login(a, given, l->time, &joined);
		ev = &joined;
	}
	struct entry *old = entry_find(a, ev->id);

	/* An id that is used again: what had it before left without a word. Sendmail's AUTH line
	 * comes first and is the same message. */
	if (old != NULL && ev->mta != LOG_MTA_SENDMAIL) {
		entry_end(a, old);
		old = NULL;
	}
	struct entry *e = old != NULL ? old : entry_new(a, ev->id, l->time);
	if (e == NULL) {
		return;
	}
	e->place = place;
	set_envelope_sender(a, e, ev);
	if (e->sender == NULL) {
		name_source(a, e, ev);
	}
	if (is_notice(ev)) {
		link_bounce(e, entry_find(a, ev->id2));
	} else if (ev->id2.len > 0 && e->provisional) {
		const struct entry *before = entry_find(a, ev->id2);
		if (before != NULL && before->sender != NULL) {
			e->sender = before->sender;
			e->provisional = false;
			a->totals.rejoined++;
		}
	}
	if (e->sender != NULL) {
		if (ev->subject.len > 0) {
			distinct_add(&e->sender->subjects, attribution_hash(a, ev->subject));
			e->sender->out.subjects = e->sender->subjects.count;
		}
		if (ev->mta == LOG_MTA_EXIM && e->sender->out.kind == SOURCE_USER &&
		    a->cwd[0] != '\0') {
			script_set(e->sender, str_of(a->cwd), "cwd=", a->cwd_place);
		}
		/* Of a stranger nothing is kept until mail of his leaves this machine. */
		if (e->sender->out.evidence_count < (a->id_count > 0 ? 1 : 2) &&
		    (e->sender->out.kind != SOURCE_ADDRESS || e->sender->out.messages > 0)) {
			sender_add_evidence(e->sender, place, a->line);
		}
	}
	a->cwd[0] = '\0';
	found_wanted(a, e, ev->id);
	learn_message_id(a, e, ev->message_id);
}

static void queued(struct attribution *a, const struct log_line *l, const struct log_event *ev)
{
	if (ev->mta == LOG_MTA_QMAIL) {
		struct qmail_delivery *d = &a->deliveries[ev->count % DELIVERIES_SIZE];
		d->number = ev->count;
		d->rcpt = attribution_hash(a, ev->rcpt);
		d->is_local = ev->is_local_relay;
		(void)str_copy(d->id, sizeof(d->id), ev->id);
		return;
	}
	struct entry *e = entry_get(a, ev->id, l->time);
	if (e != NULL) {
		set_envelope_sender(a, e, ev);
		e->nrcpt = ev->count;
	}
}

/* Mail that came in for an address of ours and goes on elsewhere: the address that forwards is its
 * source, not each stranger who wrote to it. */
static void forward_from(struct attribution *a, struct entry *e, const struct log_event *ev)
{
	struct str before = ev->orig_rcpt.len > 0 ? ev->orig_rcpt : ev->login;

	if (before.len == 0 || e->sender == NULL || ev->is_local_relay || e->is_forward ||
	    e->sender->out.kind != SOURCE_ADDRESS) {
		return;
	}
	struct sender *s = sender_get(a, SOURCE_ACCOUNT, attribution_bare_id(before), e->time);
	if (s != NULL) {
		e->sender = s;
		e->is_forward = true;
		if (s->out.evidence_count < 2) {
			sender_add_evidence(s, a->here, a->line);
		}
	}
}

static struct rcpt *delivery_to(struct attribution *a, struct entry *e, const struct log_event *ev,
				uint64_t rcpt_hash, bool is_local)
{
	struct rcpt *r = rcpt_get(a, e, (uint32_t)rcpt_hash);

	if (r == NULL) {
		return NULL;
	}
	r->delivery = (uint8_t)ev->delivery;
	/* Exim says no host when it knew itself that there is no such user. */
	bool is_ours = ev->mta == LOG_MTA_EXIM && ev->delivery == LOG_BOUNCED &&
		       ev->relay.len == 0 && e->sender != NULL &&
		       e->sender->out.kind == SOURCE_ADDRESS;
	r->remote = !is_local && !is_ours;
	r->unknown = ev->is_unknown_rcpt;
	r->refused = ev->is_refused;
	r->forwarded = e->is_forward;
	sender_keep_delivery(e->sender, ev, a->here, a->line);
	script_find(a, e, rcpt_hash);
	return r;
}

static void delivered(struct attribution *a, const struct log_line *l, const struct log_event *ev)
{
	if (ev->mta == LOG_MTA_QMAIL) {
		const struct qmail_delivery *d = &a->deliveries[ev->count % DELIVERIES_SIZE];
		struct entry *e = d->number == ev->count ? entry_find(a, str_of(d->id)) : NULL;
		if (e != NULL) {
			(void)delivery_to(a, e, ev, d->rcpt, d->is_local);
		}
		return;
	}
	struct entry *e = entry_get(a, ev->id, l->time);
	if (e == NULL) {
		return;
	}
	if (ev->delivery == LOG_EXPIRED) {
		for (uint32_t i = 0; i < e->rcpt_count; i++) {
			if (e->rcpts[i].delivery == LOG_DEFERRED) {
				e->rcpts[i].delivery = LOG_EXPIRED;
			}
		}
		return;
	}
	forward_from(a, e, ev);
	/* Sendmail lists many in one line; the others write one. */
	struct str list = ev->rcpt;
	do {
		struct str one = ev->mta == LOG_MTA_SENDMAIL ? str_take_until(&list, ',')
							     : str_take(&list, list.len);
		one = attribution_bare_id(one);
		struct rcpt *r = delivery_to(a, e, ev, attribution_hash(a, one),
					     ev->is_local_relay);
		if (r != NULL && e->sender != NULL && e->sender->out.kind == SOURCE_ADDRESS) {
			r->domain = attribution_domain(a, one);
		}
	} while (list.len > 0);
}

static void authenticated(struct attribution *a, const struct log_line *l,
			  const struct log_event *ev)
{
	if (ev->id.len == 0) {
		/* A mailbox's, or Plesk's for a message that comes now. */
		if (str_is_equal(l->program, STR("smtp_auth")) && ev->account.len > 0) {
			qmail_learn_login(a, ev, l->time);
		}
		return;
	}
	struct entry *e = entry_get(a, ev->id, l->time);
	if (e != NULL && e->sender == NULL) {
		name_source(a, e, ev);
	}
}

static void named(struct attribution *a, const struct log_line *l, const struct log_event *ev,
		  struct attribution_place place)
{
	struct entry *e = entry_find(a, ev->id);

	if (e == NULL) {
		/* No arrival before it: a bounce or a forward that the server made itself. */
		e = entry_new(a, ev->id, l->time);
		if (e == NULL) {
			return;
		}
		e->place = place;
		e->sender = sender_get(a, SOURCE_SERVER, STR("bounces"), e->time);
		e->provisional = true;
	}
	learn_message_id(a, e, ev->message_id);
}

void attribution_step(struct attribution *a, const struct log_line *l, const struct log_event *e,
		      struct attribution_place place)
{
	struct entry *ended;

	a->line = l->text;
	a->here = place;
	switch (e->type) {
	case LOG_ARRIVED:
		arrived(a, l, e, place);
		break;
	case LOG_MESSAGE_ID:
		named(a, l, e, place);
		break;
	case LOG_QUEUED:
		queued(a, l, e);
		break;
	case LOG_DELIVERY:
		delivered(a, l, e);
		break;
	case LOG_BOUNCE:
		bounced(a, e, l->time);
		break;
	case LOG_ENDED:
		ended = entry_find(a, e->id);
		if (ended != NULL) {
			entry_end(a, ended);
		}
		break;
	case LOG_AUTH:
		authenticated(a, l, e);
		break;
	case LOG_CWD:
		(void)str_copy(a->cwd, sizeof(a->cwd), e->cwd);
		a->cwd_place = place;
		break;
	case LOG_SCRIPT:
		script_learn(a, l, e);
		break;
	case LOG_LOST_LINES:
		a->totals.lost_lines += e->count;
		break;
	case LOG_NOT_MAIL:
	case LOG_OTHER:
	case LOG_UNKNOWN:
	case LOG_REJECTED:
	case LOG_AUTH_FAILED:
	case LOG_REPEATED:
	case LOG_EVENT_COUNT:
		break;
	}
}

bool attribution_has(const struct attribution *a, struct str id)
{
	const struct entry *e = entry_find(a, id);

	return e != NULL && e->sender != NULL;
}

void attribution_end(struct attribution *a)
{
	while (!list_is_empty(&a->by_age)) {
		a->totals.open++;
		entry_end(a, LIST_ITEM(a->by_age.next, struct entry, age));
	}
	for (size_t i = 0; i < a->id_count; i++) {
		/* An id that was given twice shows the answer twice. */
		const struct attribution_id *first = map_find(a->wanted, wanted_key(&a->ids[i]));
		if (first != NULL && first != &a->ids[i]) {
			const char *wanted = a->ids[i].wanted;
			a->ids[i] = *first;
			a->ids[i].wanted = wanted;
		}
	}
}

const struct attribution_sender *attribution_next(const struct attribution *a, size_t *pos)
{
	const struct sender *s = map_next(a->senders, pos);

	return s == NULL ? NULL : &s->out;
}

const struct attribution_id *attribution_id_get(const struct attribution *a, size_t i)
{
	return i < a->id_count ? &a->ids[i] : NULL;
}

const struct attribution_totals *attribution_totals(const struct attribution *a)
{
	return &a->totals;
}

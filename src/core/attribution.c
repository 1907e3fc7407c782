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
/* By hash: the table is asked for every message, and each octet less of it stays in the processor's
 * cache. */
#define RECENT_MAX 65536
#define SCRIPTS_MAX 131072
#define DELIVERIES_SIZE 1024

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
	linhash_key_init(&a->key, &opts->key);
	a->opts.messages_max = opts->messages_max == 0 ? MESSAGES_MAX : opts->messages_max;
	a->moments_room = MOMENTS_HELD_MAX;
	a->opts.senders_max = opts->senders_max == 0 ? SENDERS_MAX : opts->senders_max;
	a->opts.wanted_max = opts->wanted_max == 0 ? WANTED_MAX : opts->wanted_max;
	a->senders = map_new(a->opts.senders_max, &opts->key, sender_key);
	a->wanted = map_new(a->opts.wanted_max, &opts->key, wanted_key);
	a->opts.recent_max = opts->recent_max == 0 ? RECENT_MAX : opts->recent_max;
	ASSERT((a->opts.recent_max & (a->opts.recent_max - 1)) == 0);
	a->opts.scripts_max = opts->scripts_max == 0 ? SCRIPTS_MAX : opts->scripts_max;
	ASSERT((a->opts.scripts_max & (a->opts.scripts_max - 1)) == 0);
	a->recent = calloc(a->opts.recent_max, sizeof(*a->recent));
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
	if (a->id_count == a->opts.wanted_max) {
		return -ENOSPC;
	}
	if (a->ids == NULL) {
		/* One block for all: the table holds pointers into it. */
		a->ids = calloc(a->opts.wanted_max, sizeof(*a->ids));
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

/* ---- Message-IDs ---- */

static struct recent *recent_of(struct attribution *a, uint64_t hash)
{
	return &a->recent[hash & (a->opts.recent_max - 1)];
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
	want->also = e->wanted; /* asked for by its queue id and by its Message-ID */
	e->wanted = want;
	struct sender *s = who_make_sender(a, e);
	if (s != NULL) {
		sender_add_evidence(s, a->here, a->line->text);
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
	uint32_t check = (uint32_t)(hash >> 32);

	recent_put(a);
	if (who_is_known(e->who) && !e->provisional) {
		/* Its slot is rarely in the processor's cache, and what waits for it lets nothing
		 * behind it be written: it is fetched now and written with the next one. */
		a->due = (struct recent){
			.hash = check, .time_s = recent_time(e->time), .who = e->who};
		a->due_at = r;
		__builtin_prefetch(r, 1);
	} else if (r->hash == check && recent_is_young(r, e->time)) {
		e->who = r->who;
		e->provisional = false;
		a->totals.rejoined++;
	}
	found_wanted(a, e, message_id);
}

/* ---- events ---- */

static void set_envelope_sender(struct attribution *a, struct entry *e, const struct log_event *ev)
{
	if (!ev->has_sender) {
		return;
	}
	e->has_sender = true;
	e->null_sender = ev->sender.len == 0;
	if (!who_is_address(e->who)) {
		e->sender_hash = attribution_hash(a, ev->sender);
		e->sender_domain = attribution_domain(a, ev->sender);
	}
}

/* A notice about mail of one of ours is no sign of anything but that mail. */
static void link_bounce(struct entry *notice, const struct entry *about)
{
	if (about != NULL && who_is_known(about->who) &&
	    (!who_is_address(about->who) || about->is_forward)) {
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
			notice->who = who_of(sender_get(a, SOURCE_SERVER, STR("bounces"), now));
			notice->has_sender = true;
			notice->null_sender = true;
		}
	}
	if (notice == NULL) {
		return;
	}
	link_bounce(notice, entry_find(a, ev->id));
	struct sender *s = who_sender(notice->who);
	/* Nothing else shows that it is a notice: it has no arrival. */
	if (s != NULL && !notice->is_own_bounce && s->out.evidence_count < 2) {
		sender_add_evidence(s, a->here, a->line->text);
	}
}

/* What the line of an arrival tells of its source. */
static void keep_arrival(struct attribution *a, struct sender *s, const struct log_event *ev)
{
	if (ev->mta == LOG_MTA_EXIM && s->out.kind == SOURCE_USER && a->cwd[0] != '\0') {
		script_set(s, str_of(a->cwd), "cwd=", a->cwd_place);
	}
	/* Of a stranger nothing is kept until mail of his leaves this machine. */
	if (s->out.evidence_count < (a->id_count > 0 ? 1 : 2) &&
	    (s->out.kind != SOURCE_ADDRESS || s->out.messages > 0)) {
		sender_add_evidence(s, a->here, a->line->text);
	}
}

static void arrived(struct attribution *a, const struct log_line *l, const struct log_event *given)
{
	UNINITIALIZED struct log_event joined; /* if it is qmail's */
	const struct log_event *ev = given;
	enum qmail_join how = QMAIL_JOIN_NONE;

	if (given->mta == LOG_MTA_QMAIL) {
		how = qmail_join_login(a, given, l->time, &joined);
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
	if (how == QMAIL_JOIN_OPEN && ev->sender.len > 0) {
		e->who = who_of(sender_get(a, SOURCE_SERVER, STR(ATTRIBUTION_NO_LOGIN), l->time));
	} else if (!who_is_known(e->who) && how != QMAIL_JOIN_SEVERAL) {
		who_from_arrival(a, e, ev);
	}
	set_envelope_sender(a, e, ev);
	if (who_is_notice(ev)) {
		link_bounce(e, entry_find(a, ev->id2));
	} else if (ev->id2.len > 0 && e->provisional) {
		const struct entry *before = entry_find(a, ev->id2);
		if (before != NULL && who_is_known(before->who)) {
			e->who = before->who;
			e->provisional = false;
			a->totals.rejoined++;
		}
	}
	if (who_sender(e->who) != NULL) {
		keep_arrival(a, who_sender(e->who), ev);
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
		d->domain = attribution_domain(a, ev->rcpt);
		d->is_local = ev->is_local_relay;
		(void)str_copy(d->id, sizeof(d->id), ev->id);
		return;
	}
	struct entry *e = entry_get(a, ev->id, l->time);
	if (e != NULL) {
		set_envelope_sender(a, e, ev);
	}
}

/* Mail that came in for an address of ours and goes on elsewhere: the address that forwards is its
 * source, not each stranger who wrote to it. */
static void forward_from(struct attribution *a, struct entry *e, const struct log_event *ev)
{
	struct str before = ev->orig_rcpt.len > 0 ? ev->orig_rcpt : ev->login;

	if (before.len == 0 || ev->is_local_relay || e->is_forward || !who_is_address(e->who)) {
		return;
	}
	struct sender *s = sender_get(a, SOURCE_ACCOUNT, attribution_bare_id(before), e->time);
	if (s != NULL) {
		e->who = who_of(s);
		e->is_forward = true;
		if (s->out.evidence_count < 2) {
			sender_add_evidence(s, a->here, a->line->text);
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
		       ev->relay.len == 0 && who_is_address(e->who);
	r->remote = !is_local && !is_ours;
	r->unknown = ev->is_unknown_rcpt;
	r->refused = ev->is_refused;
	r->forwarded = e->is_forward;
	struct sender *s = r->remote ? who_make_sender(a, e) : who_sender(e->who);
	sender_keep_delivery(s, ev, a->here, a->line->text);
	script_find(a, e, rcpt_hash);
	return r;
}

static void delivered(struct attribution *a, const struct log_line *l, const struct log_event *ev)
{
	if (ev->mta == LOG_MTA_QMAIL) {
		const struct qmail_delivery *d = &a->deliveries[ev->count % DELIVERIES_SIZE];
		struct entry *e = d->number == ev->count ? entry_find(a, str_of(d->id)) : NULL;
		if (e != NULL) {
			struct rcpt *r = delivery_to(a, e, ev, d->rcpt, d->is_local);
			if (r != NULL && r->unknown) {
				r->domain = d->domain;
			}
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
	if (ev->is_local_relay && who_is_stranger(e->who) && e->rcpt_count == 0) {
		return; /* what stays here of a stranger's mail is not counted */
	}
	/* Sendmail lists many in one line; the others write one. */
	struct str list = ev->rcpt;
	do {
		struct str one = ev->mta == LOG_MTA_SENDMAIL ? str_take_until(&list, ',')
							     : str_take(&list, list.len);
		one = attribution_bare_id(one);
		struct rcpt *r = delivery_to(a, e, ev, attribution_hash(a, one),
					     ev->is_local_relay);
		if (r != NULL && r->remote && (r->unknown || who_is_address(e->who))) {
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
	if (e != NULL && !who_is_known(e->who)) {
		who_from_arrival(a, e, ev);
	}
}

static void named(struct attribution *a, const struct log_line *l, const struct log_event *ev)
{
	struct entry *e = entry_find(a, ev->id);

	if (e == NULL) {
		/* No arrival before it: a bounce or a forward that the server made itself. */
		e = entry_new(a, ev->id, l->time);
		if (e == NULL) {
			return;
		}
		e->who = who_of(sender_get(a, SOURCE_SERVER, STR("bounces"), e->time));
		e->provisional = true;
	}
	learn_message_id(a, e, ev->message_id);
}

void attribution_step(struct attribution *a, const struct log_line *l, const struct log_event *e,
		      struct attribution_place place)
{
	struct entry *ended;

	if (a->line == NULL) {
		struct siphash_key seed = siphash_key_of(l->text.ptr, l->text.len);
		seed.k0 ^= (uint64_t)l->time.ns;
		linhash_key_init(&a->counted, &seed);
	}
	a->line = l;
	a->hashed = STR_EMPTY;
	a->here = place;
	switch (e->type) {
	case LOG_ARRIVED:
		arrived(a, l, e);
		break;
	case LOG_MESSAGE_ID:
		named(a, l, e);
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

bool attribution_has(struct attribution *a, struct str id)
{
	a->hashed = STR_EMPTY;
	const struct entry *e = entry_find(a, id);

	return e != NULL && who_is_known(e->who);
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

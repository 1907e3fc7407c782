/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_who: sources by their names, and strangers by their addresses. Layer: core (pure).
 */
#include "core/attribution_who.h"

#include "core/attribution_entry.h"
#include "proto/addr.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* After room was looked for in vain: making it is as much work as some thousand lines. */
#define NO_ROOM_TRIES 4096
#define UID_NAME_MAX (sizeof("uid 4294967295") - 1)

/* Marks the sources of living messages and of Message-IDs that may still come back. */
static void mark_in_use(struct attribution *a, struct wall now)
{
	LIST_FOR_EACH (pos, tmp, &a->by_age) {
		struct sender *s = who_sender(LIST_ITEM(pos, struct entry, age)->who);
		if (s != NULL) {
			s->in_use = true;
		}
	}
	recent_put(a);
	for (size_t i = 0; i < a->opts.recent_max; i++) {
		struct recent *r = &a->recent[i];
		if (!recent_is_young(r, now)) {
			r->who = (struct who){0};
		} else if (who_sender(r->who) != NULL) {
			who_sender(r->who)->in_use = true;
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

static struct sender *sender_find(const struct attribution *a, enum source_kind kind,
				  struct str name)
{
	UNINITIALIZED char key[ATTRIBUTION_TEXT_MAX + 1];

	key[0] = (char)('a' + kind);
	(void)str_copy(key + 1, sizeof(key) - 1, name);
	return map_find(a->senders, (struct str){key, name.len + 1});
}

struct sender *sender_get(struct attribution *a, enum source_kind kind, struct str name,
			  struct wall now)
{
	name = str_head(name, ATTRIBUTION_TEXT_MAX - 1);
	struct sender *s = sender_find(a, kind, name);
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

/* ---- strangers ---- */

static uint32_t stranger_ip(struct who w)
{
	return (uint32_t)(w.bits >> 1);
}

/* Where the bit is that says that a source was once made of this address. */
static uint32_t stranger_bit(uint32_t ip)
{
	return ip * 0x9E3779B1U % WHO_BITS;
}

char *who_stranger_name(struct who w, char ret_name[static WHO_NAME_MAX])
{
	uint32_t ip = stranger_ip(w);
	uint8_t octets[4] = {(uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8),
			     (uint8_t)ip};
	struct addr addr = addr_v4(octets);

	return addr_format(&addr, ret_name);
}

/* Only IPv4 fits, and it has one way to be written. Others are sources from the start. */
static struct who who_of_address(struct attribution *a, struct str text, struct wall now)
{
	UNINITIALIZED struct addr addr;

	if (sizeof(uintptr_t) < 8 || addr_parse(text, &addr) < 0 || addr.family != 4) {
		return who_of(sender_get(a, SOURCE_ADDRESS, text, now));
	}
	const uint8_t *o = addr.octets;
	uint32_t ip = (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
	uint32_t bit = stranger_bit(ip);
	if ((a->strangers_made[bit / 64] >> (bit % 64) & 1) != 0) {
		struct sender *s = sender_find(a, SOURCE_ADDRESS, text);
		if (s != NULL) {
			return who_of(s);
		}
	}
	return (struct who){(uintptr_t)((uint64_t)ip << 1 | 1)};
}

struct sender *who_make_sender(struct attribution *a, struct entry *e)
{
	UNINITIALIZED char name[WHO_NAME_MAX];

	if (!who_is_stranger(e->who)) {
		return who_sender(e->who);
	}
	struct sender *s = sender_get(a, SOURCE_ADDRESS, str_of(who_stranger_name(e->who, name)),
				      e->time);
	if (s != NULL) {
		uint32_t bit = stranger_bit(stranger_ip(e->who));
		a->strangers_made[bit / 64] |= UINT64_C(1) << (bit % 64);
		e->who = who_of(s);
	}
	return s;
}

/* ---- arrivals ---- */

static bool is_this_machine(struct str addr)
{
	return str_is_equal(addr, STR("127.0.0.1")) || str_is_equal(addr, STR("::1")) ||
	       str_is_equal(addr, STR("0:0:0:0:0:0:0:1"));
}

/* "uid 33" at the end of `text`: by hand, because a busy site's log has many. */
static struct str uid_name(uint32_t uid, char text[static UID_NAME_MAX])
{
	size_t at = UID_NAME_MAX;

	do {
		text[--at] = (char)('0' + uid % 10);
		uid /= 10;
	} while (uid > 0);
	at -= sizeof("uid ") - 1;
	memcpy(text + at, "uid ", sizeof("uid ") - 1);
	return (struct str){text + at, UID_NAME_MAX - at};
}

static struct sender *local_source(struct attribution *a, const struct log_event *ev,
				   struct wall now)
{
	UNINITIALIZED char text[UID_NAME_MAX];

	return sender_get(a, SOURCE_USER, ev->login.len > 0 ? ev->login : uid_name(ev->uid, text),
			  now);
}

/* Notices that the server makes itself: Exim writes the message that they are about, qmail has them
 * from one of its own users. A site may send with an empty sender too, and is not meant. */
bool who_is_notice(const struct log_event *ev)
{
	if (!ev->has_sender || ev->sender.len > 0 || ev->client_addr.len > 0 ||
	    ev->account.len > 0) {
		return false;
	}
	return ev->mta == LOG_MTA_QMAIL || ev->id2.len > 0 || (!ev->has_uid && ev->login.len == 0);
}

void who_from_arrival(struct attribution *a, struct entry *e, const struct log_event *ev)
{
	if (who_is_notice(ev)) {
		e->who = who_of(sender_get(a, SOURCE_SERVER, STR("bounces"), e->time));
	} else if (ev->account.len > 0) {
		struct sender *s = sender_get(a, SOURCE_ACCOUNT, ev->account, e->time);
		e->who = who_of(s);
		if (s != NULL) {
			sender_add_client(s, ev->client_addr, &a->counted);
			s->out.local_client += is_this_machine(ev->client_addr) ? 1 : 0;
		}
	} else if (ev->has_uid || ev->login.len > 0) {
		e->who = who_of(local_source(a, ev, e->time));
		e->provisional = ev->id2.len > 0; /* put back by postsuper -r */
	} else if (ev->client_addr.len > 0 && !is_this_machine(ev->client_addr)) {
		e->who = who_of_address(a, ev->client_addr, e->time);
	} else {
		e->who = who_of(sender_get(a, SOURCE_SERVER, STR("localhost"), e->time));
		e->provisional = true;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_who: sources by their names, and strangers by their addresses. Layer: core (pure).
 */
#include "core/attribution_who.h"

#include "core/attribution_entry.h"

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

/* Four bits for each octet of the text "203.0.113.7": digits as they are. */
#define NIBBLE_DOT 14
#define NIBBLE_END 15
#define V4_TEXT_MIN 7
#define V4_TEXT_MAX 15

#ifdef __x86_64__
/* Digits with three dots? Octets behind the text are read as zeros. */
static bool is_v4_text(__m128i text, size_t len)
{
	__m128i off = _mm_sub_epi8(text, _mm_set1_epi8('0'));
	__m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(off, _mm_set1_epi8(9)), off);
	unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(text, _mm_set1_epi8('.')));
	unsigned digits = (unsigned)_mm_movemask_epi8(is_digit);
	unsigned third = dots & (dots - 1);

	third &= third - 1;
	return (digits | dots) == (1U << len) - 1 && third != 0 && (third & (third - 1)) == 0;
}

static bool take_nibbles(struct str text, uint64_t *ret)
{
	uint64_t low;
	uint64_t high;

	if (text.len < 8) {
		low = 0;
		memcpy(&low, text.ptr, V4_TEXT_MIN);
		high = 0;
	} else {
		memcpy(&low, text.ptr, sizeof(low));
		memcpy(&high, text.ptr + text.len - sizeof(high), sizeof(high));
		/* What is in both goes out; in two steps, for eight octets may be all. */
		high = high >> (4 * (16 - text.len)) >> (4 * (16 - text.len));
	}
	__m128i octets = _mm_set_epi64x((int64_t)high, (int64_t)low);
	if (!is_v4_text(octets, text.len)) {
		return false;
	}
	__m128i half = _mm_and_si128(octets, _mm_set1_epi8(15));
	__m128i pair = _mm_or_si128(half, _mm_srli_epi16(half, 4));
	__m128i packed = _mm_packus_epi16(_mm_and_si128(pair, _mm_set1_epi16(255)), half);
	*ret = (uint64_t)_mm_cvtsi128_si64(packed);
	return true;
}
#else
static bool take_nibbles(struct str text, uint64_t *ret)
{
	unsigned dots = 0;

	*ret = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (!char_is_digit(text.ptr[i]) && text.ptr[i] != '.') {
			return false;
		}
		dots += text.ptr[i] == '.' ? 1 : 0;
		*ret |= (uint64_t)(text.ptr[i] & 15) << (4 * i);
	}
	return dots == 3;
}
#endif

/* Where the bit is that says that a source was once made of this address. */
static uint64_t stranger_bit(struct who w)
{
	return (uint64_t)w.bits * UINT64_C(0x9E3779B97F4A7C15) >> (64 - WHO_BITS_LOG2);
}

char *who_stranger_name(struct who w, char ret_name[static WHO_NAME_MAX])
{
	uint64_t nibbles = (uint64_t)w.bits >> 4;
	size_t n = 0;

	for (; n < V4_TEXT_MAX && (nibbles & 15) != NIBBLE_END; nibbles >>= 4) {
		unsigned nibble = (unsigned)nibbles & 15;
		ret_name[n++] = nibble == NIBBLE_DOT ? '.' : (char)('0' + nibble);
	}
	ret_name[n] = '\0';
	return ret_name;
}

/* Only IPv4 fits, as its text. Others are sources from the start. */
static struct who who_of_address(struct attribution *a, struct str text, struct wall now)
{
	uint64_t nibbles;

	if (sizeof(uintptr_t) < 8 || text.len < V4_TEXT_MIN || text.len > V4_TEXT_MAX ||
	    !take_nibbles(text, &nibbles)) {
		return who_of(sender_get(a, SOURCE_ADDRESS, text, now));
	}
	nibbles |= UINT64_MAX << (4 * text.len);
	struct who w = {(uintptr_t)(nibbles << 4 | 1)};
	uint64_t bit = stranger_bit(w);
	if ((a->strangers_made[bit / 64] >> (bit % 64) & 1) != 0) {
		struct sender *s = sender_find(a, SOURCE_ADDRESS, text);
		if (s != NULL) {
			return who_of(s);
		}
	}
	return w;
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
		uint64_t bit = stranger_bit(e->who);
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

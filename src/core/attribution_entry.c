/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attribution_entry: living messages. Layer: core (pure).
 */
#include "core/attribution_entry.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* Recipients that are told apart in one message; later ones are not counted. */
#define RCPTS_MAX 2000
/* Of all living messages together, beyond the few of each: 8 MiB. The oldest messages make room. */
#define RCPTS_HELD_MAX ((size_t)1 << 20)
#define SLOTS_FIRST 1024

uint64_t attribution_hash(const struct attribution *a, struct str s)
{
	return linhash(&a->counted, s.ptr, s.len);
}

struct str attribution_bare_id(struct str id)
{
	id = str_trim(id);
	if (id.len >= 2 && id.ptr[0] == '<' && id.ptr[id.len - 1] == '>') {
		return (struct str){id.ptr + 1, id.len - 2};
	}
	return id;
}

#ifdef __SSE2__
/* The last 16 octets of an address in small letters, as most domains fit into.
 * @return What stands behind the last "@" there; all 16: there is none. */
static struct str lower_tail(struct str address, char ret_lower[static 16])
{
	__m128i v = _mm_loadu_si128(
		(const __m128i *)(const void *)(address.ptr + address.len - 16));
	__m128i off = _mm_sub_epi8(v, _mm_set1_epi8('A'));
	__m128i is_upper = _mm_cmpeq_epi8(_mm_min_epu8(off, _mm_set1_epi8('Z' - 'A')), off);
	unsigned signs = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('@')));
	size_t at = signs == 0 ? 0 : 32 - (size_t)__builtin_clz(signs);

	v = _mm_or_si128(v, _mm_and_si128(is_upper, _mm_set1_epi8('a' - 'A')));
	_mm_storeu_si128((__m128i *)(void *)ret_lower, v);
	return (struct str){ret_lower + at, 16 - at};
}
#endif

uint16_t attribution_domain(const struct attribution *a, struct str rcpt)
{
	UNINITIALIZED char lower[ATTRIBUTION_TEXT_MAX];
	size_t at = rcpt.len;

#ifdef __SSE2__
	if (rcpt.len >= 16) {
		struct str tail = lower_tail(rcpt, lower);
		if (tail.len < 16) {
			return (uint16_t)(attribution_hash(a, tail) | 1);
		}
	}
#endif
	while (at > 0 && rcpt.ptr[at - 1] != '@') {
		at--;
	}
	struct str domain = str_head(str_skip(rcpt, at), sizeof(lower));
	for (size_t i = 0; i < domain.len; i++) {
		lower[i] = char_lower(domain.ptr[i]);
	}
	return (uint16_t)(attribution_hash(a, (struct str){lower, domain.len}) | 1);
}

struct str entry_id(const struct entry *e)
{
	return (struct str){e->id, e->id_len};
}

int entries_init(struct attribution *a)
{
	list_init(&a->by_age);
	list_init(&a->free_entries);
	a->slots = calloc(SLOTS_FIRST, sizeof(struct entry *));
	a->slot_mask = SLOTS_FIRST - 1;
	return a->slots == NULL ? -ENOMEM : 0;
}

static void rcpts_free(struct attribution *a, struct entry *e)
{
	if (e->rcpts != e->few) {
		a->rcpts_held -= e->rcpt_size;
		free(e->rcpts);
	}
}

void entries_done(struct attribution *a)
{
	if (a->slots != NULL) {
		LIST_FOR_EACH (pos, tmp, &a->by_age) {
			rcpts_free(a, LIST_ITEM(pos, struct entry, age));
		}
	}
	while (a->blocks != NULL) {
		struct entry_block *next = a->blocks->next;
		free(a->blocks);
		a->blocks = next;
	}
	free(a->slots);
}

/* Of the line's own id it is asked for more than once. */
static uint64_t hash_of_id(struct attribution *a, struct str id)
{
	if (id.ptr != a->hashed.ptr || id.len != a->hashed.len) {
		a->hashed = id;
		a->hashed_to = linhash(&a->key, id.ptr, id.len);
	}
	return a->hashed_to;
}

/* Most ids have 8 to 16 octets: their first and their last eight are all of them. */
static bool has_id(const struct entry *e, struct str id)
{
	uint64_t a[2];
	uint64_t b[2];

	if (id.len < sizeof(a[0]) || id.len > sizeof(a)) {
		return str_is_equal(entry_id(e), id);
	}
	memcpy(&a[0], id.ptr, sizeof(a[0]));
	memcpy(&a[1], id.ptr + id.len - sizeof(a[1]), sizeof(a[1]));
	memcpy(&b[0], e->id, sizeof(b[0]));
	memcpy(&b[1], e->id + id.len - sizeof(b[1]), sizeof(b[1]));
	return e->id_len == id.len && a[0] == b[0] && a[1] == b[1];
}

static struct entry *find_hashed(const struct attribution *a, struct str id, uint64_t hash)
{
	for (size_t i = hash & a->slot_mask; a->slots[i] != NULL; i = (i + 1) & a->slot_mask) {
		struct entry *e = a->slots[i];
		if (e->hash == hash && has_id(e, id)) {
			return e;
		}
	}
	return NULL;
}

struct entry *entry_find(struct attribution *a, struct str id)
{
	return find_hashed(a, id, hash_of_id(a, id));
}

static void slot_put(struct entry **slots, size_t mask, struct entry *e)
{
	size_t i = e->hash & mask;

	while (slots[i] != NULL) {
		i = (i + 1) & mask;
	}
	slots[i] = e;
}

static int slots_grow(struct attribution *a)
{
	size_t mask = a->slot_mask * 2 + 1;
	struct entry **slots = calloc(mask + 1, sizeof(*slots));

	if (slots == NULL) {
		return -ENOMEM;
	}
	for (size_t i = 0; i <= a->slot_mask; i++) {
		if (a->slots[i] != NULL) {
			slot_put(slots, mask, a->slots[i]);
		}
	}
	free(a->slots);
	a->slots = slots;
	a->slot_mask = mask;
	return 0;
}

/* Takes one out and closes the gap, so that nothing is lost behind it. */
static void slot_remove(struct attribution *a, const struct entry *e)
{
	size_t hole = e->hash & a->slot_mask;

	while (a->slots[hole] != e) {
		hole = (hole + 1) & a->slot_mask;
	}
	for (size_t i = (hole + 1) & a->slot_mask; a->slots[i] != NULL;
	     i = (i + 1) & a->slot_mask) {
		size_t home = a->slots[i]->hash & a->slot_mask;
		if (((i - home) & a->slot_mask) >= ((i - hole) & a->slot_mask)) {
			a->slots[hole] = a->slots[i];
			hole = i;
		}
	}
	a->slots[hole] = NULL;
}

/* One from the free ones; a new block when there is none. */
static struct entry *entry_take(struct attribution *a)
{
	if (list_is_empty(&a->free_entries)) {
		struct entry_block *b = malloc(sizeof(*b));
		if (b == NULL) {
			return NULL;
		}
		b->next = a->blocks;
		a->blocks = b;
		for (size_t i = 0; i < ENTRY_BLOCK; i++) {
			list_push_back(&a->free_entries, &b->entries[i].age);
		}
	}
	struct list *first = a->free_entries.next;
	list_remove(first);
	struct entry *e = LIST_ITEM(first, struct entry, age);
	static_assert(offsetof(struct entry, few) % sizeof(uint64_t) == 0, "in eights");
#pragma GCC unroll 32
	for (size_t i = 0; i < offsetof(struct entry, few); i += sizeof(uint64_t)) {
		memset((char *)e + i, 0, sizeof(uint64_t));
		NO_MEMSET; /* a string instruction takes longer to start than this takes */
	}
	return e;
}

static void tell_wanted(const struct entry *e, struct attribution_id *want)
{
	const struct sender *s = who_sender(e->who);

	if (s != NULL) {
		want->kind = s->out.kind;
		(void)str_copy(want->source, sizeof(want->source), str_of(s->out.name));
	} else if (who_is_stranger(e->who)) {
		want->kind = SOURCE_ADDRESS;
		(void)who_stranger_name(e->who, want->source);
	}
}

/* Is its sender address one that the source chose? A stranger's is not looked at, and who forwards
 * keeps the stranger's. */
static bool has_own_sender(const struct entry *e, const struct sender *s)
{
	return e->has_sender && !e->is_forward && s->out.kind != SOURCE_ADDRESS;
}

/* Does it give itself out as somebody else's? A help desk answers from many addresses of the domain
 * of its login; a login without a domain has none to compare. */
static bool is_foreign(const struct attribution *a, const struct entry *e, const struct sender *s)
{
	if (e->null_sender || e->sender_hash == s->name_hash) {
		return false;
	}
	struct str name = str_of(s->out.name);
	return str_find_char(name, '@') == name.len ||
	       attribution_domain(a, name) != e->sender_domain;
}

/* A recipient who is seen for the first time: is there such a person? Who only put the mail off
 * said nothing yet. */
static void add_trial(struct sender *s, const struct rcpt *r, struct sender_trials *t)
{
	if (r->unknown) {
		t->unknown += sender_is_new_trouble(s, r->domain) ? 1 : 0;
	} else {
		t->known += r->delivery == LOG_SENT || r->refused ? 1 : 0;
	}
}

/* Count a message for its source: what it became, to which recipients elsewhere. */
static void entry_count(struct attribution *a, struct entry *e)
{
	struct sender *s = who_sender(e->who);
	uint64_t remote = 0;
	struct sender_trials trials = {0};
	struct attribution_sender *out = s == NULL ? NULL : &s->out;

	for (uint32_t i = 0; i < e->rcpt_count; i++) {
		remote += e->rcpts[i].remote ? 1 : 0;
	}
	for (struct attribution_id *want = e->wanted; want != NULL; want = want->also) {
		tell_wanted(e, want);
	}
	if (remote == 0) {
		a->totals.incoming += who_is_address(e->who) ? 1 : 0;
		return;
	}
	a->totals.messages++;
	if (e->is_own_bounce) {
		return;
	}
	if (s == NULL) {
		a->totals.headless++;
		return;
	}
	out->messages++;
	out->null_sender += e->has_sender && e->null_sender ? 1 : 0;
	if (has_own_sender(e, s)) {
		out->foreign += is_foreign(a, e, s) ? 1 : 0;
		distinct_add(&s->senders, e->sender_hash);
		out->senders = s->senders.count;
	}
	for (uint32_t i = 0; i < e->rcpt_count; i++) {
		const struct rcpt *r = &e->rcpts[i];
		if (!r->remote) {
			continue;
		}
		out->recipients++;
		out->sent += r->delivery == LOG_SENT ? 1 : 0;
		out->bounced += r->delivery == LOG_BOUNCED || r->delivery == LOG_EXPIRED ? 1 : 0;
		out->deferred += r->delivery == LOG_DEFERRED ? 1 : 0;
		out->forwarded += r->forwarded ? 1 : 0;
		if (sender_add_rcpt(s, r->hash)) {
			out->distinct++;
			out->unknown += r->unknown ? 1 : 0;
			out->refused += r->refused ? 1 : 0;
			add_trial(s, r, &trials);
		}
		if (r->domain != 0 && out->kind == SOURCE_ADDRESS) {
			distinct_add(&s->domains, r->domain);
			out->domains = s->domains.count;
		}
	}
	sender_weigh(s, &trials);
	sender_add_volume(s, e->time, remote);
	if (out->kind == SOURCE_USER || out->kind == SOURCE_SERVER) {
		moments_add(&out->moments, e->time, &a->moments_room);
	}
}

void entry_end(struct attribution *a, struct entry *e)
{
	entry_count(a, e);
	slot_remove(a, e);
	a->entry_count--;
	list_remove(&e->age);
	rcpts_free(a, e);
	list_push_front(&a->free_entries, &e->age);
}

static void end_oldest(struct attribution *a)
{
	a->totals.evicted++;
	entry_end(a, LIST_ITEM(a->by_age.next, struct entry, age));
}

static struct entry *new_hashed(struct attribution *a, struct str id, uint64_t hash,
				struct wall time)
{
	if (id.len == 0 || id.len > ENTRY_ID_MAX) {
		return NULL;
	}
	if (a->entry_count == a->opts.messages_max) {
		end_oldest(a);
	}
	if (a->entry_count + 1 > (a->slot_mask + 1) / 2 && slots_grow(a) < 0) {
		return NULL;
	}
	struct entry *e = entry_take(a);
	if (e == NULL) {
		return NULL;
	}
	memcpy(e->id, id.ptr, id.len);
	e->id_len = (uint8_t)id.len;
	e->hash = hash;
	e->time = time;
	e->rcpts = e->few;
	e->rcpt_size = ENTRY_RCPTS_FEW;
	slot_put(a->slots, a->slot_mask, e);
	a->entry_count++;
	list_push_back(&a->by_age, &e->age);
	return e;
}

struct entry *entry_new(struct attribution *a, struct str id, struct wall time)
{
	return new_hashed(a, id, hash_of_id(a, id), time);
}

struct entry *entry_get(struct attribution *a, struct str id, struct wall time)
{
	uint64_t hash = hash_of_id(a, id);
	struct entry *e = find_hashed(a, id, hash);

	return e != NULL ? e : new_hashed(a, id, hash, time);
}

static bool rcpts_grow(struct attribution *a, struct entry *e)
{
	uint32_t size = e->rcpt_size * 2;
	bool is_few = e->rcpts == e->few;

	while (a->rcpts_held + size > RCPTS_HELD_MAX && a->by_age.next != &e->age) {
		end_oldest(a);
	}
	if (a->rcpts_held + size > RCPTS_HELD_MAX) {
		return false;
	}
	struct rcpt *grown = realloc(is_few ? NULL : e->rcpts, size * sizeof(*grown));
	if (grown == NULL) {
		return false;
	}
	if (is_few) {
		memcpy(grown, e->few, sizeof(e->few));
	}
	a->rcpts_held += size - (is_few ? 0 : e->rcpt_size);
	e->rcpts = grown;
	e->rcpt_size = size;
	return true;
}

struct rcpt *rcpt_get(struct attribution *a, struct entry *e, uint32_t hash)
{
	for (uint32_t i = 0; i < e->rcpt_count; i++) {
		if (e->rcpts[i].hash == hash) {
			return &e->rcpts[i];
		}
	}
	if (e->rcpt_count == RCPTS_MAX || (e->rcpt_count == e->rcpt_size && !rcpts_grow(a, e))) {
		return NULL;
	}
	e->rcpts[e->rcpt_count] = (struct rcpt){.hash = hash};
	return &e->rcpts[e->rcpt_count++];
}

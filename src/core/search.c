/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: from marks to lines, from lines to the attribution. Layer: core (pure).
 */
#include "core/search.h"

#include "core/attribution_entry.h"
#include "core/search_arrivals.h"
#include "proto/log_marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* A power of two, twice what attribution_want takes at least. */
#define WANTED_SIZE ((size_t)1 << 18)
/* Asked before the table, because they fit into the nearest cache. */
#define WANTED_BITS_LOG 16
#define WANTED_BITS (1 << WANTED_BITS_LOG)
/* Few, so that their lines are still in the nearest cache. */
#define MARKS_MAX 192
#define QUEUE_ID_MIN SEARCH_ARRIVAL_ID_MIN
#define QUEUE_ID_MAX 32
/* Messages that wait over more than one step. Each is searched for by itself: with more of them
 * reading all lines is no slower. */
#define FOLLOWED_MAX 4
/* Longer Message-IDs are left to the parsers. */
#define PLAIN_ID_MAX 512

struct wanted {
	uint64_t hash; /* 0: free */
	uint32_t number;
};

struct followed {
	char id[QUEUE_ID_MAX];
	size_t len; /* 0: free */
};

struct search {
	struct attribution *a;
	struct siphash_key key;
	log_marks_fn *marks;
	struct log_time time;
	struct attribution_place place; /* its line is not known: nobody counts them here */
	struct wanted *wanted;          /* open addressing */
	uint64_t wanted_bits[WANTED_BITS / 64];
	uint32_t count;
	uint32_t first_open; /* all before it are found */
	bool has_queue_ids;
	bool is_settled;
	struct followed followed[FOLLOWED_MAX];
	struct search_arrivals arrivals;
};

struct search *search_new(const struct siphash_key *key, size_t wanted_max)
{
	struct search *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return NULL;
	}
	s->key = *key;
	s->marks = log_marks_best();
	s->is_settled = true;
	s->a = attribution_new(&(struct attribution_opts){.key = *key, .wanted_max = wanted_max});
	s->wanted = calloc(WANTED_SIZE, sizeof(*s->wanted));
	if (s->a == NULL || s->wanted == NULL) {
		search_free(s);
		return NULL;
	}
	return s;
}

void search_free(struct search *s)
{
	if (s != NULL) {
		attribution_free(s->a);
		free(s->wanted);
		free(s);
	}
}

/* ---- what is wanted ---- */

static uint64_t hash_of(const struct search *s, struct str id)
{
	return siphash13(&s->key, id.ptr, id.len) | 1;
}

static bool is_id_char(char c)
{
	return char_is_alpha(c) || char_is_digit(c) || c == '-';
}

/* May it be a queue id of Postfix, Exim or sendmail? */
static bool is_queue_id(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (!is_id_char(id.ptr[i])) {
			return false;
		}
	}
	return id.len >= QUEUE_ID_MIN && id.len <= QUEUE_ID_MAX;
}

static bool is_number(struct str id)
{
	for (size_t i = 0; i < id.len; i++) {
		if (!char_is_digit(id.ptr[i])) {
			return false;
		}
	}
	return true;
}

static struct wanted *slot_of(const struct search *s, uint64_t hash)
{
	size_t i = hash >> 32 & (WANTED_SIZE - 1);

	while (s->wanted[i].hash != 0 && s->wanted[i].hash != hash) {
		i = (i + 1) & (WANTED_SIZE - 1);
	}
	return &s->wanted[i];
}

/* One of few bits, by the first and last octets and the length: no keyed hash, because what it lets
 * pass is looked up in the table. */
static uint64_t *bit_of(struct search *s, struct str id, uint64_t *ret_mask)
{
	uint64_t first = 0;
	uint64_t last = 0;
	size_t n = id.len < sizeof(first) ? id.len : sizeof(first);

	if (n == sizeof(first)) {
		memcpy(&first, id.ptr, sizeof(first));
		memcpy(&last, id.ptr + id.len - sizeof(last), sizeof(last));
	} else {
		memcpy(&first, id.ptr, n);
	}
	first = (first ^ id.len) * UINT64_C(0x9E3779B97F4A7C15) + last;
	size_t bit = first * UINT64_C(0xC2B2AE3D27D4EB4F) >> (64 - WANTED_BITS_LOG);

	*ret_mask = UINT64_C(1) << (bit % 64);
	return &s->wanted_bits[bit / 64];
}

int search_want(struct search *s, const char *id)
{
	struct str bare = attribution_bare_id(str_of(id));
	uint64_t hash = hash_of(s, bare);
	uint64_t mask;
	int r = attribution_want(s->a, id);

	if (r < 0) {
		return r;
	}
	struct wanted *w = slot_of(s, hash);
	if (w->hash == 0) {
		*w = (struct wanted){.hash = hash, .number = s->count};
	}
	uint64_t *bits = bit_of(s, bare, &mask);
	*bits |= mask;
	s->count++;
	s->has_queue_ids = s->has_queue_ids || is_queue_id(bare);
	/* qmail's queue ids: its lines have no marks. */
	s->is_settled = s->is_settled && !is_number(bare);
	return 0;
}

/* Is it asked for, and not found yet? */
static bool is_open_id(struct search *s, struct str id)
{
	uint64_t mask;

	if (id.len == 0) {
		return false;
	}
	const uint64_t *bits = bit_of(s, id, &mask);
	if ((*bits & mask) == 0) {
		return false;
	}
	const struct wanted *w = slot_of(s, hash_of(s, id));
	return w->hash != 0 && !attribution_id_get(s->a, w->number)->found;
}

/* ---- lines ---- */

/* The line around an offset, without its ending. */
static struct str line_at(struct str text, size_t at)
{
	const char *before = memrchr(text.ptr, '\n', at);
	const char *begin = before == NULL ? text.ptr : before + 1;
	const char *lf = memchr(text.ptr + at, '\n', text.len - at);
	const char *end = lf == NULL ? text.ptr + text.len : lf;

	if (lf != NULL && end > begin && end[-1] == '\r') {
		end--;
	}
	return (struct str){begin, (size_t)(end - begin)};
}

static bool parse(struct log_time *time, struct str line, struct log_line *l, struct log_event *e)
{
	if (!log_line_parse(time, line, l)) {
		return false;
	}
	log_event_parse(l, e);
	return true;
}

static void feed(struct search *s, const struct log_line *l, const struct log_event *e)
{
	attribution_step(s->a, l, e, s->place);
}

/* Dates without a year: a line in December tells that January is the next one. */
static void watch_date(struct search *s, struct str line)
{
	struct log_line l;

	if (line.len >= 6 && (s->time.date[0] == '\0' || memcmp(s->time.date, line.ptr, 6) != 0)) {
		(void)log_line_parse(&s->time, line, &l);
	}
}

/* ---- clients without a login: an address of ours may forward their mail ---- */

/* Feeds what became of a message. @return false: it is over. */
static bool follow_line(struct search *s, struct str id, struct str line)
{
	UNINITIALIZED struct log_line l;
	UNINITIALIZED struct log_event e;
	struct log_time time = s->time;

	if (!parse(&time, line, &l, &e) || !str_is_equal(e.id, id) || e.type == LOG_MESSAGE_ID) {
		return true;
	}
	if (e.type == LOG_ARRIVED) {
		return false; /* the id is used again */
	}
	feed(s, &l, &e);
	return e.type != LOG_ENDED;
}

/* @return Does it go on behind this text? */
static bool follow(struct search *s, struct str id, struct str text)
{
	size_t at;

	while ((at = str_find(text, id)) < text.len) {
		struct str line = line_at(text, at);
		if (!follow_line(s, id, line)) {
			return false;
		}
		text = str_skip(text, (size_t)(line.ptr - text.ptr) + line.len + 1);
	}
	return true;
}

static void follow_all(struct search *s, struct str text)
{
	for (size_t i = 0; i < FOLLOWED_MAX; i++) {
		struct followed *f = &s->followed[i];
		if (f->len > 0 && !follow(s, (struct str){f->id, f->len}, text)) {
			f->len = 0;
		}
	}
}

static bool is_followed(const struct search *s, struct str id)
{
	for (size_t i = 0; i < FOLLOWED_MAX; i++) {
		const struct followed *f = &s->followed[i];
		if (f->len > 0 && str_is_equal((struct str){f->id, f->len}, id)) {
			return true;
		}
	}
	return false;
}

/* @param rest  What comes after the message's own line. */
static void follow_begin(struct search *s, struct str id, struct str rest)
{
	if (!follow(s, id, rest)) {
		return;
	}
	for (size_t i = 0; i < FOLLOWED_MAX; i++) {
		struct followed *f = &s->followed[i];
		if (f->len == 0) {
			f->len = id.len;
			memcpy(f->id, id.ptr, id.len);
			return;
		}
	}
	s->is_settled = false;
}

/* ---- hits ---- */

/* May this be the machine itself? "127.0.0.1", "::1", "0:0:0:0:0:0:0:1", or nothing. */
static bool may_be_here(struct str addr)
{
	return addr.len == 0 || addr.ptr[0] == ':' || addr.ptr[0] == '0' ||
	       str_has_prefix(addr, STR("127."));
}

enum tells {
	TELLS_ALL,
	TELLS_STRANGER, /* unless an address of ours forwards it */
	TELLS_LITTLE,   /* it depends on lines that are not read */
};

/* Does the arrival say for good whose it is? What comes from the machine itself may have been put
 * back by a filter: then an earlier line has the same Message-ID, unless this is the first. */
static enum tells what_it_tells(const struct log_event *e, bool is_first_of_its_id)
{
	bool is_stranger = e->client_addr.len > 0 && !may_be_here(e->client_addr);

	if ((e->mta != LOG_MTA_POSTFIX && e->mta != LOG_MTA_EXIM) || e->id.len > QUEUE_ID_MAX) {
		return TELLS_LITTLE;
	}
	if (e->account.len > 0) {
		return TELLS_ALL;
	}
	if (e->has_uid || e->login.len > 0) {
		return e->id2.len > 0 ? TELLS_LITTLE : TELLS_ALL;
	}
	return e->id2.len == 0 && (is_stranger || is_first_of_its_id) ? TELLS_STRANGER
								      : TELLS_LITTLE;
}

/* Feeds the arrival of a message whose Message-ID is in the line that is read. */
static enum tells feed_arrival(struct search *s, struct str id)
{
	UNINITIALIZED struct log_line l;
	UNINITIALIZED struct log_event e;
	struct log_time time = {.zone_s = s->time.zone_s};
	struct str line;

	if (id.len < QUEUE_ID_MIN ||
	    !search_arrivals_find(&s->arrivals, id.ptr + id.len, &line, &time.year) ||
	    !parse(&time, line, &l, &e) || e.type != LOG_ARRIVED || !str_is_equal(e.id, id)) {
		return TELLS_LITTLE;
	}
	enum tells tells = what_it_tells(&e, true);
	if (tells != TELLS_LITTLE) {
		feed(s, &l, &e);
	}
	return tells;
}

/* A line that may tell of an id: it is read as every line would be. */
static void see_line(struct search *s, struct str text, size_t at)
{
	UNINITIALIZED struct log_line l;
	UNINITIALIZED struct log_event e;
	struct str line = line_at(text, at);
	enum tells tells;

	if (!parse(&s->time, line, &l, &e) || (e.type != LOG_ARRIVED && e.type != LOG_MESSAGE_ID)) {
		return;
	}
	bool is_by_message_id = is_open_id(s, e.message_id);
	if (!is_by_message_id && !(e.type == LOG_ARRIVED && is_open_id(s, e.id))) {
		return;
	}
	tells = is_followed(s, e.id)    ? TELLS_LITTLE
		: e.type == LOG_ARRIVED ? what_it_tells(&e, is_by_message_id)
					: feed_arrival(s, e.id);
	if (tells == TELLS_LITTLE) {
		s->is_settled = false;
		return;
	}
	feed(s, &l, &e);
	if (tells == TELLS_STRANGER) {
		follow_begin(s, e.id, str_skip(text, (size_t)(line.ptr - text.ptr) + line.len + 1));
	}
}

/* ---- marks ---- */

static bool ends_with(struct str text, size_t at, struct str word)
{
	return at >= word.len && memcmp(text.ptr + at - word.len, word.ptr, word.len) == 0;
}

/* The queue id that ends before an offset, with a space before it. */
static struct str queue_id_before(struct str text, size_t end)
{
	size_t begin = end;

	while (begin > 0 && end - begin <= QUEUE_ID_MAX && is_id_char(text.ptr[begin - 1])) {
		begin--;
	}
	bool is_one = begin > 0 && text.ptr[begin - 1] == ' ' && end - begin >= QUEUE_ID_MIN &&
		      end - begin <= QUEUE_ID_MAX;
	return is_one ? (struct str){text.ptr + begin, end - begin} : STR_EMPTY;
}

/* A line that begins a message. @param end  Where its queue id ends. */
static void see_arrival(struct search *s, struct str text, size_t end, bool is_kept)
{
	if (end < QUEUE_ID_MIN) {
		return;
	}
	const char *before = memrchr(text.ptr, '\n', end);
	const char *begin = before == NULL ? text.ptr : before + 1;
	watch_date(s, (struct str){begin, end - (size_t)(begin - text.ptr)});
	if (is_kept) {
		struct str line = line_at(text, end);
		search_arrivals_add(&s->arrivals, text.ptr + end, line, s->time.year);
	}
	if (s->has_queue_ids && is_open_id(s, queue_id_before(text, end))) {
		see_line(s, text, end);
	}
}

/* The Message-ID behind a "=", where it is plain that it is one: as the parsers would take it.
 * @return false: only they know. */
static bool plain_id(struct str text, size_t at, struct str *ret)
{
	struct str rest = str_head(str_skip(text, at), PLAIN_ID_MAX);
	bool is_bracketed = rest.len > 0 && rest.ptr[0] == '<';
	size_t end = str_find_char(rest, is_bracketed ? '>' : ' ');
	struct str id = str_skip(str_head(rest, end), is_bracketed ? 1 : 0);
	struct str behind = str_skip(rest, end + 1);

	*ret = id;
	if (end == rest.len || str_find_char(id, '\n') < id.len) {
		return false;
	}
	if (!is_bracketed) {
		return str_find_char(id, '"') == id.len;
	}
	return str_has_prefix(behind, STR("\n")) || str_has_prefix(behind, STR("\r\n"));
}

/* @param is_exim  In Exim's lines other fields follow, and no brackets stand around it. */
static void see_message_id(struct search *s, struct str text, size_t at, bool is_exim)
{
	struct str id;
	bool is_plain = plain_id(text, at + 1, &id) && is_exim == (text.ptr[at + 1] != '<');

	if (!is_plain || is_open_id(s, id)) {
		see_line(s, text, at);
	}
}

/* Its Message-ID came: if the queue id is used again without an arrival, it is another's. */
static void forget_arrival(struct search *s, struct str text, size_t end)
{
	if (end >= QUEUE_ID_MIN) {
		search_arrivals_remove(&s->arrivals, text.ptr + end);
	}
}

static void see_mark(struct search *s, struct str text, size_t at)
{
	if (at + 1 >= text.len) {
		return;
	}
	switch (text.ptr[at - 1]) {
	case 'd':
		if (ends_with(text, at, STR(": message-id"))) {
			see_message_id(s, text, at, false);
			forget_arrival(s, text, at - 12);
		} else if (ends_with(text, at, STR(" id"))) {
			see_message_id(s, text, at, true);
		} else if (ends_with(text, at, STR(": uid"))) {
			see_arrival(s, text, at - 5, true);
		} else if (ends_with(text, at, STR(" msgid"))) {
			see_message_id(s, text, at, false);
		}
		break;
	case '*':
		if (ends_with(text, at, STR(" id*"))) {
			see_message_id(s, text, at, true);
		}
		break;
	case 't':
		if (ends_with(text, at, STR(": client"))) {
			see_arrival(s, text, at - 8, true);
		}
		break;
	case '<':
		if (ends_with(text, at, STR(" <"))) {
			see_arrival(s, text, at - 2, false);
		}
		break;
	default: /* sendmail's; Postfix's qmgr writes the same later */
		if (ends_with(text, at, STR(": from"))) {
			see_arrival(s, text, at - 6, false);
		}
		break;
	}
}

void search_file(struct search *s, uint32_t number, const struct log_time *time)
{
	s->time = *time;
	s->place.file = number;
}

/* Is every id found, and of every message known whose it is? */
static bool is_done(struct search *s)
{
	while (s->first_open < s->count && attribution_id_get(s->a, s->first_open)->found) {
		s->first_open++;
	}
	for (size_t i = 0; i < FOLLOWED_MAX; i++) {
		if (s->followed[i].len > 0) {
			return false;
		}
	}
	return s->first_open == s->count;
}

bool search_step(struct search *s, struct str lines)
{
	UNINITIALIZED uint32_t marks[MARKS_MAX];
	/* Only sendmail's queue ids have no other mark. */
	enum log_marks_set set = s->has_queue_ids ? LOG_MARKS_WITH_FROM : LOG_MARKS_FEW;
	size_t from = 0;
	size_t count;

	follow_all(s, lines);
	while (s->is_settled && (count = s->marks(lines, from, set, marks, MARKS_MAX)) > 0) {
		for (size_t i = 0; i < count; i++) {
			see_mark(s, lines, marks[i]);
		}
		from = (size_t)marks[count - 1] + 1;
	}
	return s->is_settled && !is_done(s);
}

bool search_is_settled(const struct search *s)
{
	return s->is_settled;
}

struct attribution *search_end(struct search *s)
{
	attribution_end(s->a);
	return s->a;
}

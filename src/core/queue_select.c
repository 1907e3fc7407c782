/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_select: one source after the other, its messages counted by their marks. Layer: core
 * (pure).
 */
#include "core/queue_select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* A mark belongs to the campaign when one in this many of its messages has it. */
#define ACTIVE_SHARE 20
/* A mark proves nothing when one in this many messages of others has it. */
#define COMMON_SHARE 5
/* Fewer messages to compare with say nothing. */
#define OTHERS_MIN 10
#define REST_MIN 5
#define ROUNDS_MAX 8
/* A short text, "Look at this now", that is all of so many messages. */
#define SHORT_TEXT_WORDS 3
#define SHORT_TEXT_MEMBERS 100
/* Mail from so many networks is sent with a stolen password; from so many foreign domains nobody
 * sends for himself. */
#define SIGN_NETWORKS 5
#define SIGN_DOMAINS 3
/* Campaigns that were put aside, and what they were before. */
#define ASIDE_OWN 254
#define ASIDE_REVIEW 255
static_assert(QUEUE_CHOICES_MAX < ASIDE_OWN, "no number is one of them");
#define SECOND_SHARE 50 /* a further campaign is at least this part of the source's mail */

struct tally {
	uint64_t mark; /* 0: free */
	uint32_t all;  /* messages of the source */
	uint32_t others;
	uint32_t in;   /* of the campaign */
	uint32_t rest; /* of those that have no other mark in common with it */
	uint64_t rcpts;
};

struct selection {
	struct queue_item *items;
	size_t n;
	const struct queue_select_opts *opts;
	uint32_t *of_source; /* numbers of the source's messages in the window */
	bool *in;            /* beside it: in the campaign */
	size_t count;
	struct tally *table;
	size_t mask;
	uint32_t others;  /* messages of sources that nobody accuses */
	uint32_t members; /* of the campaign */
	uint32_t rest;
	uint8_t choices; /* numbers that were given */
};

static bool is_decided(const struct queue_item *it)
{
	return it->fate == QUEUE_SPAM || it->fate == QUEUE_CHOICE;
}

static struct tally *find(const struct selection *s, uint64_t mark)
{
	size_t at = (size_t)mark & s->mask;

	while (s->table[at].mark != 0 && s->table[at].mark != mark) {
		at = (at + 1) & s->mask;
	}
	return &s->table[at];
}

static bool is_accused(const struct queue_select_opts *o, const struct queue_item *it)
{
	return it->source < o->source_count && o->accused[it->source];
}

/* ---- counting ---- */

static void count_all(struct selection *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct queue_item *it = &s->items[s->of_source[i]];
		for (size_t k = 0; k < QUEUE_MARK_COUNT; k++) {
			if (it->marks.of[k] != 0) {
				struct tally *t = find(s, it->marks.of[k]);
				t->mark = it->marks.of[k];
				t->all++;
				t->rcpts += it->rcpts;
			}
		}
	}
	for (size_t i = 0; i < s->n; i++) {
		const struct queue_item *it = &s->items[i];
		if (it->is_bounce || is_accused(s->opts, it)) {
			continue;
		}
		s->others++;
		for (size_t k = 0; k < QUEUE_MARK_COUNT; k++) {
			struct tally *t = it->marks.of[k] == 0 ? NULL : find(s, it->marks.of[k]);
			if (t != NULL && t->mark != 0) {
				t->others++;
			}
		}
	}
}

static void count_members(struct selection *s)
{
	for (size_t i = 0; i <= s->mask; i++) {
		s->table[i].in = 0;
	}
	s->members = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct queue_item *it = &s->items[s->of_source[i]];
		if (!s->in[i]) {
			continue;
		}
		s->members++;
		for (size_t k = 0; k < QUEUE_MARK_COUNT; k++) {
			if (it->marks.of[k] != 0) {
				find(s, it->marks.of[k])->in++;
			}
		}
	}
}

/* ---- what a mark says ---- */

static bool is_common(const struct selection *s, const struct tally *t)
{
	return s->others >= OTHERS_MIN && t->others >= s->others / COMMON_SHARE;
}

/* Does the campaign have this mark, not by chance? */
static bool is_active(const struct selection *s, const struct queue_item *it, enum queue_mark mark)
{
	if (it->marks.of[mark] == 0) {
		return false;
	}
	const struct tally *t = find(s, it->marks.of[mark]);
	uint32_t need = s->members / ACTIVE_SHARE;
	return t->mark != 0 && t->in >= (need == 0 ? 1 : need) && !is_common(s, t);
}

static bool has_words(const struct selection *s, const struct queue_item *it)
{
	for (unsigned k = QUEUE_MARK_WORDS; k <= QUEUE_MARK_WORDS_4; k++) {
		if (is_active(s, it, (enum queue_mark)k)) {
			return true;
		}
	}
	return false;
}

/* The whole text is the campaign's: no chance when it is long, or when most of a big campaign says
 * just that. */
static bool is_same_text(const struct selection *s, const struct queue_item *it)
{
	if (!is_active(s, it, QUEUE_MARK_TEXT)) {
		return false;
	}
	bool is_most = s->members >= SHORT_TEXT_MEMBERS &&
		       find(s, it->marks.of[QUEUE_MARK_TEXT])->in > s->members / 2;
	return it->marks.words >= QUEUE_MARKS_LONG ||
	       (it->marks.words >= SHORT_TEXT_WORDS && is_most);
}

/* Kinds of marks that a message shares with the campaign: of what is said and by whom. */
static unsigned kinds_of(const struct selection *s, const struct queue_item *it)
{
	unsigned kinds = 0;

	kinds += is_active(s, it, QUEUE_MARK_LINK) ? 1 : 0;
	kinds += is_active(s, it, QUEUE_MARK_SUBJECT) || is_active(s, it, QUEUE_MARK_SUBJECT_2) ? 1
												: 0;
	kinds += is_same_text(s, it)                                     ? 2
		 : is_active(s, it, QUEUE_MARK_TEXT) || has_words(s, it) ? 1
									 : 0;
	kinds += is_active(s, it, QUEUE_MARK_SENDER) ? 1 : 0;
	kinds += is_active(s, it, QUEUE_MARK_SCRIPT) ? 1 : 0;
	return kinds;
}

/* How it is built and whence it came count only where the source's other mail differs in it. */
static unsigned supports_of(const struct selection *s, const struct queue_item *it)
{
	unsigned kinds = 0;

	for (unsigned k = QUEUE_MARK_FORM; k <= QUEUE_MARK_NETWORK; k++) {
		if (s->rest < REST_MIN || it->marks.of[k] == 0) {
			continue;
		}
		const struct tally *t = find(s, it->marks.of[k]);
		bool is_theirs = k == QUEUE_MARK_NETWORK ? t->in >= 3
							 : t->in >= s->members / ACTIVE_SHARE;
		kinds += is_theirs && t->in > 0 && t->rest * 20 < s->rest ? 1 : 0;
	}
	return kinds;
}

static void count_rest(struct selection *s)
{
	for (size_t i = 0; i <= s->mask; i++) {
		s->table[i].rest = 0;
	}
	s->rest = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct queue_item *it = &s->items[s->of_source[i]];
		if (it->fate == QUEUE_SPAM || kinds_of(s, it) > 0) {
			continue;
		}
		s->rest++;
		for (unsigned k = QUEUE_MARK_FORM; k <= QUEUE_MARK_NETWORK; k++) {
			if (it->marks.of[k] != 0) {
				find(s, it->marks.of[k])->rest++;
			}
		}
	}
}

/* ---- campaigns ---- */

/* Take in what shares enough, until nothing changes. */
static void grow(struct selection *s)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		bool changed = false;
		count_members(s);
		count_rest(s);
		for (size_t i = 0; i < s->count; i++) {
			struct queue_item *it = &s->items[s->of_source[i]];
			if (is_decided(it)) {
				continue;
			}
			unsigned kinds = kinds_of(s, it);
			bool in = it->is_named || (kinds > 0 && kinds + supports_of(s, it) >= 2);
			changed = changed || in != s->in[i];
			s->in[i] = in;
		}
		if (!changed) {
			break;
		}
	}
	count_members(s);
}

/* What most of the source's undecided mail has in common, 0: nothing. */
static uint64_t top_mark(const struct selection *s, uint32_t least)
{
	const struct tally *top = NULL;

	for (size_t i = 0; i < s->count; i++) {
		const struct queue_item *it = &s->items[s->of_source[i]];
		for (unsigned k = 0; k <= QUEUE_MARK_WORDS_4 && !is_decided(it); k++) {
			const struct tally *t = it->marks.of[k] == 0 ? NULL
								     : find(s, it->marks.of[k]);
			bool is_bulk = t != NULL && t->all >= least &&
				       (t->all >= QUEUE_BULK_MIN ||
					(t->all >= 3 && t->rcpts >= QUEUE_BULK_RCPTS_MIN));
			if (is_bulk && !is_common(s, t) && (top == NULL || t->rcpts > top->rcpts)) {
				top = t;
			}
		}
	}
	return top == NULL ? 0 : top->mark;
}

static void begin(struct selection *s, uint64_t mark)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct queue_item *it = &s->items[s->of_source[i]];
		s->in[i] = false;
		for (unsigned k = 0; mark != 0 && k <= QUEUE_MARK_WORDS_4; k++) {
			s->in[i] = s->in[i] || (!is_decided(it) && it->marks.of[k] == mark);
		}
		s->in[i] = s->in[i] || (mark == 0 && it->is_named);
	}
}

/* Counted again without what is decided, so that top_mark sees only the rest. */
static void recount(struct selection *s)
{
	for (size_t i = 0; i <= s->mask; i++) {
		s->table[i].all = 0;
		s->table[i].rcpts = 0;
	}
	for (size_t i = 0; i < s->count; i++) {
		const struct queue_item *it = &s->items[s->of_source[i]];
		for (size_t k = 0; k < QUEUE_MARK_COUNT && !is_decided(it); k++) {
			if (it->marks.of[k] != 0) {
				struct tally *t = find(s, it->marks.of[k]);
				t->all++;
				t->rcpts += it->rcpts;
			}
		}
	}
}

static void decide(struct selection *s, enum queue_fate fate, uint8_t campaign)
{
	for (size_t i = 0; i < s->count; i++) {
		struct queue_item *it = &s->items[s->of_source[i]];
		if (is_decided(it)) {
			continue;
		}
		if (s->in[i]) {
			it->fate = (uint8_t)fate;
			it->campaign = campaign;
		} else if (fate == QUEUE_SPAM && it->fate != QUEUE_REVIEW) {
			it->fate = kinds_of(s, it) > 0 ? QUEUE_REVIEW : QUEUE_OWN;
		}
	}
}

/* Bounces of this campaign, told by the message that they bring back. */
static void decide_bounces(struct selection *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct queue_item *it = &s->items[i];
		if (!it->is_bounce || it->fate == QUEUE_BOUNCE) {
			continue;
		}
		const uint64_t *of = it->marks.of;
		unsigned kinds = kinds_of(s, it);
		bool is_known = of[QUEUE_MARK_MESSAGE_ID] != 0 &&
				find(s, of[QUEUE_MARK_MESSAGE_ID])->in > 0;
		bool is_theirs = of[QUEUE_MARK_ENVELOPE] != 0 &&
				 find(s, of[QUEUE_MARK_ENVELOPE])->in > 0;
		if (is_known || kinds >= 2) {
			it->fate = QUEUE_BOUNCE;
		} else if (kinds == 1 && is_theirs) {
			it->fate = QUEUE_REVIEW;
		}
	}
}

/* Does the campaign come from where the one before it came, and the rest does not? */
static bool is_related(struct selection *s, const uint64_t *nets, size_t net_count)
{
	uint32_t from = 0;
	uint32_t members = 0;
	uint32_t rest = 0;
	uint32_t rest_from = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct queue_item *it = &s->items[s->of_source[i]];
		uint64_t net = it->marks.of[QUEUE_MARK_NETWORK];
		uint64_t script = it->marks.of[QUEUE_MARK_SCRIPT];
		bool known = false;
		if (it->fate == QUEUE_SPAM) {
			continue;
		}
		for (size_t k = 0; k < net_count; k++) {
			known = known || (net != 0 && nets[k] == net) ||
				(script != 0 && nets[k] == script);
		}
		members += s->in[i] ? 1 : 0;
		from += s->in[i] && known ? 1 : 0;
		rest += s->in[i] ? 0 : 1;
		rest_from += !s->in[i] && known ? 1 : 0;
	}
	return members > 0 && from >= members - members / 10 && rest >= REST_MIN &&
	       rest_from * 20 < rest;
}

#define NETS_MAX 512

/* Networks and scripts of what is decided; more than fit are left out. */
static size_t nets_of(const struct selection *s, uint64_t nets[static NETS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < s->count && n + 2 <= NETS_MAX; i++) {
		const struct queue_item *it = &s->items[s->of_source[i]];
		const uint64_t two[2] = {it->marks.of[QUEUE_MARK_NETWORK],
					 it->marks.of[QUEUE_MARK_SCRIPT]};
		for (size_t k = 0; k < 2 && it->fate == QUEUE_SPAM; k++) {
			bool known = two[k] == 0;
			for (size_t j = 0; j < n; j++) {
				known = known || nets[j] == two[k];
			}
			if (!known) {
				nets[n++] = two[k];
			}
		}
	}
	return n;
}

/* They have one thing in common and nothing else: a person must look. */
static void review(struct selection *s, uint64_t mark)
{
	begin(s, mark);
	for (size_t i = 0; i < s->count; i++) {
		if (s->in[i]) {
			s->items[s->of_source[i]].fate = QUEUE_REVIEW;
		}
	}
}

/* Different marks of one kind that its messages have, up to so many. */
static size_t different(const struct selection *s, enum queue_mark mark, size_t most)
{
	uint64_t seen[SIGN_NETWORKS + SIGN_DOMAINS];
	size_t n = 0;

	for (size_t i = 0; i < s->count && n < most; i++) {
		uint64_t m = s->items[s->of_source[i]].marks.of[mark];
		bool is_known = !s->in[i] || m == 0;
		for (size_t k = 0; k < n; k++) {
			is_known = is_known || seen[k] == m;
		}
		if (!is_known) {
			seen[n++] = m;
		}
	}
	return n;
}

static bool has_subject(const struct selection *s)
{
	for (size_t i = 0; i < 2 * s->opts->subject_count; i++) {
		uint64_t mark = s->opts->subjects[i / 2].marks[i % 2];
		const struct tally *t = mark == 0 ? NULL : find(s, mark);
		if (t != NULL && t->in > s->members / ACTIVE_SHARE && !is_common(s, t)) {
			return true;
		}
	}
	return false;
}

static bool has_sign(const struct selection *s, uint32_t source)
{
	uint32_t odd = 0;

	for (size_t i = 0; i < s->count; i++) {
		odd += s->in[i] && s->items[s->of_source[i]].is_odd ? 1 : 0;
	}
	bool is_nobodys = s->opts->ownerless != NULL && s->opts->ownerless[source];
	return is_nobodys || odd * 2 > s->members || has_subject(s) ||
	       different(s, QUEUE_MARK_NETWORK, SIGN_NETWORKS) == SIGN_NETWORKS ||
	       different(s, QUEUE_MARK_SENDER, SIGN_DOMAINS) == SIGN_DOMAINS;
}

static void put_aside(struct selection *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct queue_item *it = &s->items[s->of_source[i]];
		if (s->in[i] && !is_decided(it)) {
			it->campaign = it->fate == QUEUE_REVIEW ? ASIDE_REVIEW : ASIDE_OWN;
			it->fate = QUEUE_CHOICE;
		}
	}
}

/* Does it belong to the spam? Of a source whose spam was named what comes from where that came, and
 * nothing else; otherwise that for which something speaks. */
static bool is_spam(struct selection *s, uint32_t source, bool is_named)
{
	UNINITIALIZED uint64_t nets[NETS_MAX];
	size_t net_count = nets_of(s, nets);

	return is_related(s, nets, net_count) || (!is_named && has_sign(s, source));
}

/* One campaign after the other, the biggest first. @param spam  How many are decided. */
static void take_campaigns(struct selection *s, uint32_t source, uint8_t spam, bool is_named)
{
	for (int i = spam; i < QUEUE_CAMPAIGNS_MAX; i++) {
		recount(s);
		uint64_t mark = top_mark(s, i == 0 ? 0 : (uint32_t)(s->count / SECOND_SHARE));
		if (mark == 0) {
			return;
		}
		begin(s, mark);
		grow(s);
		if (s->members == 0) {
			if (spam == 0) {
				review(s, mark);
			}
			return;
		}
		bool goes = is_spam(s, source, is_named);
		uint8_t number = 0;
		if (!goes && (is_named || s->choices == QUEUE_CHOICES_MAX)) {
			return;
		}
		if (!goes && spam == 0) {
			number = ++s->choices;
			goes = s->opts->chosen != NULL && s->opts->chosen[number];
		}
		if (goes) {
			decide(s, QUEUE_SPAM, spam++);
			decide_bounces(s);
		} else if (number > 0) {
			decide(s, QUEUE_CHOICE, number);
		} else {
			put_aside(s);
		}
	}
}

/* Beside the spam that was found, a run for which nothing speaks is the owner's: it was only put
 * aside, to see what else there is. */
static void settle(struct selection *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct queue_item *it = &s->items[s->of_source[i]];
		if (it->fate == QUEUE_CHOICE && it->campaign > QUEUE_CHOICES_MAX) {
			it->fate = it->campaign == ASIDE_REVIEW ? QUEUE_REVIEW : QUEUE_OWN;
			it->campaign = 0;
		}
	}
}

static void select_source(struct selection *s, uint32_t source, bool is_named)
{
	count_all(s);
	if (s->opts->whole) {
		for (size_t i = 0; i < s->count; i++) {
			s->in[i] = true;
		}
	} else if (is_named) {
		begin(s, 0);
		grow(s);
	} else {
		take_campaigns(s, source, 0, false);
		settle(s);
		return;
	}
	decide(s, QUEUE_SPAM, 0);
	decide_bounces(s);
	if (is_named && !s->opts->whole) {
		take_campaigns(s, source, 1, true);
	}
}

static int take_source(struct selection *s, uint32_t source)
{
	bool is_named = false;
	size_t size = 16;

	s->count = 0;
	s->others = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct queue_item *it = &s->items[i];
		if (it->source == source && !it->is_bounce && it->fate == QUEUE_OWN) {
			s->of_source[s->count++] = (uint32_t)i;
			is_named = is_named || it->is_named;
		}
	}
	while (size < s->count * QUEUE_MARK_COUNT * 3 / 2) {
		size *= 2;
	}
	s->table = calloc(size, sizeof(*s->table));
	if (s->table == NULL) {
		return -ENOMEM;
	}
	s->mask = size - 1;
	select_source(s, source, is_named);
	free(s->table);
	s->table = NULL;
	return 0;
}

static void set_fates(struct queue_item *items, size_t n, const struct queue_select_opts *o)
{
	for (size_t i = 0; i < n; i++) {
		struct queue_item *it = &items[i];
		bool in_time = (o->since.ns == 0 || it->arrival.ns >= o->since.ns) &&
			       (o->until.ns == 0 || it->arrival.ns <= o->until.ns);
		it->campaign = 0;
		it->fate = it->is_bounce || !is_accused(o, it) ? QUEUE_OTHERS
			   : in_time                           ? QUEUE_OWN
							       : QUEUE_OUTSIDE;
	}
}

int queue_select(struct queue_item *items, size_t n, const struct queue_select_opts *opts)
{
	struct selection s = {.items = items, .n = n, .opts = opts};
	int r = 0;

	set_fates(items, n, opts);
	s.of_source = calloc(n + 1, sizeof(*s.of_source));
	s.in = calloc(n + 1, sizeof(*s.in));
	if (s.of_source == NULL || s.in == NULL) {
		r = -ENOMEM;
	}
	for (size_t source = 0; source < opts->source_count && r == 0; source++) {
		if (opts->accused[source]) {
			r = take_source(&s, (uint32_t)source);
		}
	}
	free(s.of_source);
	free(s.in);
	return r;
}

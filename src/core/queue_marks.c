/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_marks: hashes of what messages have in common. Layer: core (pure).
 */
#include "core/queue_marks.h"

#include "proto/addr.h"

#include <string.h>

#include "base/poison.h"

#define WORD_MAX 24    /* octets of a word that count */
#define TEXT_WORDS 400 /* words of the text that count */
#define NEIGHBOURS 4   /* words in one sampled mark */
#define SUBJECT_WORDS 16
#define SAMPLES (QUEUE_MARK_WORDS_4 - QUEUE_MARK_WORDS + 1)

/* Words, and which of them are sampled, go by a key that everybody may know: a plan numbers its
 * groups, and the next run, which takes one by its number, must see the same groups. What is asked
 * in a table is hashed again by the run's own key. */
static const struct siphash_key for_words = {0x706F737465726E, 1};

static uint64_t mark_of(enum queue_mark mark, const void *data, size_t len,
			const struct siphash_key *key)
{
	uint64_t h = siphash(key, data, len);

	/* The same octets as a subject and as a link are not the same mark. */
	h ^= UINT64_C(0x9E3779B97F4A7C15) * ((uint64_t)mark + 1);
	return h == 0 ? 1 : h;
}

void queue_marks_set(struct queue_marks *m, enum queue_mark mark, struct str text,
		     const struct siphash_key *key)
{
	m->of[mark] = text.len == 0 ? 0 : mark_of(mark, text.ptr, text.len, key);
}

/* The next word as it counts: lower case, a number or an address is one letter. */
static bool take_word(struct str *text, uint64_t *ret)
{
	char word[WORD_MAX];
	size_t len = 0;
	bool has_digit = false;
	bool has_at = false;

	while (text->len > 0 && (unsigned char)text->ptr[0] <= ' ') {
		(void)str_take(text, 1);
	}
	if (text->len == 0) {
		return false;
	}
	struct str raw = *text;
	while (text->len > 0 && (unsigned char)text->ptr[0] > ' ') {
		char c = char_lower(text->ptr[0]);
		has_digit = has_digit || char_is_digit(c);
		has_at = has_at || c == '@';
		if (len < sizeof(word)) {
			word[len++] = c;
		}
		(void)str_take(text, 1);
	}
	raw.len -= text->len;
	if (str_find(raw, STR("://")) < raw.len) {
		*ret = 1;
	} else if (has_at) {
		*ret = 2;
	} else if (has_digit) {
		*ret = 3;
	} else {
		*ret = siphash(&for_words, word, len);
	}
	return true;
}

/* Keep the smallest ones: two texts that share most of their words share most of these. */
static void sample(uint64_t low[static SAMPLES], uint64_t h)
{
	for (size_t i = 0; i < SAMPLES; i++) {
		if (h == low[i]) {
			return;
		}
		if (low[i] == 0 || h < low[i]) {
			memmove(low + i + 1, low + i, (SAMPLES - 1 - i) * sizeof(*low));
			low[i] = h;
			return;
		}
	}
}

static uint64_t sample_mark(enum queue_mark mark, uint64_t low, const struct siphash_key *key)
{
	return low == 0 ? 0 : mark_of(mark, &low, sizeof(low), key);
}

static void mark_text(struct queue_marks *m, struct str text, const struct siphash_key *key)
{
	uint64_t words[TEXT_WORDS];
	uint64_t low[SAMPLES] = {0};
	size_t n = 0;

	while (n < TEXT_WORDS && take_word(&text, &words[n])) {
		n++;
	}
	m->words = (uint32_t)n;
	if (n == 0) {
		return;
	}
	m->of[QUEUE_MARK_TEXT] = mark_of(QUEUE_MARK_TEXT, words, n * sizeof(*words), key);
	size_t width = n < NEIGHBOURS ? n : NEIGHBOURS;
	size_t end = n < QUEUE_MARKS_WORDS_MAX ? n : QUEUE_MARKS_WORDS_MAX;
	for (size_t i = 0; i + width <= end; i++) {
		sample(low, siphash(&for_words, words + i, width * sizeof(*words)));
	}
	for (size_t i = 0; i < SAMPLES; i++) {
		m->of[QUEUE_MARK_WORDS + i] = sample_mark(QUEUE_MARK_WORDS, low[i], key);
	}
}

static void mark_subject(struct queue_marks *m, struct str subject, const struct siphash_key *key)
{
	uint64_t words[SUBJECT_WORDS];
	uint64_t low[SAMPLES] = {0};
	size_t n = 0;

	while (n < SUBJECT_WORDS && take_word(&subject, &words[n])) {
		n++;
	}
	if (n == 0) {
		return;
	}
	m->of[QUEUE_MARK_SUBJECT] = mark_of(QUEUE_MARK_SUBJECT, words, n * sizeof(*words), key);
	for (size_t i = 0; i + 2 <= n; i++) {
		sample(low, siphash(&for_words, words + i, 2 * sizeof(*words)));
	}
	m->of[QUEUE_MARK_SUBJECT_2] = sample_mark(QUEUE_MARK_SUBJECT_2, low[0], key);
}

static bool is_within(struct str host, struct str domain)
{
	if (domain.len == 0 || !str_has_suffix(host, domain)) {
		return false;
	}
	return host.len == domain.len || host.ptr[host.len - domain.len - 1] == '.';
}

void queue_marks_view(struct queue_marks *m, const struct mail_view *v, struct str own,
		      const struct siphash_key *key)
{
	mark_subject(m, v->subject, key);
	mark_text(m, v->text, key);
	for (size_t i = 0; i < v->link_count; i++) {
		struct str host = v->links[i].host;
		if (host.len > 0 && !is_within(host, own)) {
			queue_marks_set(m, QUEUE_MARK_LINK, host, key);
			return;
		}
	}
}

void queue_marks_network(struct queue_marks *m, struct str addr, const struct siphash_key *key)
{
	struct addr a;
	char text[ADDR_TEXT_SIZE];

	if (addr_parse(addr, &a) < 0 || (a.family == 4 && a.octets[0] == 127) ||
	    str_is_equal(addr, STR("::1"))) {
		return;
	}
	struct prefix p = prefix_of(&a, a.family == 4 ? 24 : 48);
	queue_marks_set(m, QUEUE_MARK_NETWORK, str_of(prefix_format(&p, text)), key);
}

struct str queue_marks_returned(struct str content)
{
	static const char *const heads[] = {
		"\nContent-Type: message/rfc822", "\nContent-Type: text/rfc822-headers",
		"\nContent-Type: message/global", "\n------ This is a copy of "};
	size_t at = content.len;

	/* The last one: a bounce of a bounce has two. */
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		const struct str head = str_of(heads[i]);
		size_t from = 0;
		for (;;) {
			size_t next = from + str_find_nocase(str_skip(content, from), head);
			if (next >= content.len) {
				break;
			}
			at = at == content.len || next > at ? next : at;
			from = next + 1;
		}
	}
	if (at == content.len) {
		return STR_EMPTY;
	}
	struct str rest = str_skip(content, at);
	size_t blank = str_find(rest, STR("\n\n"));
	return blank == rest.len ? STR_EMPTY : str_skip(rest, blank + 2);
}

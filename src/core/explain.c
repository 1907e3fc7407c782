/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: the heaviest words, pairs of words and shapes. Layer: core (pure).
 */
#include "core/explain.h"

#include "core/features.h"
#include "core/features_theme.h"

#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* Words and pairs that are named. */
#define NAMED_MAX 5
/* Shapes that are named, and themes. */
#define SHAPES_NAMED_MAX 2
#define THEMES_NAMED_MAX 2
/* Score from which the reasons say what speaks for spam. */
#define SUSPICIOUS_MICRO 300000

struct found {
	int64_t weight; /* for the side the reasons speak for */
	uint32_t bin;
	size_t first;
	unsigned distance;
};

struct best {
	struct found items[NAMED_MAX];
	size_t count;
	size_t max;
};

static bool is_overlap(const struct found *a, const struct found *b)
{
	return a->first <= b->first + b->distance && b->first <= a->first + a->distance;
}

/* Keeps the heaviest; one of each bin, and one where several lie over each other. */
static void best_add(struct best *b, struct found f)
{
	size_t at = b->count;

	if (f.weight <= 0) {
		return;
	}
	for (size_t i = 0; i < b->count; i++) {
		if (b->items[i].bin == f.bin || is_overlap(&b->items[i], &f)) {
			if (b->items[i].weight >= f.weight) {
				return;
			}
			memmove(&b->items[i], &b->items[i + 1],
				(b->count - i - 1) * sizeof(b->items[0]));
			b->count--;
			at = b->count;
			break;
		}
	}
	while (at > 0 && b->items[at - 1].weight < f.weight) {
		at--;
	}
	if (at >= b->max) {
		return;
	}
	size_t moved = (b->count < b->max ? b->count : b->max - 1) - at;

	memmove(&b->items[at + 1], &b->items[at], moved * sizeof(b->items[0]));
	b->items[at] = f;
	b->count += b->count < b->max ? 1 : 0;
}

static void add_reason(struct score *ret, const char *before, struct str text, const char *after)
{
	if (ret->reason_count < SCORE_REASONS_MAX) {
		snprintf(ret->reasons[ret->reason_count++], SCORE_REASON_SIZE, "%s%.*s%s", before,
			 STR_ARG(text), after);
	}
}

/* What one feature of a member is worth beside those of other members: its length is shared. */
static int64_t worth(const struct model_member *m, size_t features)
{
	int64_t root = 1;

	while ((size_t)(root * root) < features) {
		root++;
	}
	return (int64_t)m->unit_nano / 1000 * (m->share_micro / 1000) / root;
}

static void find_words(const struct model *m, const struct tokens *t, int sign, struct best *ret)
{
	const struct model_member *words = &m->members[MEMBER_WORDS];
	const struct model_member *head = &m->members[MEMBER_HEAD];
	size_t count = t->count < FEATURES_HEAD_WORDS ? t->count : FEATURES_HEAD_WORDS;
	int64_t word_worth = worth(words, t->count);
	int64_t pair_worth = worth(head, 2 * count);

	for (size_t i = 0; i < t->count; i++) {
		struct found f = {.first = i};

		f.bin = features_pair_bin(t->list[i].hash, 0, 0);
		f.weight = sign * words->cells[f.bin].weight * word_worth;
		if (i < count) {
			f.weight += sign * head->cells[f.bin].weight * pair_worth;
		}
		best_add(ret, f);
		if (i + 1 < count) {
			f.distance = 1;
			f.bin = features_pair_bin(t->list[i].hash, t->list[i + 1].hash, 1);
			f.weight = sign * head->cells[f.bin].weight * pair_worth;
			best_add(ret, f);
		}
	}
}

/* The words from the first to the last of a pair, cut to fit, as whole characters. */
static void say_words(const struct tokens *t, const struct found *f, struct score *ret)
{
	const struct token *first = &t->list[f->first];
	const struct token *last = &t->list[f->first + f->distance];
	struct str text = {t->text + first->at, (size_t)(last->at + last->len) - first->at};
	size_t max = SCORE_REASON_SIZE - sizeof("the words \"\"");

	if (text.len > max) {
		text.len = max;
		while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80) {
			text.len--;
		}
	}
	add_reason(ret, f->distance == 0 ? "the word \"" : "the words \"", text, "\"");
}

static void say_shapes(const struct model *m, const struct score_input *in, const struct tokens *t,
		       int sign, struct score *ret)
{
	struct best best = {.max = SHAPES_NAMED_MAX};

	for (enum member i = MEMBER_STYLE; i <= MEMBER_FROM; i++) {
		uint32_t bins[FEATURES_MAX];
		size_t n = features_read(i, in, t, bins);

		for (size_t k = 0; k < n; k++) {
			/* Far apart, so that no two lie over each other. */
			struct found f = {.weight = sign * m->members[i].cells[bins[k]].weight,
					  .bin = bins[k],
					  .first = 4 * k + (size_t)i * FEATURES_MAX};

			if (features_describe(i, bins[k]) != NULL) {
				best_add(&best, f);
			}
		}
	}
	for (size_t i = 0; i < best.count; i++) {
		enum member member = best.items[i].first < (MEMBER_STYLE + 1) * FEATURES_MAX
					     ? MEMBER_STYLE
					     : MEMBER_FROM;

		add_reason(ret, "", str_of(features_describe(member, best.items[i].bin)), "");
	}
}

/* A theme weighs what its levels weigh together. */
static void say_themes(const struct model *m, const struct score_input *in, const struct tokens *t,
		       int sign, struct score *ret)
{
	struct best best = {.max = THEMES_NAMED_MAX};
	uint32_t bins[FEATURES_MAX];
	size_t n = features_read(MEMBER_THEMES, in, t, bins);
	size_t k = 0;

	for (uint32_t theme = 0; theme < theme_count(); theme++) {
		/* Apart, so that no two lie over each other. */
		struct found f = {.bin = theme, .first = 2 * theme};

		for (; k < n && bins[k] / THEME_LEVELS == theme; k++) {
			f.weight += sign * m->members[MEMBER_THEMES].cells[bins[k]].weight;
		}
		best_add(&best, f);
	}
	for (size_t i = 0; i < best.count; i++) {
		add_reason(ret, "words about ", str_of(theme_name(best.items[i].bin)), "");
	}
}

void explain_score(const struct model *m, const struct score_input *in, const struct tokens *t,
		   const int64_t logits[static MEMBER_COUNT], struct score *ret)
{
	int sign = ret->score_micro >= SUSPICIOUS_MICRO ? 1 : -1;
	struct best best = {.max = NAMED_MAX};

	ret->reason_count = 0;
	if (sign > 0 && in->links_disguised > 0) {
		add_reason(ret, "a link that shows another host than it leads to", STR_EMPTY, "");
	}
	if (sign > 0 && in->links_address > 0) {
		add_reason(ret, "a link to a bare IP address", STR_EMPTY, "");
	}
	if (sign > 0 && in->is_hiding) {
		add_reason(ret, "more hidden than visible text", STR_EMPTY, "");
	}
	if (sign > 0) {
		say_shapes(m, in, t, sign, ret);
		say_themes(m, in, t, sign, ret);
	}
	find_words(m, t, sign, &best);
	for (size_t i = 0; i < best.count; i++) {
		say_words(t, &best.items[i], ret);
	}
	if (ret->reason_count == 0 && sign * logits[MEMBER_CHARS] > 0) {
		add_reason(ret, sign > 0 ? "it reads like spam" : "it reads like legitimate mail",
			   STR_EMPTY, "");
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features_theme: themes by a table of word hashes. Layer: core (pure).
 */
#include "core/features_theme.h"

#include "base/attr.h"
#include "core/themes_table.h"

#include "base/poison.h"

#define THEMES_OF_WORD 2
#define SLOT_COUNT (UINT32_C(1) << THEME_SLOT_BITS)
/* Added to a message's words when shares are taken: three words are no theme of a mail of four. */
#define SHARE_FLOOR 5

/* Bins behind those of the themes. */
enum {
	BIN_SOLD_THEMES = 900, /* at least so many of them */
	BIN_SOLD_WORDS = 910,  /* at least 2^k words of them */
	BIN_SOLD_SHARE = 930,  /* at least that much of the text is about them */
	BIN_THEMES = 940,      /* exactly so many themes of any kind */
	SOLD_THEMES_MAX = 6,
	SOLD_WORDS_MAX = 256,
	THEMES_MAX = 12,
};

struct slot {
	uint32_t tag;                   /* of the word; 0: free */
	uint8_t themes[THEMES_OF_WORD]; /* plus 1; 0: none */
};

struct theme {
	const char *name;
	bool is_sold;
};

static const struct theme themes[] = {THEMES};
static const struct slot slots[SLOT_COUNT] = {THEME_SLOTS};

static_assert(THEME_COUNT * THEME_LEVELS <= BIN_SOLD_THEMES, "themes have their own bins");
static_assert(BIN_THEMES + THEMES_MAX < THEME_BINS_MAX, "and so has the rest");

struct count {
	uint32_t words;
	uint32_t subject_words;
};

static const struct slot *find(uint64_t hash)
{
	size_t at = (size_t)(hash >> (64 - THEME_SLOT_BITS));

	/* A third of the slots is taken. */
	while (slots[at].tag != 0 && slots[at].tag != (uint32_t)hash) {
		at = (at + 1) % SLOT_COUNT;
	}
	return &slots[at];
}

static void count_word(const struct tokens *t, size_t i, struct count *ret)
{
	const struct token *word = &t->list[i];
	const char *text = t->text + word->at;
	bool is_shouted = word->len > 1 && text[0] == '^';
	uint64_t hash = is_shouted ? tokens_hash(text + 1, word->len - 1U) : word->hash;
	const struct slot *slot = find(hash);

	for (size_t k = 0; slot->tag != 0 && k < THEMES_OF_WORD && slot->themes[k] > 0; k++) {
		struct count *c = &ret[slot->themes[k] - 1];

		c->words++;
		c->subject_words += i < t->subject_count ? 1 : 0;
	}
}

/* Is `n` of them more than `parts` thousandths of the text? */
static bool is_share(uint32_t n, size_t words, uint32_t parts)
{
	return (uint64_t)n * 1000 > (uint64_t)parts * (words + SHARE_FLOOR);
}

static size_t put_theme(uint32_t theme, const struct count *c, size_t words, uint32_t *ret)
{
	const bool levels[THEME_LEVELS] = {
		true,
		c->words >= 2,
		c->words >= 4,
		is_share(c->words, words, 10),
		is_share(c->words, words, 30),
		is_share(c->words, words, 80),
		c->subject_words > 0,
	};
	size_t n = 0;

	for (uint32_t k = 0; k < THEME_LEVELS; k++) {
		if (levels[k]) {
			ret[n++] = theme * THEME_LEVELS + k;
		}
	}
	return n;
}

static size_t put_sold(uint32_t sold_themes, uint32_t sold_words, size_t words, uint32_t *ret)
{
	static const uint32_t shares[] = {5, 20, 50, 100};
	size_t n = 0;

	for (uint32_t k = 1; k <= sold_themes && k <= SOLD_THEMES_MAX; k++) {
		ret[n++] = BIN_SOLD_THEMES + k;
	}
	for (uint32_t k = 0; 1U << k <= sold_words && 1U << k <= SOLD_WORDS_MAX; k++) {
		ret[n++] = BIN_SOLD_WORDS + k;
	}
	for (uint32_t k = 0; k < COUNT_OF(shares); k++) {
		if (is_share(sold_words, words, shares[k])) {
			ret[n++] = BIN_SOLD_SHARE + k;
		}
	}
	return n;
}

size_t theme_read(const struct tokens *t, uint32_t *ret)
{
	struct count counts[THEME_COUNT] = {{0, 0}};
	uint32_t found = 0;
	uint32_t sold_themes = 0;
	uint32_t sold_words = 0;
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		count_word(t, i, counts);
	}
	for (uint32_t theme = 0; theme < THEME_COUNT; theme++) {
		if (counts[theme].words > 0) {
			n += put_theme(theme, &counts[theme], t->count, ret + n);
			found++;
			sold_themes += themes[theme].is_sold ? 1 : 0;
			sold_words += themes[theme].is_sold ? counts[theme].words : 0;
		}
	}
	n += put_sold(sold_themes, sold_words, t->count, ret + n);
	ret[n++] = BIN_THEMES + (found < THEMES_MAX ? found : THEMES_MAX);
	return n;
}

uint32_t theme_count(void)
{
	return THEME_COUNT;
}

const char *theme_name(uint32_t theme)
{
	return themes[theme].name;
}

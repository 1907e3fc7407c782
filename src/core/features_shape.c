/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features_shape: levels of style and of sender looks. Layer: core (pure).
 */
#include "core/features_shape.h"

#include "base/attr.h"

#include <stdbool.h>

#include "base/poison.h"

enum shape {
	/* of the text */
	SHAPE_CAPITALS,
	SHAPE_SHOUTED,
	SHAPE_EXCLAMATIONS,
	SHAPE_QUESTIONS,
	SHAPE_MONEY,
	SHAPE_PERCENTS,
	SHAPE_NUMBERS,
	SHAPE_WORD_LENGTH,
	SHAPE_WORDS,
	SHAPE_QUOTED,
	SHAPE_TEXT_URLS,
	SHAPE_TEXT_EMAILS,
	SHAPE_LINE_WORDS,
	SHAPE_INVISIBLE,
	SHAPE_DISGUISED,
	SHAPE_SYMBOLS,
	SHAPE_SUBJECT_CAPITALS,
	SHAPE_SUBJECT_EXCLAMATIONS,
	SHAPE_SUBJECT_WORDS,
	/* of the sender */
	SHAPE_NAME_WORDS,
	SHAPE_NAME_CAPITALS,
	SHAPE_NAME_DIGITS,
	SHAPE_NAME_ADDRESS,
	SHAPE_LOCAL_LENGTH,
	SHAPE_LOCAL_DIGITS,
	SHAPE_LOCAL_MARKS,
	SHAPE_LOCAL_VOWELS,
	SHAPE_NAME_IN_LOCAL,
	SHAPE_DOMAIN_LABELS,
	SHAPE_DOMAIN_LENGTH,
	SHAPE_DOMAIN_DIGITS,
	SHAPE_DOMAIN_DASHES,
	SHAPE_REPLY_TO,
	SHAPE_COUNT,
};
static_assert(SHAPE_COUNT <= SHAPES_MAX, "a row for every shape");

static const char *const descriptions[SHAPE_COUNT] = {
	[SHAPE_CAPITALS] = "many capital letters",
	[SHAPE_SHOUTED] = "many words all in capitals",
	[SHAPE_EXCLAMATIONS] = "many exclamation marks",
	[SHAPE_MONEY] = "sums of money",
	[SHAPE_PERCENTS] = "percentages",
	[SHAPE_INVISIBLE] = "invisible characters inside of words",
	[SHAPE_DISGUISED] = "letters that only look alike",
	[SHAPE_SYMBOLS] = "pictograms",
	[SHAPE_SUBJECT_CAPITALS] = "a subject in capitals",
	[SHAPE_SUBJECT_EXCLAMATIONS] = "exclamation marks in the subject",
	[SHAPE_NAME_CAPITALS] = "a sender name in capitals",
	[SHAPE_NAME_DIGITS] = "digits in the sender name",
	[SHAPE_NAME_ADDRESS] = "an address as the sender name",
	[SHAPE_LOCAL_DIGITS] = "many digits in the sender address",
	[SHAPE_LOCAL_VOWELS] = "a sender address that looks random",
	[SHAPE_DOMAIN_DIGITS] = "digits in the sender domain",
	[SHAPE_DOMAIN_DASHES] = "dashes in the sender domain",
	[SHAPE_REPLY_TO] = "replies go to another domain",
};

struct shapes {
	uint32_t *bins;
	size_t count;
};

static void put(struct shapes *s, enum shape shape, uint32_t level)
{
	s->bins[s->count++] = (uint32_t)shape * SHAPE_LEVELS +
			      (level < SHAPE_LEVELS ? level : SHAPE_LEVELS - 1);
}

/* 0, 1, 2–3, 4–7, 8–15, … as 0, 1, 2, 3, … */
static uint32_t magnitude(uint32_t n)
{
	return n == 0 ? 0 : (uint32_t)(32 - __builtin_clz(n));
}

/* n per `whole`, in eights of powers: 0 is none, 7 more than a half. */
static uint32_t share(uint32_t n, uint32_t whole)
{
	if (n == 0 || whole == 0) {
		return 0;
	}
	uint64_t per_mille = (uint64_t)n * 1000 / whole;

	return per_mille < 8 ? 1 : magnitude((uint32_t)(per_mille / 8)) + 1;
}

size_t shape_read_style(const struct score_input *in, const struct tokens *t, uint32_t *ret)
{
	const struct token_counts *c = &t->counts;
	struct shapes s = {.bins = ret};

	(void)in;
	put(&s, SHAPE_CAPITALS, share(c->capitals, c->letters));
	put(&s, SHAPE_SHOUTED, share(c->shouted, c->words));
	put(&s, SHAPE_EXCLAMATIONS, share(c->exclamations, c->words));
	put(&s, SHAPE_QUESTIONS, share(c->questions, c->words));
	put(&s, SHAPE_MONEY, magnitude(c->money));
	put(&s, SHAPE_PERCENTS, magnitude(c->percents));
	put(&s, SHAPE_NUMBERS, share(c->numbers, c->words));
	put(&s, SHAPE_WORD_LENGTH, c->words > 0 ? c->letters / c->words : 0);
	put(&s, SHAPE_WORDS, magnitude(c->words / 8));
	put(&s, SHAPE_QUOTED, magnitude(c->quoted_lines));
	put(&s, SHAPE_TEXT_URLS, magnitude(c->urls));
	put(&s, SHAPE_TEXT_EMAILS, magnitude(c->emails));
	put(&s, SHAPE_LINE_WORDS, c->lines > 0 ? magnitude(c->words / c->lines) : 0);
	put(&s, SHAPE_INVISIBLE, magnitude(c->invisible));
	put(&s, SHAPE_DISGUISED, magnitude(c->disguised));
	put(&s, SHAPE_SYMBOLS, magnitude(c->symbols));
	put(&s, SHAPE_SUBJECT_CAPITALS, share(c->subject_capitals, c->subject_letters));
	put(&s, SHAPE_SUBJECT_EXCLAMATIONS, magnitude(c->subject_exclamations));
	put(&s, SHAPE_SUBJECT_WORDS, (uint32_t)t->subject_count / 2);
	return s.count;
}

struct looks {
	uint32_t letters;
	uint32_t capitals;
	uint32_t vowels;
	uint32_t digits;
	uint32_t dashes;
	uint32_t dots;
	uint32_t ats;
	uint32_t words;
};

static struct looks looks_of(struct str s)
{
	struct looks l = {.words = s.len > 0 ? 1 : 0};

	for (size_t i = 0; i < s.len; i++) {
		char c = char_lower(s.ptr[i]);

		l.letters += char_is_alpha(c) ? 1 : 0;
		l.capitals += c != s.ptr[i] ? 1 : 0;
		l.vowels += c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y';
		l.digits += char_is_digit(c) ? 1 : 0;
		l.dashes += c == '-' || c == '_' ? 1 : 0;
		l.dots += c == '.' ? 1 : 0;
		l.ats += c == '@' ? 1 : 0;
		l.words += c == ' ' ? 1 : 0;
	}
	return l;
}

/* Does a word of three letters or more of the name stand in the local part? */
static bool is_name_in(struct str name, struct str local)
{
	while (name.len > 0) {
		struct str word = str_trim(str_take_until(&name, ' '));

		if (word.len >= 3 && str_find_nocase(local, word) < local.len) {
			return true;
		}
	}
	return false;
}

/* The last two labels: enough to tell whether two addresses belong together. */
static struct str organisation(struct str domain)
{
	size_t dots = 0;

	for (size_t i = domain.len; i > 0; i--) {
		if (domain.ptr[i - 1] == '.' && ++dots == 2) {
			return str_skip(domain, i);
		}
	}
	return domain;
}

static struct str domain_of(struct str address)
{
	size_t at = str_find_char(address, '@');

	return str_skip(address, at + (at < address.len ? 1 : 0));
}

size_t shape_read_from(const struct score_input *in, uint32_t *ret)
{
	struct shapes s = {.bins = ret};
	struct str name = str_head(in->from_name, SCORE_FIELD_MAX);
	struct str address = str_head(in->from_address, SCORE_FIELD_MAX);
	struct str local = str_head(address, str_find_char(address, '@'));
	struct str domain = domain_of(address);

	if (address.len == 0) {
		return 0;
	}
	struct looks n = looks_of(name);
	struct looks l = looks_of(local);
	struct looks d = looks_of(domain);

	put(&s, SHAPE_NAME_WORDS, n.words);
	put(&s, SHAPE_NAME_CAPITALS, n.letters > 0 ? 1 + 6 * n.capitals / n.letters : 0);
	put(&s, SHAPE_NAME_DIGITS, magnitude(n.digits));
	put(&s, SHAPE_NAME_ADDRESS, n.ats);
	put(&s, SHAPE_LOCAL_LENGTH, (uint32_t)local.len / 3);
	put(&s, SHAPE_LOCAL_DIGITS, magnitude(l.digits));
	put(&s, SHAPE_LOCAL_MARKS, l.dots + l.dashes);
	put(&s, SHAPE_LOCAL_VOWELS, l.letters > 4 ? 1 + 6 * (l.letters - l.vowels) / l.letters : 0);
	put(&s, SHAPE_NAME_IN_LOCAL, name.len == 0 ? 0 : is_name_in(name, local) ? 1 : 2);
	put(&s, SHAPE_DOMAIN_LABELS, d.dots);
	put(&s, SHAPE_DOMAIN_LENGTH, (uint32_t)domain.len / 4);
	put(&s, SHAPE_DOMAIN_DIGITS, magnitude(d.digits));
	put(&s, SHAPE_DOMAIN_DASHES, d.dashes);
	if (in->reply_to_address.len > 0) {
		struct str reply = domain_of(str_head(in->reply_to_address, SCORE_FIELD_MAX));
		bool is_same = str_is_equal_nocase(organisation(reply), organisation(domain));

		put(&s, SHAPE_REPLY_TO, is_same ? 1 : 2);
	}
	return s.count;
}

const char *shape_describe(uint32_t bin)
{
	uint32_t shape = bin / SHAPE_LEVELS;

	return shape < SHAPE_COUNT && bin % SHAPE_LEVELS >= 2 ? descriptions[shape] : NULL;
}

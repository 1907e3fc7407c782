/* SPDX-License-Identifier: Apache-2.0 */
/* What a message is about: words of a theme stand for each other. */
#include "core/features_theme.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

struct read {
	uint32_t bins[THEME_BINS_MAX];
	size_t n;
};

static struct read read_text(const char *subject, const char *text)
{
	static struct tokens tokens;
	struct score_input in = {.subject = str_of(subject), .text = str_of(text)};
	struct read r = {.n = 0};

	tokens_read(&in, &tokens);
	r.n = theme_read(&tokens, r.bins);
	for (size_t i = 0; i < r.n; i++) {
		assert_true(r.bins[i] < THEME_BINS_MAX);
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(r.bins[i], r.bins[k]);
		}
	}
	return r;
}

/* A level of the theme of this name. */
static bool has(const struct read *r, const char *name, uint32_t level)
{
	uint32_t theme = 0;

	while (theme < theme_count() && strcmp(theme_name(theme), name) != 0) {
		theme++;
	}
	assert_true(theme < theme_count());
	for (size_t i = 0; i < r->n; i++) {
		if (r->bins[i] == theme * THEME_LEVELS + level) {
			return true;
		}
	}
	return false;
}

static void assert_same(const struct read *a, const struct read *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->bins, b->bins, a->n * sizeof(a->bins[0]));
}

static void words_of_a_theme_are_alike(void **state)
{
	(void)state;
	struct read known = read_text("", "our pharmacy sells cialis and you know it well");
	struct read fresh = read_text("", "our apotheke sells tadalafil and you know it well");
	struct read other = read_text("", "our garden sells flowers and you know it well");

	assert_true(has(&known, "medicines", 0));
	assert_same(&known, &fresh);
	assert_false(has(&other, "medicines", 0));
	assert_int_equal(other.n, 1); /* that it has no theme */
}

static void however_they_are_written(void **state)
{
	(void)state;
	struct read plain = read_text("", "felicitations from all of us here in town");
	struct read accents = read_text("", "F\xc3\xa9licitations from all of us here in town");
	struct read shouted = read_text("", "FELICITATIONS from all of us here in town");
	struct read umlaut = read_text("", "gl\xc3\xbc"
					   "ckwunsch from all of us here in town");
	struct read written = read_text("", "glueckwunsch from all of us here in town");

	assert_true(has(&plain, "lotteries and prizes", 0));
	assert_same(&plain, &accents);
	assert_same(&plain, &shouted);
	assert_same(&plain, &umlaut);
	assert_same(&plain, &written);
}

static void more_of_it_says_more(void **state)
{
	(void)state;
	struct read one = read_text("", "the casino is behind the station and not far from the old "
					"town hall as you go down to the river with your dog");
	struct read four = read_text("", "casino poker roulette blackjack");
	struct read subject = read_text("poker", "we meet at eight");

	assert_true(has(&one, "gambling", 0));
	assert_false(has(&one, "gambling", 1));
	assert_true(has(&one, "gambling", 4)); /* one word of 26: more than 30 thousandths */
	assert_false(has(&one, "gambling", 5));
	assert_true(has(&four, "gambling", 1));
	assert_true(has(&four, "gambling", 2));
	assert_true(has(&four, "gambling", 5));
	assert_false(has(&four, "gambling", 6));
	assert_true(has(&subject, "gambling", 6));
}

static size_t behind_the_themes(const struct read *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		n += r->bins[i] >= theme_count() * THEME_LEVELS ? 1 : 0;
	}
	return n;
}

static void what_is_sold_counts_together(void **state)
{
	(void)state;
	struct read rolex = read_text("", "a rolex for each of them and for you as well");
	struct read poker = read_text("", "a poker for each of them and for you as well");
	struct read kernel = read_text("", "a kernel for each of them and for you as well");

	assert_int_equal(behind_the_themes(&rolex), behind_the_themes(&poker));
	assert_true(behind_the_themes(&rolex) > behind_the_themes(&kernel));
	assert_int_equal(behind_the_themes(&kernel), 1);
}

/* All themes at once, more words than are read, and none. */
static void it_is_bounded(void **state)
{
	(void)state;
	static char text[TOKENS_BYTES];
	static const char words[] = "viagra rolex casino lotto loan bitcoin kernel hotel invoice ";
	size_t len = 0;

	while (len + sizeof(words) < sizeof(text)) {
		memcpy(text + len, words, sizeof(words) - 1);
		len += sizeof(words) - 1;
	}
	struct read all = read_text("viagra rolex casino", text);
	struct read none = read_text("", "");

	assert_true(all.n > 40);
	assert_int_equal(none.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_a_theme_are_alike),
		cmocka_unit_test(however_they_are_written),
		cmocka_unit_test(more_of_it_says_more),
		cmocka_unit_test(what_is_sold_counts_together),
		cmocka_unit_test(it_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

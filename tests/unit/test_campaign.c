/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes two messages copies, and a table that finds them without a scan: it is checked
 * against one that scans.
 */
#include "base/prng.h"
#include "core/campaign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

#define TEXT                                                                                       \
	"Dear customer, your parcel could not be delivered on the 12th of May because nobody was " \
	"at home to sign for it. Please choose a new day for the delivery on our pages, or "       \
	"collect it from the shop at the corner of Main Street before it is sent back to the "     \
	"merchant. Thank you for your patience and have a good day, the parcel service"

static unsigned distance(uint64_t a, uint64_t b)
{
	return (unsigned)__builtin_popcountll(a ^ b);
}

static void copies_of_a_text_are_near(void **state)
{
	(void)state;
	uint64_t one = campaign_simhash(STR(TEXT), NULL);
	struct str number = STR(
		"Dear customer, your parcel could not be delivered on the 73rd of May because "
		"nobody was "
		"at home to sign for it. Please choose a new day for the delivery on our pages, or "
		"collect it from the shop at the corner of Main Street before it is sent back to "
		"the "
		"merchant. Thank you for your patience and have a good day, the parcel service");
	struct str other = STR("An entirely different message, which speaks of other things than "
			       "that one did, and in other words too, from the first to the last");

	assert_int_not_equal(one, 0);
	assert_int_equal(campaign_simhash(STR("  " TEXT "\r\n"), NULL), one);
	assert_true(distance(one, campaign_simhash(number, NULL)) <= 16);
	assert_true(distance(one, campaign_simhash(other, NULL)) > 16);
}

static void what_repeats_counts_once(void **state)
{
	(void)state;
	char table[4000];
	size_t len = 0;
	uint32_t shingles;

	while (len + 8 < sizeof(table)) {
		len += (size_t)snprintf(table + len, sizeof(table) - len, " zero |");
	}
	char text[8192];
	snprintf(text, sizeof(text), "%s %s", TEXT, table);
	assert_int_equal(campaign_simhash(str_of(table), &shingles), 0);
	assert_int_equal(shingles, 1);
	assert_true(distance(campaign_simhash(STR(TEXT), NULL),
			     campaign_simhash(str_of(text), NULL)) <= 8);
}

#define QUOTED                                                                                     \
	"> We meet on Thursday at ten in the small room on the first floor, and we speak of the\n" \
	"| house, of who pays for the roof, and of the three offers that came in last week.\n"     \
	"  > Bring what you have got from the bank, and the papers that the town wants to see.\n"

static void what_others_wrote_makes_no_copies(void **state)
{
	(void)state;
	struct str answer = STR("I can't come.\n" QUOTED);
	uint64_t one = campaign_simhash(STR(TEXT), NULL);
	uint32_t shingles;

	assert_int_equal(campaign_simhash(STR(QUOTED TEXT), NULL), one);
	assert_int_equal(campaign_simhash(STR(TEXT "\n" QUOTED), NULL), one);
	assert_int_equal(campaign_simhash(STR(TEXT "\n>"), NULL), one);
	/* With too little beside it, it is all there is. */
	assert_int_not_equal(campaign_simhash(answer, &shingles), 0);
	assert_true(shingles > 40);
	assert_int_equal(campaign_simhash(STR(">\n> \n>"), &shingles), 0);
	assert_int_equal(shingles, 0);
}

static void too_little_text_has_no_simhash(void **state)
{
	(void)state;
	uint32_t shingles;

	assert_int_equal(campaign_simhash(STR_EMPTY, &shingles), 0);
	assert_int_equal(shingles, 0);
	assert_int_equal(
		campaign_simhash(STR("a b c d e f g h i j k l m n o p q r s t u"), &shingles), 0);
	assert_int_equal(shingles, 19);
	assert_int_not_equal(
		campaign_simhash(STR("a b c d e f g h i j k l m n o p q r s t u v"), NULL), 0);
}

static void hosts_are_a_set(void **state)
{
	(void)state;
	const struct str hosts[] = {STR("a.example"), STR("b.example"), STR("A.EXAMPLE")};
	const struct str other[] = {STR("b.example"), STR("a.example")};

	assert_int_equal(campaign_urls_hash(hosts, 3), campaign_urls_hash(other, 2));
	assert_int_not_equal(campaign_urls_hash(hosts, 1), campaign_urls_hash(other, 2));
	assert_int_equal(campaign_urls_hash(hosts, 0), 0);
}

static void identity_goes_by_what_both_have(void **state)
{
	(void)state;
	struct campaign_key text = {.simhash = 0xf0f0, .urls_hash = 5, .exact = 1};
	struct campaign_key near = {.simhash = 0xf0ef, .urls_hash = 6, .exact = 2};
	struct campaign_key far = {.simhash = 0xf0cf, .urls_hash = 5, .exact = 1};
	struct campaign_key urls = {.urls_hash = 5, .exact = 3};
	struct campaign_key bare = {.exact = 3};
	struct campaign_key none = {0};

	assert_true(campaign_is_near(&text, &near));
	assert_false(campaign_is_near(&text, &far));
	assert_false(campaign_is_near(&text, &urls));
	assert_true(campaign_is_near(&urls, &(struct campaign_key){.urls_hash = 5, .exact = 4}));
	assert_false(campaign_is_near(&urls, &bare));
	assert_true(campaign_is_near(&bare, &(struct campaign_key){.exact = 3}));
	assert_false(campaign_is_near(&none, &none));
}

static void the_table_finds_what_a_scan_finds(void **state)
{
	(void)state;
	struct campaigns *c = campaigns_new(2000);
	struct prng prng = {7};
	uint64_t first[1000];

	assert_non_null(c);
	for (size_t i = 0; i < 1000; i++) {
		first[i] = prng_next(&prng);
		assert_int_equal(campaigns_take(c, &(struct campaign_key){.simhash = first[i]}),
				 first[i]);
	}
	for (size_t i = 0; i < 20000; i++) {
		uint64_t was = first[prng_below(&prng, 1000)];
		uint64_t now = was;
		unsigned flips = (unsigned)prng_below(&prng, 9);

		for (unsigned f = 0; f < flips; f++) {
			now ^= UINT64_C(1) << prng_below(&prng, 64);
		}
		uint64_t want = distance(was, now) <= CAMPAIGN_HAMMING_MAX ? was : 0;

		assert_int_equal(campaigns_find(c, &(struct campaign_key){.simhash = now}), want);
	}
	campaigns_free(c);
}

static void a_full_table_forgets_the_oldest(void **state)
{
	(void)state;
	struct campaigns *c = campaigns_new(16);
	struct campaign_key keep = {.urls_hash = UINT64_C(0xabcdef0123456789)};

	assert_non_null(c);
	(void)campaigns_take(c, &keep);
	for (uint64_t i = 1; i <= 100; i++) {
		struct campaign_key k = {.exact = i * UINT64_C(0x9e3779b97f4a7c15)};

		assert_int_equal(campaigns_take(c, &k), k.exact);
		assert_int_equal(campaigns_take(c, &keep), keep.urls_hash);
		if (i > 15) {
			k.exact = (i - 15) * UINT64_C(0x9e3779b97f4a7c15);
			assert_int_equal(campaigns_find(c, &k), 0);
		}
	}
	assert_int_equal(campaigns_count(c), 16);
	campaigns_free(c);
}

/* Campaigns that all share three pieces: a look-up stays bounded and still finds the newest. */
static void crafted_pieces_do_not_break_it(void **state)
{
	(void)state;
	struct campaigns *c = campaigns_new(65536);
	uint64_t spread = 0;

	assert_non_null(c);
	for (uint64_t i = 0; i < 60000; i++) {
		spread = (i * 40503 & 0xffff) << 48 | 0x123456789abc;
		(void)campaigns_take(c, &(struct campaign_key){.simhash = spread});
	}
	assert_int_not_equal(campaigns_find(c, &(struct campaign_key){.simhash = spread}), 0);
	campaigns_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_of_a_text_are_near),
		cmocka_unit_test(what_repeats_counts_once),
		cmocka_unit_test(what_others_wrote_makes_no_copies),
		cmocka_unit_test(too_little_text_has_no_simhash),
		cmocka_unit_test(hosts_are_a_set),
		cmocka_unit_test(identity_goes_by_what_both_have),
		cmocka_unit_test(the_table_finds_what_a_scan_finds),
		cmocka_unit_test(a_full_table_forgets_the_oldest),
		cmocka_unit_test(crafted_pieces_do_not_break_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

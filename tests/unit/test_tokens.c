/* SPDX-License-Identifier: Apache-2.0 */
/* What the filter reads of a text, and that disguises don't change it. */
#include "base/prng.h"
#include "core/features.h"
#include "core/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static struct tokens tokens;

static void assert_words(struct str subject, struct str text, const char *want)
{
	struct score_input in = {
		.subject = subject, .to_address = STR("linda@example.org"), .text = text};

	tokens_read(&in, &tokens);
	assert_int_equal(tokens.text_len, strlen(want));
	assert_memory_equal(tokens.text, want, tokens.text_len);
}

static void shapes(void **state)
{
	(void)state;
	assert_words(STR_EMPTY, STR("Only $1,499.00 (that's 50% off)!"),
		     "only $00000 thats 00% off ! ");
	assert_words(STR_EMPTY, STR("write to a.b@c.example or see https://x.example/a?b=1 NOW"),
		     "write to xxemail or see xxurl xxurlquery ^now ");
	assert_words(STR_EMPTY, STR("http://user@192.0.2.7:81/ x"),
		     "xxurl xxurldigits xxurluser xxurlport x ");
	assert_words(STR_EMPTY, STR("mp3 2nd 12:30"), "mp0 0nd 0000 ");
}

static void what_is_left_out(void **state)
{
	(void)state;
	assert_words(STR("Re: [list] Fwd: hello"), STR("Dear Linda,\n> quoted\ntext"),
		     "hello dear text ");
	assert_int_equal(tokens.subject_count, 1);
	assert_int_equal(tokens.counts.quoted_lines, 1);
}

static void octets_without_a_charset_are_no_words(void **state)
{
	(void)state;
	assert_words(STR_EMPTY, STR("one \\xE0\\x0a two\\xff \\xg1"), "one two xg0 ");
	assert_words(STR_EMPTY, STR("\xe6\xbc\xa2\xe5\xad\x97 text"), "text ");
}

#define OWN "a b c d e f g h i j k l m n o p"
#define OWN_READ "a b c d e f g h i j k l m n o p "

static void what_others_wrote_is_not_read(void **state)
{
	(void)state;
	assert_words(STR_EMPTY, STR(OWN "\n-----Original Message-----\nbuy pills"), OWN_READ);
	assert_words(STR_EMPTY, STR(OWN "\nBegin forwarded message:\nbuy pills"), OWN_READ);
	assert_words(STR_EMPTY, STR(OWN "\nReceived: from x by y\n\nbuy pills"), OWN_READ);
	/* With nothing of the sender's own it is read, without the fields of a header. */
	assert_words(STR_EMPTY, STR("----- Forwarded message -----\nbuy pills"),
		     "forwarded message buy pills ");
	assert_words(STR_EMPTY, STR("see\nReceived: from x\nSubject: y\n\nbuy pills"),
		     "see buy pills ");
	assert_int_equal(tokens.counts.quoted_lines, 2);
}

static void disguises(void **state)
{
	(void)state;
	/* Cyrillic a, zero-width joiner, full width, mathematical bold */
	assert_words(STR_EMPTY, STR("vi\xd0\xb0gra"), "viagra ");
	assert_int_equal(tokens.counts.disguised, 1);
	assert_words(STR_EMPTY,
		     STR("vi\xe2\x80\x8d"
			 "agra"),
		     "viagra ");
	assert_int_equal(tokens.counts.invisible, 1);
	assert_words(STR_EMPTY,
		     STR("\xef\xbd\x96\xef\xbd\x89"
			 "agra"),
		     "viagra ");
	assert_words(STR_EMPTY, STR("\xf0\x9d\x90\xad\xf0\x9d\x90\xa8"), "to ");
	/* A word of another script stays one. */
	assert_words(STR_EMPTY, STR("\xd0\x9c\xd0\xb8\xd1\x80"), "\xd0\xbc\xd0\xb8\xd1\x80 ");
	assert_int_equal(tokens.counts.disguised, 0);
}

/* Octets of any value: bounded, and every bin within its table. */
static void any_octets(void **state)
{
	(void)state;
	static char noise[50000];
	static uint32_t bins[FEATURES_MAX];
	struct prng prng = {11};

	for (size_t round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(noise); i++) {
			noise[i] = (char)(round % 2 == 0 ? prng_next(&prng)
							 : 'a' + prng_below(&prng, 3));
		}
		struct score_input in = {.subject = {noise, 3000},
					 .from_name = {noise + 1, 90},
					 .from_address = {noise + 2, 90},
					 .reply_to_address = {noise + 3, 90},
					 .to_address = {noise + 4, 9},
					 .text = {noise, sizeof(noise)}};

		tokens_read(&in, &tokens);
		assert_true(tokens.count <= TOKENS_MAX && tokens.text_len <= TOKENS_BYTES);
		for (enum member m = 0; m < MEMBER_COUNT; m++) {
			size_t n = features_read(m, &in, &tokens, bins);

			assert_true(n <= FEATURES_MAX);
			for (size_t i = 0; i < n; i++) {
				assert_true(bins[i] >> features_bits(m) == 0);
			}
		}
	}
}

static void recipients_change_nothing(void **state)
{
	(void)state;
	struct tokens first;
	struct score_input in = {.to_address = STR("linda@example.org"),
				 .text = STR("hello Linda !")};

	tokens_read(&in, &first);
	in.to_address = STR("peter@example.org");
	in.text = STR("hello Peter !");
	tokens_read(&in, &tokens);
	assert_int_equal(first.count, tokens.count);
	assert_memory_equal(first.text, tokens.text, first.text_len);
}

/* A word of plain letters before a blank is read another way than one before a full stop. */
static void the_short_way_reads_the_same(void **state)
{
	(void)state;
	static const char letters[] = "abcdwhtpABZ";
	static struct tokens other;
	struct prng prng = {5};

	for (size_t round = 0; round < 3000; round++) {
		char plain[200];
		char stopped[sizeof(plain) * 2];
		size_t n = 0;
		size_t m = 0;
		uint32_t longest = round % 3 == 0 ? 45 : 4;

		while (n < 150) {
			size_t len = 1 + prng_below(&prng, longest);
			for (size_t i = 0; i < len && n < 190; i++) {
				char c = letters[prng_below(&prng, sizeof(letters) - 1)];
				plain[n++] = c;
				stopped[m++] = c;
			}
			plain[n++] = " ,;)\"\t"[prng_below(&prng, 6)];
			stopped[m++] = '.';
			stopped[m++] = ' ';
		}
		struct score_input in = {.to_address = STR("cab@example.org"), .text = {plain, n}};
		tokens_read(&in, &tokens);
		in.text = (struct str){stopped, m};
		tokens_read(&in, &other);
		if (other.counts.urls > 0) {
			continue; /* "www." */
		}
		assert_int_equal(tokens.text_len, other.text_len);
		assert_memory_equal(tokens.text, other.text, other.text_len);
		assert_memory_equal(&tokens.counts, &other.counts, sizeof(other.counts));
	}
	assert_words(STR_EMPTY, STR("WWW, abc@x.example http, www.a.example"),
		     "^www xxemail http xxurl ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(what_is_left_out),
		cmocka_unit_test(octets_without_a_charset_are_no_words),
		cmocka_unit_test(what_others_wrote_is_not_read),
		cmocka_unit_test(disguises),
		cmocka_unit_test(any_octets),
		cmocka_unit_test(recipients_change_nothing),
		cmocka_unit_test(the_short_way_reads_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

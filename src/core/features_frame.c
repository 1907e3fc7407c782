/* SPDX-License-Identifier: Apache-2.0 */
/*
 * features_frame: runs of words with stand-ins for the topic. Layer: core (pure).
 */
#include "core/features_frame.h"

#include "base/attr.h"

#include <string.h>

#include "base/poison.h"

#define WORD_OCTETS 8
/* Words of the list that begin with the same letter, at most. */
#define WORDS_MAX 32
/* Words of a frame. */
#define FRAME_MIN 3
#define FRAME_MAX 5
/* Words of a run of endings, and octets of an ending. */
#define ENDINGS_RUN 3
#define ENDING_OCTETS 3
/* Odd, with its bits everywhere (2^64 over the golden ratio). */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)

/* A word of at most eight octets as one number, the first octet lowest. */
#define AT(word, i) ((i) < sizeof(word) - 1 ? (uint64_t)(word)[(i) % sizeof(word)] << 8 * (i) : 0)
#define W(word)                                                                                    \
	(AT(word, 0) | AT(word, 1) | AT(word, 2) | AT(word, 3) | AT(word, 4) | AT(word, 5) |       \
	 AT(word, 6) | AT(word, 7))

/* English words that carry a sentence whatever it is about, by their first letter. Apostrophes
 * are no part of a word (core/tokens.h). */
/* clang-format off */
static const uint64_t common[26][WORDS_MAX] = {
	['a' - 'a'] = {W("a"), W("about"), W("above"), W("across"), W("after"), W("again"),
			W("against"), W("all"), W("almost"), W("already"), W("also"),
			W("although"), W("always"), W("am"), W("among"), W("an"), W("and"),
			W("another"), W("any"), W("anybody"), W("anyone"), W("anything"),
			W("are"), W("arent"), W("around"), W("as"), W("at"), W("away")},
	['b' - 'a'] = {W("back"), W("be"), W("became"), W("because"), W("been"), W("before"),
			W("behind"), W("being"), W("below"), W("best"), W("better"),
			W("between"), W("both"), W("but"), W("by")},
	['c' - 'a'] = {W("can"), W("cannot"), W("cant"), W("could"), W("couldnt")},
	['d' - 'a'] = {W("did"), W("didnt"), W("do"), W("does"), W("doesnt"), W("done"),
			W("dont"), W("down"), W("during")},
	['e' - 'a'] = {W("each"), W("either"), W("else"), W("enough"), W("even"), W("ever"),
			W("every"), W("everyone")},
	['f' - 'a'] = {W("few"), W("first"), W("for"), W("from"), W("further")},
	['g' - 'a'] = {W("get"), W("getting"), W("give"), W("given"), W("go"), W("goes"),
			W("going"), W("gone"), W("good"), W("got")},
	['h' - 'a'] = {W("had"), W("has"), W("hasnt"), W("have"), W("havent"), W("having"),
			W("he"), W("hello"), W("help"), W("her"), W("here"), W("hers"), W("hi"),
			W("him"), W("his"), W("how"), W("however")},
	['i' - 'a'] = {W("i"), W("id"), W("if"), W("im"), W("in"), W("instead"), W("into"),
			W("is"), W("isnt"), W("it"), W("its"), W("itself"), W("ive")},
	['j' - 'a'] = {W("just")},
	['k' - 'a'] = {W("keep"), W("know")},
	['l' - 'a'] = {W("last"), W("least"), W("less"), W("let"), W("lets"), W("like"),
			W("look")},
	['m' - 'a'] = {W("made"), W("make"), W("makes"), W("making"), W("many"), W("may"),
			W("maybe"), W("me"), W("might"), W("mine"), W("more"), W("most"),
			W("much"), W("must"), W("my"), W("myself")},
	['n' - 'a'] = {W("need"), W("never"), W("new"), W("next"), W("no"), W("nobody"),
			W("none"), W("nor"), W("not"), W("nothing"), W("now")},
	['o' - 'a'] = {W("of"), W("off"), W("often"), W("on"), W("once"), W("one"), W("only"),
			W("onto"), W("or"), W("other"), W("others"), W("our"), W("ours"),
			W("out"), W("over"), W("own")},
	['p' - 'a'] = {W("perhaps"), W("please"), W("put")},
	['q' - 'a'] = {W("quite")},
	['r' - 'a'] = {W("rather"), W("really"), W("regards")},
	['s' - 'a'] = {W("same"), W("say"), W("see"), W("seem"), W("seems"), W("several"),
			W("shall"), W("she"), W("should"), W("shouldnt"), W("since"), W("so"),
			W("some"), W("somebody"), W("someone"), W("still"), W("such")},
	['t' - 'a'] = {W("take"), W("than"), W("thank"), W("thanks"), W("that"), W("thats"),
			W("the"), W("their"), W("theirs"), W("them"), W("then"), W("there"),
			W("theres"), W("these"), W("they"), W("theyre"), W("thing"), W("things"),
			W("think"), W("this"), W("those"), W("though"), W("through"), W("thus"),
			W("to"), W("today"), W("together"), W("too"), W("took"), W("toward"),
			W("try"), W("two")},
	['u' - 'a'] = {W("under"), W("unless"), W("until"), W("up"), W("upon"), W("us"),
			W("use"), W("used"), W("using")},
	['v' - 'a'] = {W("very"), W("via")},
	['w' - 'a'] = {W("want"), W("was"), W("wasnt"), W("way"), W("we"), W("well"), W("were"),
			W("weve"), W("what"), W("whats"), W("when"), W("where"), W("whether"),
			W("which"), W("while"), W("who"), W("whole"), W("whom"), W("whose"),
			W("why"), W("will"), W("with"), W("within"), W("without"), W("wont"),
			W("would"), W("wouldnt"), W("wrote")},
	['y' - 'a'] = {W("yes"), W("yet"), W("you"), W("youd"), W("youll"), W("your"),
			W("youre"), W("yours"), W("yourself"), W("youve")},
};
/* clang-format on */

bool frame_is_common(const char *word, size_t len)
{
	uint64_t number = 0;

	if (len == 0 || len > WORD_OCTETS || word[0] < 'a' || word[0] > 'z') {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		number |= (uint64_t)(unsigned char)word[i] << 8 * i;
	}
	const uint64_t *row = common[word[0] - 'a'];

	for (size_t i = 0; i < WORDS_MAX && row[i] != 0; i++) {
		if (row[i] == number) {
			return true;
		}
	}
	return false;
}

enum stand_in {
	BY_LENGTH, /* short, middle, long */
	BY_ENDING, /* its last octets */
};

/* What stands in the run for a word: itself, when it is common or no word but a shape or a mark. */
static uint64_t item_of(const struct tokens *t, const struct token *word, enum stand_in kind)
{
	struct str text = {t->text + word->at, word->len};
	bool is_shouted = text.len > 1 && text.ptr[0] == '^';
	uint64_t shouted = is_shouted ? 1 : 0;

	text = str_skip(text, is_shouted ? 1 : 0);
	if (word->is_common || (unsigned char)text.ptr[0] < 'a' ||
	    str_has_prefix(text, STR("xx"))) {
		return word->hash;
	}
	if (kind == BY_LENGTH) {
		return tokens_mix((text.len <= 4 ? 2U : text.len <= 8 ? 4U : 6U) + shouted);
	}
	uint64_t ending = 16 + shouted;

	for (size_t i = 0; i < ENDING_OCTETS && i < text.len; i++) {
		ending = ending << 8 | (unsigned char)text.ptr[text.len - 1 - i];
	}
	return tokens_mix(ending);
}

/* All runs of `min` to `max` items. */
static size_t read_runs(const struct tokens *t, enum stand_in kind, size_t min, size_t max,
			uint32_t *ret)
{
	uint64_t items[TOKENS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++) {
		items[i] = item_of(t, &t->list[i], kind);
	}
	for (size_t i = 0; i < t->count; i++) {
		uint64_t run = 0;

		for (size_t k = 0; k < max && i + k < t->count; k++) {
			run = (run + items[i + k]) * SPREAD;
			run ^= run >> 29;
			if (k + 1 >= min) {
				ret[n++] = (uint32_t)(run * SPREAD >> (64 - FRAME_BITS));
			}
		}
	}
	return n;
}

size_t frame_read(const struct tokens *t, uint32_t *ret)
{
	return read_runs(t, BY_LENGTH, FRAME_MIN, FRAME_MAX, ret);
}

size_t frame_read_endings(const struct tokens *t, uint32_t *ret)
{
	return read_runs(t, BY_ENDING, ENDINGS_RUN, ENDINGS_RUN, ret);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gunzip, crc32: what zlib packs comes out again, at every level and strategy, however it is cut;
 * what is cut or damaged ends, says so, and never gives other octets for good ones.
 */
#include "base/crc32.h"
#include "base/gunzip.h"
#include "base/prng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define PLAIN_MAX 400000
#define PACKED_MAX (PLAIN_MAX + 4096)

static char plain[PLAIN_MAX];
static unsigned char packed[PACKED_MAX];
static char again[PLAIN_MAX + 1];

enum look { LOOK_LOG, LOOK_NOISE, LOOK_RUNS, LOOK_FAR, LOOK_COUNT };

static void make(enum look look, size_t len, struct prng *rnd)
{
	static const char *const words[] = {"postfix/smtp[", "status=sent (250 2.0.0 Ok)\n",
					    "to=<a",         "@b.example>, ",
					    "relay=mx",      "delay=0."};
	size_t at = 0;

	while (at < len) {
		const char *w = words[prng_below(rnd, COUNT_OF(words))];
		size_t n = strlen(w);
		switch (look) {
		case LOOK_LOG:
			n = n < len - at ? n : len - at;
			memcpy(plain + at, w, n);
			at += n;
			if (at < len) {
				plain[at++] = (char)('0' + prng_below(rnd, 10));
			}
			break;
		case LOOK_NOISE:
			plain[at++] = (char)prng_next(rnd);
			break;
		case LOOK_RUNS:
			n = prng_below(rnd, 700) + 1;
			n = n < len - at ? n : len - at;
			memset(plain + at, (int)prng_below(rnd, 3), n);
			at += n;
			break;
		case LOOK_FAR:
			plain[at] = at < 32768 ? (char)prng_next(rnd) : plain[at - 32768];
			at++;
			break;
		case LOOK_COUNT:
			break;
		}
	}
}

static size_t pack(size_t len, int level, int strategy, int window)
{
	z_stream z = {.next_in = (unsigned char *)plain,
		      .avail_in = (unsigned)len,
		      .next_out = packed,
		      .avail_out = PACKED_MAX};

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, window + 16, 9, strategy), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	size_t n = PACKED_MAX - z.avail_out;
	(void)deflateEnd(&z);
	return n;
}

/* Feeds `in_step` octets at a time and wants up to `keep` octets of what came again. @return The
 * last answer; 1 at the end: more was wanted. */
static int unpack(struct str all, size_t in_step, size_t keep, size_t *ret_len)
{
	struct gunzip *g = gunzip_new();
	struct str in = {all.ptr, 0};
	struct str view = {NULL, 0};
	size_t fed = 0;
	size_t made;
	int r;

	assert_non_null(g);
	*ret_len = 0;
	do {
		if (in.len == 0) {
			size_t n = in_step < all.len - fed ? in_step : all.len - fed;
			in = (struct str){all.ptr + fed, n};
			fed += n;
		}
		size_t before = in.len;
		size_t kept = view.len;
		r = gunzip_step(g, &in, &view);
		assert_true(view.len >= kept);
		made = view.len - kept;
		assert_true(made <= sizeof(again) - *ret_len);
		if (kept > 0) {
			assert_memory_equal(view.ptr, again + *ret_len - kept, kept);
		}
		if (made > 0) {
			memcpy(again + *ret_len, view.ptr + kept, made);
		}
		*ret_len += made;
		size_t wanted = keep < GUNZIP_KEEP_MAX ? keep : GUNZIP_KEEP_MAX;
		view = view.len > wanted ? str_skip(view, view.len - wanted) : view;
		made += before - in.len;
	} while (r >= 0 && (made > 0 || fed < all.len));
	gunzip_free(g);
	return r;
}

static void round_trips(void **state)
{
	(void)state;
	static const int strategies[] = {Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE,
					 Z_FILTERED};
	struct prng rnd = {.state = 1};
	size_t len;

	for (unsigned look = 0; look < LOOK_COUNT; look++) {
		for (int level = 0; level <= 9; level += 3) {
			for (size_t s = 0; s < COUNT_OF(strategies); s++) {
				size_t size = s == 0 ? PLAIN_MAX : prng_below(&rnd, 70000);
				make((enum look)look, size, &rnd);
				struct str all = {(char *)packed,
						  pack(size, level, strategies[s], 15)};
				size_t step = 1 + prng_below(&rnd, 100000);
				assert_int_equal(
					unpack(all, step, 1 + prng_below(&rnd, 300000), &len), 0);
				assert_int_equal(len, size);
				assert_memory_equal(again, plain, size);
			}
		}
	}
}

static void any_cut_gives_the_same(void **state)
{
	(void)state;
	struct prng rnd = {.state = 2};
	size_t len;

	make(LOOK_LOG, 5000, &rnd);
	struct str all = {(char *)packed, pack(5000, 6, Z_DEFAULT_STRATEGY, 9)};
	for (size_t step = 1; step <= all.len; step += step < 40 ? 1 : 37) {
		assert_int_equal(unpack(all, step, 1 + step % 61, &len), 0);
		assert_int_equal(len, 5000);
		assert_memory_equal(again, plain, 5000);
	}
}

static void what_is_cut_short_is_not_whole(void **state)
{
	(void)state;
	struct prng rnd = {.state = 3};
	size_t len;

	make(LOOK_LOG, 3000, &rnd);
	size_t n = pack(3000, 9, Z_DEFAULT_STRATEGY, 15);
	for (size_t cut = 0; cut < n; cut++) {
		struct str all = {(char *)packed, cut};
		assert_int_equal(unpack(all, cut + 1, 5000, &len), 1);
		assert_true(len <= 3000);
		assert_memory_equal(again, plain, len);
	}
}

/* Each bit turned: an error, or (in the head, in padding) the same text. */
static void damage_is_found(void **state)
{
	(void)state;
	struct prng rnd = {.state = 4};
	size_t len;

	make(LOOK_LOG, 2000, &rnd);
	size_t n = pack(2000, 6, Z_DEFAULT_STRATEGY, 15);
	for (size_t bit = 0; bit < n * 8; bit++) {
		packed[bit / 8] ^= (unsigned char)(1U << bit % 8);
		int r = unpack((struct str){(char *)packed, n}, 777, 5000, &len);
		if (r == 0 && len > 0) {
			assert_int_equal(len, 2000);
			assert_memory_equal(again, plain, len);
		}
		packed[bit / 8] ^= (unsigned char)(1U << bit % 8);
	}
}

/* The same answer as zlib's for anything that begins like gzip: both good with the same octets, or
 * neither. */
static void it_agrees_with_zlib_on_noise(void **state)
{
	(void)state;
	struct prng rnd = {.state = 5};
	static unsigned char theirs[PLAIN_MAX];

	for (int round = 0; round < 3000; round++) {
		/* Long ones, too: there the fast loop is in the middle of its work. */
		size_t whole = round % 50 == 0 ? 200000 : 1500;
		make((enum look)(round / 50 % LOOK_COUNT), whole, &rnd);
		size_t n = pack(whole, (int)prng_below(&rnd, 10), Z_DEFAULT_STRATEGY, 15);
		for (uint64_t flips = prng_below(&rnd, 4); flips > 0; flips--) {
			packed[10 + prng_below(&rnd, (uint32_t)n - 10)] = (unsigned char)prng_next(
				&rnd);
		}
		z_stream z = {.next_in = packed,
			      .avail_in = (unsigned)n,
			      .next_out = theirs,
			      .avail_out = sizeof(theirs)};
		assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
		bool good = inflate(&z, Z_FINISH) == Z_STREAM_END;
		size_t size = sizeof(theirs) - z.avail_out;
		(void)inflateEnd(&z);
		size_t len;
		int r = unpack((struct str){(char *)packed, n}, 1 + prng_below(&rnd, 2000),
			       1 + prng_below(&rnd, 4000), &len);
		assert_int_equal(r == 0, good);
		/* What came out before the damage was noticed is the same as far as both went. */
		assert_memory_equal(again, theirs, len < size ? len : size);
		if (good) {
			assert_int_equal(len, size);
			assert_memory_equal(again, theirs, len);
		}
	}
}

static void members_and_padding(void **state)
{
	(void)state;
	static char two[4000];
	size_t len;

	memcpy(plain, "hello\n", 6);
	size_t n = pack(6, 6, Z_DEFAULT_STRATEGY, 15);
	memcpy(two, packed, n);
	memcpy(two + n, packed, n);
	memset(two + 2 * n, 0, 100);
	for (size_t step = 1; step < 2 * n + 100; step++) {
		assert_int_equal(unpack((struct str){two, 2 * n + 100}, step, 100, &len), 0);
		assert_int_equal(len, 12);
		assert_memory_equal(again, "hello\nhello\n", 12);
	}
	two[2 * n + 3] = 'x';
	assert_int_equal(unpack((struct str){two, 2 * n + 100}, 7, 100, &len), -EBADMSG);
	assert_int_equal(len, 12);
	assert_int_equal(unpack(STR("no gzip"), 7, 100, &len), -EBADMSG);
}

/* All optional parts of the head: extra field, name, comment, checksum. */
static void heads(void **state)
{
	(void)state;
	static char with[4000] = "\x1f\x8b\x08\x1e\0\0\0\0\0\3\3\0abcname\0comment\0\1\2";
	const size_t head = 10 + 2 + 3 + 5 + 8 + 2;
	size_t len;

	memcpy(plain, "hello\n", 6);
	size_t n = pack(6, 6, Z_DEFAULT_STRATEGY, 15);
	memcpy(with + head, packed + 10, n - 10);
	for (size_t step = 1; step < head + n; step++) {
		assert_int_equal(unpack((struct str){with, head + n - 10}, step, 100, &len), 0);
		assert_int_equal(len, 6);
	}
}

static void checksums(void **state)
{
	(void)state;
	static struct crc32 c;
	struct prng rnd = {.state = 6};

	crc32_init(&c);
	assert_int_equal(crc32_add(&c, 0, STR("123456789")), 0xCBF43926);
	make(LOOK_NOISE, 3000, &rnd);
	bool has_clmul = c.has_clmul;
	for (size_t len = 0; len < 300; len++) {
		for (size_t begin = 0; begin < 3; begin++) {
			struct str s = {plain + begin, len};
			uint32_t want = (uint32_t)crc32(77, (const unsigned char *)s.ptr,
							(unsigned)len);
			c.has_clmul = false;
			assert_int_equal(crc32_add(&c, 77, s), want);
			c.has_clmul = has_clmul;
			assert_int_equal(crc32_add(&c, 77, s), want);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips),
		cmocka_unit_test(any_cut_gives_the_same),
		cmocka_unit_test(what_is_cut_short_is_not_whole),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(it_agrees_with_zlib_on_noise),
		cmocka_unit_test(members_and_padding),
		cmocka_unit_test(heads),
		cmocka_unit_test(checksums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_frames: counted frames become the same lines, cut anywhere; what is no frame is passed over.
 */
#include "proto/log_frames.h"

#include "proto/log_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define ONE "<22>1 2026-06-12T04:05:06Z s postfix/smtpd 7 - - AAAA01: client=x[203.0.113.7]"
#define TWO "<22>Jun 12 04:05:07 s postfix/qmgr[12]: AAAA01: from=<a 9 <b@x>, size=9 (x)"
#define THREE "<30>1 2026-06-12T04:05:08Z s app - - - two\nlines\n"

static char out[4 * LOG_FRAMES_LINE_MAX];

/* All of it, so many octets at a time. */
static struct str read_in_steps(struct str text, size_t step)
{
	struct log_frames *f = calloc(1, sizeof(*f));
	size_t len = 0;

	assert_non_null(f);
	while (text.len > 0) {
		struct str piece = str_take(&text, step < text.len ? step : text.len);
		while (piece.len > 0) {
			len += log_frames_step(f, &piece, out + len, sizeof(out) - len);
		}
	}
	free(f);
	return (struct str){out, len};
}

static void assert_lines(const char *text, const char *want)
{
	struct str all = str_of(text);

	for (size_t step = 1; step <= all.len; step++) {
		struct str got = read_in_steps(all, step);
		if (!str_is_equal(got, str_of(want))) {
			print_message("by %zu: %.*s", step, STR_ARG(got));
		}
		assert_true(str_is_equal(got, str_of(want)));
	}
}

static void any_cut_gives_the_same_lines(void **state)
{
	(void)state;
	char text[1024];

	(void)snprintf(text, sizeof(text), "%zu %s%zu %s%zu %s%zu %s", strlen(ONE), ONE,
		       strlen(TWO), TWO, strlen(THREE), THREE, strlen(ONE), ONE);
	assert_lines(text,
		     ONE "\n" TWO "\n<30>1 2026-06-12T04:05:08Z s app - - - two lines\n" ONE "\n");
}

/* All beginnings of a stream give the beginning of its lines, and all ends meet the frames again.
 */
static void cut_at_any_offset_the_rest_is_read(void **state)
{
	(void)state;
	char text[1024];

	(void)snprintf(text, sizeof(text), "%zu %s%zu %s%zu %s", strlen(TWO), TWO, strlen(ONE), ONE,
		       strlen(ONE), ONE);
	struct str all = str_of(text);
	size_t second = 3 + strlen(TWO);
	const struct str whole = STR(TWO "\n" ONE "\n" ONE "\n");
	for (size_t cut = 0; cut <= all.len; cut++) {
		struct str got = read_in_steps(str_head(all, cut), 7);
		size_t frames = (size_t)(cut >= second) +
				(size_t)(cut >= second + 3 + strlen(ONE)) +
				(size_t)(cut >= all.len);
		size_t lines = 0;
		for (size_t i = 0; i < got.len; i++) {
			lines += got.ptr[i] == '\n' ? 1 : 0;
		}
		assert_int_equal(lines, frames);
		assert_true(str_has_prefix(whole, got));
		/* Behind the cut: the last frame at least. */
		if (cut <= second) {
			got = read_in_steps(str_skip(all, cut), 7);
			assert_true(str_has_suffix(got, STR("\n" ONE "\n")) ||
				    str_is_equal(got, STR(ONE "\n" ONE "\n")));
		}
	}
}

static void what_is_no_frame_does_not_take_the_rest_with_it(void **state)
{
	(void)state;
	char text[1024];

	/* A count that is wrong swallows what it counts and no more. */
	(void)snprintf(text, sizeof(text), "%zu %s%zu %s%zu %s", strlen(ONE) + 9, ONE, strlen(ONE),
		       ONE, strlen(ONE), ONE);
	struct str got = read_in_steps(str_of(text), 5);
	assert_true(str_has_prefix(got, STR(ONE "78 <22>1\n2026-06-12")));
	assert_true(str_has_suffix(got, STR("[203.0.113.7]\n" ONE "\n")));
	assert_lines("0 <22>a", "");
	assert_lines("1 <2 <x", "<\n<x\n");
	assert_lines("noise 4 <1>a9999999 <1>b", "noise\n<1>a\n99\n");
	assert_lines("plain\nlines 3 <x\n>4 <1>a", "plain\nlines\n<x\n>\n<1>a\n");
}

static void a_long_frame_is_cut_and_the_next_is_whole(void **state)
{
	(void)state;
	size_t size = 3 * LOG_FRAMES_TEXT_MAX;
	char *text = malloc(size + 64);

	assert_non_null(text);
	int n = snprintf(text, 64, "%zu <", size);
	memset(text + n, 'x', size - 1);
	memcpy(text + n + size - 1, "4 <1>a", 6);
	struct str got = read_in_steps((struct str){text, (size_t)n + size + 5}, 1000);
	assert_int_equal(got.len, LOG_FRAMES_TEXT_MAX + 1 + 5);
	assert_true(str_has_suffix(got, STR("x\n<1>a\n")));
	/* No frame for as long: told in pieces. */
	memset(text, 'y', size);
	got = read_in_steps((struct str){text, size}, 1000);
	assert_int_equal(got.len, 3 * (LOG_FRAMES_TEXT_MAX + 1));
	free(text);
}

static void a_stream_is_known_by_its_second_frame(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum log_frames_is want;
	} rows[] = {
		{"4 <1>a4 <1>b", LOG_FRAMES_YES},
		{"4 <1>a4 <", LOG_FRAMES_YES},
		{"4 <1>a4 ", LOG_FRAMES_MORE},
		{"4 <1>a", LOG_FRAMES_MORE},
		{"4 <1>", LOG_FRAMES_MORE},
		{"4", LOG_FRAMES_MORE},
		{"", LOG_FRAMES_MORE},
		{"4 <1>a\n4 <1>b", LOG_FRAMES_NO},
		{"5 <1>a\n4 <1>b", LOG_FRAMES_NO},
		{"4 <1>ab4 <1>b", LOG_FRAMES_NO},
		{"<1>a", LOG_FRAMES_NO},
		{"0 <1>a", LOG_FRAMES_NO},
		{"2026-06-12 04:05:06 <", LOG_FRAMES_NO},
		{"20000 <1>a", LOG_FRAMES_NO},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		print_message("%s\n", rows[i].text);
		assert_int_equal(log_frames_is(str_of(rows[i].text)), rows[i].want);
	}
}

/* Octets of all kinds, in any steps: the same. */
static void any_octets_any_cut(void **state)
{
	(void)state;
	static const char kinds[] = "0123456789 <<>ab\n";
	static char first[2 * LOG_FRAMES_LINE_MAX];
	uint32_t seed = 7;
	char text[200];

	for (unsigned round = 0; round < 2000; round++) {
		for (size_t i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = kinds[(seed >> 16) % (sizeof(kinds) - 1)];
		}
		struct str all = {text, sizeof(text)};
		struct str want = read_in_steps(all, sizeof(text));
		memcpy(first, want.ptr, want.len);
		want.ptr = first;
		assert_true(str_is_equal(read_in_steps(all, 1 + round % 9), want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cut_gives_the_same_lines),
		cmocka_unit_test(cut_at_any_offset_the_rest_is_read),
		cmocka_unit_test(what_is_no_frame_does_not_take_the_rest_with_it),
		cmocka_unit_test(a_long_frame_is_cut_and_the_next_is_whole),
		cmocka_unit_test(a_stream_is_known_by_its_second_frame),
		cmocka_unit_test(any_octets_any_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

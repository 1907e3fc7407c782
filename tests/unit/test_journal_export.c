/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_export: entries in text and in octets, cut anywhere, become the same lines; damage ends.
 */
#include "proto/journal_export.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define ENTRIES                                                                                    \
	STR("__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1781568000123456\nPRIORITY=6\n"                \
	    "SYSLOG_IDENTIFIER=postfix/smtpd\nSYSLOG_PID=7\n_PID=8\n_HOSTNAME=srv\n"               \
	    "MESSAGE=AAAA01: client=x[203.0.113.7]\n\n"                                            \
	    "__CURSOR=s=1;i=3\n__REALTIME_TIMESTAMP=1781568001000000\n"                            \
	    "MESSAGE\n\x0b\0\0\0\0\0\0\0two\nlines=1\n"                                            \
	    "_PID=12\nSYSLOG_IDENTIFIER=postfix/qmgr\n_HOSTNAME=srv\n\n"                           \
	    "__REALTIME_TIMESTAMP=1781568002000000\nPRIORITY=6\n\n")

static void any_cut_gives_the_same_lines(void **state)
{
	(void)state;
	static char out[4 * JOURNAL_LINE_MAX];
	struct journal_export *j = malloc(sizeof(*j));
	const struct str entries = ENTRIES;

	for (size_t step = 1; step <= entries.len; step++) {
		size_t len = 0;
		struct str in = entries;
		memset(j, 0, sizeof(*j));
		while (in.len > 0) {
			struct str piece = str_take(&in, step < in.len ? step : in.len);
			while (piece.len > 0) {
				len += journal_export_step(j, &piece, out + len, sizeof(out) - len);
			}
		}
		const char *got = out;
		const struct str want = STR(
			"2026-06-16T00:00:00.123456Z srv postfix/smtpd[7]: AAAA01: "
			"client=x[203.0.113.7]\n"
			"2026-06-16T00:00:01.000000Z srv postfix/qmgr[12]: two lines=1\n");
		assert_int_equal(len, want.len);
		assert_memory_equal(got, want.ptr, want.len);
	}
	free(j);
}

static void a_size_out_of_all_bounds_takes_nothing_with_it(void **state)
{
	(void)state;
	static char out[JOURNAL_LINE_MAX];
	struct journal_export *j = calloc(1, sizeof(*j));
	struct str in = STR("MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff rest of the file\n\n");

	assert_int_equal(journal_export_step(j, &in, out, sizeof(out)), 0);
	assert_int_equal(in.len, 0);
	assert_true(journal_export_is(ENTRIES));
	assert_false(journal_export_is(STR("Jun 12 04:05:06 s x: y")));
	free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cut_gives_the_same_lines),
		cmocka_unit_test(a_size_out_of_all_bounds_takes_nothing_with_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

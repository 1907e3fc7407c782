/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_journal: what is written is read again; whatever is cut off or flipped, nothing else than
 * what was written ever comes out.
 */
#include "daemon/gate/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "sys/files.h"

#include "base/poison.h"

static char dir[] = "/tmp/pt-journal-XXXXXX";
static char path[64];

static struct journal_record order_record(uint64_t seq)
{
	const uint8_t octets[4] = {192, 0, 2, (uint8_t)seq};
	struct addr a = addr_v4(octets);
	struct journal_record r = {.type = JOURNAL_ORDER,
				   .origin = ORIGIN_JUDGE,
				   .seq = seq,
				   .network = STR("customers")};

	r.order = (struct order){.origin = ORIGIN_JUDGE,
				 .seq = seq,
				 .source = source_of(NETWORK_NONE, &a, 64),
				 .rung = RUNG_BLOCK,
				 .giver = GIVER_JUDGE,
				 .mode = MODE_ENFORCE,
				 .reason = STR("content and recipients"),
				 .proof = STR("proof")};
	return r;
}

struct seen {
	uint64_t seq[16];
	size_t count;
	bool odd;
};

static void see(void *ctx, const struct journal_record *r)
{
	struct seen *s = ctx;
	struct journal_record want = order_record(r->seq);

	if (r->type == JOURNAL_ORDER) {
		s->odd = s->odd || !str_is_equal(r->network, want.network) ||
			 !str_is_equal(r->order.proof, want.order.proof) ||
			 !source_is_equal(&r->order.source, &want.order.source);
	}
	if (s->count < COUNT_OF(s->seq)) {
		s->seq[s->count] = r->seq;
	}
	s->count++;
}

static struct journal *open_journal(struct seen *s, struct journal_scan *scan)
{
	struct journal *j = NULL;
	struct errmsg err = {.text = ""};

	*s = (struct seen){0};
	if (journal_open(dir, see, s, &j, scan, &err) != 0) {
		fail_msg("%s", err.text);
	}
	return j;
}

static void append(struct journal *j, uint64_t seq)
{
	struct journal_record r = order_record(seq);

	assert_int_equal(journal_append(j, &r), 0);
}

static struct buf content(void)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(file_read(path, &b, NULL), 0);
	return b;
}

static void rewrite_file(struct str s)
{
	assert_int_equal(file_write(path, s, 0600, NULL), 0);
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	struct seen s;
	struct journal_scan scan;
	struct journal *j = open_journal(&s, &scan);

	assert_int_equal(s.count, 0);
	append(j, 1);
	append(j, 2);
	struct journal_record over = {
		.type = JOURNAL_OVER, .origin = ORIGIN_JUDGE, .seq = 1, .state = ORDER_RELEASED};
	assert_int_equal(journal_append(j, &over), 0);
	journal_close(j);
	j = open_journal(&s, &scan);
	assert_int_equal(s.count, 3);
	assert_false(s.odd);
	assert_int_equal(scan.torn_bytes + scan.damaged, 0);
	journal_close(j);
	unlink(path);
}

static void any_torn_end_is_dropped(void **state)
{
	(void)state;
	struct seen s;
	struct journal_scan scan;
	struct journal *j = open_journal(&s, &scan);

	append(j, 1);
	append(j, 2);
	size_t two = journal_bytes(j);
	append(j, 3);
	journal_close(j);
	struct buf whole = content();
	for (size_t cut = two; cut < whole.len; cut++) {
		rewrite_file(str_head(buf_str(&whole), cut));
		j = open_journal(&s, &scan);
		assert_int_equal(s.count, 2);
		assert_int_equal(scan.torn_bytes, cut - two);
		assert_int_equal(journal_bytes(j), two);
		append(j, 4); /* goes on where the good part ends */
		journal_close(j);
		j = open_journal(&s, &scan);
		assert_int_equal(s.count, 3);
		assert_int_equal(s.seq[2], 4);
		assert_int_equal(scan.torn_bytes, 0);
		journal_close(j);
	}
	for (size_t cut = 0; cut < 12; cut++) {
		rewrite_file(str_head(buf_str(&whole), cut)); /* not even a header */
		j = open_journal(&s, &scan);
		assert_int_equal(s.count, 0);
		journal_close(j);
	}
	buf_done(&whole);
	unlink(path);
}

static void any_flipped_bit_costs_one_record(void **state)
{
	(void)state;
	struct seen s;
	struct journal_scan scan;
	struct journal *j = open_journal(&s, &scan);

	append(j, 1);
	size_t one = journal_bytes(j);
	append(j, 2);
	size_t two = journal_bytes(j);
	append(j, 3);
	journal_close(j);
	struct buf whole = content();
	for (size_t at = one; at < two; at++) {
		whole.ptr[at] ^= 0x10;
		s = (struct seen){0};
		assert_int_equal(journal_scan(buf_str(&whole), see, &s, &scan), 0);
		assert_int_equal(s.count, 2);
		assert_int_equal(s.seq[1], 3);
		assert_int_equal(scan.damaged, 1);
		whole.ptr[at] ^= 0x10;
	}
	buf_done(&whole);
	unlink(path);
}

static void other_files_are_refused(void **state)
{
	(void)state;
	struct seen s = {0};
	struct journal_scan scan;
	struct journal *j = NULL;
	struct errmsg err = {.text = ""};

	assert_int_equal(journal_scan(STR("SQLite format 3\0"), see, &s, &scan), -EBADMSG);
	assert_int_equal(journal_scan(STR("PSTNGATE\0\0\0\2"), see, &s, &scan), -EPROTONOSUPPORT);
	rewrite_file(STR("SQLite format 3\0 and more"));
	assert_int_equal(journal_open(dir, see, &s, &j, &scan, &err), -EBADMSG);
	assert_non_null(strstr(err.text, path));
	unlink(path);
}

static void a_rewrite_loses_nothing(void **state)
{
	(void)state;
	struct seen s;
	struct journal_scan scan;
	struct journal *j = open_journal(&s, &scan);
	struct journal_record two = order_record(2);
	int fds[2];

	append(j, 1);
	append(j, 2);
	assert_int_equal(journal_rewrite_begin(j, NULL), 0);
	assert_int_equal(journal_rewrite_add(j, &two), 0);
	journal_rewrite_ready(j);
	append(j, 3); /* into both */
	journal_sync_fds(j, fds);
	assert_true(fds[0] >= 0 && fds[1] >= 0);
	struct buf old = content(); /* a crash here: the old file has everything */
	s = (struct seen){0};
	assert_int_equal(journal_scan(buf_str(&old), see, &s, &scan), 0);
	assert_int_equal(s.count, 3);
	buf_done(&old);
	assert_int_equal(journal_rewrite_finish(j, NULL), 0);
	append(j, 4);
	journal_close(j);
	j = open_journal(&s, &scan);
	assert_int_equal(s.count, 3);
	assert_int_equal(s.seq[0], 2);
	assert_int_equal(s.seq[1], 3);
	assert_int_equal(s.seq[2], 4);
	journal_close(j);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(any_torn_end_is_dropped),
		cmocka_unit_test(any_flipped_bit_costs_one_record),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(a_rewrite_loses_nothing),
	};

	if (mkdtemp(dir) == NULL) {
		return 1;
	}
	snprintf(path, sizeof(path), "%s/journal", dir);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}

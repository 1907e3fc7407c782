/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal: the n-th call to the disk fails, for every n, once or for a while, with nothing or a
 * part written. Whenever the machine dies, the file holds the first orders without a gap, each
 * once; and all of them once the disk works again.
 */
#include "base/buf.h"
#include "daemon/gate/journal.h"
#include "sys/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define ORDERS 24
#define REWRITE_EVERY 10
#define CALLS_MAX 90

enum call { CALL_WRITE, CALL_FSYNC, CALL_FTRUNCATE, CALL_RENAME, CALL_COUNT };

/* What goes wrong: calls first … first + count - 1 of those that are named. */
static struct {
	bool is_on;
	bool fails[CALL_COUNT];
	unsigned first;
	unsigned count;
	int error;
	bool is_part; /* a write does half of its work first */
	unsigned calls;
} fault;

ssize_t __real_write(int fd, const void *data, size_t len);
int __real_ftruncate(int fd, off_t len);
int __real_rename(const char *from, const char *to);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_fsync(int fd);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_rename(const char *from, const char *to);

static bool is_hit(enum call c)
{
	if (!fault.is_on || !fault.fails[c]) {
		return false;
	}
	unsigned at = fault.calls++;
	return at >= fault.first && at < fault.first + fault.count;
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	static bool is_half_done;

	if (!is_hit(CALL_WRITE)) {
		return __real_write(fd, data, len);
	}
	if (fault.is_part && !is_half_done && len > 1) {
		is_half_done = true;
		fault.calls--; /* the rest fails */
		return __real_write(fd, data, len / 2);
	}
	is_half_done = false;
	errno = fault.error;
	return -1;
}

int __wrap_fsync(int fd)
{
	if (is_hit(CALL_FSYNC)) {
		errno = fault.error;
		return -1;
	}
	(void)fd;
	return 0; /* nobody pulls the plug here */
}

int __wrap_ftruncate(int fd, off_t len)
{
	if (is_hit(CALL_FTRUNCATE)) {
		errno = fault.error;
		return -1;
	}
	return __real_ftruncate(fd, len);
}

int __wrap_rename(const char *from, const char *to)
{
	if (is_hit(CALL_RENAME)) {
		errno = fault.error;
		return -1;
	}
	return __real_rename(from, to);
}

static char dir[] = "/tmp/postern-journal-XXXXXX";
static char path[64];

static struct journal_record record(uint64_t seq)
{
	struct journal_record r = {.type = JOURNAL_ORDER, .seq = seq, .network = STR("customers")};

	r.order = (struct order){.origin = ORIGIN_JUDGE,
				 .seq = seq,
				 .rung = RUNG_BLOCK,
				 .reason = STR("content and recipients")};
	r.order.source.prefix.len = 32;
	r.order.source.prefix.addr.family = 4;
	r.order.source.prefix.addr.octets[3] = (uint8_t)seq;
	return r;
}

struct seen {
	uint64_t last;
	bool is_odd;
};

static void see(void *ctx, const struct journal_record *r)
{
	struct seen *s = ctx;

	s->is_odd = s->is_odd || r->seq != s->last + 1;
	s->last = r->seq;
}

static int whole_anew(struct journal *j, uint64_t last)
{
	int r = journal_rewrite_begin(j, NULL);

	for (uint64_t seq = 1; seq <= last && r == 0; seq++) {
		struct journal_record one = record(seq);
		r = journal_rewrite_add(j, &one);
	}
	if (r < 0) {
		journal_rewrite_cancel(j);
		return r;
	}
	journal_rewrite_ready(j);
	return journal_rewrite_finish(j, NULL);
}

/* The machine dies here: what would be found? */
static uint64_t found_now(void)
{
	struct journal_scan scan;
	struct seen s = {0};
	struct buf content;

	buf_init(&content, 1 << 20);
	assert_int_equal(file_read(path, &content, NULL), 0);
	assert_int_equal(journal_scan(buf_str(&content), see, &s, &scan), 0);
	buf_done(&content);
	assert_false(s.is_odd);
	assert_int_equal(scan.damaged, 0);
	return s.last;
}

/* As the gate does it: an order stands whatever the journal says, and a short one is written anew.
 */
static bool life(void)
{
	struct journal_scan scan;
	struct journal *j = NULL;
	struct seen s = {0};
	struct errmsg err = {.text = ""};
	bool failed = false;

	fault.is_on = true;
	fault.calls = 0;
	int r = journal_open(dir, see, &s, &j, &scan, &err);
	if (r < 0) { /* and says so; the next start works */
		assert_true(strstr(err.text, path) != NULL);
		fault.is_on = false;
		assert_int_equal(journal_open(dir, see, &s, &j, &scan, &err), 0);
		failed = true;
	}
	for (uint64_t seq = 1; seq <= ORDERS; seq++) {
		struct journal_record one = record(seq);
		bool was_short = journal_is_short(j);
		r = journal_append(j, &one);
		failed = failed || r < 0;
		assert_true(r == 0 || was_short || r == -fault.error);
		assert_true(r == 0 || journal_is_short(j));
		if (journal_is_short(j) || seq % REWRITE_EVERY == 0) {
			failed = whole_anew(j, seq) < 0 || failed;
		}
		assert_true(journal_is_short(j) || found_now() == seq);
		(void)found_now();
	}
	fault.is_on = false;
	if (journal_is_short(j)) {
		assert_int_equal(whole_anew(j, ORDERS), 0);
	}
	assert_false(journal_is_short(j));
	journal_close(j);
	assert_int_equal(found_now(), ORDERS);
	assert_int_equal(unlink(path), 0);
	return failed;
}

static void every_call_fails(const bool fails[CALL_COUNT], bool is_part)
{
	static const int errors[] = {ENOSPC, EIO};
	static const unsigned counts[] = {1, 2, 7};

	for (unsigned i = 0; i < COUNT_OF(errors) * COUNT_OF(counts); i++) {
		memcpy(fault.fails, fails, sizeof(fault.fails));
		fault.is_part = is_part;
		fault.error = errors[i % COUNT_OF(errors)];
		fault.count = counts[i / COUNT_OF(errors)];
		unsigned failed = 0;
		for (fault.first = 0; fault.first < CALLS_MAX; fault.first++) {
			failed += life();
		}
		assert_true(failed > 0); /* the disk was met at all */
	}
}

static void writes(void **state)
{
	(void)state;
	every_call_fails((const bool[CALL_COUNT]){[CALL_WRITE] = true}, false);
	every_call_fails((const bool[CALL_COUNT]){[CALL_WRITE] = true}, true);
}

/* What was half written cannot be taken back either. */
static void writes_and_cuts(void **state)
{
	(void)state;
	every_call_fails((const bool[CALL_COUNT]){[CALL_WRITE] = true, [CALL_FTRUNCATE] = true},
			 true);
}

static void syncs_and_renames(void **state)
{
	(void)state;
	every_call_fails((const bool[CALL_COUNT]){[CALL_FSYNC] = true}, false);
	every_call_fails((const bool[CALL_COUNT]){[CALL_RENAME] = true}, false);
}

/* The disk refuses a sync: nothing counts as written until all is written anew. */
static void distrust(void **state)
{
	struct journal_scan scan;
	struct journal *j = NULL;
	struct seen s = {0};
	int fds[2];

	(void)state;
	assert_int_equal(journal_open(dir, see, &s, &j, &scan, NULL), 0);
	struct journal_record one = record(1);
	struct journal_record two = record(2);
	assert_int_equal(journal_append(j, &one), 0);
	journal_distrust(j);
	assert_true(journal_is_short(j));
	assert_true(journal_append(j, &two) < 0);
	journal_sync_fds(j, fds);
	assert_int_equal(fds[0], -1);
	assert_int_equal(whole_anew(j, 2), 0);
	assert_false(journal_is_short(j));
	assert_int_equal(found_now(), 2);
	journal_close(j);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes),
		cmocka_unit_test(writes_and_cuts),
		cmocka_unit_test(syncs_and_renames),
		cmocka_unit_test(distrust),
	};

	if (mkdtemp(dir) == NULL) {
		return 1;
	}
	snprintf(path, sizeof(path), "%s/journal", dir);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}

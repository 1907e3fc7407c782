/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: a cases.db that the version before wrote is brought on, with all that was in it.
 */
#include "base/buf.h"
#include "store/access.h"
#include "store/cases.h"
#include "store/db.h"
#include "store/doctor_reports.h"
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

struct seen {
	size_t stories;
	size_t audits;
	size_t reports;
};

static void see_story(const struct story_row *s, void *ctx)
{
	struct seen *seen = ctx;

	seen->stories += str_is_equal(s->text, STR("written by version 1")) ? 1 : 0;
}

static void see_audit(const struct audit_row *a, void *ctx)
{
	struct seen *seen = ctx;

	seen->audits += str_is_equal(a->action, STR("case.note")) ? 1 : 0;
}

static void see_report(const struct doctor_report_row *r, void *ctx)
{
	struct seen *seen = ctx;

	seen->reports++;
	assert_true(str_is_equal(r->report, STR("{\"a\":1}")));
}

/* What a program of version 1 left, written anew into `dir`. */
static void make_old(const char *dir)
{
	char path[96];
	char live[96];
	struct buf sql;
	struct db *db = NULL;
	struct errmsg err;

	(void)snprintf(path, sizeof(path), "%s/cases.db", dir);
	(void)snprintf(live, sizeof(live), "%s/live.db", dir);
	buf_init(&sql, 1 << 20);
	assert_int_equal(file_read("tests/fault/store-v1.sql", &sql, &err), 0);
	assert_int_equal(db_open(path, live, &db, &err), 0);
	if (db_exec(db, buf_cstr(&sql), &err) < 0) {
		fail_msg("%s", err.text);
	}
	db_close(db);
	buf_done(&sql);
}

static void version_1_is_brought_on(void **state)
{
	char dir[] = "/tmp/postern-upgrade-XXXXXX";
	char rm[96];
	struct store *st = NULL;
	struct errmsg err = {.text = ""};
	struct case_row c;
	struct seen seen = {0};
	struct page_end end;
	uint64_t id = 0;
	struct arena *a = arena_new(1 << 20);

	(void)state;
	assert_non_null(mkdtemp(dir));
	make_old(dir);
	for (int round = 0; round < 2; round++) { /* and once more: nothing is left to do */
		assert_int_equal(store_open(dir, &st, &err), 0);
		assert_int_equal(cases_get(st, 1, a, &c, &err), 0);
		assert_true(str_is_equal(c.source, STR("192.0.2.20")));
		assert_int_equal(c.rung, RUNG_BLOCK);
		const struct doctor_report_row row = {
			.case_id = 1, .at = {5}, .who = STR("x"), .report = STR("{\"a\":1}")};
		assert_int_equal(doctor_reports_add(st, &row, &id, &err), 0);
		store_close(st);
	}
	assert_int_equal(store_open(dir, &st, &err), 0);
	assert_int_equal(cases_list_story(st, 1, see_story, &seen, &err), 0);
	assert_int_equal(audit_list(st, STR_EMPTY, &(struct page){0}, see_audit, &seen, &end, &err),
			 0);
	assert_int_equal(doctor_reports_list(st, &(struct doctor_report_filter){.case_id = 1},
					     &(struct page){0}, see_report, &seen, &end, &err),
			 0);
	assert_int_equal(seen.stories, 1);
	assert_int_equal(seen.audits, 1);
	assert_int_equal(seen.reports, 2);
	store_close(st);
	arena_free(a);
	static const char *const names[] = {"cases.db",     "live.db",      "key",
					    "cases.db-wal", "cases.db-shm", "live.db-wal",
					    "live.db-shm"};
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(rm, sizeof(rm), "%s/%s", dir, names[i]);
		(void)unlink(rm);
	}
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_is_brought_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

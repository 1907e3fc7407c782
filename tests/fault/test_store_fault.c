/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: files that are damaged, of another version, or without their key; making the tables
 * while any call fails.
 */
#include "base/buf.h"
#include "store/cases.h"
#include "store/db.h"
#include "store/samples.h"
#include "store/schema.h"
#include "store/sources.h"
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

#define S(n) ((struct wall){(n)*NS_PER_S})

struct fixture {
	char dir[64];
	struct errmsg err;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.dir = "/tmp/postern-store-XXXXXX"};
	*state = &f;
	return mkdtemp(f.dir) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {
		"cases.db",    "cases.db-wal",        "cases.db-shm",    "live.db",
		"live.db-wal", "live.db-shm",         "live.db.damaged", "live.db.damaged-wal",
		"key",         "live.db.damaged-shm",
	};
	struct fixture *f = *state;
	char path[128];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		(void)unlink(path);
	}
	return rmdir(f->dir);
}

static void overwrite(const struct fixture *f, const char *name, struct str content)
{
	char path[128];
	struct errmsg err;

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(file_write(path, content, 0600, &err), 0);
}

static void fill(struct fixture *f)
{
	const struct case_row c = {
		.source = STR("192.0.2.20"), .holder = STR("b/b1"), .reason = STR("r")};
	const struct source_row s = {.source = STR("192.0.2.20"), .proof = STR("p")};
	struct sample sample = {.head = STR("Subject: x\r\n\r\n")};
	const struct sample_row row = {.source = STR("192.0.2.20"), .holder = STR("b/b1")};
	struct store *st = NULL;
	uint64_t id = 0;

	sample.obs.source.prefix.addr.family = 4;
	sample.obs.source.prefix.len = 32;
	sample.obs.client.family = 4;
	sample.obs.destination.family = 4;
	assert_int_equal(store_open(f->dir, &st, &f->err), 0);
	assert_int_equal(cases_add(st, &c, &id, &f->err), 0);
	assert_int_equal(sources_put(st, &s, &f->err), 0);
	assert_int_equal(samples_add(st, &row, &sample, &f->err), 1);
	store_close(st);
}

static void a_damaged_live_file_is_put_aside(void **state)
{
	struct fixture *f = *state;
	struct store *st = NULL;
	struct case_row c;
	struct source_row s;
	struct arena *a = arena_new(1 << 20);
	char path[128];

	fill(f);
	overwrite(f, "live.db", STR("this is no database, and was never meant to be one at all"));
	assert_int_equal(store_open(f->dir, &st, &f->err), 0);
	assert_int_equal(cases_get(st, 1, a, &c, &f->err), 0);
	assert_int_equal(sources_get(st, STR_EMPTY, STR("192.0.2.20"), a, &s, &f->err), -ENOENT);
	(void)snprintf(path, sizeof(path), "%s/live.db.damaged", f->dir);
	assert_int_equal(access(path, F_OK), 0);
	store_close(st);
	arena_free(a);
}

static void damaged_cases_are_said_and_left_alone(void **state)
{
	struct fixture *f = *state;
	struct store *st = NULL;

	fill(f);
	overwrite(f, "cases.db", STR("this is no database, and was never meant to be one at all"));
	assert_int_equal(store_open(f->dir, &st, &f->err), -EUCLEAN);
	assert_non_null(strstr(f->err.text, "cases.db"));
	assert_non_null(strstr(f->err.text, "Restore"));
	assert_null(strchr(f->err.text, '\n'));
}

static void a_newer_store_is_refused(void **state)
{
	struct fixture *f = *state;
	struct store *st = NULL;
	struct db *db = NULL;
	char path[128];
	char live[128];

	fill(f);
	(void)snprintf(path, sizeof(path), "%s/cases.db", f->dir);
	(void)snprintf(live, sizeof(live), "%s/live.db", f->dir);
	assert_int_equal(db_open(path, live, &db, &f->err), 0);
	assert_int_equal(db_exec(db, "PRAGMA main.user_version=99", &f->err), 0);
	db_close(db);
	assert_int_equal(store_open(f->dir, &st, &f->err), -EPROTO);
	assert_non_null(strstr(f->err.text, "newer posternd"));
}

static void an_older_live_file_is_made_anew(void **state)
{
	struct fixture *f = *state;
	struct store *st = NULL;
	struct db *db = NULL;
	struct source_row s;
	struct arena *a = arena_new(1 << 20);
	char path[128];
	char live[128];

	fill(f);
	(void)snprintf(path, sizeof(path), "%s/cases.db", f->dir);
	(void)snprintf(live, sizeof(live), "%s/live.db", f->dir);
	assert_int_equal(db_open(path, live, &db, &f->err), 0);
	assert_int_equal(db_exec(db, "PRAGMA live.user_version=1", &f->err), 0);
	db_close(db);
	assert_int_equal(store_open(f->dir, &st, &f->err), 0);
	assert_int_equal(sources_get(st, STR_EMPTY, STR("192.0.2.20"), a, &s, &f->err), -ENOENT);
	store_close(st);
	arena_free(a);
}

static void another_key_opens_no_sample(void **state)
{
	struct fixture *f = *state;
	struct store *st = NULL;
	struct sample_row row;
	struct sample s;
	struct arena *a = arena_new(1 << 20);
	char path[128];

	fill(f);
	assert_int_equal(store_open(f->dir, &st, &f->err), 0);
	assert_int_equal(samples_get(st, 1, a, &row, &s, &f->err), 0);
	store_close(st);

	overwrite(f, "key", STR("nonsense"));
	assert_int_equal(store_open(f->dir, &st, &f->err), -EBADMSG);
	assert_non_null(strstr(f->err.text, "/key is not a key of postern"));

	(void)snprintf(path, sizeof(path), "%s/key", f->dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store_open(f->dir, &st, &f->err), 0);
	assert_int_equal(samples_get(st, 1, a, &row, &s, &f->err), -EBADMSG);
	store_close(st);
	arena_free(a);
}

static void no_text_of_a_sample_is_in_the_files(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {"cases.db", "cases.db-wal", "live.db", "live.db-wal"};
	struct store *st = NULL;
	const struct sample_row row = {
		.source = STR("192.0.2.20"), .holder = STR("b/b1"), .sha256 = {1}};
	struct sample s = {.head = STR("Subject: secretword\r\n\r\nsecretword secretword\r\n"),
			   .mail_from = STR("secretword@b.example"),
			   .subject = STR("secretword"),
			   .rcpts = {{STR("secretword.example"), 1, 250}},
			   .rcpt_count = 1};
	struct buf content;
	char path[128];

	s.obs.source.prefix.addr.family = 4;
	s.obs.source.prefix.len = 32;
	s.obs.client.family = 4;
	s.obs.destination.family = 4;
	assert_int_equal(store_open(f->dir, &st, &f->err), 0);
	assert_int_equal(samples_add(st, &row, &s, &f->err), 1);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		buf_init(&content, (size_t)64 << 20);
		int r = file_read(path, &content, &f->err);
		assert_true(r == 0 || r == -ENOENT);
		assert_int_equal(str_find(buf_str(&content), STR("secretword")), content.len);
		buf_done(&content);
	}
	store_close(st);
}

static uint64_t calls_left;

static bool fail_nth(void *ctx)
{
	(void)ctx;
	return calls_left > 0 && --calls_left == 0;
}

/* Whichever call fails, the next start brings the tables to this version. */
static void making_the_tables_can_fail_anywhere(void **state)
{
	struct fixture *f = *state;
	bool failed = true;

	for (uint64_t n = 1; failed; n++) {
		struct db *db = NULL;
		assert_int_equal(db_open(NULL, NULL, &db, &f->err), 0);
		db_set_hook(db, fail_nth, NULL);
		calls_left = n;
		int r = schema_apply(db, &f->err);
		failed = calls_left == 0;
		assert_int_equal(r, failed ? -EIO : 0);
		assert_false(db_is_in_tx(db));
		calls_left = 0;
		assert_int_equal(schema_apply(db, &f->err), 0);
		assert_int_equal(db_exec(db, "SELECT * FROM cases, live.sources, tokens", &f->err),
				 0);
		db_close(db);
		assert_true(n < 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_damaged_live_file_is_put_aside, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(damaged_cases_are_said_and_left_alone, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_newer_store_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_older_live_file_is_made_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_key_opens_no_sample, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_text_of_a_sample_is_in_the_files, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(making_the_tables_can_fail_anywhere, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of stored verdicts goes on where the last process stopped, and a checkpoint comes back
 * from disk with its order number.
 */
#include "daemon/judge/checkpoint.h"
#include "daemon/judge/replay_files.h"
#include "judge_world.h"
#include "sys/files.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/poison.h"

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/postern-judge-XXXXXX");
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
	(void)state;
	static const char *const names[] = {"replay/0000.replay", "replay/0001.replay",
					    "replay/0002.replay", "replay",
					    "checkpoint",         "checkpoint.new"};
	char path[128];

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)!remove(path);
	}
	return rmdir(folder);
}

static void assert_file(const char *name, const char *content)
{
	char path[128];
	struct buf b;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	buf_init(&b, 1000);
	assert_int_equal(file_read(path, &b, NULL), 0);
	assert_true(str_is_equal(buf_str(&b), str_of(content)));
	buf_done(&b);
}

static void the_ring_goes_on(void **state)
{
	(void)state;
	struct replay_files f;

	assert_int_equal(replay_files_init(&f, folder, NULL), 0);
	assert_int_equal(replay_files_add(&f, STR("one")), 0);
	assert_int_equal(replay_files_add(&f, STR("two")), 0);
	usleep(20000); /* file times have the kernel's tick */
	f.next = 0;
	assert_int_equal(replay_files_add(&f, STR("newest")), 0);
	struct replay_files again;
	assert_int_equal(replay_files_init(&again, folder, NULL), 0);
	assert_int_equal(again.next, 1);
	assert_int_equal(replay_files_add(&again, STR("over")), 0);
	assert_file("replay/0000.replay", "newest");
	assert_file("replay/0001.replay", "over");
	assert_int_equal(replay_files_init(&again, "/nowhere/at/all", NULL), -ENOENT);
}

static void a_checkpoint_comes_back_with_its_number(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct checkpoint c;
	uint64_t seq = 0;

	assert_int_equal(checkpoint_init(&c, folder, NULL), 0);
	assert_int_equal(checkpoint_read(&c, w->judge, &seq, NULL), 0); /* none yet */
	abuse(w, 10);
	while (checkpoint_step(&c, w->judge, 41, NULL) == 0) {
	}
	struct judge *fresh = judge_new(&w->opts, NULL);
	assert_non_null(fresh);
	assert_int_equal(checkpoint_read(&c, fresh, &seq, NULL), 1);
	assert_int_equal(seq, 41);
	const struct source_key k = key(10);
	struct proof p;
	assert_true(judge_proof_of(fresh, &k, &p));
	assert_int_equal(p.rung, RUNG_BLOCK);
	assert_int_equal(checkpoint_write(&c, w->judge, 42, NULL), 0);
	assert_int_equal(checkpoint_read(&c, fresh, &seq, NULL), 1);
	assert_int_equal(seq, 42);
	/* Half a file: the number is taken, the judge stays fresh. */
	assert_int_equal(truncate(c.path, 60), 0);
	struct errmsg err = {.text = ""};
	seq = 0;
	assert_true(checkpoint_read(&c, fresh, &seq, &err) < 0);
	assert_int_equal(seq, 42);
	assert_true(err.text[0] != '\0');
	assert_false(judge_proof_of(fresh, &k, &p));
	judge_free(fresh);
	checkpoint_done(&c);
	world_free(w);
}

static void a_folder_that_is_gone_is_said(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct checkpoint c;
	struct errmsg err = {.text = ""};

	assert_int_equal(checkpoint_init(&c, "/nowhere/at/all", NULL), 0);
	assert_int_equal(checkpoint_step(&c, w->judge, 1, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
	assert_int_equal(checkpoint_write(&c, w->judge, 1, &err), -ENOENT);
	checkpoint_done(&c);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ring_goes_on),
		cmocka_unit_test(a_checkpoint_comes_back_with_its_number),
		cmocka_unit_test(a_folder_that_is_gone_is_said),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

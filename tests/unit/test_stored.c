/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program of the format before has stored is still read: checkpoint, log for replay, proof.
 * The files were written by the version of postern that wrote format 1.
 */
#include "core/replay.h"
#include "judge_world.h"
#include "sys/files.h"

#include "base/poison.h"

#define FILE_MAX ((size_t)1 << 20)

static void read_stored(const char *path, struct buf *out)
{
	struct errmsg err = {.text = ""};

	buf_init(out, FILE_MAX);
	assert_int_equal(file_read(path, out, &err), 0);
}

static void a_checkpoint(void **state)
{
	struct world *w = world_new();
	struct errmsg err = {.text = ""};
	struct judge_stats st;
	struct buf data;
	struct proof stored;
	struct buf file;

	(void)state;
	read_stored("tests/unit/stored/checkpoint.1", &data);
	read_stored("tests/unit/stored/proof.1", &file);
	assert_int_equal(proof_decode(file.ptr, file.len, &stored), 0);
	assert_int_equal(judge_load(w->judge, buf_str(&data), &err), 0);
	judge_stats(w->judge, &st);
	assert_int_equal(st.sources, 25);
	struct proof now = proof_of(w, 10);
	assert_int_equal(stored.verdict, VERDICT_ABUSED);
	assert_int_equal(stored.f0_version, 0);
	assert_memory_equal(&now, &stored, sizeof(now));
	buf_done(&data);
	buf_done(&file);
	world_free(w);
}

static void a_log(void **state)
{
	struct buf data;
	struct replay_result r;
	struct errmsg err = {.text = ""};

	(void)state;
	read_stored("tests/unit/stored/replay.1", &data);
	assert_int_equal(replay_file_run(buf_str(&data), &r, &err), 0);
	assert_true(r.is_equal);
	assert_int_equal(r.computed.verdict, VERDICT_ABUSED);
	buf_done(&data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_checkpoint),
		cmocka_unit_test(a_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

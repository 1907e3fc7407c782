/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every verdict that stops mail can be computed again from the stored observations, bit for bit.
 */
#include "core/replay.h"
#include "judge_world.h"

#include <errno.h>

#include "base/poison.h"

static unsigned replayed;
static struct buf last_file;

static void replay(struct world *w, const struct judge_event *e)
{
	struct replay_result r;
	struct errmsg err = {.text = ""};

	if (e->rung < RUNG_THROTTLE) {
		return;
	}
	buf_clear(&last_file);
	if (!judge_log_of(w->judge, &e->proof, &last_file)) {
		return;
	}
	assert_int_equal(replay_file_run(buf_str(&last_file), &r, &err), 0);
	assert_true(r.is_equal);
	assert_int_equal(r.computed.verdict, e->verdict);
	replayed++;
}

static void begin(void)
{
	replayed = 0;
	buf_init(&last_file, REPLAY_FILE_MAX);
}

static void a_block_is_computed_again(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct replay_result r;

	begin();
	w->moved = replay;
	abuse(w, 10);
	assert_int_equal(replayed, 2); /* throttle, block */
	assert_int_equal(replay_file_run(buf_str(&last_file), &r, NULL), 0);
	assert_int_equal(r.computed.verdict, VERDICT_ABUSED);
	assert_string_equal(r.computed.rule, r.stored.rule);
	assert_true(r.observations > 10 && r.observations <= 21);
	buf_done(&last_file);
	world_free(w);
}

static void whatever_happened_before(void **state)
{
	(void)state;
	begin();
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct world *w = world_new();
		struct prng p = {.state = seed};
		w->moved = replay;
		for (unsigned i = 0; i < 2000; i++) {
			random_observation(w, &p);
		}
		world_free(w);
	}
	assert_true(replayed > 100);
	buf_done(&last_file);
}

static void another_observation_gives_another_verdict(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct replay_result r;
	struct errmsg err = {.text = ""};
	unsigned refused = 0;
	unsigned different = 0;

	begin();
	w->moved = replay;
	abuse(w, 10);
	struct buf *f = &last_file;
	for (size_t cut = 0; cut < f->len; cut++) {
		int n = replay_file_run(str_head(buf_str(f), cut), &r, &err);
		/* A cut between observations is a shorter story. */
		assert_true(n == -EBADMSG || (n == 0 && !r.is_equal));
	}
	for (size_t i = 0; i < f->len; i++) {
		f->ptr[i] = (char)(f->ptr[i] ^ 1);
		int n = replay_file_run(buf_str(f), &r, &err);
		refused += n == -EBADMSG;
		different += n == 0 && !r.is_equal;
		f->ptr[i] = (char)(f->ptr[i] ^ 1);
	}
	assert_true(refused > 10 && different > 10);
	buf_done(&last_file);
	world_free(w);
}

static void a_long_story_begins_anew(void **state)
{
	(void)state;
	struct world *w = world_new();

	begin();
	w->moved = replay;
	/* Suspicious for long: more than one log holds. */
	for (unsigned i = 0; i < 800; i++) {
		send_mails(w, 10, i % 12 == 0, 1);
	}
	abuse(w, 10);
	assert_true(replayed >= 1);
	assert_true(last_file.len < REPLAY_FILE_MAX);
	buf_done(&last_file);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_is_computed_again),
		cmocka_unit_test(whatever_happened_before),
		cmocka_unit_test(another_observation_gives_another_verdict),
		cmocka_unit_test(a_long_story_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

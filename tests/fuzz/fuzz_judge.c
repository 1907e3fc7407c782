/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever stands in a checkpoint or a replay file: a judge that took it goes on judging, saves
 * itself, and that loads again to the same octets.
 *
 * The input is a list of changes (offset, octet) to a good file, so that what is deep in it is
 * reached; its first octet says which file, and whether it is the input itself.
 */
#include "base/assert.h"
#include "core/judge.h"
#include "core/replay.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void save(const struct judge *j, struct buf *out)
{
	struct judge_save s = {0};

	buf_init(out, (size_t)64 << 20);
	while (!judge_save(j, &s, 1000, out)) {
		ASSERT(buf_end(out) == 0);
	}
	ASSERT(buf_end(out) == 0);
}

static bool look(const struct source_key *k, enum verdict verdict, enum rung rung, void *ctx)
{
	struct judge *j = ctx;
	struct message_obs o = {.time = {INT64_C(1700000000) * NS_PER_S},
				.source = *k,
				.far = FAR_REPLIED,
				.scored = true,
				.flagged = true,
				.simhash = 99,
				.rcpts = 9,
				.rcpts_refused = 9,
				.rcpts_unknown = 9};
	struct proof p;

	(void)verdict;
	ASSERT(rung < RUNG_COUNT);
	judge_message(j, &o);
	ASSERT(judge_proof_of(j, k, &p));
	return true;
}

static void check_load(struct judge *j, struct str data)
{
	struct judge_event e;
	struct buf one;
	struct buf two;

	if (judge_load(j, data, NULL) < 0) {
		return;
	}
	save(j, &one);
	ASSERT(judge_load(j, buf_str(&one), NULL) == 0);
	save(j, &two);
	ASSERT(one.len == two.len && memcmp(one.ptr, two.ptr, one.len) == 0);
	buf_done(&one);
	buf_done(&two);
	judge_walk(j, look, j);
	judge_tick(j, (struct wall){INT64_C(1700000001) * NS_PER_S});
	while (judge_event_next(j, &e)) {
		ASSERT(e.type < JUDGE_EVENT_COUNT);
	}
}

/* Two sources, one abused, and the log of its verdict. */
static void make_good(struct judge *j, struct buf *checkpoint, struct buf *replay)
{
	struct judge_event e;
	const struct addr a = addr_v4((const uint8_t[4]){192, 0, 2, 7});
	struct message_obs o = {.source = source_of(NETWORK_NONE, &a, 64),
				.client = a,
				.far = FAR_REPLIED,
				.scored = true,
				.flagged = true,
				.rcpts = 2,
				.rcpts_accepted = 1,
				.rcpts_refused = 1,
				.rcpts_unknown = 1};

	buf_init(replay, REPLAY_FILE_MAX);
	for (uint64_t i = 1; i < 40; i++) {
		o.time.ns = (INT64_C(1700000000) + (int64_t)i) * NS_PER_S;
		o.simhash = i * UINT64_C(0x9E3779B97F4A7C15);
		o.sender_domain = i;
		o.sample[0] = (uint8_t)i;
		judge_message(j, &o);
		while (judge_event_next(j, &e)) {
			if (e.type == JUDGE_MOVED && e.rung == RUNG_BLOCK) {
				buf_clear(replay);
				ASSERT(judge_log_of(j, &e.proof, replay));
			}
		}
	}
	save(j, checkpoint);
}

/* @return The good file with the input's changes, in `work`. */
static struct str change(const struct buf *good, struct str in, struct buf *work)
{
	buf_clear(work);
	buf_add(work, buf_str(good));
	while (in.len >= 3 && work->len > 0) {
		size_t at = ((size_t)(uint8_t)in.ptr[0] << 8 | (uint8_t)in.ptr[1]) % work->len;
		if (in.ptr[2] == 0x55) {
			work->len = at; /* a cut */
		} else {
			work->ptr[at] = in.ptr[2];
		}
		in = str_skip(in, 3);
	}
	return buf_str(work);
}

static void check_replay(struct str in)
{
	struct replay_result r;

	if (replay_file_run(in, &r, NULL) == 0) {
		ASSERT(r.computed.leg_count <= PROOF_LEGS_MAX);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct judge *judge;
	static struct buf checkpoint;
	static struct buf replay;
	static struct buf work;

	if (judge == NULL) {
		struct policy *policy = policy_new();
		ASSERT(policy != NULL);
		const struct judge_opts o = {.policy = policy,
					     .filter = {.tpr_ppm = 780000, .fpr_ppm = 10000},
					     .sources_max = 64};
		judge = judge_new(&o, NULL);
		ASSERT(judge != NULL);
		make_good(judge, &checkpoint, &replay);
		check_replay(buf_str(&replay));
		buf_init(&work, (size_t)1 << 20);
	}
	if (len == 0) {
		return 0;
	}
	struct str in = {(const char *)data + 1, len - 1};
	switch (data[0] % 4) {
	case 0:
		check_load(judge, in);
		check_replay(in);
		break;
	case 1:
		check_replay(change(&replay, in, &work));
		break;
	default:
		check_load(judge, change(&checkpoint, in, &work));
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A judge that is saved and loaded between any two observations goes on to the same proofs, and a
 * file that was cut or changed is refused without harm.
 */
#include "judge_world.h"

#include "base/poison.h"

static void save_all(struct world *w, size_t part, struct buf *out)
{
	struct judge_save save = {0};

	buf_init(out, (size_t)64 << 20);
	while (!judge_save(w->judge, &save, part, out)) {
		assert_int_equal(buf_end(out), 0);
	}
	assert_int_equal(buf_end(out), 0);
}

static void reload(struct world *w, size_t part)
{
	struct buf data;
	struct buf again;

	save_all(w, part, &data);
	judge_free(w->judge);
	w->judge = judge_new(&w->opts, NULL);
	assert_non_null(w->judge);
	assert_int_equal(judge_load(w->judge, buf_str(&data), NULL), 0);
	save_all(w, part, &again);
	assert_int_equal(again.len, data.len);
	assert_memory_equal(again.ptr, data.ptr, data.len);
	buf_done(&data);
	buf_done(&again);
}

static void assert_same_proofs(struct world *a, struct world *b)
{
	uint8_t one[PROOF_ENCODED_MAX];
	uint8_t two[PROOF_ENCODED_MAX];

	for (unsigned last = 10; last < 40; last++) {
		struct proof p = proof_of(a, (uint8_t)last);
		struct proof q = proof_of(b, (uint8_t)last);
		int n = proof_encode(&p, one, sizeof(one));
		assert_int_equal(proof_encode(&q, two, sizeof(two)), n);
		assert_memory_equal(one, two, (size_t)n);
	}
}

static void a_cut_anywhere_changes_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct world *whole = world_new();
		struct world *cut = world_new();
		struct prng a = {.state = seed};
		struct prng b = {.state = seed};
		struct prng where = {.state = seed + 100};

		/* What several tenants shared within the hour is not kept: each a network's own. */
		whole->policy->tenant_count = cut->policy->tenant_count = 1;
		assert_int_equal(judge_reload(whole->judge, &whole->opts, NULL), 0);
		assert_int_equal(judge_reload(cut->judge, &cut->opts, NULL), 0);
		for (unsigned i = 0; i < 1500; i++) {
			random_observation(whole, &a);
			random_observation(cut, &b);
			if (prng_below(&where, 20) == 0) {
				reload(cut, 1 + (size_t)prng_below(&where, 3000));
			}
		}
		assert_same_proofs(whole, cut);
		world_free(whole);
		world_free(cut);
	}
}

static void the_same_observations_give_the_same_bits(void **state)
{
	(void)state;
	struct world *one = world_new();
	struct world *two = world_new();
	struct prng a = {.state = 9};
	struct prng b = {.state = 9};

	judge_free(two->judge);
	two->opts.key = (struct siphash_key){77, 78}; /* another secret, other places */
	two->judge = judge_new(&two->opts, NULL);
	assert_non_null(two->judge);
	for (unsigned i = 0; i < 2000; i++) {
		random_observation(one, &a);
		random_observation(two, &b);
	}
	assert_same_proofs(one, two);
	assert_int_equal(one->moves, two->moves);
	world_free(one);
	world_free(two);
}

static void a_broken_file_is_refused(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct prng p = {.state = 5};
	struct buf data;
	struct judge_stats st;

	for (unsigned i = 0; i < 300; i++) {
		random_observation(w, &p);
	}
	save_all(w, 1000, &data);
	struct judge *fresh = judge_new(&w->opts, NULL);
	assert_non_null(fresh);
	for (size_t cut = 0; cut < data.len; cut += 1 + cut / 64) {
		struct errmsg err = {.text = ""};
		assert_true(judge_load(fresh, str_head(buf_str(&data), cut), &err) < 0);
		assert_true(err.text[0] != '\0');
		judge_stats(fresh, &st);
		assert_int_equal(st.sources, 0);
	}
	/* Changed octets are refused or give another judge, never a broken one. */
	for (size_t i = 0; i < data.len; i += 7) {
		data.ptr[i] = (char)(data.ptr[i] ^ (1 << i % 8));
		if (judge_load(fresh, buf_str(&data), NULL) == 0) {
			judge_tick(fresh, w->now);
		}
		data.ptr[i] = (char)(data.ptr[i] ^ (1 << i % 8));
	}
	assert_int_equal(judge_load(fresh, buf_str(&data), NULL), 0);
	judge_free(fresh);
	buf_done(&data);
	world_free(w);
}

static void networks_are_found_by_name(void **state)
{
	(void)state;
	struct world *w = world_new();
	struct network networks[2] = {{.name = "other"}, {.name = "customers"}};
	struct buf data;
	struct proof p;
	struct source_key k = key(10);

	send_mails(w, 10, true, 20);
	save_all(w, 1000, &data);
	w->policy->networks = networks;
	w->policy->network_count = 2;
	struct judge *j = judge_new(&w->opts, NULL);
	assert_non_null(j);
	assert_int_equal(judge_load(j, buf_str(&data), NULL), 0);
	assert_false(judge_proof_of(j, &k, &p));
	k.network = 1;
	assert_true(judge_proof_of(j, &k, &p));
	assert_int_equal(p.rung, RUNG_THROTTLE);
	/* A network that is gone takes its sources along. */
	w->policy->network_count = 1;
	assert_int_equal(judge_load(j, buf_str(&data), NULL), 0);
	k.network = 0;
	assert_false(judge_proof_of(j, &k, &p));
	judge_free(j);
	buf_done(&data);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_anywhere_changes_nothing),
		cmocka_unit_test(the_same_observations_give_the_same_bits),
		cmocka_unit_test(a_broken_file_is_refused),
		cmocka_unit_test(networks_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders reach the gate once, in order, under numbers that never repeat, whoever dies between.
 */
#include "daemon/judge/outbox.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static const struct siphash_key secret = {1, 2};

struct gate {
	uint64_t seqs[64];
	enum rung rungs[64];
	size_t count;
	bool is_full;
};

static int take(void *ctx, struct str body)
{
	struct gate *g = ctx;
	struct order o;

	if (g->is_full) {
		return -ENOBUFS;
	}
	assert_int_equal(order_decode(body.ptr, body.len, &o), 0);
	assert_int_equal(o.origin, ORIGIN_JUDGE);
	g->seqs[g->count] = o.seq;
	g->rungs[g->count++] = o.rung;
	return 0;
}

static struct judge_event event(uint8_t last, enum rung rung)
{
	const struct addr a = addr_v4((const uint8_t[4]){192, 0, 2, last});
	struct judge_event e = {.type = JUDGE_MOVED,
				.source = source_of(0, &a, 64),
				.rung = rung,
				.verdict = VERDICT_ABUSED,
				.giver = GIVER_JUDGE,
				.proof = {.rule = "content alarmed alone"}};

	e.proof.source = e.source;
	return e;
}

static void give(struct outbox *o, uint8_t last, enum rung rung)
{
	struct judge_event e = event(last, rung);

	assert_int_equal(outbox_give(o, &e, e.time), 0);
}

static void an_order_goes_out_at_once(void **state)
{
	(void)state;
	struct gate g = {0};
	struct outbox *o = outbox_new(&secret, take, &g);

	assert_non_null(o);
	outbox_hello(o, 0);
	give(o, 1, RUNG_BLOCK);
	assert_int_equal(g.count, 1);
	assert_int_equal(g.seqs[0], 1);
	give(o, 2, RUNG_THROTTLE);
	assert_int_equal(g.seqs[1], 2);
	assert_int_equal(outbox_count(o), 2);
	outbox_confirm(o, 1);
	outbox_confirm(o, 7);
	outbox_confirm(o, 0);
	assert_int_equal(outbox_count(o), 1);
	outbox_free(o);
}

static void without_a_gate_only_the_last_wish_of_a_source_is_kept(void **state)
{
	(void)state;
	struct gate g = {0};
	struct outbox *o = outbox_new(&secret, take, &g);

	assert_non_null(o);
	give(o, 1, RUNG_THROTTLE);
	give(o, 2, RUNG_THROTTLE);
	give(o, 1, RUNG_BLOCK);
	assert_int_equal(g.count, 0);
	assert_int_equal(outbox_count(o), 2);
	outbox_hello(o, 41);
	assert_int_equal(g.count, 2);
	assert_int_equal(g.seqs[0], 42);
	assert_int_equal(g.rungs[0], RUNG_BLOCK);
	assert_int_equal(g.seqs[1], 43);
	outbox_free(o);
}

static void what_the_gate_lost_is_sent_again_under_its_number(void **state)
{
	(void)state;
	struct gate g = {0};
	struct outbox *o = outbox_new(&secret, take, &g);

	assert_non_null(o);
	outbox_hello(o, 0);
	give(o, 1, RUNG_BLOCK);
	give(o, 2, RUNG_BLOCK);
	give(o, 3, RUNG_BLOCK);
	outbox_gone(o);
	give(o, 4, RUNG_BLOCK);
	outbox_hello(o, 1); /* its journal holds the first */
	assert_int_equal(g.count, 6);
	assert_int_equal(g.seqs[3], 2);
	assert_int_equal(g.seqs[4], 3);
	assert_int_equal(g.seqs[5], 4);
	assert_int_equal(outbox_count(o), 3);
	outbox_free(o);
}

static void numbers_go_on_after_the_larger_of_both(void **state)
{
	(void)state;
	struct gate g = {0};
	struct outbox *o = outbox_new(&secret, take, &g);

	assert_non_null(o);
	outbox_set_seq(o, 100); /* from the checkpoint */
	outbox_hello(o, 50);    /* a gate with an older journal */
	give(o, 1, RUNG_BLOCK);
	assert_int_equal(g.seqs[0], 101);
	outbox_set_seq(o, 3);
	assert_int_equal(outbox_seq(o), 101);
	outbox_free(o);
}

static void a_full_channel_keeps_the_order_of_orders(void **state)
{
	(void)state;
	struct gate g = {.is_full = true};
	struct outbox *o = outbox_new(&secret, take, &g);

	assert_non_null(o);
	outbox_hello(o, 0);
	give(o, 1, RUNG_THROTTLE);
	give(o, 1, RUNG_BLOCK);
	give(o, 2, RUNG_BLOCK);
	g.is_full = false;
	outbox_flush(o);
	assert_int_equal(g.count, 3);
	assert_int_equal(g.rungs[0], RUNG_THROTTLE);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(g.seqs[i], i + 1);
	}
	outbox_flush(o);
	assert_int_equal(g.count, 3);
	outbox_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_goes_out_at_once),
		cmocka_unit_test(without_a_gate_only_the_last_wish_of_a_source_is_kept),
		cmocka_unit_test(what_the_gate_lost_is_sent_again_under_its_number),
		cmocka_unit_test(numbers_go_on_after_the_larger_of_both),
		cmocka_unit_test(a_full_channel_keeps_the_order_of_orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

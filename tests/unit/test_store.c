/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what is put in comes out, once, in order, page by page; groups are all or nothing.
 */
#include "base/buf.h"
#include "store/events.h"
#include "store/orders.h"
#include "store/sources.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_world.h"

#include "base/poison.h"

static void a_holder_has_one_open_case(void **state)
{
	struct fixture *f = *state;
	struct case_row c = a_case("192.0.2.20", "b/b1");
	struct case_row got;
	uint64_t first = 0;
	uint64_t second = 0;
	uint32_t blocks = 99;

	assert_int_equal(cases_count_blocks(f->st, c.network, c.holder, &blocks, &f->err), 0);
	assert_int_equal(blocks, 0);
	assert_int_equal(cases_add(f->st, &c, &first, &f->err), 0);
	assert_int_equal(cases_add(f->st, &c, &second, &f->err), -EEXIST);
	assert_int_equal(cases_find_open(f->st, c.network, c.holder, f->a, &got, &f->err), 0);
	assert_int_equal(got.id, first);
	assert_true(str_is_equal(got.tenant, STR("b")));
	assert_null(got.cause.ptr);
	assert_int_equal(got.allowed_at.ns, S(3700).ns);

	got.state = CASE_CLOSED;
	got.closed_at = S(200);
	got.cause = STR("x");
	got.blocks = 2;
	assert_int_equal(cases_put(f->st, &got, &f->err), 0);
	assert_int_equal(cases_find_open(f->st, c.network, c.holder, f->a, &got, &f->err), -ENOENT);
	assert_int_equal(cases_add(f->st, &c, &second, &f->err), 0);
	assert_true(second > first);
	assert_int_equal(cases_count_blocks(f->st, c.network, c.holder, &blocks, &f->err), 0);
	assert_int_equal(blocks, 3);
	assert_int_equal(cases_get(f->st, 12345, f->a, &got, &f->err), -ENOENT);
}

static void see_case(const struct case_row *c, void *ctx)
{
	struct seen *s = ctx;

	s->ids[s->n++] = c->id;
}

static void pages_join_without_a_gap(void **state)
{
	struct fixture *f = *state;
	struct case_filter any = {.state = -1};
	struct page page = {.limit = 3};
	struct page_end end = {""};
	struct seen s = {.n = 0};

	for (int i = 0; i < 10; i++) {
		char source[32];
		uint64_t id = 0;
		(void)snprintf(source, sizeof(source), "192.0.2.%d", i);
		struct case_row c = a_case(source, source);
		c.tenant = i % 2 == 0 ? STR("even") : STR("odd");
		assert_int_equal(cases_add(f->st, &c, &id, &f->err), 0);
	}
	do {
		page.cursor = str_of(end.cursor);
		assert_int_equal(cases_list(f->st, &any, &page, see_case, &s, &end, &f->err), 0);
	} while (end.cursor[0] != '\0');
	assert_int_equal(s.n, 10);
	for (size_t i = 1; i < s.n; i++) {
		assert_true(s.ids[i] < s.ids[i - 1]);
	}
	s.n = 0;
	page = (struct page){.limit = 5};
	any.tenant = STR("even");
	any.open_only = true;
	assert_int_equal(cases_list(f->st, &any, &page, see_case, &s, &end, &f->err), 0);
	assert_int_equal(s.n, 5);
	assert_string_equal(end.cursor, ""); /* exactly full is not more to come */
	page.cursor = STR("12'; DROP TABLE cases; --");
	assert_int_equal(cases_list(f->st, &any, &page, see_case, &s, &end, &f->err), -EINVAL);
}

static void see_story(const struct story_row *row, void *ctx)
{
	struct buf *out = ctx;

	buf_printf(out, "[%.*s %.*s: %.*s]", STR_ARG(row->who), STR_ARG(row->what),
		   STR_ARG(row->text));
}

static void groups_are_all_or_nothing(void **state)
{
	struct fixture *f = *state;
	struct case_row c = a_case("192.0.2.20", "b/b1");
	struct buf told;
	uint64_t id = 0;

	buf_init(&told, 4096);
	assert_int_equal(cases_add(f->st, &c, &id, &f->err), 0);
	struct story_row kept = {.case_id = id,
				 .at = S(1),
				 .who = STR("judge"),
				 .what = STR("opened"),
				 .text = STR("a")};
	struct story_row undone = kept;
	undone.text = STR("b");

	assert_int_equal(store_begin(f->st, &f->err), 0);
	assert_int_equal(cases_add_story(f->st, &undone, &f->err), 0);
	assert_int_equal(store_end(f->st, -EINVAL, &f->err), -EINVAL);

	/* An inner failure fails the outer one too. */
	assert_int_equal(store_begin(f->st, &f->err), 0);
	assert_int_equal(cases_add_story(f->st, &undone, &f->err), 0);
	assert_int_equal(store_begin(f->st, &f->err), 0);
	assert_int_equal(store_end(f->st, -EIO, &f->err), -EIO);
	assert_int_equal(store_end(f->st, 0, &f->err), -EIO);

	assert_int_equal(store_begin(f->st, &f->err), 0);
	assert_int_equal(cases_add_story(f->st, &kept, &f->err), 0);
	assert_int_equal(store_end(f->st, 0, &f->err), 0);
	assert_int_equal(cases_list_story(f->st, id, see_story, &told, &f->err), 0);
	assert_string_equal(buf_cstr(&told), "[judge opened: a]");
	buf_done(&told);
}

static struct order_row an_order(uint64_t seq)
{
	return (struct order_row){
		.origin = ORIGIN_JUDGE,
		.seq = seq,
		.network = STR("customers"),
		.source = STR("2001:db8:0:20::/64"),
		.rung = RUNG_BLOCK,
		.verdict = VERDICT_ABUSED,
		.giver = GIVER_JUDGE,
		.mode = MODE_ENFORCE,
		.given_at = S(100),
		.reason = STR("r"),
		.proof = STR("proof\0proof"),
	};
}

static void count_order(const struct order_row *o, void *ctx)
{
	struct seen *s = ctx;

	s->ids[s->n++] = o->seq;
}

static void an_order_is_stored_once(void **state)
{
	struct fixture *f = *state;
	struct order_row o = an_order(7);
	struct order_row got;
	struct seen s = {.n = 0};
	struct page page = {.limit = 10};
	struct page_end end;
	struct order_filter any = {0};

	assert_int_equal(orders_add(f->st, &o, &f->err), 1);
	assert_int_equal(orders_add(f->st, &o, &f->err), 0);
	assert_int_equal(orders_get(f->st, ORIGIN_JUDGE, 7, f->a, &got, &f->err), 0);
	assert_int_equal(got.proof.len, 11);
	assert_null(got.who.ptr);

	struct order_report r = {.origin = ORIGIN_JUDGE,
				 .seq = 7,
				 .state = ORDER_INSTALLED,
				 .at = S(101),
				 .apply_us = 800,
				 .sessions_ended = 2,
				 .hits = 5};
	assert_int_equal(orders_report(f->st, &r, &f->err), 1);
	r.hits = 4; /* late */
	assert_int_equal(orders_report(f->st, &r, &f->err), 0);
	assert_int_equal(orders_get(f->st, ORIGIN_JUDGE, 7, f->a, &got, &f->err), 0);
	assert_int_equal(got.hits, 5);
	assert_int_equal(got.state, ORDER_INSTALLED);
	r.seq = 8;
	assert_int_equal(orders_report(f->st, &r, &f->err), -ENOENT);
	assert_int_equal(orders_list(f->st, &any, &page, count_order, &s, &end, &f->err), 0);
	assert_int_equal(s.n, 1);
}

static void the_desk_never_gives_a_number_twice(void **state)
{
	struct fixture *f = *state;
	struct order_row o = an_order(0);
	struct seen s = {.n = 0};
	uint64_t seq = 0;

	o.origin = ORIGIN_DESK;
	assert_int_equal(orders_next_seq(f->st, 0, &seq, &f->err), 0);
	assert_int_equal(seq, 1);
	o.seq = seq;
	assert_int_equal(orders_add(f->st, &o, &f->err), 1);
	assert_int_equal(orders_next_seq(f->st, 0, &seq, &f->err), 0);
	assert_int_equal(seq, 2);
	/* The gate's journal has more than we: a store from a backup. */
	assert_int_equal(orders_next_seq(f->st, 40, &seq, &f->err), 0);
	assert_int_equal(seq, 41);
	assert_int_equal(orders_list_after(f->st, ORIGIN_DESK, 0, count_order, &s, &f->err), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(orders_list_after(f->st, ORIGIN_DESK, 1, count_order, &s, &f->err), 0);
	assert_int_equal(s.n, 1);
}

static void see_source(const struct source_row *row, void *ctx)
{
	struct buf *out = ctx;

	buf_printf(out, "[%.*s %d]", STR_ARG(row->source), (int)row->verdict);
}

static void put_source(struct fixture *f, const char *source, enum verdict verdict, enum rung rung)
{
	struct source_row row = {.network = STR("n"),
				 .source = str_of(source),
				 .tenant = STR("t"),
				 .verdict = verdict,
				 .rung = rung,
				 .seen_at = S(5),
				 .proof = STR("p")};

	assert_int_equal(sources_put(f->st, &row, &f->err), 0);
}

static void list_sources(struct fixture *f, const struct source_filter *filter, struct buf *out)
{
	struct page page = {.limit = 2};
	struct page_end end = {""};

	buf_clear(out);
	do {
		page.cursor = str_of(end.cursor);
		assert_int_equal(sources_list(f->st, filter, &page, see_source, out, &end, &f->err),
				 0);
	} while (end.cursor[0] != '\0');
}

static void sources_come_the_worst_first(void **state)
{
	struct fixture *f = *state;
	struct source_filter any = {.verdict = -1, .rung = -1};
	struct source_row got;
	uint64_t counts[VERDICT_COUNT];
	struct buf out;

	buf_init(&out, 4096);
	put_source(f, "192.0.2.1", VERDICT_HEALTHY, RUNG_PASS);
	put_source(f, "192.0.2.10", VERDICT_ABUSED, RUNG_BLOCK);
	put_source(f, "192.0.2.11", VERDICT_SUSPECT, RUNG_THROTTLE);
	put_source(f, "198.51.100.1", VERDICT_ABUSED, RUNG_THROTTLE);
	put_source(f, "192.0.2.2", VERDICT_HEALTHY, RUNG_WATCH);
	put_source(f, "192.0.2.1", VERDICT_ABUSED, RUNG_BLOCK); /* in its old place */
	list_sources(f, &any, &out);
	assert_string_equal(buf_cstr(&out), "[192.0.2.1 3][192.0.2.10 3][198.51.100.1 3]"
					    "[192.0.2.11 2][192.0.2.2 1]");
	any.prefix = STR("192.0.2.1");
	list_sources(f, &any, &out);
	assert_string_equal(buf_cstr(&out), "[192.0.2.1 3][192.0.2.10 3][192.0.2.11 2]");
	any = (struct source_filter){.verdict = VERDICT_ABUSED, .rung = RUNG_THROTTLE};
	any.tenant = STR("t");
	list_sources(f, &any, &out);
	assert_string_equal(buf_cstr(&out), "[198.51.100.1 3]");
	assert_int_equal(sources_count(f->st, counts, &f->err), 0);
	assert_int_equal(counts[VERDICT_ABUSED], 3);
	assert_int_equal(counts[VERDICT_UNKNOWN], 0);
	assert_int_equal(sources_get(f->st, STR_EMPTY, STR("192.0.2.1"), f->a, &got, &f->err), 0);
	assert_int_equal(got.rung, RUNG_BLOCK);
	assert_int_equal(sources_get(f->st, STR("m"), STR("192.0.2.1"), f->a, &got, &f->err),
			 -ENOENT);
	buf_done(&out);
}

static void see_event(const struct event_row *e, void *ctx)
{
	struct buf *out = ctx;

	buf_printf(out, "[%llu %.*s]", (unsigned long long)e->day, STR_ARG(e->text));
}

static void events_cross_days_and_whole_days_go(void **state)
{
	struct fixture *f = *state;
	struct page page = {.limit = 2};
	struct page_end end = {""};
	struct buf out;

	buf_init(&out, 4096);
	for (int i = 0; i < 6; i++) {
		char text[8];
		(void)snprintf(text, sizeof(text), "e%d", i);
		struct event_row e = {
			.at = S(i / 2 * 86400 + i), .what = STR("test"), .text = str_of(text)};
		assert_int_equal(events_add(f->st, &e, &f->err), 0);
	}
	do {
		page.cursor = str_of(end.cursor);
		assert_int_equal(events_list(f->st, &page, see_event, &out, &end, &f->err), 0);
	} while (end.cursor[0] != '\0');
	assert_string_equal(buf_cstr(&out), "[2 e5][2 e4][1 e3][1 e2][0 e1][0 e0]");

	buf_clear(&out);
	assert_int_equal(events_drop_before(f->st, S(2 * 86400), &f->err), 0);
	page = (struct page){.limit = 100};
	assert_int_equal(events_list(f->st, &page, see_event, &out, &end, &f->err), 0);
	assert_string_equal(buf_cstr(&out), "[2 e5][2 e4]");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_holder_has_one_open_case, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pages_join_without_a_gap, set_up, tear_down),
		cmocka_unit_test_setup_teardown(groups_are_all_or_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_order_is_stored_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_desk_never_gives_a_number_twice, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(sources_come_the_worst_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(events_cross_days_and_whole_days_go, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

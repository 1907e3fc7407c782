/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk: the life of a case from the judge's order to its closing, with a fake gate and clock.
 */
#include "../api/desk_policy.h"
#include "base/buf.h"
#include "base/cur.h"
#include "core/proof.h"
#include "core/wire.h"
#include "daemon/desk/desk.h"
#include "daemon/msg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define S(n) ((struct wall){(n)*NS_PER_S})

struct fixture {
	struct desk *d;
	struct policy *p;
	struct arena *a;
	struct wall now;
	struct buf sent; /* "[gate order block 192.0.2.20 1][…" */
	struct errmsg err;
};

static struct wall fake_now(void *ctx)
{
	return ((struct fixture *)ctx)->now;
}

static void note_order(struct buf *out, struct str body)
{
	struct order o;
	char text[ADDR_TEXT_SIZE];

	assert_int_equal(order_decode(body.ptr, body.len, &o), 0);
	buf_printf(out, "[order %s %s %llu]", rung_name(o.rung), source_format(&o.source, text),
		   (unsigned long long)o.seq);
}

static void fake_send(void *ctx, int to, uint32_t type, struct str body)
{
	struct fixture *f = ctx;
	struct cur c = cur_of(body.ptr, body.len);

	(void)to;
	if (type == MSG_ORDER) {
		note_order(&f->sent, body);
	} else if (type == MSG_ORDER_COMMITTED) {
		unsigned origin = (unsigned)cur_uint(&c, 1, 9);
		buf_printf(&f->sent, "[committed %u %llu]", origin,
			   (unsigned long long)cur_uint(&c, 8, INT64_MAX));
	} else if (type == MSG_ORDERS_AFTER) {
		unsigned long long judge = cur_uint(&c, 8, INT64_MAX);
		buf_printf(&f->sent, "[after %llu %llu]", judge,
			   (unsigned long long)cur_uint(&c, 8, INT64_MAX));
	} else if (type == MSG_PARDON) {
		buf_printf(&f->sent, "[pardon]");
	} else if (type == MSG_STANDING) {
		buf_printf(&f->sent, "[standing]");
	} else {
		buf_printf(&f->sent, "[%u]", type);
	}
}

/* What was sent since the last look. */
static const char *sent(struct fixture *f)
{
	static char text[4096];

	assert_true(str_copy(text, sizeof(text), buf_str(&f->sent)));
	buf_clear(&f->sent);
	return text;
}

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){.p = policy_new(), .a = arena_new((size_t)4 << 20), .now = S(1000)};
	*state = &f;
	if (f.p == NULL || f.a == NULL) {
		return -1;
	}
	desk_policy_make(f.p);
	buf_init(&f.sent, 1 << 16);
	const struct desk_opts o = {.policy = f.p, .send = fake_send, .now = fake_now, .ctx = &f};
	return desk_new(&o, &f.d, &f.err);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	desk_free(f->d);
	policy_free(f->p);
	arena_free(f->a);
	buf_done(&f->sent);
	return 0;
}

static struct order judge_order(struct fixture *f, uint64_t seq, const char *source, enum rung rung)
{
	return (struct order){
		.origin = ORIGIN_JUDGE,
		.seq = seq,
		.source = {.network = 0, .prefix = prefix(source)},
		.rung = rung,
		.verdict = rung == RUNG_BLOCK ? VERDICT_ABUSED : VERDICT_SUSPECT,
		.giver = GIVER_JUDGE,
		.mode = networks[0].mode,
		.given_at = f->now,
		.reason = STR("content and recipients"),
	};
}

static void journaled(struct fixture *f, const struct order *o)
{
	uint8_t body[ORDER_ENCODED_MAX];
	int n = order_encode(o, body, sizeof(body));

	assert_true(n > 0);
	assert_true(desk_received(f->d, PROCESS_GATE, MSG_ORDER_JOURNALED,
				  (struct str){(const char *)body, (size_t)n}));
}

static void report(struct fixture *f, const struct order *o, enum order_state state, uint64_t hits)
{
	uint8_t body[ORDER_REPORT_ENCODED_MAX];
	const struct order_report r = {.origin = o->origin,
				       .seq = o->seq,
				       .source = o->source,
				       .state = state,
				       .at = f->now,
				       .apply_us = 800,
				       .sessions_ended = 3,
				       .hits = hits};
	int n = order_report_encode(&r, body, sizeof(body));

	assert_true(n > 0);
	assert_true(desk_received(f->d, PROCESS_GATE, MSG_ORDER_REPORT,
				  (struct str){(const char *)body, (size_t)n}));
}

static void see_story(const struct story_row *s, void *ctx)
{
	buf_printf(ctx, "[%.*s %.*s]", STR_ARG(s->who), STR_ARG(s->what));
}

static const char *story(struct fixture *f, uint64_t id)
{
	static char text[4096];
	struct buf out;

	buf_init(&out, sizeof(text) - 1);
	assert_int_equal(cases_list_story(desk_store(f->d), id, see_story, &out, &f->err), 0);
	assert_true(str_copy(text, sizeof(text), buf_str(&out)));
	buf_done(&out);
	return text;
}

static struct case_row get_case(struct fixture *f, uint64_t id)
{
	struct case_row c = {0};

	assert_int_equal(cases_get(desk_store(f->d), id, f->a, &c, &f->err), 0);
	return c;
}

static const struct actor owner = {.role = ACTOR_OWNER, .name = {"b", 1}, .tenant = {"b", 1}};
static const struct actor staff = {.role = ACTOR_STAFF, .name = {"anna", 4}};
static const struct actor stranger = {.role = ACTOR_OWNER, .name = {"c", 1}, .tenant = {"c", 1}};

static void from_block_to_closing(void **state)
{
	struct fixture *f = *state;
	struct order o = judge_order(f, 7, "192.0.2.20", RUNG_BLOCK);
	struct desk_plea plea = {.cause = STR("a password"), .fix = STR("changed")};
	struct desk_unblock u;

	journaled(f, &o);
	assert_string_equal(sent(f), "[committed 0 7]");
	journaled(f, &o); /* the gate says it twice */
	assert_string_equal(sent(f), "[committed 0 7]");
	report(f, &o, ORDER_INSTALLED, 0);
	report(f, &o, ORDER_PROVED, 14);
	struct case_row c = get_case(f, 1);
	assert_int_equal(c.state, CASE_OPEN);
	assert_true(str_is_equal(c.holder, STR("b/b1")));
	assert_int_equal(c.allowed_at.ns, S(1000 + 3600).ns);
	assert_string_equal(story(f, 1), "[judge opened][desk notice_queued][gate installed]"
					 "[gate proved]");

	/* A click too early is answered with what is not proved. */
	f->now = S(1012);
	assert_int_equal(desk_case_unblock(f->d, 1, &owner, &plea, &u, &f->err), -ECANCELED);
	assert_int_equal(u.answer.decision, DECISION_REFUSED);
	assert_int_equal(u.state, CASE_OPEN);
	assert_non_null(strstr(u.answer.checks[0].detail, "12 s ago: 14 attempts"));
	assert_string_equal(sent(f), "");

	/* Later it is proved. */
	f->now = S(1000 + 3600);
	assert_int_equal(desk_case_unblock(f->d, 1, &stranger, &plea, &u, &f->err), -ENOENT);
	assert_int_equal(desk_case_unblock(f->d, 1, &owner, &plea, &u, &f->err), 0);
	assert_int_equal(u.order_seq, 1);
	assert_string_equal(sent(f), "[order pass 192.0.2.20 1][pardon]");
	c = get_case(f, 1);
	assert_int_equal(c.state, CASE_PROBATION);
	assert_int_equal(c.rung, RUNG_PASS);
	assert_int_equal(desk_case_unblock(f->d, 1, &owner, &plea, &u, &f->err), -EBUSY);

	f->now.ns += (int64_t)f->p->probation_s * NS_PER_S;
	desk_tick(f->d);
	c = get_case(f, 1);
	assert_int_equal(c.state, CASE_CLOSED);
}

static void blocked_again_in_probation_waits_longer(void **state)
{
	struct fixture *f = *state;
	struct order o = judge_order(f, 1, "192.0.2.20", RUNG_BLOCK);
	struct desk_plea plea = {.cause = STR("x"), .fix = STR("y")};
	struct desk_unblock u;

	journaled(f, &o);
	f->now = S(1000 + 3600);
	assert_int_equal(desk_case_unblock(f->d, 1, &owner, &plea, &u, &f->err), 0);
	/* The other family of the same server: the same case. */
	o = judge_order(f, 2, "2001:db8:0:20::/64", RUNG_BLOCK);
	journaled(f, &o);
	struct case_row c = get_case(f, 1);
	assert_int_equal(c.state, CASE_OPEN);
	assert_int_equal(c.blocked_before, 1);
	assert_int_equal(c.allowed_at.ns, f->now.ns + INT64_C(24) * 3600 * NS_PER_S);
	assert_null(c.cause.ptr);
	assert_non_null(strstr(story(f, 1), "[judge blocked_again][desk notice_queued]"));
}

static void a_suspect_is_for_staff_only(void **state)
{
	struct fixture *f = *state;
	struct order o = judge_order(f, 1, "192.0.2.20", RUNG_THROTTLE);

	journaled(f, &o);
	struct case_row c = get_case(f, 1);
	assert_true(c.staff_only);
	assert_string_equal(story(f, 1), "[judge opened]");
	assert_false(desk_may_see(&owner, &c));
	assert_int_equal(desk_case_ack(f->d, 1, &owner, &f->err), -ENOENT);
	/* It turns out to be worse. */
	o = judge_order(f, 2, "192.0.2.20", RUNG_BLOCK);
	journaled(f, &o);
	c = get_case(f, 1);
	assert_false(c.staff_only);
	assert_int_equal(c.blocked_before, 0);
	assert_int_equal(c.allowed_at.ns, S(1000 + 3600).ns);
	assert_string_equal(story(f, 1), "[judge opened][judge ordered][desk notice_queued]");
}

static void observing_records_and_tells_nobody(void **state)
{
	struct fixture *f = *state;

	networks[0].mode = MODE_OBSERVE;
	struct order o = judge_order(f, 1, "192.0.2.20", RUNG_BLOCK);
	journaled(f, &o);
	struct case_row c = get_case(f, 1);
	assert_int_equal(c.mode, MODE_OBSERVE);
	assert_true(c.staff_only);
	assert_string_equal(story(f, 1), "[judge opened]");

	struct desk_wish w = {.source = o.source, .rung = RUNG_BLOCK, .reason = STR("by hand")};
	struct order_row row;
	assert_int_equal(desk_order_give(f->d, &w, &staff, f->a, &row, &f->err), 0);
	assert_int_equal(row.state, ORDER_WOULD);
	c = get_case(f, 1);
	assert_true(c.staff_only);
	o = judge_order(f, 2, "192.0.2.20", RUNG_PASS);
	journaled(f, &o);
	assert_int_equal(get_case(f, 1).state, CASE_CLOSED);
}

static void staff_give_orders_and_take_them_back(void **state)
{
	struct fixture *f = *state;
	struct order_row row;
	struct desk_wish w = {.source = {.network = 0, .prefix = prefix("192.0.2.99")},
			      .rung = RUNG_BLOCK,
			      .reason = STR("phishing")};

	assert_int_equal(desk_order_give(f->d, &w, &owner, f->a, &row, &f->err), -EPERM);
	w.reason = STR(" ");
	assert_int_equal(desk_order_give(f->d, &w, &staff, f->a, &row, &f->err), -EINVAL);
	w.reason = STR("phishing");
	w.dry_run = true;
	assert_int_equal(desk_order_give(f->d, &w, &staff, f->a, &row, &f->err), 0);
	assert_int_equal(row.seq, 0);
	assert_string_equal(sent(f), "");
	w.dry_run = false;
	assert_int_equal(desk_order_give(f->d, &w, &staff, f->a, &row, &f->err), 0);
	assert_int_equal(row.state, ORDER_WANTED);
	assert_true(str_is_equal(row.who, STR("staff:anna")));
	assert_string_equal(sent(f), "[order block 192.0.2.99 1][standing]");
	assert_string_equal(story(f, 1), "[staff:anna opened][desk no_notice]");
	assert_int_equal(desk_case_close(f->d, 1, &staff, STR("done"), &f->err), -EBUSY);
	w.release = true;
	assert_int_equal(desk_order_give(f->d, &w, &staff, f->a, &row, &f->err), 0);
	/* The gate has not said hello: all is sent again, it knows the first. */
	assert_string_equal(sent(f), "[order block 192.0.2.99 1][order pass 192.0.2.99 2][pardon]");
	assert_int_equal(get_case(f, 1).state, CASE_PROBATION);
	assert_int_equal(desk_case_close(f->d, 1, &staff, STR("done"), &f->err), 0);
	assert_int_equal(get_case(f, 1).state, CASE_CLOSED);
}

static void a_hello_brings_both_sides_together(void **state)
{
	struct fixture *f = *state;
	struct order_row row;
	struct desk_wish w = {.source = {.network = 0, .prefix = prefix("192.0.2.99")},
			      .rung = RUNG_BLOCK,
			      .reason = STR("phishing")};
	uint8_t body[16];
	struct enc e = enc_of(body, sizeof(body));
	struct order o = judge_order(f, 5, "192.0.2.20", RUNG_BLOCK);

	journaled(f, &o);
	assert_int_equal(desk_order_give(f->d, &w, &staff, f->a, &row, &f->err), 0);
	assert_int_equal(desk_order_give(f->d, &w, &staff, f->a, &row, &f->err), 0);
	(void)sent(f);
	enc_uint(&e, 8, 6); /* the judge's, one more than we have */
	enc_uint(&e, 8, 1); /* ours */
	assert_true(desk_received(f->d, PROCESS_GATE, MSG_GATE_HELLO,
				  (struct str){(const char *)body, sizeof(body)}));
	assert_string_equal(sent(f), "[after 5 2][order block 192.0.2.99 2]");
	assert_false(desk_received(f->d, PROCESS_GATE, MSG_GATE_HELLO,
				   (struct str){(const char *)body, 15}));
	/* The gate has numbers of ours that we do not know: never given twice. */
	e = enc_of(body, sizeof(body));
	enc_uint(&e, 8, 6);
	enc_uint(&e, 8, 40);
	assert_true(desk_received(f->d, PROCESS_GATE, MSG_GATE_HELLO,
				  (struct str){(const char *)body, sizeof(body)}));
	assert_int_equal(desk_order_give(f->d, &w, &staff, f->a, &row, &f->err), 0);
	assert_int_equal(row.seq, 41);
}

static void an_order_that_runs_out_opens(void **state)
{
	struct fixture *f = *state;
	struct order_row row;
	struct desk_wish w = {.source = {.network = 0, .prefix = prefix("192.0.2.20")},
			      .rung = RUNG_BLOCK,
			      .expires_at = S(1100),
			      .reason = STR("for a while")};
	struct order o = judge_order(f, 1, "192.0.2.20", RUNG_BLOCK);

	assert_int_equal(desk_order_give(f->d, &w, &staff, f->a, &row, &f->err), 0);
	o.origin = ORIGIN_DESK;
	f->now = S(1100);
	report(f, &o, ORDER_RELEASED, 3);
	assert_int_equal(get_case(f, 1).state, CASE_PROBATION);
	assert_string_equal(story(f, 1), "[staff:anna opened][desk notice_queued][gate over]"
					 "[desk unblocked][desk notice_queued]");
}

static void the_link_sees_and_acknowledges(void **state)
{
	struct fixture *f = *state;
	struct order o = judge_order(f, 1, "192.0.2.20", RUNG_BLOCK);
	struct actor link = {.role = ACTOR_LINK, .case_id = 1};
	struct desk_plea plea = {.cause = STR("x"), .fix = STR("y")};
	struct desk_unblock u;
	char url[DESK_LINK_SIZE];

	journaled(f, &o);
	report(f, &o, ORDER_PROVED, 1);
	assert_int_equal(desk_case_ack(f->d, 1, &link, &f->err), 0);
	assert_int_equal(get_case(f, 1).state, CASE_ACKNOWLEDGED);
	assert_int_equal(desk_case_note(f->d, 1, &link, STR("hi"), &f->err), -EPERM);
	assert_int_equal(desk_case_unblock(f->d, 1, &link, &plea, &u, &f->err), -EPERM);
	/* Proved on our wire, it may. */
	f->now = S(1000 + 3600);
	assert_int_equal(desk_case_unblock(f->d, 1, &link, &plea, &u, &f->err), 0);
	link.case_id = 2;
	assert_int_equal(desk_case_ack(f->d, 1, &link, &f->err), -ENOENT);
	desk_case_link(f->d, 1, url);
	assert_ptr_equal(strstr(url, "https://abuse.provider.example/case/1?key="), url);
}

static void mark_sent(const struct notice_row *n, void *ctx)
{
	struct fixture *f = ctx;
	struct notice_row sent_row = *n;

	sent_row.state = NOTICE_SENT;
	sent_row.tries = 1;
	sent_row.sent_at = f->now;
	assert_int_equal(notices_put(desk_store(f->d), &sent_row, &f->err), 0);
}

static void count_notice(const struct notice_row *n, void *ctx)
{
	(void)n;
	(*(unsigned *)ctx)++;
}

/* Hand over what is due now. @return How many mails that were. */
static unsigned deliver(struct fixture *f)
{
	unsigned mails = 0;
	struct store *st = desk_store(f->d);

	assert_int_equal(notices_list_due(st, f->now, 100, count_notice, &mails, &f->err), 0);
	assert_int_equal(notices_list_due(st, f->now, 100, mark_sent, f, &f->err), 0);
	return mails;
}

static void many_blocks_of_a_tenant_are_one_mail(void **state)
{
	struct fixture *f = *state;
	static struct prefix addresses[8];
	static struct server many[8];
	static char names[8][8];

	for (unsigned i = 0; i < COUNT_OF(many); i++) {
		char text[32];
		(void)snprintf(text, sizeof(text), "192.0.2.%u", 100 + i);
		(void)snprintf(names[i], sizeof(names[i]), "m%u", i);
		addresses[i] = prefix(text);
		many[i] = (struct server){
			.name = names[i], .sources = &addresses[i], .source_count = 1};
	}
	tenants[0].servers = many;
	tenants[0].server_count = COUNT_OF(many);
	for (unsigned i = 0; i < COUNT_OF(many); i++) {
		char text[ADDR_TEXT_SIZE];
		struct order o = judge_order(f, i + 1, prefix_format(&addresses[i], text),
					     RUNG_BLOCK);
		journaled(f, &o);
		f->now.ns += NS_PER_S;
		/* The first three at once, each by itself; the others wait. */
		assert_int_equal(deliver(f), i < f->p->notice_burst ? 1 : 0);
	}
	f->now.ns += (int64_t)f->p->notice_window_s * NS_PER_S;
	assert_int_equal(deliver(f), 1);
	f->now.ns += (int64_t)f->p->notice_window_s * NS_PER_S;
	assert_int_equal(deliver(f), 0);
	for (unsigned i = 0; i < COUNT_OF(many); i++) {
		unsigned told = 0;
		assert_int_equal(
			notices_list(desk_store(f->d), i + 1, count_notice, &told, &f->err), 0);
		assert_int_equal(told, 1);
	}
}

static void nonsense_is_counted_not_obeyed(void **state)
{
	struct fixture *f = *state;
	struct desk_health h;
	static const uint32_t types[] = {MSG_GATE_HELLO, MSG_ORDER_JOURNALED, MSG_ORDER_REPORT,
					 MSG_SOURCE,     MSG_SPIKE,           MSG_BRAKE,
					 MSG_STATS,      MSG_SAMPLE,          MSG_ORDER};

	for (int from = 0; from < PROCESS_COUNT; from++) {
		for (size_t i = 0; i < COUNT_OF(types); i++) {
			assert_false(desk_received(f->d, from, types[i], STR("\1nonsense!")));
			assert_false(desk_received(f->d, from, types[i], STR_EMPTY));
		}
	}
	desk_health_get(f->d, &h);
	assert_int_equal(h.bad_messages, PROCESS_COUNT * COUNT_OF(types) * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(from_block_to_closing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(blocked_again_in_probation_waits_longer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_suspect_is_for_staff_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(observing_records_and_tells_nobody, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(staff_give_orders_and_take_them_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_hello_brings_both_sides_together, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_order_that_runs_out_opens, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_link_sees_and_acknowledges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_blocks_of_a_tenant_are_one_mail, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nonsense_is_counted_not_obeyed, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

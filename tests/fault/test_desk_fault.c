/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk: the n-th call to its store fails, for n = 1, 2, … until none fails. Whatever n is: nothing
 * crashes, and when the gate has said its orders again and the owner has clicked again, there is
 * one case, told once, opened once.
 */
#include "base/cur.h"
#include "daemon/desk/desk.h"
#include "daemon/msg.h"
#include "store/store_impl.h"

#include <errno.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/poison.h"

#define S(n) ((struct wall){(n)*NS_PER_S})
/* More calls than the play below makes. */
#define CALLS_MAX 2000

struct fixture {
	struct desk *d;
	struct wall now;
	uint64_t calls_left; /* until the one that fails */
	bool failed;
	unsigned committed[3]; /* times the gate heard it, by number of the judge's order */
	uint64_t passes;       /* highest number of an order to pass */
	unsigned asked;        /* times the desk asked for orders */
};

static struct wall fake_now(void *ctx)
{
	return ((struct fixture *)ctx)->now;
}

static bool fail_nth(void *ctx)
{
	struct fixture *f = ctx;

	if (f->calls_left == 0 || --f->calls_left > 0) {
		return false;
	}
	f->failed = true;
	return true;
}

static void fake_send(void *ctx, int to, uint32_t type, struct str body)
{
	struct fixture *f = ctx;
	struct cur c = cur_of(body.ptr, body.len);
	struct order o;

	(void)to;
	if (type == MSG_ORDER_COMMITTED && cur_uint(&c, 1, 1) == ORIGIN_JUDGE) {
		f->committed[cur_uint(&c, 8, 2)]++;
	} else if (type == MSG_ORDER && order_decode(body.ptr, body.len, &o) == 0) {
		f->passes = o.seq > f->passes ? o.seq : f->passes;
	} else if (type == MSG_ORDERS_AFTER) {
		f->asked++;
	}
}

static struct prefix prefixes[3];
static struct network network = {.name = "customers",
				 .prefixes = prefixes,
				 .prefix_count = 1,
				 .mode = MODE_ENFORCE,
				 .unblock = UNBLOCK_CHECKED,
				 .v6_source_len = 64};
static const char *contacts[] = {"owner@b.example"};
static struct server server = {.name = "b1", .sources = prefixes + 1, .source_count = 2};
static struct tenant tenant = {.name = "b",
			       .contacts = contacts,
			       .contact_count = 1,
			       .language = "en",
			       .servers = &server,
			       .server_count = 1};

static struct policy *make_policy(void)
{
	struct policy *p = policy_new();

	assert_non_null(p);
	assert_int_equal(prefix_parse(STR("192.0.2.0/24"), &prefixes[0]), 0);
	assert_int_equal(prefix_parse(STR("192.0.2.20"), &prefixes[1]), 0);
	assert_int_equal(prefix_parse(STR("192.0.2.21"), &prefixes[2]), 0);
	p->networks = &network;
	p->network_count = 1;
	p->tenants = &tenant;
	p->tenant_count = 1;
	p->notice_smtp = "127.0.0.1:9";
	p->notice_from = "abuse@provider.example";
	return p;
}

static void journaled(struct fixture *f, uint64_t seq)
{
	uint8_t body[ORDER_ENCODED_MAX];
	const struct order o = {
		.origin = ORIGIN_JUDGE,
		.seq = seq,
		.source = {.network = 0, .prefix = prefixes[seq]},
		.rung = RUNG_BLOCK,
		.verdict = VERDICT_ABUSED,
		.giver = GIVER_JUDGE,
		.mode = MODE_ENFORCE,
		.given_at = S(1000),
		.reason = STR("r"),
		.proof = STR("not empty"),
	};
	int n = order_encode(&o, body, sizeof(body));

	assert_true(n > 0);
	assert_true(desk_received(f->d, PROCESS_GATE, MSG_ORDER_JOURNALED,
				  (struct str){(const char *)body, (size_t)n}));
}

/* What the gate does until both of its orders are confirmed. */
static void gate_says_orders(struct fixture *f)
{
	for (int round = 0; round < 3 && (f->committed[1] == 0 || f->committed[2] == 0); round++) {
		for (uint64_t seq = 1; seq <= 2; seq++) {
			if (f->committed[seq] == 0) {
				journaled(f, seq);
			}
		}
		f->now.ns += 6 * NS_PER_S;
		desk_tick(f->d);
	}
	assert_true(f->committed[1] > 0 && f->committed[2] > 0);
}

/* Once more when it failed: a person would. */
static void owner_clicks(struct fixture *f)
{
	const struct actor owner = {.role = ACTOR_OWNER, .name = STR("b"), .tenant = STR("b")};
	const struct desk_plea plea = {.cause = STR("x"), .fix = STR("y")};
	struct desk_unblock u;
	struct errmsg err;

	f->now = S(1000 + 7200);
	int r = desk_case_unblock(f->d, 1, &owner, &plea, &u, &err);
	if (r == -EIO) {
		r = desk_case_unblock(f->d, 1, &owner, &plea, &u, &err);
	}
	assert_int_equal(r, 0);
}

/* One more hello, as after any of the two was started anew. */
static void gate_comes_back(struct fixture *f)
{
	static const uint8_t body[16] = {[7] = 2};

	assert_true(desk_received(f->d, PROCESS_GATE, MSG_GATE_HELLO,
				  (struct str){(const char *)body, sizeof(body)}));
	if (f->passes == 0) { /* it was the list of orders that failed */
		assert_true(desk_received(f->d, PROCESS_GATE, MSG_GATE_HELLO,
					  (struct str){(const char *)body, sizeof(body)}));
	}
}

struct seen {
	unsigned opened;
	unsigned queued;
	unsigned unblocked;
};

static void see_story(const struct story_row *s, void *ctx)
{
	struct seen *seen = ctx;

	seen->opened += str_is_equal(s->what, STR("opened"));
	seen->queued += str_is_equal(s->what, STR("notice_queued"));
	seen->unblocked += str_is_equal(s->what, STR("unblocked"));
}

static void see_case(const struct case_row *c, void *ctx)
{
	struct case_row *last = ctx;

	last->id++; /* how many there are */
	last->state = c->state;
}

static void look(struct fixture *f)
{
	const struct case_filter any = {.state = -1};
	const struct page page = {.limit = 10};
	struct page_end end;
	struct case_row c = {.id = 0};
	struct seen seen = {.opened = 0};
	struct errmsg err;

	assert_int_equal(cases_list(desk_store(f->d), &any, &page, see_case, &c, &end, &err), 0);
	assert_int_equal(c.id, 1);
	assert_int_equal(c.state, CASE_PROBATION);
	assert_int_equal(cases_list_story(desk_store(f->d), 1, see_story, &seen, &err), 0);
	assert_int_equal(seen.opened, 1);
	assert_int_equal(seen.queued, 2); /* of the block, of the opening */
	assert_int_equal(seen.unblocked, 1);
	assert_int_equal(f->passes, 1);
}

static bool play(struct policy *p, uint64_t fail_at)
{
	struct fixture f = {.now = S(1000), .calls_left = fail_at};
	const struct desk_opts o = {.policy = p, .send = fake_send, .now = fake_now, .ctx = &f};
	struct errmsg err;

	assert_int_equal(desk_new(&o, &f.d, &err), 0);
	db_set_hook(desk_store(f.d)->db, fail_nth, &f);
	gate_says_orders(&f);
	owner_clicks(&f);
	gate_comes_back(&f);
	bool failed = f.failed;
	db_set_hook(desk_store(f.d)->db, NULL, NULL);
	look(&f);
	desk_free(f.d);
	return failed;
}

static void any_call_may_fail(void **state)
{
	(void)state;
	struct policy *p = make_policy();
	uint64_t n = 1;

	while (play(p, n)) {
		n++;
		assert_true(n < CALLS_MAX);
	}
	assert_true(n > 60); /* it is a play of many calls */
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_call_may_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

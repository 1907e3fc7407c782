/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_wishes: who rules a source, what ends when, and what is owed to whom.
 */
#include "daemon/gate/wishes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/poison.h"

static struct prefix prefixes[2];
static struct prefix server_sources[2];
static struct prefix never[1];
static struct server server;
static struct tenant tenant = {.servers = &server, .server_count = 1};
static struct network networks[2];
static struct policy policy = {.networks = networks,
			       .network_count = 2,
			       .tenants = &tenant,
			       .tenant_count = 1,
			       .never_block = never,
			       .never_block_count = 1};
static uint64_t last_seq;
static const struct wall now = {.ns = 1000 * NS_PER_S};

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(str_of(text), &p), 0);
	return p;
}

static void make_policy(void)
{
	prefixes[0] = prefix("192.0.2.0/24");
	prefixes[1] = prefix("2001:db8::/32");
	server_sources[0] = prefix("192.0.2.20");
	server_sources[1] = prefix("2001:db8:0:20::/64");
	never[0] = prefix("192.0.2.1");
	server = (struct server){.sources = server_sources, .source_count = 2};
	networks[0] = (struct network){
		.name = "customers", .prefixes = prefixes, .prefix_count = 2, .mode = MODE_ENFORCE};
	networks[1] = (struct network){.name = "quiet", .mode = MODE_OBSERVE};
}

static struct order order(const char *source, enum rung rung, enum giver giver)
{
	return (struct order){
		.origin = giver == GIVER_STAFF ? ORIGIN_DESK : ORIGIN_JUDGE,
		.seq = ++last_seq,
		.source = {.network = 0, .prefix = prefix(source)},
		.rung = rung,
		.giver = giver,
		.mode = MODE_ENFORCE,
		.given_at = now,
		.reason = STR("why"),
		.proof = STR("proof"),
	};
}

static struct wish *take(struct wishes *w, const struct order *o)
{
	struct wish *x = NULL;

	assert_int_equal(wishes_take(w, o, now, false, &x), WISH_NEW);
	return x;
}

static struct wish *give(struct wishes *w, const char *source, enum rung rung, enum giver giver)
{
	struct order o = order(source, rung, giver);

	return take(w, &o);
}

static struct wish *ruler(struct wishes *w, const char *source)
{
	struct source_key key = {.network = 0, .prefix = prefix(source)};
	struct held *h = wishes_find_held(w, &key);

	return h == NULL ? NULL : held_ruler(w, h);
}

/* As the gate does when the kernel has taken it. */
static void obey(struct wishes *w)
{
	struct held *h;

	while ((h = wishes_next_touched(w)) != NULL) {
		struct wish *x = held_ruler(w, h);
		h->listed = x != NULL;
		h->rung = x != NULL ? x->order.rung : RUNG_PASS;
		wishes_drop_idle(w, h);
	}
}

static void an_order_holds_for_the_whole_server(void **state)
{
	(void)state;
	struct wishes w;

	assert_int_equal(wishes_init(&w, &policy), 0);
	struct wish *x = give(&w, "192.0.2.20", RUNG_BLOCK, GIVER_JUDGE);
	assert_int_equal(x->target_count, 2);
	assert_ptr_equal(ruler(&w, "2001:db8:0:20::/64"), x);
	obey(&w);
	assert_true(wish_settle(&w, x, now));
	assert_int_equal(x->state, ORDER_INSTALLED);
	/* Released through the other family: by the same giver or a higher one. */
	struct wish *pass = give(&w, "2001:db8:0:20::/64", RUNG_PASS, GIVER_STAFF);
	assert_null(ruler(&w, "192.0.2.20"));
	assert_int_equal(x->state, ORDER_RELEASED);
	assert_int_equal(pass->state, ORDER_WANTED); /* until the kernel has let go */
	assert_false(wish_settle(&w, pass, now));
	obey(&w);
	assert_true(wish_settle(&w, pass, now));
	assert_int_equal(pass->state, ORDER_RELEASED);
	wishes_done(&w);
}

static void the_highest_giver_rules(void **state)
{
	(void)state;
	static const enum giver rising[] = {GIVER_POSTURE, GIVER_JUDGE, GIVER_GRANT, GIVER_FACT,
					    GIVER_STAFF};

	/* In any order of arrival; judge and fact share a place, the newer one counts. */
	for (size_t a = 0; a < COUNT_OF(rising); a++) {
		for (size_t b = 0; b < COUNT_OF(rising); b++) {
			struct wishes w;
			assert_int_equal(wishes_init(&w, &policy), 0);
			struct wish *x = give(&w, "192.0.2.7", RUNG_BLOCK, rising[a]);
			struct wish *y = give(&w, "192.0.2.7", RUNG_WATCH, rising[b]);
			bool one_place = rising[a] == rising[b] ||
					 ((rising[a] == GIVER_JUDGE || rising[a] == GIVER_FACT) &&
					  (rising[b] == GIVER_JUDGE || rising[b] == GIVER_FACT));
			struct wish *want = one_place || rising[b] > rising[a] ? y : x;
			assert_ptr_equal(ruler(&w, "192.0.2.7"), want);
			assert_int_equal(x->over, one_place);
			wishes_done(&w);
		}
	}
}

static void a_lower_giver_releases_nothing_of_a_higher(void **state)
{
	(void)state;
	struct wishes w;

	assert_int_equal(wishes_init(&w, &policy), 0);
	struct wish *staff = give(&w, "192.0.2.7", RUNG_BLOCK, GIVER_STAFF);
	give(&w, "192.0.2.7", RUNG_PASS, GIVER_JUDGE);
	assert_ptr_equal(ruler(&w, "192.0.2.7"), staff);
	/* And staff's release frees from all, also from the decisive fact. */
	struct wish *fact = give(&w, "192.0.2.8", RUNG_BLOCK, GIVER_FACT);
	give(&w, "192.0.2.8", RUNG_PASS, GIVER_STAFF);
	assert_null(ruler(&w, "192.0.2.8"));
	assert_int_equal(fact->state, ORDER_RELEASED);
	/* The judge can block again: a release does not stand. */
	struct wish *again = give(&w, "192.0.2.8", RUNG_BLOCK, GIVER_JUDGE);
	assert_ptr_equal(ruler(&w, "192.0.2.8"), again);
	wishes_done(&w);
}

static void count_ended(void *ctx, struct wish *x)
{
	(void)x;
	(*(size_t *)ctx)++;
}

static void what_has_an_end_stands_until_then(void **state)
{
	(void)state;
	struct wishes w;
	size_t ended = 0;

	assert_int_equal(wishes_init(&w, &policy), 0);
	struct wish *block = give(&w, "192.0.2.7", RUNG_BLOCK, GIVER_JUDGE);
	struct order o = order("192.0.2.7", RUNG_PASS, GIVER_STAFF);
	o.expires_at.ns = now.ns + 10 * NS_PER_S;
	struct wish *exempt = take(&w, &o);
	assert_ptr_equal(ruler(&w, "192.0.2.7"), exempt);
	wishes_expire(&w, (struct wall){o.expires_at.ns - 1}, count_ended, &ended);
	assert_int_equal(ended, 0);
	wishes_expire(&w, o.expires_at, count_ended, &ended);
	assert_int_equal(ended, 1);
	assert_ptr_equal(ruler(&w, "192.0.2.7"), block);
	/* One that has run out before it came never stands. */
	o = order("192.0.2.9", RUNG_BLOCK, GIVER_STAFF);
	o.expires_at.ns = now.ns - 1;
	assert_int_equal(take(&w, &o)->state, ORDER_RELEASED);
	assert_null(ruler(&w, "192.0.2.9"));
	wishes_done(&w);
}

static void some_orders_are_not_obeyed(void **state)
{
	(void)state;
	struct wishes w;
	struct wish *x;

	assert_int_equal(wishes_init(&w, &policy), 0);
	assert_int_equal(give(&w, "192.0.2.1", RUNG_BLOCK, GIVER_STAFF)->state, ORDER_REFUSED);
	assert_int_equal(give(&w, "192.0.2.0/28", RUNG_BLOCK, GIVER_STAFF)->state, ORDER_REFUSED);
	assert_int_equal(give(&w, "192.0.2.1", RUNG_WATCH, GIVER_STAFF)->state, ORDER_WANTED);
	struct order o = order("192.0.2.7", RUNG_BLOCK, GIVER_JUDGE);
	o.mode = MODE_OBSERVE;
	assert_int_equal(take(&w, &o)->state, ORDER_WOULD);
	o = order("192.0.2.7", RUNG_BLOCK, GIVER_JUDGE);
	o.source.network = 1; /* the network observes, whatever the order says */
	assert_int_equal(take(&w, &o)->state, ORDER_WOULD);
	o = order("192.0.2.7", RUNG_BLOCK, GIVER_JUDGE);
	o.source.network = NETWORK_NONE;
	assert_int_equal(take(&w, &o)->state, ORDER_REFUSED);
	o = order("192.0.2.7", RUNG_BLOCK, GIVER_JUDGE);
	assert_int_equal(wishes_take(&w, &o, now, true, &x), WISH_NEW); /* panic */
	assert_int_equal(x->state, ORDER_REFUSED);
	assert_null(ruler(&w, "192.0.2.7"));
	wishes_done(&w);
}

static void a_number_counts_once(void **state)
{
	(void)state;
	struct wishes w;
	struct wish *x;
	struct wish *again;
	struct order o = order("192.0.2.7", RUNG_BLOCK, GIVER_JUDGE);

	assert_int_equal(wishes_init(&w, &policy), 0);
	x = take(&w, &o);
	assert_int_equal(wishes_take(&w, &o, now, false, &again), WISH_KNOWN);
	assert_ptr_equal(x, again);
	struct wish *pass = give(&w, "192.0.2.7", RUNG_PASS, GIVER_JUDGE);
	obey(&w);
	assert_true(wish_settle(&w, pass, now));
	/* Kept until the desk has it and everybody has been told. */
	wish_paid(x, x->owes);
	wishes_commit(&w, x);
	assert_null(wishes_find(&w, ORIGIN_JUDGE, o.seq));
	assert_int_equal(wishes_take(&w, &o, now, false, &again), WISH_OLD);
	assert_non_null(wishes_find(&w, ORIGIN_JUDGE, pass->order.seq));
	wish_paid(pass, pass->owes);
	wishes_commit(&w, pass);
	assert_int_equal(map_count(w.wishes), 0);
	assert_int_equal(map_count(w.held), 0);
	wishes_done(&w);
}

static void the_state_follows_the_kernel(void **state)
{
	(void)state;
	struct wishes w;
	struct source_key key = {.network = 0, .prefix = prefix("192.0.2.7")};

	assert_int_equal(wishes_init(&w, &policy), 0);
	struct wish *x = give(&w, "192.0.2.7", RUNG_BLOCK, GIVER_JUDGE);
	assert_false(wish_settle(&w, x, now));
	assert_int_equal(x->state, ORDER_WANTED);
	obey(&w);
	assert_true(wish_settle(&w, x, now));
	struct wall later = {now.ns + 61 * NS_PER_S};
	assert_true(wish_settle(&w, x, later));
	assert_int_equal(x->state, ORDER_UNPROVED);
	wishes_find_held(&w, &key)->hits_now = 3;
	assert_true(wish_settle(&w, x, later));
	assert_int_equal(x->state, ORDER_PROVED);
	assert_int_equal(wish_report(x).hits, 3);
	assert_false(wish_settle(&w, x, later));
	wishes_find_held(&w, &key)->listed = false; /* panic */
	assert_true(wish_settle(&w, x, later));
	assert_int_equal(x->state, ORDER_WANTED);
	wishes_done(&w);
}

/* Rules that are in place and stop nothing: an alarm, for as long as connections come through. */
static void a_block_without_effect_is_inert(void **state)
{
	(void)state;
	struct wishes w;
	struct source_key key = {.network = 0, .prefix = prefix("192.0.2.20")};
	struct source_key sibling = {.network = 0, .prefix = prefix("2001:db8:0:20::/64")};
	struct wall soon = {now.ns + NS_PER_S / 2};
	struct wall later = {now.ns + 5 * NS_PER_S};
	struct wall much_later = {later.ns + 601 * NS_PER_S};

	assert_int_equal(wishes_init(&w, &policy), 0);
	assert_null(wishes_passed(&w, &key, later)); /* nobody ordered anything */
	struct wish *x = give(&w, "192.0.2.20", RUNG_BLOCK, GIVER_JUDGE);
	assert_false(wish_settle(&w, x, now));
	assert_null(wishes_passed(&w, &key, later)); /* the kernel does not have it yet */
	obey(&w);
	assert_true(wish_settle(&w, x, now));
	assert_null(wishes_passed(&w, &key, soon)); /* was under way */
	assert_int_equal(x->state, ORDER_INSTALLED);
	wishes_find_held(&w, &key)->hits_now = 3;
	assert_ptr_equal(wishes_passed(&w, &sibling, later), x);
	assert_true(wish_settle(&w, x, later));
	assert_int_equal(x->state, ORDER_INERT); /* refused packets or not */
	assert_false(wish_settle(&w, x, later));
	assert_true(wish_settle(&w, x, much_later));
	assert_int_equal(x->state, ORDER_PROVED);
	assert_ptr_equal(wishes_passed(&w, &key, much_later), x);
	assert_true(wish_settle(&w, x, much_later));
	struct wish *pass = give(&w, "192.0.2.20", RUNG_PASS, GIVER_JUDGE);
	obey(&w);
	assert_true(wish_settle(&w, pass, much_later));
	assert_int_equal(pass->state, ORDER_RELEASED);
	assert_int_equal(x->state, ORDER_RELEASED);
	assert_null(wishes_passed(&w, &key, much_later));
	wishes_done(&w);

	/* A throttle lets some through, and so it should. */
	assert_int_equal(wishes_init(&w, &policy), 0);
	x = give(&w, "192.0.2.20", RUNG_THROTTLE, GIVER_JUDGE);
	obey(&w);
	assert_true(wish_settle(&w, x, now));
	assert_null(wishes_passed(&w, &key, later));
	wishes_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_block_without_effect_is_inert),
		cmocka_unit_test(an_order_holds_for_the_whole_server),
		cmocka_unit_test(the_highest_giver_rules),
		cmocka_unit_test(a_lower_giver_releases_nothing_of_a_higher),
		cmocka_unit_test(what_has_an_end_stands_until_then),
		cmocka_unit_test(some_orders_are_not_obeyed),
		cmocka_unit_test(a_number_counts_once),
		cmocka_unit_test(the_state_follows_the_kernel),
	};

	make_policy();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

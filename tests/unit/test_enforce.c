/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_enforce: one suite for all backends. The nft backend runs in a network namespace of its
 * own, as an ordinary user where the kernel lets users have one; else its half is skipped.
 */
#include "enforce/enforce.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/poison.h"

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(str_of(text), &p), 0);
	return p;
}

static const char *interfaces_a[] = {"vlan10", "vlan11"};
static const char *interfaces_b[] = {"vlan20"};
static struct prefix prefixes_a[2];
static struct prefix prefixes_b[1];
static struct network networks[3];
static struct policy policy = {.networks = networks, .network_count = 3};

/* Network 0 and 1 have 10.0.0.0/8 both; 2 is the customers' own. */
static void make_policy(void)
{
	static struct prefix prefixes_c[2];

	prefixes_a[0] = prefix("10.0.0.0/8");
	prefixes_a[1] = prefix("fd00::/32");
	prefixes_b[0] = prefix("10.0.0.0/8");
	prefixes_c[0] = prefix("192.0.2.0/24");
	prefixes_c[1] = prefix("2001:db8::/32");
	networks[0] = (struct network){.name = "a",
				       .prefixes = prefixes_a,
				       .prefix_count = 2,
				       .interfaces = interfaces_a,
				       .interface_count = 2,
				       .ports = {25, 465},
				       .port_count = 2,
				       .feel = FEEL_RESET,
				       .throttle_per_min = 6,
				       .throttle_burst = 3};
	networks[1] = networks[0];
	networks[1].prefixes = prefixes_b;
	networks[1].prefix_count = 1;
	networks[1].interfaces = interfaces_b;
	networks[1].interface_count = 1;
	networks[1].feel = FEEL_DROP;
	networks[2] = networks[0];
	networks[2].prefixes = prefixes_c;
	networks[2].interface_count = 0;
	networks[2].ports[2] = 587;
	networks[2].port_count = 3;
	networks[2].throttle_per_min = 60;
}

static struct source_key source(uint16_t network, const char *text)
{
	return (struct source_key){.network = network, .prefix = prefix(text)};
}

static struct enforce_action list(uint16_t network, const char *text, enum rung rung)
{
	return (struct enforce_action){.source = source(network, text),
				       .listed = true,
				       .rung = rung,
				       .cut = rung == RUNG_BLOCK};
}

static struct enforce_view look(struct enforcer *e, uint16_t network, const char *text)
{
	struct enforce_view v = {.source = source(network, text)};
	struct errmsg err = {.text = ""};

	if (e->ops->read(e, &v, 1, &err) != 0) {
		fail_msg("%s", err.text);
	}
	return v;
}

static bool is_on(struct enforcer *e, uint16_t network, const char *text, enum rung rung)
{
	struct enforce_view v = look(e, network, text);

	return v.listed && v.rung == rung;
}

struct sequence {
	const struct enforce_action *acts;
	size_t n;
	size_t at;
};

static bool next(void *ctx, struct enforce_action *ret)
{
	struct sequence *s = ctx;

	if (s->at == s->n) {
		return false;
	}
	*ret = s->acts[s->at++];
	return true;
}

static void load(struct enforcer *e, const struct enforce_action *acts, size_t n)
{
	struct sequence s = {.acts = acts, .n = n};
	struct errmsg err = {.text = ""};

	if (e->ops->load(e, next, &s, n, &err) != 0) {
		fail_msg("%s", err.text);
	}
}

static int apply(struct enforcer *e, const struct enforce_action *acts, size_t n,
		 enum enforce_applied *ret_each)
{
	struct errmsg err = {.text = ""};
	int r = e->ops->apply(e, acts, n, ret_each, &err);

	assert_true(r == 0 || err.text[0] != '\0');
	return r;
}

static void run_suite(struct enforcer *e)
{
	const struct enforce_action first[] = {
		list(2, "192.0.2.7", RUNG_BLOCK),
		list(2, "2001:db8:5:5::/64", RUNG_BLOCK),
		list(0, "10.0.0.5", RUNG_THROTTLE),
	};
	enum enforce_applied each[4];

	load(e, NULL, 0);
	assert_false(look(e, 2, "192.0.2.7").listed);
	load(e, first, COUNT_OF(first));
	assert_true(is_on(e, 2, "192.0.2.7", RUNG_BLOCK));
	assert_true(is_on(e, 2, "2001:db8:5:5::/64", RUNG_BLOCK));
	assert_true(is_on(e, 0, "10.0.0.5", RUNG_THROTTLE));
	assert_false(look(e, 1, "10.0.0.5").listed);
	assert_false(look(e, 2, "192.0.2.8").listed);

	/* A change, a release and kinds of prefixes that were not there, in one batch. */
	struct enforce_action acts[] = {
		list(2, "192.0.2.7", RUNG_WATCH),
		list(2, "2001:db8:5:5::/64", RUNG_BLOCK),
		list(2, "2001:db8:7::/48", RUNG_DIVERT),
		list(1, "10.0.0.5", RUNG_BLOCK),
	};
	acts[0].was_listed = true;
	acts[0].was = RUNG_BLOCK;
	acts[1].was_listed = true;
	acts[1].was = RUNG_BLOCK;
	acts[1].listed = false;
	acts[1].cut = false;
	assert_int_equal(apply(e, acts, COUNT_OF(acts), each), 0);
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		assert_int_equal(each[i], APPLIED_DONE);
	}
	assert_true(is_on(e, 2, "192.0.2.7", RUNG_WATCH));
	assert_false(look(e, 2, "2001:db8:5:5::/64").listed);
	assert_true(is_on(e, 2, "2001:db8:7::/48", RUNG_THROTTLE));
	assert_true(is_on(e, 0, "10.0.0.5", RUNG_THROTTLE));
	assert_true(is_on(e, 1, "10.0.0.5", RUNG_BLOCK));

	/* What the caller believed about the present is put right. */
	acts[0] = list(2, "192.0.2.7", RUNG_BLOCK); /* listed already, says it is not */
	acts[1] = list(2, "192.0.2.9", RUNG_BLOCK);
	acts[1].was_listed = true; /* the other way round */
	acts[1].was = RUNG_THROTTLE;
	assert_int_equal(apply(e, acts, 2, each), 0);
	assert_true(is_on(e, 2, "192.0.2.7", RUNG_BLOCK));
	assert_true(is_on(e, 2, "192.0.2.9", RUNG_BLOCK));

	/* Loading makes it exactly so: nothing of before is left. */
	load(e, first, 1);
	assert_true(is_on(e, 2, "192.0.2.7", RUNG_BLOCK));
	assert_false(look(e, 0, "10.0.0.5").listed);
	assert_false(look(e, 2, "192.0.2.9").listed);

	enum enforce_drift drift;
	assert_int_equal(e->ops->drift(e, &drift, NULL), 0);
	assert_int_equal(drift, DRIFT_NONE);
	assert_int_equal(e->ops->clear(e, NULL), 0);
	assert_int_equal(e->ops->clear(e, NULL), 0);
}

static void run_full(struct str backend)
{
	struct enforcer e;
	struct enforce_opts opts = {.policy = &policy, .sources_max = 2};
	struct enforce_action acts[] = {
		list(2, "192.0.2.1", RUNG_BLOCK),
		list(2, "192.0.2.2", RUNG_BLOCK),
		list(2, "192.0.2.3", RUNG_BLOCK),
	};
	enum enforce_applied each[COUNT_OF(acts)];

	assert_int_equal(enforce_open(&e, backend, &opts, NULL), 0);
	load(&e, acts, 1);
	assert_int_not_equal(apply(&e, acts + 1, 2, each), 0);
	assert_int_equal(each[1], APPLIED_FULL);
	assert_true(is_on(&e, 2, "192.0.2.1", RUNG_BLOCK));
	assert_false(look(&e, 2, "192.0.2.2").listed); /* all or nothing */
	assert_int_equal(apply(&e, acts + 1, 1, each), 0);
	assert_true(is_on(&e, 2, "192.0.2.2", RUNG_BLOCK));
	assert_int_equal(e.ops->clear(&e, NULL), 0);
	enforce_close(&e);
}

static void run_backend(const char *name, bool no_owner)
{
	struct enforcer e;
	struct enforce_opts opts = {.policy = &policy, .sources_max = 1024, .no_owner = no_owner};
	struct errmsg err = {.text = ""};

	if (enforce_open(&e, str_of(name), &opts, &err) != 0) {
		fail_msg("%s", err.text);
	}
	run_suite(&e);
	enforce_close(&e);
	run_full(str_of(name));
}

static void dry_run_passes_the_suite(void **state)
{
	(void)state;
	run_backend("dry-run", false);
}

static bool own_namespace(void)
{
	return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

static void nft_passes_the_suite(void **state)
{
	(void)state;
	if (!own_namespace()) {
		skip();
	}
	run_backend("nft", false);
	run_backend("nft", true);
}

/* Another gate must not take over what a living one holds. */
static void nft_table_has_one_owner(void **state)
{
	(void)state;
	struct enforcer a;
	struct enforcer b;
	struct enforce_opts opts = {.policy = &policy, .sources_max = 16};
	struct enforce_action act = list(2, "192.0.2.1", RUNG_BLOCK);
	struct sequence s = {.acts = &act, .n = 1};
	struct errmsg err = {.text = ""};

	if (!own_namespace()) {
		skip();
	}
	assert_int_equal(enforce_open(&a, STR("nft"), &opts, NULL), 0);
	assert_int_equal(enforce_open(&b, STR("nft"), &opts, NULL), 0);
	load(&a, &act, 1);
	int r = b.ops->load(&b, next, &s, 1, &err);
	if (r == 0) {
		skip(); /* this kernel has no owned tables */
	}
	assert_int_equal(r, -EBUSY);
	enforce_close(&a); /* the table stays, without an owner */
	assert_true(is_on(&b, 2, "192.0.2.1", RUNG_BLOCK));
	s.at = 0;
	assert_int_equal(b.ops->load(&b, next, &s, 1, NULL), 0);
	enforce_close(&b);
}

static void bad_sources_are_refused(void **state)
{
	(void)state;
	struct enforcer e;
	struct enforce_opts opts = {.policy = &policy, .sources_max = 16};
	struct enforce_action act = list(7, "192.0.2.1", RUNG_BLOCK);
	enum enforce_applied each;

	if (!own_namespace()) {
		skip();
	}
	assert_int_equal(enforce_open(&e, STR("nft"), &opts, NULL), 0);
	load(&e, NULL, 0);
	assert_int_equal(apply(&e, &act, 1, &each), -EINVAL);
	assert_int_equal(each, APPLIED_REFUSED);
	act = list(2, "0.0.0.0/0", RUNG_BLOCK);
	assert_int_equal(apply(&e, &act, 1, &each), -EINVAL);
	enforce_close(&e);
}

static void backends_are_complete(void **state)
{
	(void)state;
	struct enforcer e;
	struct enforce_opts opts = {.policy = &policy};

	for (size_t i = 0; enforce_name(i) != NULL; i++) {
		const struct enforce_ops *o = enforce_find(str_of(enforce_name(i)));
		assert_non_null(o);
		assert_true(o->open && o->load && o->apply && o->read && o->drift && o->clear &&
			    o->close);
	}
	assert_int_equal(enforce_open(&e, STR("iptables"), &opts, NULL), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backends_are_complete),
		cmocka_unit_test(dry_run_passes_the_suite),
		cmocka_unit_test(nft_passes_the_suite),
		cmocka_unit_test(nft_table_has_one_owner),
		cmocka_unit_test(bad_sources_are_refused),
	};

	make_policy();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

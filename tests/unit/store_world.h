/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_world: a store in memory for each test, and a case to put into it.
 */
#ifndef TESTS_UNIT_STORE_WORLD_H
#define TESTS_UNIT_STORE_WORLD_H

#include "store/cases.h"
#include "store/store.h"

#define S(n) ((struct wall){(n)*NS_PER_S})

struct fixture {
	struct store *st;
	struct arena *a;
	struct errmsg err;
};

static int set_up(void **state)
{
	static struct fixture f;

	f = (struct fixture){0};
	f.a = arena_new((size_t)1 << 20);
	*state = &f;
	return f.a == NULL ? -1 : store_open(NULL, &f.st, &f.err);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->st);
	arena_free(f->a);
	return 0;
}

static struct case_row a_case(const char *source, const char *holder)
{
	return (struct case_row){
		.network = STR("customers"),
		.source = str_of(source),
		.holder = str_of(holder),
		.tenant = STR("b"),
		.server = STR("b1"),
		.state = CASE_OPEN,
		.rung = RUNG_BLOCK,
		.mode = MODE_ENFORCE,
		.verdict = VERDICT_ABUSED,
		.giver = GIVER_JUDGE,
		.order_seq = 7,
		.reason = STR("content and recipients"),
		.opened_at = S(100),
		.updated_at = S(100),
		.blocked_at = S(100),
		.allowed_at = S(3700),
		.unblock = UNBLOCK_CHECKED,
		.blocks = 1,
	};
}

struct seen {
	uint64_t ids[64];
	size_t n;
};

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_sources: sources, and the orders that staff give. Layer: daemon.
 */
#include "daemon/desk/api_call.h"

#include "base/num.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

/* A page of a source shows this many of its orders; /orders has all. */
#define SOURCE_ORDERS 20

static void list_source(const struct source_row *s, void *ctx)
{
	struct call *c = ctx;

	jsonw_object(&c->w, NULL);
	put_source(&c->w, s);
	jsonw_object_end(&c->w);
}

/* A word of a closed list in the query; -1 when it is not there. @return false: said. */
static bool query_word(struct call *c, const char *name, int (*find)(struct str), int *ret)
{
	struct str text = call_query(c, name);

	*ret = text.ptr != NULL ? find(text) : -1;
	if (text.ptr != NULL && *ret < 0) {
		call_problem(c, 422, "there is no %s '%.*s'", name, STR_ARG(str_head(text, 32)));
		return false;
	}
	return true;
}

void sources_get_list(struct call *c)
{
	struct source_filter filter = {
		.network = call_query(c, "network"),
		.tenant = c->actor.role == ACTOR_OWNER ? c->actor.tenant : call_query(c, "tenant"),
		.prefix = call_query(c, "prefix"),
	};
	struct page page;
	struct page_end end = {.cursor = ""};
	struct errmsg err;

	if (!call_page(c, &page) || !query_word(c, "verdict", verdict_find, &filter.verdict) ||
	    !query_word(c, "rung", rung_find, &filter.rung)) {
		return;
	}
	call_list(c);
	int r = sources_list(call_store(c), &filter, &page, list_source, c, &end, &err);
	call_list_end(c, r, &end, &err);
}

static void list_order(const struct order_row *o, void *ctx)
{
	struct call *c = ctx;

	jsonw_object(&c->w, NULL);
	put_order(&c->w, o);
	jsonw_object_end(&c->w);
}

static void put_open_case(const struct case_row *row, void *ctx)
{
	uint64_t *id = ctx;

	if (*id == 0) {
		*id = row->id;
	}
}

static bool is_owner_of(const struct call *c, struct str tenant)
{
	return c->actor.role != ACTOR_OWNER || str_is_equal(tenant, c->actor.tenant);
}

/* Where a source is on the ladder when the judge has not said anything of it yet. */
static struct source_row unseen_source(struct call *c, struct str network,
				       const struct source_key *key)
{
	const struct policy *p = desk_policy(c->api->o.desk);
	const struct server *s = policy_find_server(p, &key->prefix);
	char *text = arena_alloc(c->arena, ADDR_TEXT_SIZE);

	if (text != NULL) {
		source_format(key, text);
	}
	return (struct source_row){
		.network = network,
		.source = str_of(text),
		.tenant = s != NULL ? str_of(p->tenants[s->tenant].name) : STR_EMPTY,
		.server = s != NULL ? str_of(s->name) : STR_EMPTY,
		.verdict = VERDICT_UNKNOWN,
		.rung = RUNG_PASS,
	};
}

static int put_whole_source(struct call *c, const struct source_row *s, struct errmsg *err)
{
	const struct order_filter orders = {.source = s->source, .network = s->network};
	const struct case_filter cases = {
		.open_only = true, .state = -1, .source = s->source, .network = s->network};
	const struct page page = {.limit = SOURCE_ORDERS};
	struct page_end end;
	uint64_t case_id = 0;

	put_source(&c->w, s);
	put_proof(&c->w, s->proof);
	int r = cases_list(call_store(c), &cases, &page, put_open_case, &case_id, &end, err);
	put_id(&c->w, "case", case_id);
	if (r == 0) {
		jsonw_array(&c->w, "orders");
		r = c->actor.role == ACTOR_OWNER
			    ? 0
			    : orders_list(call_store(c), &orders, &page, list_order, c, &end, err);
		jsonw_array_end(&c->w);
	}
	return r;
}

/* The source in the path: seen by the judge, ordered by staff, or at least in a network of ours. */
void sources_get_one(struct call *c)
{
	struct desk *d = c->api->o.desk;
	const struct policy *p = desk_policy(d);
	struct str network = call_query(c, "network");
	struct source_key key;
	struct source_row row;
	struct errmsg err;
	char text[ADDR_TEXT_SIZE];

	int r = desk_source_parse(d, network, c->args[0], &key, &err);
	if (r == 0 && network.ptr == NULL && key.network < p->network_count) {
		network = str_of(p->networks[key.network].name);
	}
	if (r == 0) {
		r = sources_get(call_store(c), network, str_of(source_format(&key, text)), c->arena,
				&row, &err);
		if (r == -ENOENT && key.network < p->network_count) {
			row = unseen_source(c, network, &key);
			r = 0;
		}
	}
	if (r == 0 && !is_owner_of(c, row.tenant)) {
		r = err_set(&err, -ENOENT, "there is no such source");
	}
	if (r < 0) {
		call_fail(c, r, &err);
		return;
	}
	jsonw_object(&c->w, NULL);
	r = put_whole_source(c, &row, &err);
	jsonw_object_end(&c->w);
	if (r < 0) {
		call_fail(c, r, &err);
	}
}

void orders_get_list(struct call *c)
{
	struct order_filter filter = {.source = call_query(c, "source"),
				      .network = call_query(c, "network")};
	struct str case_text = call_query(c, "case");
	struct page page;
	struct page_end end = {.cursor = ""};
	struct errmsg err;

	if (!call_page(c, &page)) {
		return;
	}
	if (case_text.ptr != NULL && num_parse_u64(case_text, INT64_MAX, &filter.case_id) < 0) {
		call_problem(c, 422, "case is an id");
		return;
	}
	call_list(c);
	int r = orders_list(call_store(c), &filter, &page, list_order, c, &end, &err);
	call_list_end(c, r, &end, &err);
}

void orders_get_one(struct call *c)
{
	struct order_row row;
	struct errmsg err;
	uint64_t id;

	if (!call_id(c, 0, &id)) {
		return;
	}
	int r = orders_get_by_id(call_store(c), id, c->arena, &row, &err);
	if (r == -ENOENT) {
		call_problem(c, 404, "there is no order %llu", (unsigned long long)id);
	} else if (r < 0) {
		call_fail(c, r, &err);
	} else {
		list_order(&row, c);
	}
}

/* What the body asks for. @return false: said. */
static bool read_wish(struct call *c, struct desk_wish *ret)
{
	struct str expires = call_text(c, "expires_at");
	struct str rung = call_text(c, "rung");
	struct errmsg err;

	*ret = (struct desk_wish){.reason = call_text(c, "reason"), .dry_run = c->dry_run};
	/* "unblock" is no rung but a release: whatever holds the source is taken back. */
	ret->release = jsonr_bool(jsonr_get(c->body, "release"));
	int found = ret->release && rung.ptr == NULL ? RUNG_PASS : rung_find(rung);
	if (found < 0) {
		call_problem(c, 422, "rung is pass, watch, throttle, divert or block");
		return false;
	}
	if (ret->release && found != RUNG_PASS) {
		call_problem(c, 422, "release goes with the rung pass only");
		return false;
	}
	ret->rung = (enum rung)found;
	if (expires.ptr != NULL && wall_parse(expires, &ret->expires_at) < 0) {
		call_problem(c, 422, "expires_at is a time such as 2026-11-21T16:47:01Z");
		return false;
	}
	int r = desk_source_parse(c->api->o.desk, call_text(c, "network"), call_text(c, "source"),
				  &ret->source, &err);
	if (r < 0) {
		call_fail(c, r, &err);
	}
	return r == 0;
}

void orders_post(struct call *c)
{
	struct desk_wish wish;
	struct order_row row;
	struct errmsg err;

	if (!read_wish(c, &wish)) {
		return;
	}
	int r = desk_order_give(c->api->o.desk, &wish, &c->actor, c->arena, &row, &err);
	if (r < 0) {
		call_fail(c, r, &err);
		return;
	}
	c->status = c->dry_run ? 200 : 201;
	list_order(&row, c);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: what no setting can tell alone: names and sources that are there twice, sources that
 * reach into each other, and settings that this version falls back from. Layer: conf.
 */
#include "conf/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

/* One prefix of a server, and where it stands. */
struct claim {
	struct prefix prefix;
	uint32_t tenant;
	uint32_t server;
	struct conf_place at;
};

struct named {
	const char *name;
	struct conf_place at;
};

static bool is_row(const struct conf_mark *m, const struct conf_map *map, const char *key)
{
	return m->row == conf_find_row(map, str_of(key));
}

static int by_name(const void *a, const void *b)
{
	const struct named *x = a;
	const struct named *y = b;

	return strcmp(x->name, y->name);
}

static const char *name_of(const struct conf_loader *l, const struct conf_map *map,
			   const struct conf_mark *m)
{
	const struct policy *p = l->policy;

	if (map == &conf_network_map) {
		return m->index[0] < p->network_count ? p->networks[m->index[0]].name : NULL;
	}
	if (map == &conf_list_map) {
		return m->index[0] < p->list_count ? p->lists[m->index[0]].name : NULL;
	}
	if (m->index[0] >= p->tenant_count) {
		return NULL;
	}
	const struct tenant *t = &p->tenants[m->index[0]];
	if (map == &conf_tenant_map) {
		return t->name;
	}
	return m->index[1] < t->server_count ? t->servers[m->index[1]].name : NULL;
}

/* The store keeps names, so a name means one thing. */
static void check_names(struct conf_loader *l, const struct conf_map *map)
{
	struct named *all = calloc(l->mark_count + 1, sizeof(*all));
	size_t n = 0;

	if (all == NULL) {
		conf_error(l->report, (struct conf_place){0}, "out of memory");
		return;
	}
	for (size_t i = 0; i < l->mark_count; i++) {
		const struct conf_mark *m = &l->marks[i];
		const char *name = is_row(m, map, "name") ? name_of(l, map, m) : NULL;
		if (name != NULL) {
			all[n++] = (struct named){name, m->at};
		}
	}
	qsort(all, n, sizeof(*all), by_name);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(all[i - 1].name, all[i].name) == 0) {
			conf_error(l->report, all[i].at,
				   "the name '%s' is taken by another %s at %s:%u:%u", all[i].name,
				   map->what, all[i - 1].at.file, all[i - 1].at.line,
				   all[i - 1].at.column);
		}
	}
	free(all);
}

static int by_prefix(const void *a, const void *b)
{
	const struct claim *x = a;
	const struct claim *y = b;
	int r = memcmp(&x->prefix, &y->prefix, sizeof(x->prefix));

	if (r != 0) {
		return r;
	}
	return x->at.line < y->at.line ? -1 : x->at.line > y->at.line ? 1 : 0;
}

/*
 * A source is never smaller than its network's v6_source: a longer prefix stands for the source
 * that holds it.
 */
static void widen(const struct policy *p, struct prefix *s)
{
	uint16_t network = policy_find_network(p, &s->addr);
	unsigned v6_len = network == NETWORK_NONE ? 64 : p->networks[network].v6_source_len;

	if (s->addr.family == 6 && s->len > v6_len) {
		*s = prefix_of(&s->addr, v6_len);
	}
}

/* A missing name has been said already. */
static const char *shown(const char *name)
{
	return name != NULL ? name : "?";
}

static void say_doubled(struct conf_loader *l, const struct claim *a, const struct claim *b)
{
	char text[ADDR_TEXT_SIZE];
	const struct tenant *ta = &l->policy->tenants[a->tenant];
	const struct tenant *tb = &l->policy->tenants[b->tenant];

	prefix_format(&a->prefix, text);
	if (a->tenant == b->tenant && a->server == b->server) {
		conf_warn(l->report, b->at, "the source %s is here twice; first at %s:%u:%u", text,
			  a->at.file, a->at.line, a->at.column);
	} else if (a->tenant == b->tenant) {
		conf_warn(l->report, b->at,
			  "the source %s belongs to server '%s' at %s:%u:%u already: an order "
			  "for it holds for that one only",
			  text, shown(ta->servers[a->server].name), a->at.file, a->at.line,
			  a->at.column);
	} else {
		conf_error(l->report, b->at,
			   "the source %s of tenant '%s' belongs to tenant '%s' at %s:%u:%u", text,
			   shown(tb->name), shown(ta->name), a->at.file, a->at.line, a->at.column);
	}
}

/* The claims, widened; NULL without memory. */
static struct claim *collect_claims(struct conf_loader *l, size_t *ret_count)
{
	struct claim *all = calloc(l->mark_count + 1, sizeof(*all));
	struct policy *p = l->policy;
	size_t n = 0;

	for (size_t i = 0; all != NULL && i < l->mark_count; i++) {
		const struct conf_mark *m = &l->marks[i];
		if (!is_row(m, &conf_server_map, "sources") || m->index[0] >= p->tenant_count ||
		    m->index[1] >= p->tenants[m->index[0]].server_count) {
			continue;
		}
		struct server *s = &p->tenants[m->index[0]].servers[m->index[1]];
		if (m->index[2] >= s->source_count) {
			continue;
		}
		struct prefix *source = &s->sources[m->index[2]];
		if (p->network_count > 0 && policy_find_network(p, &source->addr) == NETWORK_NONE) {
			char text[ADDR_TEXT_SIZE];
			conf_warn(l->report, m->at, "the source %s lies in no network",
				  prefix_format(source, text));
		}
		widen(p, source);
		all[n++] = (struct claim){*source, m->index[0], m->index[1], m->at};
	}
	*ret_count = n;
	return all;
}

static void check_sources(struct conf_loader *l)
{
	size_t n = 0;
	struct claim *all = collect_claims(l, &n);

	if (all == NULL) {
		conf_error(l->report, (struct conf_place){0}, "out of memory");
		return;
	}
	qsort(all, n, sizeof(*all), by_prefix);
	for (size_t i = 1; i < n; i++) {
		if (prefix_is_equal(&all[i - 1].prefix, &all[i].prefix)) {
			say_doubled(l, &all[i - 1], &all[i]);
		}
	}
	free(all);
}

/* Never silent: what a network asks for and does not get, and what it gets instead. */
static void fall_back(struct conf_loader *l, const struct conf_mark *m)
{
	struct network *n = m->index[0] < l->policy->network_count
				    ? &l->policy->networks[m->index[0]]
				    : NULL;
	if (n == NULL) {
		return;
	}
	if (is_row(m, &conf_network_map, "feel") && n->feel == FEEL_ANSWER) {
		conf_warn(l->report, m->at,
			  "this version has no responder for 'answer'; '%s' uses 'reset'",
			  shown(n->name));
		n->feel = FEEL_RESET;
	}
	if (is_row(m, &conf_network_map, "posture") &&
	    (n->posture == POSTURE_RELAY || n->posture == POSTURE_CLOSED)) {
		conf_warn(l->report, m->at,
			  "this version has no %s for '%s'; '%s' uses 'open': mail passes and is "
			  "watched",
			  n->posture == POSTURE_RELAY ? "relay" : "grants",
			  posture_name(n->posture), shown(n->name));
		n->posture = POSTURE_OPEN;
	}
}

static void check_opinions(struct conf_loader *l)
{
	const struct policy *p = l->policy;
	struct conf_place first[OPINION_KIND_COUNT] = {{0}};

	for (size_t i = 0; i < l->mark_count; i++) {
		const struct conf_mark *m = &l->marks[i];
		if (!is_row(m, &conf_opinion_map, "kind") || m->index[0] >= p->opinion_count) {
			continue;
		}
		enum opinion_kind kind = p->opinions[m->index[0]].kind;
		if (first[kind].file != NULL) {
			conf_error(l->report, m->at, "a second %s; first at %s:%u:%u",
				   opinion_kind_name(kind), first[kind].file, first[kind].line,
				   first[kind].column);
		}
		first[kind] = m->at;
	}
}

/* The judge knows lists by their place only. */
static void take_lists(struct conf_loader *l)
{
	struct policy *p = l->policy;

	if (p->list_count > LISTS_MAX) {
		conf_error(l->report, (struct conf_place){0}, "more than %d lists", LISTS_MAX);
		return;
	}
	for (size_t i = 0; i < p->list_count; i++) {
		p->decision.lists[i] = (struct list_rule){.nats_micro = p->lists[i].nats_micro,
							  .most_micro = p->lists[i].most_micro};
	}
}

void conf_check(struct conf_loader *l)
{
	struct policy *p = l->policy;

	for (size_t t = 0; t < p->tenant_count; t++) {
		for (size_t s = 0; s < p->tenants[t].server_count; s++) {
			p->tenants[t].servers[s].tenant = (uint32_t)t;
		}
	}
	check_names(l, &conf_network_map);
	check_names(l, &conf_tenant_map);
	check_names(l, &conf_server_map);
	check_names(l, &conf_list_map);
	take_lists(l);
	check_opinions(l);
	if (p->network_count > NETWORKS_MAX) {
		conf_error(l->report, (struct conf_place){0}, "more than %d networks",
			   NETWORKS_MAX);
	}
	for (size_t i = 0; i < l->mark_count; i++) {
		fall_back(l, &l->marks[i]);
	}
	check_sources(l);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk: its life, and the small things that all its parts need. Layer: daemon.
 */
#include "daemon/desk/desk.h"

#include "base/assert.h"
#include "daemon/desk/desk_impl.h"
#include "daemon/desk/mailer.h"
#include "sys/loop.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define STATS_MAX ((size_t)64 << 10)
#define TELL_MAX 2048
#define HOUSE_EVERY_NS (60 * NS_PER_S)

struct wall desk_now(const struct desk *d)
{
	return d->opts.now != NULL ? d->opts.now(d->opts.ctx) : wall_now();
}

int desk_new(const struct desk_opts *o, struct desk **ret, struct errmsg *reterr)
{
	struct desk *d = calloc(1, sizeof(*d));
	int r;

	if (d == NULL) {
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	d->opts = *o;
	d->policy = o->policy;
	buf_init(&d->sources, SOURCES_BYTES_MAX);
	buf_init(&d->samples, SAMPLES_BYTES_MAX);
	buf_init(&d->reports, REPORTS_BYTES_MAX);
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		buf_init(&d->stats[i], STATS_MAX);
	}
	r = store_open(o->store_dir, &d->store, reterr);
	if (r == 0) {
		r = mailer_new(d, o->template_dir, &d->mailer, reterr);
	}
	if (r < 0) {
		desk_free(d);
		return r;
	}
	*ret = d;
	return 0;
}

void desk_free(struct desk *d)
{
	if (d == NULL) {
		return;
	}
	mailer_free(d->mailer);
	if (d->store != NULL) {
		desk_sources_flush(d);
		desk_reports_flush(d);
	}
	store_close(d->store);
	buf_done(&d->sources);
	buf_done(&d->samples);
	buf_done(&d->reports);
	for (size_t i = 0; i < PROCESS_COUNT; i++) {
		buf_done(&d->stats[i]);
	}
	free(d);
}

struct store *desk_store(struct desk *d)
{
	return d->store;
}

const struct policy *desk_policy(const struct desk *d)
{
	return d->policy;
}

struct desk_peer desk_peer_get(const struct desk *d, int process)
{
	ASSERT(process >= 0 && process < PROCESS_COUNT);
	return d->peers[process];
}

void desk_health_get(const struct desk *d, struct desk_health *ret)
{
	uint64_t last = 0;

	*ret = d->health;
	if (orders_last_seq(d->store, ORIGIN_DESK, &last, NULL) == 0 && last > d->gate_has) {
		ret->orders_waiting = last - d->gate_has;
	}
}

void desk_listen(struct desk *d, desk_event_fn *fn, void *ctx)
{
	d->listener = fn;
	d->listener_ctx = ctx;
}

int desk_store_said(struct desk *d, int r, const struct errmsg *err)
{
	if (r < 0) {
		(void)str_copy(d->health.store_trouble, sizeof(d->health.store_trouble),
			       str_of(err->text));
	} else {
		d->health.store_trouble[0] = '\0';
	}
	return r;
}

/* ---- names ---- */

const struct tenant *desk_find_tenant(const struct desk *d, struct str name)
{
	for (size_t i = 0; name.ptr != NULL && i < d->policy->tenant_count; i++) {
		if (str_is_equal(str_of(d->policy->tenants[i].name), name)) {
			return &d->policy->tenants[i];
		}
	}
	return NULL;
}

void desk_owner_of(const struct desk *d, const struct source_key *k, struct owner_of *ret)
{
	const struct server *server = policy_find_server(d->policy, &k->prefix);

	*ret = (struct owner_of){0};
	ret->source = str_of(source_format(k, ret->source_text));
	ret->holder = ret->source;
	if (k->network < d->policy->network_count) {
		ret->network = str_of(d->policy->networks[k->network].name);
	}
	if (server != NULL) {
		ret->contacts = &d->policy->tenants[server->tenant];
		ret->tenant = str_of(ret->contacts->name);
		ret->server = str_of(server->name);
		(void)snprintf(ret->holder_text, sizeof(ret->holder_text), "%s/%s",
			       ret->contacts->name, server->name);
		ret->holder = str_of(ret->holder_text);
	}
}

static int find_network(const struct desk *d, struct str name, uint16_t *ret)
{
	for (size_t i = 0; i < d->policy->network_count; i++) {
		if (str_is_equal(str_of(d->policy->networks[i].name), name)) {
			*ret = (uint16_t)i;
			return 0;
		}
	}
	return -ENOENT;
}

int desk_stored_key(const struct desk *d, struct str network, struct str source,
		    struct source_key *ret)
{
	struct source_key k = {.network = NETWORK_NONE};
	int r = prefix_parse(source, &k.prefix);

	if (r == 0 && network.len > 0) {
		r = find_network(d, network, &k.network);
	}
	if (r == 0) {
		*ret = k;
	}
	return r;
}

int desk_source_parse(const struct desk *d, struct str network, struct str text,
		      struct source_key *ret, struct errmsg *reterr)
{
	struct prefix p;
	uint16_t n = NETWORK_NONE;

	if (prefix_parse(text, &p) < 0) {
		return err_set(reterr, -EINVAL, "'%.*s' is not an address or prefix",
			       STR_ARG(str_head(text, 64)));
	}
	if (network.len > 0) {
		if (find_network(d, network, &n) < 0) {
			return err_set(reterr, -ENOENT, "no network '%.*s'",
				       STR_ARG(str_head(network, 64)));
		}
	} else {
		n = policy_find_network(d->policy, &p.addr);
		if (n == NETWORK_NONE) {
			return err_set(reterr, -ENOENT, "'%.*s' is in none of the networks",
				       STR_ARG(text));
		}
	}
	unsigned whole = addr_bits(&p.addr);
	if (p.len == whole) { /* one address: the source that it belongs to */
		*ret = source_of(n, &p.addr, d->policy->networks[n].v6_source_len);
	} else {
		*ret = (struct source_key){.network = n, .prefix = p};
	}
	return 0;
}

void desk_case_link(const struct desk *d, uint64_t case_id, char ret[static DESK_LINK_SIZE])
{
	char key[STORE_LINK_SIZE];
	const char *portal = d->policy->notice_portal;

	store_case_link(d->store, case_id, key);
	(void)snprintf(ret, DESK_LINK_SIZE, "%s/case/%llu?key=%s", portal != NULL ? portal : "",
		       (unsigned long long)case_id, key);
}

/* ---- who ---- */

bool desk_may_see(const struct actor *who, const struct case_row *c)
{
	switch (who->role) {
	case ACTOR_STAFF:
	case ACTOR_OBSERVER:
		return true;
	case ACTOR_OWNER:
		/* A suspect's case is for staff only. */
		return !c->staff_only && c->tenant.ptr != NULL &&
		       str_is_equal(c->tenant, who->tenant);
	case ACTOR_LINK:
	case ACTOR_REPORT:
		return c->id == who->case_id;
	}
	return false;
}

char *actor_format(const struct actor *who, char ret_text[static ACTOR_TEXT_SIZE])
{
	static const char *const roles[] = {"staff", "observer", "owner", "link", "doctor"};
	struct str name = str_head(who->name, 64);

	ASSERT((unsigned)who->role < COUNT_OF(roles));
	if (name.len == 0) {
		(void)snprintf(ret_text, ACTOR_TEXT_SIZE, "%s", roles[who->role]);
	} else {
		(void)snprintf(ret_text, ACTOR_TEXT_SIZE, "%s:%.*s", roles[who->role],
			       STR_ARG(name));
	}
	return ret_text;
}

/* ---- telling ---- */

int desk_tell(struct desk *d, uint64_t case_id, const char *who, const char *what,
	      struct errmsg *reterr, const char *fmt, ...)
{
	char text[TELL_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	const struct story_row row = {
		.case_id = case_id,
		.at = desk_now(d),
		.who = str_of(who),
		.what = str_of(what),
		.text = str_of(text),
	};
	return cases_add_story(d->store, &row, reterr);
}

void desk_event(struct desk *d, const char *what, struct str network, struct str source,
		const char *fmt, ...)
{
	char text[EVENT_TEXT_MAX];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	const struct event_row e = {
		.at = desk_now(d),
		.what = str_of(what),
		.network = network,
		.source = source,
		.text = str_of(text),
	};
	struct errmsg err;
	(void)desk_store_said(d, events_add(d->store, &e, &err), &err);
	if (d->listener != NULL) {
		d->listener(&e, d->listener_ctx);
	}
}

int desk_audit_add(struct desk *d, const struct actor *who, const char *action, struct str object,
		   struct str detail, struct errmsg *reterr)
{
	char name[ACTOR_TEXT_SIZE];
	const struct audit_row row = {
		.at = desk_now(d),
		.who = str_of(actor_format(who, name)),
		.action = str_of(action),
		.object = object,
		.detail = detail,
		.remote = who->remote,
	};
	return audit_add(d->store, &row, reterr);
}

int desk_audit(struct desk *d, const struct actor *who, const char *action, struct str object,
	       struct errmsg *reterr)
{
	return desk_audit_add(d, who, action, object, STR_EMPTY, reterr);
}

int desk_first_token(struct desk *d, char ret_text[static TOKEN_TEXT_SIZE], struct errmsg *reterr)
{
	const struct token_row t = {
		.kind = TOKEN_FIRST,
		.role = ROLE_STAFF,
		.name = STR("first login"),
		.created_at = desk_now(d),
	};
	uint64_t made = 0;
	uint64_t id = 0;
	int r = store_begin(d->store, reterr);

	if (r < 0) {
		return r;
	}
	r = store_get_number(d->store, "first_token", &made, reterr);
	if (r == 0 && made == 0) {
		r = tokens_add(d->store, &t, ret_text, &id, reterr);
		if (r == 0) {
			r = store_set_number(d->store, "first_token", id, reterr);
		}
	}
	r = store_end(d->store, r, reterr);
	return r < 0 ? r : made == 0;
}

void desk_send(struct desk *d, enum process to, uint32_t type, const void *body, int len)
{
	if (len >= 0 && d->opts.send != NULL) {
		d->opts.send(d->opts.ctx, (int)to, type, (struct str){body, (size_t)len});
	}
}

/* ---- time ---- */

static void keep_house(struct desk *d, struct wall now)
{
	const struct store_retention keep = {
		.samples_s = d->policy->keep_samples_s,
		.events_s = d->policy->keep_events_s,
		.audit_s = d->policy->keep_audit_s,
	};
	struct errmsg err;

	d->house_kept_at = now;
	(void)desk_store_said(d, store_keep_house(d->store, now, &keep, &err), &err);
}

void desk_tick(struct desk *d)
{
	struct wall now = desk_now(d);
	struct errmsg err;

	desk_samples_retry(d);
	desk_sources_flush(d);
	desk_reports_flush(d);
	(void)desk_store_said(d, events_flush(d->store, &err), &err);
	desk_cases_tick(d);
	mailer_tick(d->mailer);
	desk_orders_tick(d);
	if (now.ns - d->house_kept_at.ns >= HOUSE_EVERY_NS) {
		keep_house(d, now);
	}
}

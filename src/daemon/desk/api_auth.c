/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_auth: who is it? The local socket (root, group postern), a bearer token, the panel's cookie,
 * or the link of a notice. Layer: daemon.
 *
 * The cookie is for browsers, which send it by themselves: whoever changes something with it also
 * sends a header that a page of another site does not know (X-CSRF-Token).
 */
#include "daemon/desk/api_call.h"

#include "base/num.h"
#include "store/box.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

static void local_actor(struct call *c)
{
	char *name = arena_alloc(c->arena, 32);

	if (name != NULL && c->rq->uid == 0) {
		str_copy(name, 32, STR("root"));
	} else if (name != NULL) {
		snprintf(name, 32, "uid %u", c->rq->uid);
	}
	c->actor = (struct actor){.role = ACTOR_STAFF, .name = str_of(name)};
	c->has_actor = true;
}

/* @return 0; -ENOENT; or a failure of the store. */
static int token_actor(struct call *c, struct str text, enum token_kind *ret_kind,
		       struct token_row *ret_row, struct errmsg *err)
{
	int r = tokens_find(call_store(c), text, wall_now(), c->arena, ret_row, err);

	if (r < 0) {
		return r;
	}
	*ret_kind = ret_row->kind;
	c->actor = (struct actor){
		.role = ret_row->role == ROLE_STAFF      ? ACTOR_STAFF
			: ret_row->role == ROLE_OBSERVER ? ACTOR_OBSERVER
							 : ACTOR_OWNER,
		.name = ret_row->name,
		.tenant = ret_row->tenant,
		.remote = arena_copy(c->arena, str_of(c->rq->remote)),
	};
	c->has_actor = true;
	return 0;
}

/* "ID:KEY", as it stands in the link of a notice. */
static int link_actor(struct call *c, struct str text)
{
	struct str id_text = str_take_until(&text, ':');
	uint64_t id;

	if (num_parse_u64(id_text, INT64_MAX, &id) < 0 || id == 0 ||
	    !store_is_case_link(call_store(c), id, text)) {
		return -ENOENT;
	}
	c->actor = (struct actor){
		.role = ACTOR_LINK,
		.name = STR("link"),
		.case_id = id,
		.remote = arena_copy(c->arena, str_of(c->rq->remote)),
	};
	c->has_actor = true;
	return 0;
}

/* The token of a notice: good for one report about its case. */
static int report_actor(struct call *c, struct str text, struct errmsg *err)
{
	int r = desk_report_token(c->api->o.desk, text, &c->actor, err);

	if (r == 0) {
		char *name = arena_alloc(c->arena, 40);
		if (name != NULL) {
			snprintf(name, 40, "notice %llu", (unsigned long long)c->actor.notice_id);
		}
		c->actor.name = str_of(name);
		c->actor.remote = arena_copy(c->arena, str_of(c->rq->remote));
		c->has_actor = true;
	} else if (r == -ENOENT) {
		c->api->reports_refused++;
	}
	return r;
}

static bool say_who(struct call *c, int r, const struct errmsg *err)
{
	if (r == -ENOENT) {
		http_add_header(c->rq, "WWW-Authenticate", "Bearer realm=\"postern\"");
		call_problem(c, 401, "this token is unknown, revoked or over");
		return false;
	}
	if (r < 0) {
		call_fail(c, r, err);
		return false;
	}
	return true;
}

/* The peer; of a proxy on this machine whom it names last, which is who came to it. Family 0: a
 * program on this machine, or a proxy that does not say. */
static struct addr client_of(const struct call *c)
{
	struct str named = http_header(c->rq, "X-Forwarded-For");
	struct addr client = {.family = 0};
	struct str peer = str_of(c->rq->remote);

	if (peer.len > 0 && !str_has_prefix(peer, STR("127.")) && !str_is_equal(peer, STR("::1"))) {
		return addr_parse(peer, &client) < 0 ? (struct addr){.family = 0} : client;
	}
	while (named.len > 0) {
		struct str last = str_trim(str_take_until(&named, ','));
		client = addr_parse(last, &client) < 0 ? (struct addr){.family = 0} : client;
	}
	return client;
}

/* A token of a notice: who showed too many wrong ones has to wait, whatever this one is. */
static bool auth_report(struct call *c, struct str token)
{
	const struct addr client = client_of(c);
	const struct mono now = mono_now();
	uint32_t wait = tries_wait_s(c->api->tries, &client, now);
	struct errmsg err;
	char text[16];

	if (wait > 0) {
		c->api->reports_limited++;
		(void)snprintf(text, sizeof(text), "%u", wait);
		http_add_header(c->rq, "Retry-After", text);
		call_problem(c, 429, "too many wrong tokens: try again in %u seconds", wait);
		return false;
	}
	int r = report_actor(c, token, &err);
	if (r == -ENOENT) {
		tries_add(c->api->tries, &client, now);
	}
	return say_who(c, r, &err);
}

static struct str cookie_of(struct call *c)
{
	struct str all = http_header(c->rq, "Cookie");

	while (all.len > 0) {
		struct str value = str_trim(str_take_until(&all, ';'));
		struct str name = str_take_until(&value, '=');
		if (str_is_equal(name, STR(SESSION_COOKIE))) {
			return value;
		}
	}
	return STR_EMPTY;
}

void auth_csrf(const struct call *c, char ret[static STORE_HASH_SIZE])
{
	char text[TOKEN_TEXT_SIZE + 8];

	snprintf(text, sizeof(text), "csrf %.*s", STR_ARG(str_head(c->session, TOKEN_TEXT_SIZE)));
	store_hash(call_store(c), str_of(text), ret);
}

static bool cookie_actor(struct call *c, struct str token)
{
	enum token_kind kind;
	struct token_row row;
	struct errmsg err;
	char want[STORE_HASH_SIZE];

	int r = token_actor(c, token, &kind, &row, &err);
	if (r == 0 && kind != TOKEN_SESSION) {
		c->has_actor = false;
		r = -ENOENT;
	}
	if (r == -ENOENT) {
		return true; /* an old cookie is nobody, not an error: the panel asks to log in */
	}
	if (r < 0) {
		call_fail(c, r, &err);
		return false;
	}
	c->is_cookie = true;
	c->session = token;
	auth_csrf(c, want);
	struct str sent = http_header(c->rq, "X-CSRF-Token");
	if (c->rq->method != HTTP_GET && c->rq->method != HTTP_HEAD &&
	    !box_is_equal(sent, str_of(want))) {
		call_problem(c, 403, "X-CSRF-Token is missing or wrong");
		return false;
	}
	return true;
}

bool auth_find(struct call *c)
{
	struct str auth = http_header(c->rq, "Authorization");
	struct str cookie = cookie_of(c);
	enum token_kind kind;
	struct token_row row;
	struct errmsg err;

	if (str_has_prefix_nocase(auth, STR("Bearer " REPORT_TOKEN_PREFIX))) {
		return auth_report(c, str_trim(str_skip(auth, 7)));
	}
	if (str_has_prefix_nocase(auth, STR("Bearer "))) {
		int r = token_actor(c, str_trim(str_skip(auth, 7)), &kind, &row, &err);
		if (r == 0 && kind == TOKEN_SESSION) {
			c->has_actor = false; /* a cookie's token is for the cookie */
			r = -ENOENT;
		}
		return say_who(c, r, &err);
	}
	if (str_has_prefix_nocase(auth, STR("Link "))) {
		return say_who(c, link_actor(c, str_trim(str_skip(auth, 5))), &err);
	}
	if (auth.ptr != NULL) {
		http_add_header(c->rq, "WWW-Authenticate", "Bearer realm=\"postern\"");
		call_problem(c, 401, "Authorization is Bearer TOKEN");
		return false;
	}
	if (c->rq->is_local) {
		local_actor(c);
		return true;
	}
	return cookie.len == 0 || cookie_actor(c, cookie);
}

bool auth_allows(struct call *c)
{
	static const unsigned allowed[] = {
		[ACCESS_CASE] = 1U << ACTOR_STAFF | 1U << ACTOR_OBSERVER | 1U << ACTOR_OWNER |
				1U << ACTOR_LINK,
		[ACCESS_OWNER] = 1U << ACTOR_STAFF | 1U << ACTOR_OBSERVER | 1U << ACTOR_OWNER,
		[ACCESS_VIEWER] = 1U << ACTOR_STAFF | 1U << ACTOR_OBSERVER,
		[ACCESS_STAFF] = 1U << ACTOR_STAFF,
		[ACCESS_REPORT] = 1U << ACTOR_STAFF | 1U << ACTOR_OWNER | 1U << ACTOR_REPORT,
	};

	if (c->route->access == ACCESS_ANY) {
		return true;
	}
	if (!c->has_actor) {
		http_add_header(c->rq, "WWW-Authenticate", "Bearer realm=\"postern\"");
		call_problem(c, 401, "send a token: Authorization: Bearer TOKEN");
		return false;
	}
	if ((allowed[c->route->access] & 1U << c->actor.role) == 0) {
		call_problem(c, 403,
			     c->actor.role == ACTOR_LINK
				     ? "the link of a notice lets you see and acknowledge "
				       "the case; log in to do more"
				     : "your token does not reach this far");
		return false;
	}
	return true;
}

static void set_cookie(struct call *c, const char *value, unsigned max_age_s)
{
	char text[256];
	struct str proto = http_header(c->rq, "X-Forwarded-Proto");

	snprintf(text, sizeof(text), "%s=%s; Path=/; Max-Age=%u; HttpOnly; SameSite=Strict%s",
		 SESSION_COOKIE, value, max_age_s,
		 str_is_equal_nocase(proto, STR("https")) ? "; Secure" : "");
	http_add_header(c->rq, "Set-Cookie", text);
}

static void put_session(struct call *c)
{
	static const char *const roles[] = {"staff", "observer", "owner", "link", "doctor"};
	char csrf[STORE_HASH_SIZE];

	jsonw_object(&c->w, NULL);
	jsonw_cstr(&c->w, "role", roles[c->actor.role]);
	jsonw_str_or_null(&c->w, "name", c->actor.name);
	jsonw_str_or_null(&c->w, "tenant", c->actor.tenant);
	put_id(&c->w, "case", c->actor.case_id);
	if (c->is_cookie) {
		auth_csrf(c, csrf);
		jsonw_cstr(&c->w, "csrf", csrf);
	} else {
		jsonw_null(&c->w, "csrf");
	}
	jsonw_object_end(&c->w);
}

void auth_session(struct call *c)
{
	put_session(c);
}

/* The first login ends the bootstrap token: its file lay on the disk. */
static int make_session(struct call *c, const struct token_row *from, enum token_kind kind,
			char ret_text[static TOKEN_TEXT_SIZE], struct errmsg *err)
{
	struct wall now = wall_now();
	const struct token_row session = {
		.kind = TOKEN_SESSION,
		.role = from->role,
		.name = from->name,
		.tenant = from->tenant,
		.created_at = now,
		.expires_at = {now.ns + SESSION_HOURS * 3600 * NS_PER_S},
	};
	struct store *st = call_store(c);
	uint64_t id;

	int r = store_begin(st, err);
	if (r < 0) {
		return r;
	}
	r = tokens_add(st, &session, ret_text, &id, err);
	if (r == 0 && kind == TOKEN_FIRST) {
		r = tokens_revoke_kind(st, TOKEN_FIRST, err);
	}
	if (r >= 0) {
		r = desk_audit(c->api->o.desk, &c->actor, "login", STR("panel"), err);
	}
	return store_end(st, r < 0 ? r : 0, err);
}

void auth_login(struct call *c)
{
	struct str text = call_text(c, "token");
	char session[TOKEN_TEXT_SIZE];
	struct token_row row = {0};
	enum token_kind kind = TOKEN_API;
	struct errmsg err;

	c->has_actor = false;
	c->is_cookie = false;
	int r = text.len == 0 ? -ENOENT : token_actor(c, str_trim(text), &kind, &row, &err);
	if (r == 0 && kind == TOKEN_SESSION) {
		r = -ENOENT;
	}
	if (r < 0) {
		c->api->logins_refused += r == -ENOENT ? 1 : 0;
		say_who(c, r, &err);
		return;
	}
	r = make_session(c, &row, kind, session, &err);
	if (r < 0) {
		call_fail(c, r, &err);
		return;
	}
	c->api->logins++;
	if (kind == TOKEN_FIRST && c->api->o.first_token != NULL) {
		c->api->o.first_token(NULL, c->api->o.ctx);
	}
	set_cookie(c, session, SESSION_HOURS * 3600);
	c->session = str_of(session);
	c->is_cookie = true;
	put_session(c);
	c->session = STR_EMPTY;
}

void auth_logout(struct call *c)
{
	struct token_row row;
	struct errmsg err;

	if (c->is_cookie) {
		int r = tokens_find(call_store(c), c->session, wall_now(), c->arena, &row, &err);
		if (r == 0) {
			r = tokens_revoke(call_store(c), row.id, &err);
		}
		if (r < 0 && r != -ENOENT) {
			call_fail(c, r, &err);
			return;
		}
	}
	set_cookie(c, "", 0);
	jsonw_object(&c->w, NULL);
	jsonw_object_end(&c->w);
}

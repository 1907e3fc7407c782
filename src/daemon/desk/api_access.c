/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_access: tokens, the audit log, and what happens as it happens. Layer: daemon.
 */
#include "daemon/desk/api_call.h"

#include "base/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define EVENT_TEXT_ROOM 8192
/* Tokens without an end of their own are over after this. */
#define TOKEN_DAYS 365

static void list_audit(const struct audit_row *a, void *ctx)
{
	struct call *c = ctx;

	jsonw_object(&c->w, NULL);
	put_id(&c->w, "id", a->id);
	put_time(&c->w, "time", a->at);
	jsonw_str(&c->w, "who", a->who);
	jsonw_str(&c->w, "action", a->action);
	jsonw_str_or_null(&c->w, "object", a->object);
	jsonw_str_or_null(&c->w, "detail", a->detail);
	jsonw_str_or_null(&c->w, "remote", a->remote);
	jsonw_object_end(&c->w);
}

void audit_get(struct call *c)
{
	struct page page;
	struct page_end end = {.cursor = ""};
	struct errmsg err;

	if (call_page(c, &page)) {
		call_list(c);
		int r = audit_list(call_store(c), call_query(c, "object"), &page, list_audit, c,
				   &end, &err);
		call_list_end(c, r, &end, &err);
	}
}

static void list_token(const struct token_row *t, void *ctx)
{
	struct call *c = ctx;

	jsonw_object(&c->w, NULL);
	put_token(&c->w, t);
	jsonw_object_end(&c->w);
}

void tokens_get_list(struct call *c)
{
	struct page page;
	struct page_end end = {.cursor = ""};
	struct errmsg err;

	if (call_page(c, &page)) {
		call_list(c);
		int r = tokens_list(call_store(c), &page, list_token, c, &end, &err);
		call_list_end(c, r, &end, &err);
	}
}

/* @return false: said. */
static bool read_token(struct call *c, struct token_row *ret)
{
	struct str role = call_text(c, "role");
	struct str expires = call_text(c, "expires_at");
	const struct policy *p = desk_policy(c->api->o.desk);
	int found = role.ptr != NULL ? token_role_find(role) : ROLE_STAFF;
	bool known = false;

	*ret = (struct token_row){
		.kind = TOKEN_API,
		.role = (enum token_role)found,
		.name = call_text(c, "name"),
		.tenant = call_text(c, "tenant"),
		.created_at = wall_now(),
	};
	if (found < 0) {
		call_problem(c, 422, "role is staff, observer or owner");
		return false;
	}
	if (ret->name.len == 0 || ret->name.len > 64) {
		call_problem(c, 422, "name says whose token it is, in 1 to 64 octets");
		return false;
	}
	for (size_t i = 0; i < p->tenant_count; i++) {
		known = known || str_is_equal(ret->tenant, str_of(p->tenants[i].name));
	}
	if ((ret->role == ROLE_OWNER) != known || (ret->tenant.len > 0 && !known)) {
		call_problem(c, 422, "tenant names one of the configuration, for the role owner");
		return false;
	}
	ret->expires_at.ns = ret->created_at.ns + INT64_C(86400) * TOKEN_DAYS * NS_PER_S;
	if (expires.ptr != NULL && (wall_parse(expires, &ret->expires_at) < 0 ||
				    ret->expires_at.ns <= ret->created_at.ns)) {
		call_problem(c, 422, "expires_at is a time to come, such as 2027-11-21T16:47:01Z");
		return false;
	}
	return true;
}

void tokens_post(struct call *c)
{
	char text[TOKEN_TEXT_SIZE] = "";
	struct token_row row;
	struct errmsg err;

	if (!read_token(c, &row)) {
		return;
	}
	if (!c->dry_run) {
		int r = tokens_add(call_store(c), &row, text, &row.id, &err);
		if (r == 0) {
			r = desk_audit(c->api->o.desk, &c->actor, "token.add", row.name, &err);
		}
		if (r < 0) {
			call_fail(c, r, &err);
			return;
		}
		c->status = 201;
	}
	jsonw_object(&c->w, NULL);
	put_token(&c->w, &row);
	jsonw_cstr(&c->w, "token", c->dry_run ? NULL : text); /* shown this once */
	jsonw_object_end(&c->w);
	c->is_secret = true;
}

void tokens_delete(struct call *c)
{
	struct errmsg err;
	char object[32];
	uint64_t id;

	if (!call_id(c, 0, &id)) {
		return;
	}
	int r = tokens_revoke(call_store(c), id, &err);
	if (r == 0) {
		snprintf(object, sizeof(object), "token %llu", (unsigned long long)id);
		r = desk_audit(c->api->o.desk, &c->actor, "token.revoke", str_of(object), &err);
	}
	if (r < 0) {
		call_fail(c, r, &err);
		return;
	}
	jsonw_object(&c->w, NULL);
	put_id(&c->w, "id", id);
	jsonw_bool(&c->w, "revoked", true);
	jsonw_object_end(&c->w);
}

/* ---- events ---- */

struct reader {
	struct list link;
	struct http_stream *stream;
};

static void reader_gone(void *ctx)
{
	struct reader *r = ctx;

	list_remove(&r->link);
	free(r);
}

static void list_event(const struct event_row *e, void *ctx)
{
	struct call *c = ctx;

	put_event(&c->w, e);
}

static void start_stream(struct call *c)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		call_problem(c, 503, "out of memory");
		return;
	}
	list_push_back(&c->api->streams, &r->link);
	r->stream = http_stream_start(c->rq, "text/event-stream", reader_gone, r);
	if (r->stream == NULL) {
		reader_gone(r);
		call_problem(c, 429, "%d readers of events are the most", HTTP_STREAMS_MAX);
		return;
	}
	c->is_answered = true;
	http_stream_write(r->stream, STR("retry: 2000\n\n"));
}

/* A stream for who asks for one (SSE), else what was, newest first. */
void events_get(struct call *c)
{
	struct str accept = http_header(c->rq, "Accept");
	struct page page;
	struct page_end end = {.cursor = ""};
	struct errmsg err;

	if (str_find_nocase(accept, STR("text/event-stream")) < accept.len) {
		start_stream(c);
	} else if (call_page(c, &page)) {
		call_list(c);
		int r = events_list(call_store(c), &page, list_event, c, &end, &err);
		call_list_end(c, r, &end, &err);
	}
}

void api_publish(const struct event_row *e, void *ctx)
{
	struct api *a = ctx;
	struct buf out;

	if (list_is_empty(&a->streams)) {
		return;
	}
	buf_init(&out, EVENT_TEXT_ROOM);
	buf_add_cstr(&out, "event: ");
	buf_add(&out, e->what); /* a word of ours */
	buf_add_cstr(&out, "\ndata: ");
	struct jsonw w = jsonw_of(&out);
	put_event(&w, e);
	buf_add_cstr(&out, "\n\n");
	if (buf_end(&out) == 0) {
		LIST_FOR_EACH (pos, tmp, &a->streams) {
			http_stream_write(LIST_ITEM(pos, struct reader, link)->stream,
					  buf_str(&out));
		}
	}
	buf_done(&out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: from a request to its row of the table and back to an answer. Layer: daemon.
 */
#include "daemon/desk/api_call.h"

#include "base/assert.h"
#include "base/list.h"
#include "base/num.h"
#include "sys/entropy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/poison.h"

#define JSON_TYPE "application/json"
#define PROBLEM_TYPE "application/problem+json"
#define KEY_MAX 200

struct store *call_store(const struct call *c)
{
	return desk_store(c->api->o.desk);
}

struct str api_decode(struct arena *a, struct str s)
{
	char *text = arena_alloc(a, s.len + 1);
	size_t n = 0;

	if (text == NULL) {
		return STR_EMPTY;
	}
	for (size_t i = 0; i < s.len; i++) {
		char ch = s.ptr[i];
		if (ch == '%') {
			int high = i + 2 < s.len ? num_hex_digit(s.ptr[i + 1]) : -1;
			int low = i + 2 < s.len ? num_hex_digit(s.ptr[i + 2]) : -1;
			if (high < 0 || low < 0 || high + low == 0) {
				return STR_EMPTY;
			}
			ch = (char)(high * 16 + low);
			i += 2;
		}
		text[n++] = ch;
	}
	return (struct str){text, n};
}

struct str call_query(struct call *c, const char *name)
{
	struct str rest = c->rq->query;

	while (rest.len > 0) {
		struct str value = str_take_until(&rest, '&');
		struct str key = str_take_until(&value, '=');
		if (str_is_equal(key, str_of(name))) {
			return api_decode(c->arena, value);
		}
	}
	return STR_EMPTY;
}

bool call_page(struct call *c, struct page *ret)
{
	struct str limit = call_query(c, "limit");
	uint64_t n = 0;

	if (limit.ptr != NULL && (num_parse_u64(limit, STORE_PAGE_MAX, &n) < 0 || n == 0)) {
		call_problem(c, 422, "limit is a number from 1 to %d", STORE_PAGE_MAX);
		return false;
	}
	*ret = (struct page){.limit = (uint32_t)n, .cursor = call_query(c, "cursor")};
	return true;
}

bool call_id(struct call *c, size_t arg, uint64_t *ret)
{
	if (num_parse_u64(c->args[arg], INT64_MAX, ret) < 0 || *ret == 0) {
		call_problem(c, 404, "there is nothing with this id");
		return false;
	}
	return true;
}

struct str call_text(const struct call *c, const char *key)
{
	return jsonr_str(jsonr_get(c->body, key));
}

static const char *title_of(unsigned status)
{
	switch (status) {
	case 400:
		return "The request is malformed";
	case 401:
		return "Say who you are";
	case 403:
		return "Not allowed";
	case 404:
		return "Not found";
	case 405:
		return "Not this method";
	case 409:
		return "The answer is no";
	case 412:
		return "It has changed since you saw it";
	case 415:
		return "Send JSON";
	case 422:
		return "The request makes no sense";
	case 429:
		return "Too many";
	case 503:
		return "Not now";
	default:
		return "Something failed here";
	}
}

void call_problem(struct call *c, unsigned status, const char *fmt, ...)
{
	char detail[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	buf_clear(&c->out);
	c->w = jsonw_of(&c->out);
	c->status = status;
	c->is_problem = true;
	jsonw_object(&c->w, NULL);
	jsonw_cstr(&c->w, "type", c->is_refused ? "urn:postern:refused" : "about:blank");
	jsonw_cstr(&c->w, "title", title_of(status));
	jsonw_u64(&c->w, "status", status);
	jsonw_cstr(&c->w, "detail", detail);
	jsonw_object_end(&c->w);
}

void call_fail(struct call *c, int r, const struct errmsg *err)
{
	unsigned status = 503;

	switch (r) {
	case -ENOENT:
		status = 404;
		break;
	case -EINVAL:
		status = 422;
		break;
	case -EPERM:
		status = 403;
		break;
	case -ECANCELED:
		/* "No" is another thing than "not in this state". */
		c->is_refused = true;
		status = 409;
		break;
	case -EDQUOT:
		http_add_header(c->rq, "Retry-After", "3600");
		status = 429;
		break;
	case -EBUSY:
	case -EEXIST:
		status = 409;
		break;
	default:
		http_add_header(c->rq, "Retry-After", "5");
	}
	call_problem(c, status, "%s", err->text);
}

void call_list(struct call *c)
{
	jsonw_object(&c->w, NULL);
	jsonw_array(&c->w, "items");
}

void call_list_end(struct call *c, int r, const struct page_end *end, const struct errmsg *err)
{
	if (r < 0) {
		call_fail(c, r, err);
		return;
	}
	jsonw_array_end(&c->w);
	jsonw_cstr(&c->w, "next", end != NULL && end->cursor[0] != '\0' ? end->cursor : NULL);
	jsonw_object_end(&c->w);
}

/* Does the path fit the row? Fills in c->args, decoded. */
static bool fits(struct call *c, const struct route *route, struct str path)
{
	struct str want = str_of(route->path);
	size_t n = 0;

	while (want.len > 0) {
		struct str w = str_take_until(&want, '/');
		if (path.ptr == NULL || (path.len == 0 && w.len > 0)) {
			return false;
		}
		struct str p = str_take_until(&path, '/');
		if (w.len > 0 && w.ptr[0] == '{') {
			ASSERT(n < ROUTE_ARGS_MAX);
			c->args[n] = api_decode(c->arena, p);
			if (c->args[n].len == 0) {
				return false;
			}
			n++;
		} else if (!str_is_equal(w, p)) {
			return false;
		}
	}
	return path.len == 0;
}

static bool find_route(struct call *c)
{
	struct str path = str_skip(c->rq->path, sizeof(API_PREFIX) - 1);
	enum http_method method = c->rq->method == HTTP_HEAD ? HTTP_GET : c->rq->method;
	bool is_path = false;

	for (size_t i = 0; i < api_route_count; i++) {
		if (!fits(c, &api_routes[i], path)) {
			continue;
		}
		if (api_routes[i].method == method) {
			c->route = &api_routes[i];
			return true;
		}
		is_path = true;
	}
	call_problem(c, is_path ? 405 : 404,
		     is_path ? "this is not done to it" : "see %s/openapi.json for what is here",
		     API_PREFIX);
	return false;
}

static bool take_body(struct call *c)
{
	struct str type = http_header(c->rq, "Content-Type");
	struct errmsg err;

	if (c->rq->method != HTTP_POST) {
		return true;
	}
	/* A form of another site can send no JSON. */
	if (c->rq->body.len > 0 && !str_has_prefix_nocase(type, STR(JSON_TYPE))) {
		call_problem(c, 415, "the body is " JSON_TYPE);
		return false;
	}
	c->body = jsonr_parse(c->rq->body.len > 0 ? c->rq->body : STR("{}"), &err);
	if (c->body == NULL || jsonr_type(c->body) != JSONR_OBJECT) {
		call_problem(c, 400, "%s", c->body == NULL ? err.text : "the body is an object");
		return false;
	}
	c->dry_run = jsonr_bool(jsonr_get(c->body, "dry_run"));
	return true;
}

struct once {
	struct str key; /* NULL view: none was sent */
	char request[STORE_HASH_SIZE];
	char who[ACTOR_TEXT_SIZE];
};

/* @return true when the answer is there already. */
static bool is_answered_before(struct call *c, struct once *once)
{
	struct reply_row row;
	struct errmsg err;
	struct buf text;

	once->key = c->rq->method == HTTP_POST && c->has_actor
			    ? http_header(c->rq, "Idempotency-Key")
			    : STR_EMPTY;
	if (once->key.ptr == NULL) {
		return false;
	}
	if (once->key.len == 0 || once->key.len > KEY_MAX) {
		call_problem(c, 400, "Idempotency-Key has 1 to %d octets", KEY_MAX);
		return true;
	}
	buf_init(&text, HTTP_BODY_MAX + HTTP_TARGET_MAX + 16);
	buf_add(&text, c->rq->path);
	buf_add_char(&text, '\n');
	buf_add(&text, c->rq->body);
	store_hash(call_store(c), buf_str(&text), once->request);
	buf_done(&text);
	actor_format(&c->actor, once->who);
	int r = replies_find(call_store(c), str_of(once->who), once->key, c->arena, &row, &err);
	if (r == -ENOENT) {
		return false;
	}
	if (r < 0) {
		call_fail(c, r, &err);
	} else if (!str_is_equal(row.request, str_of(once->request))) {
		call_problem(c, 422, "this Idempotency-Key was used for another request");
	} else {
		c->status = row.status;
		c->is_problem = row.status >= 400;
		buf_clear(&c->out);
		buf_add(&c->out, row.body);
		http_add_header(c->rq, "Idempotent-Replayed", "true");
	}
	return true;
}

static void keep_answer(struct call *c, const struct once *once)
{
	struct errmsg err;

	/* A failure of ours may be tried again; an answer too long to keep comes from a look only.
	 */
	if (once->key.ptr == NULL || c->status >= 500 || c->is_answered || c->is_secret ||
	    c->out.len > REPLY_BODY_MAX) {
		return;
	}
	const struct reply_row row = {
		.who = str_of(once->who),
		.key = once->key,
		.request = str_of(once->request),
		.status = c->status,
		.body = buf_str(&c->out),
		.at = wall_now(),
	};
	int r = replies_add(call_store(c), &row, &err);
	if (r < 0) {
		http_add_header(c->rq, "Warning", "199 - \"the answer could not be kept\"");
	}
}

static void run(struct call *c)
{
	struct once once = {.key = STR_EMPTY};

	if (!find_route(c) || !take_body(c) || !auth_find(c) || !auth_allows(c) ||
	    is_answered_before(c, &once)) {
		return;
	}
	c->route->run(c);
	if (buf_end(&c->out) < 0) {
		call_problem(c, 500, "the answer is too large: ask for fewer with limit=");
	}
	keep_answer(c, &once);
}

static void serve_api(struct api *a, struct http_request *rq)
{
	struct call c = {.api = a, .rq = rq, .status = 200, .arena = arena_new(API_ARENA_MAX)};

	buf_init(&c.out, API_ANSWER_MAX);
	c.w = jsonw_of(&c.out);
	if (c.arena == NULL) {
		call_problem(&c, 503, "out of memory");
	} else {
		run(&c);
	}
	if (!c.is_answered) {
		http_reply(rq, c.status, c.is_problem ? PROBLEM_TYPE : JSON_TYPE, buf_str(&c.out));
	}
	jsonr_free(c.body);
	buf_done(&c.out);
	arena_free(c.arena);
}

static void handle(void *ctx, struct http_request *rq)
{
	struct api *a = ctx;
	struct buf out;

	if (str_has_prefix(rq->path, STR(API_PREFIX "/"))) {
		serve_api(a, rq);
		return;
	}
	bool reads = rq->method == HTTP_GET || rq->method == HTTP_HEAD;
	if (reads && str_is_equal(rq->path, STR("/metrics"))) {
		buf_init(&out, API_ANSWER_MAX);
		metrics_write(a, &out);
		http_reply(rq, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out));
		buf_done(&out);
	} else if (!reads || !panel_serve(a, rq)) {
		http_reply(rq, reads ? 404 : 405, "text/plain; charset=utf-8",
			   STR("There is nothing here.\n"));
	}
}

static int offer_first_token(struct api *a, struct errmsg *reterr)
{
	char text[TOKEN_TEXT_SIZE];

	int r = desk_first_token(a->o.desk, text, reterr);
	if (r > 0 && a->o.first_token != NULL) {
		a->o.first_token(text, a->o.ctx);
	}
	return r < 0 ? r : 0;
}

int api_new(const struct api_opts *o, struct api **ret, struct errmsg *reterr)
{
	struct api *a = calloc(1, sizeof(*a));
	struct http_sockets sockets = o->sockets;

	if (a == NULL) {
		http_sockets_close(&sockets);
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	a->o = *o;
	list_init(&a->streams);
	const struct siphash_key key = entropy_siphash_key();
	a->tries = tries_new(&key);
	if (a->tries == NULL) {
		http_sockets_close(&sockets);
		api_free(a);
		return err_set(reterr, -ENOMEM, "out of memory");
	}
	int r = http_new(
		&(struct http_opts){
			.loop = o->loop,
			.sockets = sockets,
			.portal = desk_policy(o->desk)->notice_portal,
			.handle = handle,
			.ctx = a,
		},
		&a->http, reterr);
	if (r == 0) {
		desk_listen(o->desk, api_publish, a);
		r = offer_first_token(a, reterr);
	}
	if (r < 0) {
		api_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

void api_parent_said(struct api *a, struct str json)
{
	struct errmsg err;
	struct jsonr *v = jsonr_parse(json, &err);

	if (v != NULL) {
		jsonr_free(a->parent);
		a->parent = v;
	}
}

void api_free(struct api *a)
{
	if (a == NULL) {
		return;
	}
	desk_listen(a->o.desk, NULL, NULL);
	http_free(a->http);
	jsonr_free(a->parent);
	tries_free(a->tries);
	free(a);
}

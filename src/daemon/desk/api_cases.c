/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_cases: cases, their messages and their evidence. Layer: daemon.
 */
#include "daemon/desk/api_call.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

/* A page of a case shows this many of its messages; /messages has all. */
#define CASE_MESSAGES 8

static void list_case(const struct case_row *row, void *ctx)
{
	struct call *c = ctx;

	if (desk_may_see(&c->actor, row)) {
		jsonw_object(&c->w, NULL);
		put_case(&c->w, row);
		jsonw_object_end(&c->w);
	}
}

/* state=open (default), all, or one of the states. */
static bool filter_of(struct call *c, struct case_filter *ret)
{
	struct str state = call_query(c, "state");

	*ret = (struct case_filter){
		.state = -1,
		.tenant = c->actor.role == ACTOR_OWNER ? c->actor.tenant : call_query(c, "tenant"),
		.source = call_query(c, "source"),
		.network = call_query(c, "network"),
	};
	if (state.ptr == NULL || str_is_equal(state, STR("open"))) {
		ret->open_only = true;
	} else if (!str_is_equal(state, STR("all"))) {
		ret->state = case_state_find(state);
		if (ret->state < 0) {
			call_problem(c, 422,
				     "state is open, all, acknowledged, fixing, "
				     "unblock_requested, probation or closed");
			return false;
		}
	}
	return true;
}

void cases_get_list(struct call *c)
{
	struct case_filter filter;
	struct page page;
	struct page_end end = {.cursor = ""};
	struct case_row row;
	struct errmsg err;

	if (!call_page(c, &page) || !filter_of(c, &filter)) {
		return;
	}
	call_list(c);
	int r = 0;
	if (c->actor.role == ACTOR_LINK) {
		r = cases_get(call_store(c), c->actor.case_id, c->arena, &row, &err);
		if (r == 0) {
			list_case(&row, c);
		}
	} else {
		r = cases_list(call_store(c), &filter, &page, list_case, c, &end, &err);
	}
	call_list_end(c, r, &end, &err);
}

/* The case in the path, if this actor may see it. Else 404: not even that it exists. */
static bool find_case(struct call *c, uint64_t id, struct case_row *ret)
{
	struct errmsg err;

	int r = cases_get(call_store(c), id, c->arena, ret, &err);
	if (r == 0 && !desk_may_see(&c->actor, ret)) {
		r = -ENOENT;
	}
	if (r == -ENOENT) {
		call_problem(c, 404, "there is no case %llu", (unsigned long long)id);
	} else if (r < 0) {
		call_fail(c, r, &err);
	}
	return r == 0;
}

/* Changes whenever the case does. */
static void etag_of(const struct case_row *row, char ret[static 64])
{
	snprintf(ret, 64, "\"%llu-%lld\"", (unsigned long long)row->id,
		 (long long)row->updated_at.ns);
}

struct last_proof {
	char data[ORDER_PROOF_MAX];
	size_t len;
};

static void keep_proof(const struct proof_row *p, void *ctx)
{
	struct last_proof *last = ctx;

	if (p->proof.len <= sizeof(last->data)) {
		memcpy(last->data, p->proof.ptr, p->proof.len);
		last->len = p->proof.len;
	}
}

static void list_story(const struct story_row *s, void *ctx)
{
	struct call *c = ctx;

	jsonw_object(&c->w, NULL);
	put_time(&c->w, "time", s->at);
	jsonw_str(&c->w, "who", s->who);
	jsonw_str(&c->w, "what", s->what);
	jsonw_str(&c->w, "text", s->text);
	jsonw_object_end(&c->w);
}

static void list_notice(const struct notice_row *n, void *ctx)
{
	struct call *c = ctx;

	put_notice(&c->w, n);
}

static void list_request(const struct request_row *q, void *ctx)
{
	struct call *c = ctx;

	jsonw_object(&c->w, NULL);
	put_time(&c->w, "time", q->at);
	jsonw_str(&c->w, "who", q->who);
	jsonw_str(&c->w, "cause", q->cause);
	jsonw_str(&c->w, "fix", q->fix);
	jsonw_bool(&c->w, "granted", q->granted);
	jsonw_raw(&c->w, "checks", q->checks.len > 0 ? q->checks : STR("[]"));
	jsonw_object_end(&c->w);
}

struct message_ids {
	uint64_t ids[SAMPLES_OF_HOLDER_MAX];
	size_t count;
};

static void keep_id(const struct sample_row *row, void *ctx)
{
	struct message_ids *m = ctx;

	if (m->count < COUNT_OF(m->ids)) {
		m->ids[m->count++] = row->id;
	}
}

/* A message without a case is for staff alone; else who may see its case may see it. */
static bool may_see_message(struct call *c, const struct sample_row *row)
{
	struct case_row of_case;
	struct errmsg err;

	if (c->actor.role == ACTOR_STAFF || c->actor.role == ACTOR_OBSERVER) {
		return true;
	}
	return row->case_id != 0 &&
	       cases_get(call_store(c), row->case_id, c->arena, &of_case, &err) == 0 &&
	       desk_may_see(&c->actor, &of_case);
}

/* Each message is unsealed by itself, so that one that is damaged hides no other. */
static int put_kept(struct call *c, const struct message_ids *m, size_t max, struct errmsg *err)
{
	for (size_t i = 0; i < m->count && i < max; i++) {
		struct arena *a = arena_new(2 * SAMPLE_ENCODED_MAX);
		struct sample_row row;
		struct sample s;
		if (a == NULL) {
			return err_set(err, -ENOMEM, "out of memory");
		}
		if (samples_get(call_store(c), m->ids[i], a, &row, &s, err) == 0 &&
		    may_see_message(c, &row)) {
			put_message(&c->w, &row, &s, false);
		}
		arena_free(a);
	}
	return 0;
}

static int put_messages(struct call *c, uint64_t case_id, size_t max, struct errmsg *err)
{
	struct message_ids m = {.count = 0};

	int r = samples_list(call_store(c), case_id, keep_id, &m, err);
	return r == 0 ? put_kept(c, &m, max, err) : r;
}

static void list_by_message_id(struct call *c, struct str message_id)
{
	struct message_ids m = {.count = 0};
	struct errmsg err;

	call_list(c);
	int r = samples_list_message(call_store(c), message_id, keep_id, &m, &err);
	if (r == 0) {
		r = put_kept(c, &m, SIZE_MAX, &err);
	}
	call_list_end(c, r, NULL, &err);
}

static int put_whole(struct call *c, const struct case_row *row, struct errmsg *err)
{
	struct store *st = call_store(c);
	struct last_proof last = {.len = 0};
	struct desk_unblock unblock;
	bool sees_all = c->actor.role == ACTOR_STAFF || c->actor.role == ACTOR_OBSERVER;

	put_case(&c->w, row);
	int r = cases_list_proofs(st, row->id, keep_proof, &last, err);
	put_proof(&c->w, (struct str){last.data, last.len});
	if (r == 0) {
		jsonw_array(&c->w, "samples");
		r = put_messages(c, row->id, CASE_MESSAGES, err);
		jsonw_array_end(&c->w);
	}
	if (r == 0) {
		jsonw_array(&c->w, "notices");
		/* The link lies in a mailbox that may be the intruder's: it shows no other address.
		 */
		r = c->actor.role == ACTOR_LINK ? 0
						: notices_list(st, row->id, list_notice, c, err);
		jsonw_array_end(&c->w);
	}
	if (r == 0) {
		jsonw_array(&c->w, "story");
		r = sees_all || c->actor.role == ACTOR_OWNER
			    ? cases_list_story(st, row->id, list_story, c, err)
			    : 0;
		jsonw_array_end(&c->w);
	}
	if (r == 0) {
		jsonw_array(&c->w, "requests");
		r = cases_list_requests(st, row->id, list_request, c, err);
		jsonw_array_end(&c->w);
	}
	if (r == 0) {
		r = put_reports(c, row->id, err);
	}
	if (r == 0) {
		r = desk_case_checks(c->api->o.desk, row->id, &unblock, err);
	}
	if (r == 0) {
		jsonw_object(&c->w, "unblock");
		put_checks(&c->w, &unblock);
		jsonw_object_end(&c->w);
	} else if (r == -EBUSY) {
		jsonw_null(&c->w, "unblock"); /* nothing is shut */
		r = 0;
	}
	return r;
}

/* The case as it is now, with its ETag: the answer to a look and to every change. */
static void answer_case(struct call *c, uint64_t id)
{
	struct case_row row;
	struct errmsg err;
	char etag[64];

	if (!find_case(c, id, &row)) {
		return;
	}
	buf_clear(&c->out);
	c->w = jsonw_of(&c->out);
	jsonw_object(&c->w, NULL);
	int r = put_whole(c, &row, &err);
	jsonw_object_end(&c->w);
	if (r < 0) {
		call_fail(c, r, &err);
		return;
	}
	etag_of(&row, etag);
	http_add_header(c->rq, "ETag", etag);
}

void cases_get_one(struct call *c)
{
	uint64_t id;

	if (call_id(c, 0, &id)) {
		answer_case(c, id);
	}
}

/* Before a change: the case is seen by this actor, and still as the client saw it. */
static bool begin_change(struct call *c, uint64_t *ret_id)
{
	struct str if_match = http_header(c->rq, "If-Match");
	struct case_row row;
	char etag[64];

	if (!call_id(c, 0, ret_id) || !find_case(c, *ret_id, &row)) {
		return false;
	}
	etag_of(&row, etag);
	if (if_match.ptr != NULL && !str_is_equal(if_match, STR("*")) &&
	    !str_is_equal(if_match, str_of(etag))) {
		http_add_header(c->rq, "ETag", etag);
		call_problem(c, 412, "the case has changed since: look at it again");
		return false;
	}
	return true;
}

static void end_change(struct call *c, uint64_t id, int r, const struct errmsg *err)
{
	if (r < 0) {
		call_fail(c, r, err);
	} else {
		answer_case(c, id);
	}
}

void cases_post_ack(struct call *c)
{
	struct errmsg err;
	uint64_t id;

	if (begin_change(c, &id)) {
		int r = c->dry_run ? 0 : desk_case_ack(c->api->o.desk, id, &c->actor, &err);
		end_change(c, id, r, &err);
	}
}

void cases_post_fixing(struct call *c)
{
	struct errmsg err;
	uint64_t id;

	if (begin_change(c, &id)) {
		int r = c->dry_run ? 0 : desk_case_fixing(c->api->o.desk, id, &c->actor, &err);
		end_change(c, id, r, &err);
	}
}

void cases_post_note(struct call *c)
{
	struct str text = call_text(c, "text");
	struct errmsg err;
	uint64_t id;

	if (!begin_change(c, &id)) {
		return;
	}
	if (text.len == 0 || text.len > CASE_NOTE_MAX) {
		call_problem(c, 422, "text has 1 to %d octets", CASE_NOTE_MAX);
		return;
	}
	int r = c->dry_run ? 0 : desk_case_note(c->api->o.desk, id, &c->actor, text, &err);
	end_change(c, id, r, &err);
}

void cases_post_assign(struct call *c)
{
	struct errmsg err;
	uint64_t id;

	if (begin_change(c, &id)) {
		int r = c->dry_run ? 0
				   : desk_case_assign(c->api->o.desk, id, &c->actor,
						      call_text(c, "assignee"), &err);
		end_change(c, id, r, &err);
	}
}

void cases_post_close(struct call *c)
{
	struct errmsg err;
	uint64_t id;

	if (begin_change(c, &id)) {
		int r = c->dry_run ? 0
				   : desk_case_close(c->api->o.desk, id, &c->actor,
						     call_text(c, "reason"), &err);
		end_change(c, id, r, &err);
	}
}

static void put_answer(struct call *c, uint64_t id, const struct desk_unblock *u)
{
	jsonw_object(&c->w, NULL);
	put_id(&c->w, "case", id);
	jsonw_cstr(&c->w, "decision", case_decision_name(u->answer.decision));
	jsonw_cstr(&c->w, "state", case_state_name(u->state));
	jsonw_bool(&c->w, "dry_run", c->dry_run);
	if (u->order_seq != 0) {
		jsonw_u64(&c->w, "order_seq", u->order_seq);
	} else {
		jsonw_null(&c->w, "order_seq");
	}
	jsonw_object(&c->w, "unblock");
	put_checks(&c->w, u);
	jsonw_object_end(&c->w);
	jsonw_object_end(&c->w);
}

/* 200: opened, or noted for staff; 409: refused or warned. Either way the checks are the answer. */
void cases_post_unblock(struct call *c)
{
	const struct desk_plea plea = {
		.cause = call_text(c, "cause"),
		.fix = call_text(c, "fix"),
		.insists = jsonr_bool(jsonr_get(c->body, "insist")),
	};
	struct desk_unblock answer;
	struct errmsg err;
	uint64_t id;

	if (!begin_change(c, &id)) {
		return;
	}
	int r = c->dry_run ? desk_case_checks(c->api->o.desk, id, &answer, &err)
			   : desk_case_unblock(c->api->o.desk, id, &c->actor, &plea, &answer, &err);
	if (r != 0 && r != -ECANCELED) {
		call_fail(c, r, &err);
		return;
	}
	c->status = r == 0 ? 200 : 409;
	put_answer(c, id, &answer);
}

/* The case that the query names, if this actor may see it. */
static bool find_queried_case(struct call *c, struct case_row *ret)
{
	struct str text = call_query(c, "case");

	if (text.ptr == NULL && c->actor.role == ACTOR_LINK) {
		return find_case(c, c->actor.case_id, ret);
	}
	uint64_t id;
	c->args[0] = text.ptr != NULL ? text : STR("");
	if (text.ptr == NULL) {
		call_problem(c, 422, "say which case: case=ID");
		return false;
	}
	return call_id(c, 0, &id) && find_case(c, id, ret);
}

void messages_get_list(struct call *c)
{
	struct str message_id = call_query(c, "message_id");
	struct case_row row;
	struct errmsg err;

	if (message_id.ptr != NULL) {
		list_by_message_id(c, message_id);
	} else if (find_queried_case(c, &row)) {
		call_list(c);
		int r = put_messages(c, row.id, SIZE_MAX, &err);
		call_list_end(c, r, NULL, &err);
	}
}

/* The text of a message is somebody's mail: who looks at it is written down first. */
void messages_get_one(struct call *c)
{
	struct sample_row row;
	struct sample s;
	struct errmsg err;
	char object[48];
	uint64_t id;

	if (!call_id(c, 0, &id)) {
		return;
	}
	int r = samples_get(call_store(c), id, c->arena, &row, &s, &err);
	if (r == 0 && !may_see_message(c, &row)) {
		r = -ENOENT;
	}
	if (r == -ENOENT) {
		call_problem(c, 404, "there is no message %llu", (unsigned long long)id);
		return;
	}
	if (r == 0) {
		snprintf(object, sizeof(object), "message %llu", (unsigned long long)id);
		r = desk_audit(c->api->o.desk, &c->actor, "sample.view", str_of(object), &err);
	}
	if (r < 0) {
		call_fail(c, r, &err);
		return;
	}
	put_message(&c->w, &row, &s, true);
}

static void list_proof(const struct proof_row *p, void *ctx)
{
	struct call *c = ctx;

	jsonw_object(&c->w, NULL);
	put_time(&c->w, "time", p->at);
	jsonw_u64(&c->w, "order_seq", p->seq);
	put_proof(&c->w, p->proof);
	jsonw_object_end(&c->w);
}

void evidence_get_list(struct call *c)
{
	struct case_row row;
	struct errmsg err;

	if (find_queried_case(c, &row)) {
		call_list(c);
		int r = cases_list_proofs(call_store(c), row.id, list_proof, c, &err);
		call_list_end(c, r, NULL, &err);
	}
}

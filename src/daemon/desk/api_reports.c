/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_reports: /doctor-reports. What is in a report is what the customer's side says, and so it
 * is shown: as reported. Layer: daemon.
 */
#include "daemon/desk/api_call.h"

#include "base/num.h"
#include "daemon/desk/report_check.h"

#include <errno.h>
#include <string.h>

#include "base/poison.h"

/* A case shows this many; /doctor-reports has all. */
#define CASE_REPORTS 5

static void list_report(const struct doctor_report_row *r, void *ctx)
{
	struct call *c = ctx;

	jsonw_object(&c->w, NULL);
	put_id(&c->w, "id", r->id);
	put_id(&c->w, "case", r->case_id);
	put_time(&c->w, "received_at", r->at);
	jsonw_str(&c->w, "who", r->who);
	jsonw_cstr(&c->w, "standing", "reported");
	jsonw_raw(&c->w, "report", r->report);
	jsonw_object_end(&c->w);
}

int put_reports(struct call *c, uint64_t case_id, struct errmsg *err)
{
	const struct doctor_report_filter filter = {.case_id = case_id};
	const struct page page = {.limit = CASE_REPORTS};
	struct page_end end;
	int r = 0;

	jsonw_array(&c->w, "doctor_reports");
	/* The link lies in a mailbox that may be the intruder's. */
	if (c->actor.role != ACTOR_LINK) {
		r = doctor_reports_list(call_store(c), &filter, &page, list_report, c, &end, err);
	}
	jsonw_array_end(&c->w);
	return r;
}

void reports_get_list(struct call *c)
{
	struct doctor_report_filter filter = {.tenant = call_query(c, "tenant")};
	struct str of_case = call_query(c, "case");
	struct page page;
	struct page_end end = {.cursor = ""};
	struct errmsg err;

	if (!call_page(c, &page)) {
		return;
	}
	if (of_case.ptr != NULL &&
	    (num_parse_u64(of_case, INT64_MAX, &filter.case_id) < 0 || filter.case_id == 0)) {
		call_problem(c, 422, "case is the id of a case");
		return;
	}
	if (c->actor.role == ACTOR_OWNER) {
		filter.tenant = c->actor.tenant;
	}
	call_list(c);
	int r = doctor_reports_list(call_store(c), &filter, &page, list_report, c, &end, &err);
	call_list_end(c, r, &end, &err);
}

/* The case that it is about: the token's, or the one that is named. @return 0: said. */
static uint64_t case_of(struct call *c)
{
	struct str named = call_text(c, "case");
	uint64_t id = 0;

	if (named.ptr != NULL && num_parse_u64(named, INT64_MAX, &id) < 0) {
		call_problem(c, 422, "'case' is the id of a case");
		return 0;
	}
	if (c->actor.role == ACTOR_REPORT) {
		if (id != 0 && id != c->actor.case_id) {
			call_problem(c, 403, "this token is for another case");
			return 0;
		}
		return c->actor.case_id;
	}
	if (id == 0) {
		call_problem(c, 422, "say which case: 'case'");
	}
	return id;
}

void reports_post(struct call *c)
{
	struct errmsg err = {.text = ""};
	struct desk_report report;
	uint64_t id = 0;

	int r = report_check(c->body, &err);
	uint64_t case_id = r == 0 ? case_of(c) : 0;
	if (r == 0 && case_id != 0) {
		report = (struct desk_report){
			.case_id = case_id,
			.verdict = call_text(c, "verdict"),
			.source = jsonr_str(jsonr_get(jsonr_get(c->body, "source"), "name")),
			.cause = call_text(c, "cause"),
			.source_stopped = jsonr_bool(jsonr_get(c->body, "source_stopped")),
			.json = c->rq->body,
		};
		r = desk_report_add(c->api->o.desk, &c->actor, &report, &id, &err);
	}
	bool is_kept = r == 0 && case_id != 0;
	c->api->reports += is_kept ? 1 : 0;
	c->api->reports_refused += is_kept ? 0 : 1;
	if (r < 0) {
		call_fail(c, r, &err);
	}
	if (!is_kept) {
		return;
	}
	c->status = 201;
	jsonw_object(&c->w, NULL);
	put_id(&c->w, "id", id);
	put_id(&c->w, "case", case_id);
	jsonw_cstr(&c->w, "standing", "reported");
	jsonw_object_end(&c->w);
}

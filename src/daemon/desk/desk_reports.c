/* SPDX-License-Identifier: Apache-2.0 */
/*
 * desk_reports: what the doctor on a customer's server says about a case is kept with it, as
 * something reported. Layer: daemon.
 */
#include "daemon/desk/desk.h"

#include "daemon/desk/desk_impl.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

#define DAY_NS (24 * 3600 * NS_PER_S)

int desk_report_token(struct desk *d, struct str token, struct actor *ret, struct errmsg *reterr)
{
	struct notice_row n;
	uint64_t notice_id = 0;
	uint64_t case_id = 0;

	if (!doctor_reports_is_token(d->store, token, &notice_id, &case_id)) {
		return err_set(reterr, -ENOENT, "this token is unknown");
	}
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int r = a == NULL ? err_set(reterr, -ENOMEM, "out of memory")
			  : notices_get(d->store, notice_id, a, &n, reterr);
	if (r == 0 && desk_now(d).ns - n.created_at.ns > DESK_REPORT_DAYS * DAY_NS) {
		r = err_set(reterr, -ENOENT, "this token is over");
	}
	arena_free(a);
	if (r == 0) {
		*ret = (struct actor){
			.role = ACTOR_REPORT, .case_id = case_id, .notice_id = notice_id};
	}
	return r;
}

/* Within the group: look, then write. */
static int add(struct desk *d, const struct actor *who, const struct desk_report *r,
	       struct case_row *c, uint64_t *ret_id, struct errmsg *reterr)
{
	char name[ACTOR_TEXT_SIZE];
	char object[48];
	uint32_t today = 0;
	const struct wall now = desk_now(d);
	const struct doctor_report_row row = {
		.case_id = c->id,
		.notice_id = who->role == ACTOR_REPORT ? who->notice_id : 0,
		.at = now,
		.who = str_of(actor_format(who, name)),
		.report = r->json,
	};
	int x = doctor_reports_count_since(d->store, c->id, (struct wall){now.ns - DAY_NS}, &today,
					   reterr);

	if (x == 0 && today >= DESK_REPORTS_PER_DAY) {
		return err_set(reterr, -EDQUOT, "a case takes %d reports a day",
			       DESK_REPORTS_PER_DAY);
	}
	x = x < 0 ? x : doctor_reports_add(d->store, &row, ret_id, reterr);
	if (x == -EEXIST) {
		return err_set(reterr, x, "this token was used: it is good for one report");
	}
	(void)snprintf(object, sizeof(object), "case %llu", (unsigned long long)c->id);
	c->updated_at = now;
	x = x < 0 ? x : cases_put(d->store, c, reterr);
	x = x < 0 ? x : desk_audit_add(d, who, "case.report", str_of(object), STR_EMPTY, reterr);
	return x < 0 ? x
		     : desk_tell(d, c->id, name, "doctor_report", reterr,
				 "reported, not proved: %.*s%s%.*s, cause %.*s; the source %s",
				 STR_ARG(r->verdict), r->source.ptr != NULL ? ", " : "",
				 STR_ARG(str_head(r->source, 128)), STR_ARG(r->cause),
				 r->source_stopped ? "has stopped"
						   : "is not known to have stopped");
}

int desk_report_add(struct desk *d, const struct actor *who, const struct desk_report *r,
		    uint64_t *ret_id, struct errmsg *reterr)
{
	struct case_row c;

	if (who->role == ACTOR_OBSERVER || who->role == ACTOR_LINK) {
		return err_set(reterr, -EPERM, "a report needs the token of a notice, or a login");
	}
	struct arena *a = arena_new(DESK_ARENA_MAX);
	int x = a == NULL ? err_set(reterr, -ENOMEM, "out of memory")
			  : store_begin(d->store, reterr);
	if (x == 0) {
		x = desk_case_load(d, r->case_id, who, a, &c, reterr);
		if (x == 0 && c.state == CASE_CLOSED) {
			x = err_set(reterr, -EBUSY, "the case is closed");
		}
		x = x < 0 ? x : add(d, who, r, &c, ret_id, reterr);
		x = store_end(d->store, x, reterr);
	}
	if (x == 0) {
		desk_event(d, "doctor_report", c.network, c.source, "case %llu: cause %.*s, %s",
			   (unsigned long long)c.id, STR_ARG(r->cause),
			   r->source_stopped ? "stopped" : "not known to have stopped");
	}
	arena_free(a);
	return x;
}

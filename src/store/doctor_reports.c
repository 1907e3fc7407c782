/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_reports: rows of the table of that name. Layer: store.
 */
#include "store/doctor_reports.h"

#include "base/num.h"
#include "store/listing.h"
#include "store/store_impl.h"
#include "store/where.h"

#include <errno.h>
#include <stdio.h>

#include "base/poison.h"

int doctor_reports_add(struct store *st, const struct doctor_report_row *row, uint64_t *ret_id,
		       struct errmsg *reterr)
{
	struct query *q = db_query(
		store_db(st), "INSERT INTO doctor_reports (case_id, notice_id, at, who, report)"
			      " VALUES (?, nullif(?, 0), ?, ?, ?)");
	query_bits(q, row->case_id);
	query_bits(q, row->notice_id);
	query_i64(q, row->at.ns);
	query_str(q, not_null(row->who));
	query_str(q, not_null(row->report));
	int r = query_run(q, reterr);

	*ret_id = db_last_id(store_db(st));
	return r < 0 ? r : 0;
}

int doctor_reports_list(struct store *st, const struct doctor_report_filter *f,
			const struct page *page, doctor_report_fn *visit, void *ctx,
			struct page_end *ret_end, struct errmsg *reterr)
{
	struct where w;
	struct listing l;
	int64_t before = 0;
	int r = listing_begin(&l, page, ret_end, &before, reterr);

	if (r < 0) {
		return r;
	}
	where_init(&w, "SELECT r.id, r.case_id, coalesce(r.notice_id, 0), r.at, r.who, r.report"
		       " FROM doctor_reports r JOIN cases c ON c.id = r.case_id");
	if (r > 0) {
		where_i64(&w, "r.id < ?", before);
	}
	if (f->case_id != 0) {
		where_i64(&w, "r.case_id = ?", (int64_t)f->case_id);
	}
	if (f->tenant.ptr != NULL) {
		where_str(&w, "c.tenant = ?", f->tenant);
		where_is(&w, "c.staff_only = 0");
	}
	where_order(&w, "ORDER BY r.id DESC LIMIT ?", (int64_t)l.limit + 1);

	struct query *q = where_query(&w, store_db(st));
	while ((r = listing_step(&l, q, reterr)) > 0) {
		struct doctor_report_row row = {
			.id = query_col_u64(q, 0),
			.case_id = query_col_u64(q, 1),
			.notice_id = query_col_u64(q, 2),
			.at = col_wall(q, 3),
			.who = query_col_str(q, 4),
			.report = query_col_str(q, 5),
		};
		l.last = row.id;
		visit(&row, ctx);
	}
	return r;
}

int doctor_reports_count_since(struct store *st, uint64_t case_id, struct wall since, uint32_t *ret,
			       struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT count(*) FROM doctor_reports"
						 " WHERE case_id = ?1 AND at >= ?2");
	query_bits(q, case_id);
	query_i64(q, since.ns);
	return listing_count(q, ret, reterr);
}

void doctor_reports_token(const struct store *st, uint64_t notice_id, uint64_t case_id,
			  char ret[static REPORT_TOKEN_SIZE])
{
	char text[64];
	char hash[BOX_HASH_TEXT];
	int n = snprintf(text, sizeof(text), "%llu.%llu", (unsigned long long)notice_id,
			 (unsigned long long)case_id);

	box_hash(&st->box, "doctor-report", (struct str){text, (size_t)n}, hash);
	(void)snprintf(ret, REPORT_TOKEN_SIZE, REPORT_TOKEN_PREFIX "%s.%s", text, hash);
}

bool doctor_reports_is_token(const struct store *st, struct str token, uint64_t *ret_notice_id,
			     uint64_t *ret_case_id)
{
	char right[REPORT_TOKEN_SIZE];
	struct str rest = str_skip(token, sizeof(REPORT_TOKEN_PREFIX) - 1);
	struct str notice = str_take_until(&rest, '.');
	struct str of_case = str_take_until(&rest, '.');
	uint64_t notice_id = 0;
	uint64_t case_id = 0;

	if (!str_has_prefix(token, STR(REPORT_TOKEN_PREFIX)) ||
	    num_parse_u64(notice, INT64_MAX, &notice_id) < 0 ||
	    num_parse_u64(of_case, INT64_MAX, &case_id) < 0) {
		return false;
	}
	doctor_reports_token(st, notice_id, case_id, right);
	if (!box_is_equal(token, str_of(right))) {
		return false;
	}
	*ret_notice_id = notice_id;
	*ret_case_id = case_id;
	return true;
}

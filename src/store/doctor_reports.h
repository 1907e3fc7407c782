/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor_reports: what `postern doctor report` sent in about cases, as it came. Layer: store.
 *
 * A report that came with the token of a notice is the only one of that notice and case: the
 * table says so, not a look before the write.
 */
#ifndef STORE_DOCTOR_REPORTS_H
#define STORE_DOCTOR_REPORTS_H

#include "store/store.h"

struct doctor_report_row {
	uint64_t id;
	uint64_t case_id;
	uint64_t notice_id; /* whose token it came with; 0: somebody who had logged in */
	struct wall at;
	struct str who;
	struct str report; /* a JSON object, checked */
};
typedef void doctor_report_fn(const struct doctor_report_row *r, void *ctx);

struct doctor_report_filter {
	uint64_t case_id;  /* 0: any */
	struct str tenant; /* NULL view: any; else its cases that are not for staff alone */
};

/** @return 0 with ret_id; -EEXIST: the token was used. */
MUSTUSE int doctor_reports_add(struct store *st, const struct doctor_report_row *r,
			       uint64_t *ret_id, struct errmsg *reterr);
/** Newest first. */
MUSTUSE int doctor_reports_list(struct store *st, const struct doctor_report_filter *f,
				const struct page *page, doctor_report_fn *visit, void *ctx,
				struct page_end *ret_end, struct errmsg *reterr);
/** Reports about a case since a time: for the limit. */
MUSTUSE int doctor_reports_count_since(struct store *st, uint64_t case_id, struct wall since,
				       uint32_t *ret, struct errmsg *reterr);

/**
 * The token of a notice about a case: its bearer may report once. Made from the store's secret,
 * so nothing is kept and a letter that is written again has the same. Ends in NUL.
 */
#define REPORT_TOKEN_PREFIX "dr_"
#define REPORT_TOKEN_SIZE 104
void doctor_reports_token(const struct store *st, uint64_t notice_id, uint64_t case_id,
			  char ret[static REPORT_TOKEN_SIZE]);
/** What a token is for. Compares in constant time. @return false: none of ours. */
bool doctor_reports_is_token(const struct store *st, struct str token, uint64_t *ret_notice_id,
			     uint64_t *ret_case_id);

#endif

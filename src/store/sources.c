/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sources: rows of live.sources. Layer: store.
 */
#include "store/sources.h"

#include "store/store_impl.h"
#include "store/where.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

#define SOURCE_COLUMNS                                                                             \
	"id, network, source, tenant, server, verdict, rung, messages, flagged, seen_at, proof,"   \
	" rank"
#define COL_RANK 11

static struct source_row source_of_row(const struct query *q)
{
	struct source_row s = {0};

	s.id = query_col_u64(q, 0);
	s.network = null_if_empty(query_col_str(q, 1));
	s.source = query_col_str(q, 2);
	s.tenant = query_col_str(q, 3);
	s.server = query_col_str(q, 4);
	s.verdict = (enum verdict)word(q, 5, VERDICT_COUNT);
	s.rung = (enum rung)word(q, 6, RUNG_COUNT);
	s.messages = query_col_u64(q, 7);
	s.flagged = query_col_u64(q, 8);
	s.seen_at = col_wall(q, 9);
	s.proof = query_col_str(q, 10);
	return s;
}

/* Smaller is worse, so that the index is read forwards. */
static int64_t rank_of(enum verdict verdict, enum rung rung)
{
	return -((int64_t)verdict * 8 + (int64_t)rung);
}
static_assert(RUNG_COUNT <= 8, "a rung fits beside the verdict");

int sources_put(struct store *st, const struct source_row *s, struct errmsg *reterr)
{
	struct query *q = db_query(
		store_db(st),
		"INSERT INTO live.sources (network, source, tenant, server, verdict, rung, rank,"
		" messages, flagged, seen_at, proof) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (source, network) DO UPDATE SET tenant = excluded.tenant,"
		" server = excluded.server, verdict = excluded.verdict, rung = excluded.rung,"
		" rank = excluded.rank, messages = excluded.messages, flagged = excluded.flagged,"
		" seen_at = excluded.seen_at, proof = excluded.proof");
	query_str(q, not_null(s->network));
	query_str(q, s->source);
	query_str(q, s->tenant);
	query_str(q, s->server);
	query_i64(q, s->verdict);
	query_i64(q, s->rung);
	query_i64(q, rank_of(s->verdict, s->rung));
	query_bits(q, s->messages);
	query_bits(q, s->flagged);
	query_i64(q, s->seen_at.ns);
	query_blob(q, s->proof);
	int r = query_run(q, reterr);

	return r < 0 ? r : 0;
}

int sources_get(struct store *st, struct str network, struct str source, struct arena *a,
		struct source_row *ret, struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st),
				   "SELECT " SOURCE_COLUMNS " FROM live.sources WHERE source = ?1"
				   " AND network = coalesce(?2, network) ORDER BY network LIMIT 1");
	query_str(q, source);
	query_str(q, network);
	int r = query_step(q, reterr);

	if (r <= 0) {
		return r < 0 ? r : err_set(reterr, -ENOENT, "no such source");
	}
	struct source_row s = source_of_row(q);
	r = 0;
	s.network = keep(a, s.network, &r);
	s.source = keep(a, s.source, &r);
	s.tenant = keep(a, s.tenant, &r);
	s.server = keep(a, s.server, &r);
	s.proof = keep(a, s.proof, &r);
	query_end(q);
	if (r < 0) {
		return err_set(reterr, r, "out of memory");
	}
	*ret = s;
	return 0;
}

/* The first text after all that begin with `prefix`; prefixes are of digits, letters, ".:/". */
static bool text_after(struct str prefix, char *buffer, size_t size, struct str *ret)
{
	if (prefix.len == 0 || prefix.len >= size ||
	    (unsigned char)prefix.ptr[prefix.len - 1] >= 0x7f) {
		return false;
	}
	(void)str_copy(buffer, size, prefix);
	buffer[prefix.len - 1]++;
	*ret = (struct str){buffer, prefix.len};
	return true;
}

static void conditions(struct where *w, const struct source_filter *f)
{
	where_str(w, "network = ?", f->network);
	where_str(w, "tenant = ?", f->tenant);
	if (f->rung >= 0) {
		where_i64(w, "rung = ?", f->rung);
	}
	if (f->verdict >= 0) { /* a stretch of ranks: the index serves it */
		where_i64(w, "rank >= ?",
			  rank_of((enum verdict)f->verdict, (enum rung)(RUNG_COUNT - 1)));
		where_i64(w, "rank <= ?", rank_of((enum verdict)f->verdict, RUNG_PASS));
	}
}

/* Where a page starts and how it is ordered. @return 0; -EINVAL: not our cursor. */
static int place(struct where *w, const struct source_filter *f, const struct page *page)
{
	int64_t at[2] = {0, 0};

	if (f->prefix.len > 0) { /* cursor: the last text and its id */
		struct str rest = page->cursor;
		struct str text = str_take_until(&rest, '~');
		struct page tail = {.cursor = rest};
		if (page->cursor.len == 0) {
			return 0;
		}
		if (page_numbers(&tail, at, 1) <= 0) {
			return -EINVAL;
		}
		where_str(w, "(source, id) > (?", text);
		where_more(w, ", ?)", at[0]);
		return 0;
	}
	int r = page_numbers(page, at, 2);
	if (r > 0) {
		where_i64(w, "(rank, id) > (?", at[0]);
		where_more(w, ", ?)", at[1]);
	}
	return r < 0 ? r : 0;
}

static int walk(struct query *q, bool by_text, uint32_t limit, source_visit_fn *visit, void *ctx,
		struct page_end *ret_end, struct errmsg *reterr)
{
	char next[STORE_CURSOR_SIZE] = "";
	uint32_t n = 0;
	int r;

	while ((r = query_step(q, reterr)) > 0) {
		if (n++ == limit) {
			(void)str_copy(ret_end->cursor, sizeof(ret_end->cursor), str_of(next));
			query_end(q);
			return 0;
		}
		struct source_row s = source_of_row(q);
		if (n < limit) {
			visit(&s, ctx);
			continue;
		}
		if (by_text) {
			(void)snprintf(next, sizeof(next), "%.*s~%llu", STR_ARG(s.source),
				       (unsigned long long)s.id);
		} else {
			(void)snprintf(next, sizeof(next), "%lld~%llu",
				       (long long)query_col_i64(q, COL_RANK),
				       (unsigned long long)s.id);
		}
		visit(&s, ctx);
	}
	ret_end->cursor[0] = '\0';
	return r;
}

int sources_list(struct store *st, const struct source_filter *f, const struct page *page,
		 source_visit_fn *visit, void *ctx, struct page_end *ret_end, struct errmsg *reterr)
{
	struct where w;
	char after[STORE_CURSOR_SIZE];
	struct str end = STR_EMPTY;
	uint32_t limit = page_limit(page);
	bool by_text = f->prefix.len > 0;

	where_init(&w, "SELECT " SOURCE_COLUMNS " FROM live.sources");
	if (by_text) {
		if (!text_after(f->prefix, after, sizeof(after), &end)) {
			ret_end->cursor[0] = '\0';
			return 0; /* no source begins like that */
		}
		where_str(&w, "source >= ?", f->prefix);
		where_str(&w, "source < ?", end);
	}
	conditions(&w, f);
	if (place(&w, f, page) < 0) {
		return err_set(reterr, -EINVAL, "this is no cursor of this list");
	}
	if (by_text) {
		where_order(&w, "ORDER BY source, id LIMIT ?", (int64_t)limit + 1);
	} else {
		where_order(&w, "ORDER BY rank, id LIMIT ?", (int64_t)limit + 1);
	}
	return walk(where_query(&w, store_db(st)), by_text, limit, visit, ctx, ret_end, reterr);
}

int sources_count(struct store *st, uint64_t ret_by_verdict[static VERDICT_COUNT],
		  struct errmsg *reterr)
{
	struct query *q = db_query(store_db(st), "SELECT verdict, n FROM live.verdicts");
	int r;

	memset(ret_by_verdict, 0, VERDICT_COUNT * sizeof(ret_by_verdict[0]));
	while ((r = query_step(q, reterr)) > 0) {
		ret_by_verdict[word(q, 0, VERDICT_COUNT)] += query_col_u64(q, 1);
	}
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: a batch in memory, and one table a day in live.db. Layer: store.
 *
 * Within a day the row id is the order and the only index: that is what makes 40,000 rows a
 * second possible. Deleting rows would cost as much as writing them, so days are dropped whole.
 */
#include "store/events.h"

#include "base/cur.h"
#include "store/store_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/poison.h"

#define DAY_NS (24 * 3600 * NS_PER_S)
#define NAME_MAX_LEN 128
#define RECORD_MAX (64 + 3 * NAME_MAX_LEN + EVENT_TEXT_MAX)
#define SQL_SIZE 256

static int64_t day_of(struct wall t)
{
	return t.ns / DAY_NS;
}

static void drop_oldest(struct event_batch *b)
{
	struct cur c = cur_of(b->rows.ptr, b->rows.len);
	size_t len = (size_t)cur_uint(&c, 4, RECORD_MAX);

	buf_drop(&b->rows, 4 + len);
	b->count--;
	b->lost++;
}

int events_add(struct store *st, const struct event_row *e, struct errmsg *reterr)
{
	struct event_batch *b = &st->events;
	uint8_t record[RECORD_MAX];
	struct enc out = enc_of(record + 4, sizeof(record) - 4);

	enc_int(&out, 8, e->at.ns);
	enc_str(&out, str_head(e->what, NAME_MAX_LEN));
	enc_str(&out, str_head(e->network, NAME_MAX_LEN));
	enc_str(&out, str_head(e->source, NAME_MAX_LEN));
	enc_str(&out, str_head(e->text, EVENT_TEXT_MAX));
	int len = enc_end(&out);
	if (len < 0) {
		return err_set(reterr, len, "an event does not fit");
	}
	struct enc head = enc_of(record, 4);
	enc_uint(&head, 4, (uint64_t)len);

	while (b->count > 0 && b->rows.len + 4 + (size_t)len > EVENTS_BUFFER_MAX) {
		drop_oldest(b);
	}
	buf_add(&b->rows, (struct str){(const char *)record, 4 + (size_t)len});
	if (buf_end(&b->rows) < 0) {
		buf_clear(&b->rows);
		b->lost += b->count + 1;
		b->count = 0;
		return err_set(reterr, -ENOMEM, "out of memory: events were lost");
	}
	b->count++;
	return b->count % EVENTS_BATCH == 0 ? events_flush(st, reterr) : 0;
}

uint64_t events_lost(const struct store *st)
{
	return st->events.lost;
}

static int make_day(struct store *st, int64_t day, struct errmsg *reterr)
{
	char sql[SQL_SIZE];

	(void)snprintf(sql, sizeof(sql),
		       "INSERT OR IGNORE INTO live.event_days VALUES (%lld);"
		       "CREATE TABLE IF NOT EXISTS live.events_%lld (id INTEGER PRIMARY KEY,"
		       " at INTEGER, what TEXT, network TEXT, source TEXT, text TEXT)",
		       (long long)day, (long long)day);
	return db_exec(st->db, sql, reterr);
}

/* All records of one day that follow each other. @return Octets used, or a negative errno. */
static int64_t write_day(struct store *st, struct str rows, struct errmsg *reterr)
{
	char sql[SQL_SIZE];
	struct query *q = NULL;
	int64_t day = -1;
	size_t used = 0;

	while (used < rows.len) {
		struct cur head = cur_of(rows.ptr + used, 4);
		size_t len = (size_t)cur_uint(&head, 4, RECORD_MAX);
		struct cur c = cur_of(rows.ptr + used + 4, len);
		struct wall at = {cur_int(&c, 8)};
		if (q != NULL && day_of(at) != day) {
			break;
		}
		if (q == NULL) {
			day = day_of(at);
			int r = make_day(st, day, reterr);
			if (r < 0) {
				return r;
			}
			(void)snprintf(sql, sizeof(sql),
				       "INSERT INTO live.events_%lld (at, what, network, source,"
				       " text) VALUES (?, ?, ?, ?, ?)",
				       (long long)day);
			q = db_query_once(st->db, sql);
		}
		query_i64(q, at.ns);
		for (int i = 0; i < 4; i++) {
			query_str(q, not_null(cur_str(&c, RECORD_MAX)));
		}
		int r = query_again(q, reterr);
		if (r < 0) {
			query_end(q);
			return r;
		}
		used += 4 + len;
	}
	query_end(q);
	return (int64_t)used;
}

int events_flush(struct store *st, struct errmsg *reterr)
{
	struct event_batch *b = &st->events;

	if (b->count == 0 || st->depth > 0) {
		return 0;
	}
	int r = store_begin(st, reterr);
	if (r < 0) {
		return r;
	}
	struct str left = buf_str(&b->rows);
	while (r == 0 && left.len > 0) {
		int64_t used = write_day(st, left, reterr);
		if (used < 0) {
			r = (int)used;
		} else {
			left = str_skip(left, (size_t)used);
		}
	}
	r = store_end(st, r, reterr);
	if (r == 0) {
		buf_clear(&b->rows);
		b->count = 0;
	}
	return r;
}

int events_drop_before(struct store *st, struct wall before, struct errmsg *reterr)
{
	for (;;) {
		char sql[SQL_SIZE];
		struct query *q = db_query(st->db, "SELECT day FROM live.event_days WHERE day < ?1"
						   " ORDER BY day LIMIT 1");
		query_i64(q, day_of(before));
		int r = query_step(q, reterr);
		if (r <= 0) {
			return r;
		}
		long long day = (long long)query_col_i64(q, 0);
		query_end(q);
		r = store_begin(st, reterr);
		if (r < 0) {
			return r;
		}
		(void)snprintf(sql, sizeof(sql),
			       "DROP TABLE IF EXISTS live.events_%lld;"
			       "DELETE FROM live.event_days WHERE day = %lld",
			       day, day);
		r = store_end(st, db_exec(st->db, sql, reterr), reterr);
		if (r < 0) {
			return r;
		}
	}
}

/* The newest day at or before `day`. @return 1; 0: none; negative errno. */
static int find_day(struct store *st, int64_t day, int64_t *ret, struct errmsg *reterr)
{
	struct query *q = db_query(st->db, "SELECT day FROM live.event_days WHERE day <= ?1"
					   " ORDER BY day DESC LIMIT 1");
	query_i64(q, day);
	int r = query_step(q, reterr);

	if (r > 0) {
		*ret = query_col_i64(q, 0);
		query_end(q);
	}
	return r;
}

struct events_place {
	int64_t day;
	int64_t id; /* rows before this one */
};

/* Rows of one day, newest first. @return Rows shown; `at` is then the last one. */
static int list_day(struct store *st, struct events_place *at, uint32_t limit,
		    event_visit_fn *visit, void *ctx, struct errmsg *reterr)
{
	char sql[SQL_SIZE];
	uint32_t n = 0;
	int r;

	(void)snprintf(sql, sizeof(sql),
		       "SELECT id, at, what, network, source, text FROM live.events_%lld"
		       " WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
		       (long long)at->day);
	struct query *q = db_query_once(st->db, sql);
	query_i64(q, at->id);
	query_i64(q, limit);
	while ((r = query_step(q, reterr)) > 0) {
		struct event_row e = {
			.day = (uint64_t)at->day,
			.id = query_col_u64(q, 0),
			.at = col_wall(q, 1),
			.what = query_col_str(q, 2),
			.network = null_if_empty(query_col_str(q, 3)),
			.source = null_if_empty(query_col_str(q, 4)),
			.text = query_col_str(q, 5),
		};
		at->id = (int64_t)e.id;
		n++;
		visit(&e, ctx);
	}
	return r < 0 ? r : (int)n;
}

int events_list(struct store *st, const struct page *page, event_visit_fn *visit, void *ctx,
		struct page_end *ret_end, struct errmsg *reterr)
{
	int64_t numbers[2] = {INT64_MAX, INT64_MAX};
	uint32_t left = page_limit(page);
	int r = page_numbers(page, numbers, 2);

	if (r < 0) {
		return err_set(reterr, r, "this is no cursor of this list");
	}
	ret_end->cursor[0] = '\0';
	struct events_place at = {numbers[0], numbers[1]};
	r = events_flush(st, reterr);
	if (r < 0) {
		return r;
	}
	int64_t day = 0;
	while (left > 0 && (r = find_day(st, at.day, &day, reterr)) > 0) {
		if (day != at.day) {
			at = (struct events_place){day, INT64_MAX};
		}
		r = list_day(st, &at, left, visit, ctx, reterr);
		if (r < 0) {
			return r;
		}
		left -= (uint32_t)r;
		if (left > 0) {
			at = (struct events_place){day - 1, INT64_MAX};
		}
	}
	if (r >= 0 && left == 0) {
		(void)snprintf(ret_end->cursor, sizeof(ret_end->cursor), "%lld~%lld",
			       (long long)at.day, (long long)at.id);
	}
	return r < 0 ? r : 0;
}
